/**
 * Writing of the messages between simulated clients and nodes, by hand: the same bytes as the generated codec's, for a fraction of the time; a run writes thousands.
 * What clients of scenarios never say, such as batches and questions about a node's state, is left to the generated codec. Reading is in service-decoding.ts.
 */
import {
  type Episode,
  type Memory,
  Reply,
  type ReplyHeader,
  Request,
  type RequestHeader,
} from '../core/wire/generated/engram/v1/service.js';
import { MessageWriter } from './message-writer.js';

/** What a message says in one of its cases. */
export type BodyOf<Message extends { body?: { $case: string; value: unknown } | undefined }, Case extends string> = Extract<
  NonNullable<Message['body']>,
  { $case: Case }
>['value'];

/** Holds nothing between two messages but the rest of its memory. */
const writer = new MessageWriter();

export function encodeRequest(request: Request): Uint8Array {
  const { header, body } = request;
  if (body === undefined || body.$case === 'rememberBatch' || body.$case === 'status') return Request.encode(request).finish();
  if (header !== undefined) writeRequestHeader(header);
  switch (body.$case) {
    case 'remember':
      writeChange(2, body.value);
      break;
    case 'update':
      writeChange(4, body.value, body.value.expectedVersion);
      break;
    case 'get': {
      const begun = writer.open(5);
      writer.text(1, body.value.id);
      writer.close(begun);
      break;
    }
    case 'forget': {
      const begun = writer.open(6);
      writer.text(1, body.value.id);
      writer.bytes(2, body.value.context);
      writer.bytes(3, body.value.expectedVersion);
      writer.close(begun);
      break;
    }
    case 'recall':
      writeRecall(body.value);
  }
  return writer.finish();
}

function writeRequestHeader(header: RequestHeader): void {
  const begun = writer.open(1);
  writer.text(1, header.space);
  writer.bytes(2, header.requestId);
  writer.bytes(3, header.sessionToken);
  writer.number(4, header.ack);
  writer.number(5, header.deadlineMs);
  writer.close(begun);
}

function writeChange(field: number, change: { readonly episode: Uint8Array; readonly context: Uint8Array }, expected?: Uint8Array): void {
  const begun = writer.open(field);
  writer.bytes(1, change.episode);
  writer.bytes(2, change.context);
  if (expected !== undefined) writer.bytes(3, expected);
  writer.close(begun);
}

function writeRecall(recall: BodyOf<Request, 'recall'>): void {
  const begun = writer.open(7);
  writer.floats(1, recall.embedding);
  writer.text(2, recall.embedder);
  writer.number(3, recall.limit);
  if (recall.occurredFromMs !== undefined) writer.present(4, recall.occurredFromMs);
  if (recall.occurredUntilMs !== undefined) writer.present(5, recall.occurredUntilMs);
  writer.text(6, recall.who);
  writer.text(7, recall.where);
  for (const tag of recall.tags) writer.element(8, tag);
  writer.double(9, recall.confidenceMin);
  writer.close(begun);
}

export function encodeEpisode(episode: Episode): Uint8Array {
  writer.text(1, episode.id);
  writer.text(2, episode.text);
  writer.floats(3, episode.embedding);
  if (episode.confidence !== undefined) writer.presentDouble(4, episode.confidence);
  if (episode.occurredAtMs !== undefined) writer.present(5, episode.occurredAtMs);
  writer.text(6, episode.who);
  writer.text(7, episode.where);
  for (const tag of episode.tags) writer.element(8, tag);
  writer.text(9, episode.embedder);
  return writer.finish();
}

export function encodeReply(reply: Reply): Uint8Array {
  const { header, body } = reply;
  if (body === undefined || body.$case === 'writtenBatch' || body.$case === 'status') return Reply.encode(reply).finish();
  if (header !== undefined) writeReplyHeader(header);
  switch (body.$case) {
    case 'written': {
      const begun = writer.open(2);
      writer.bytes(1, body.value.version);
      writer.bytes(2, body.value.context);
      writer.flag(3, body.value.duplicate);
      writer.flag(4, body.value.superseded);
      writer.close(begun);
      break;
    }
    case 'got':
      writeGot(body.value);
      break;
    case 'recalled':
      writeRecalled(body.value);
      break;
    case 'failure':
      writeFailure(body.value);
  }
  return writer.finish();
}

function writeReplyHeader(header: ReplyHeader): void {
  const begun = writer.open(1);
  writer.text(1, header.nodeId);
  writer.text(2, header.nodeName);
  writer.number(3, header.role);
  if (header.epoch !== undefined) {
    const inner = writer.open(4);
    writer.number(1, header.epoch.generation);
    writer.number(2, header.epoch.index);
    writer.number(3, header.epoch.provisionalCounter);
    writer.close(inner);
  }
  writer.flag(5, header.confirmed);
  writer.number(6, header.lagRecords);
  if (header.lagMs !== undefined) writer.present(7, header.lagMs);
  writer.bytes(8, header.sessionToken);
  writer.flag(9, header.sessionSatisfied);
  writer.flag(10, header.hinted);
  writer.close(begun);
}

function writeGot(got: BodyOf<Reply, 'got'>): void {
  const begun = writer.open(4);
  if (got.memory !== undefined) writeMemory(1, got.memory);
  for (const alternate of got.alternates) writeMemory(2, alternate);
  writer.number(3, got.alternatesTotal);
  writer.bytes(4, got.context);
  writer.close(begun);
}

function writeRecalled(recalled: BodyOf<Reply, 'recalled'>): void {
  const begun = writer.open(5);
  for (const memory of recalled.memories) writeMemory(1, memory);
  if (recalled.coverage !== undefined) {
    const inner = writer.open(2);
    writer.number(1, recalled.coverage.targets);
    writer.number(2, recalled.coverage.answered);
    writer.number(3, recalled.coverage.searched);
    writer.number(4, recalled.coverage.total);
    for (const reason of recalled.coverage.reasons) writer.element(5, reason);
    writer.close(inner);
  }
  writer.close(begun);
}

function writeMemory(field: number, memory: Memory): void {
  const begun = writer.open(field);
  writer.bytes(1, memory.episode);
  writer.bytes(2, memory.version);
  if (memory.confidence !== undefined) {
    const inner = writer.open(3);
    writer.double(1, memory.confidence.stored);
    writer.double(2, memory.confidence.noNewerVersion);
    writer.double(3, memory.confidence.inTopK);
    writer.double(4, memory.confidence.adjusted);
    for (const reason of memory.confidence.reasons) writer.element(5, reason);
    writer.close(inner);
  }
  writer.double(4, memory.score);
  writer.number(5, memory.writtenAtMs);
  writer.close(begun);
}

function writeFailure(failure: BodyOf<Reply, 'failure'>): void {
  const begun = writer.open(7);
  writer.text(1, failure.code);
  writer.text(2, failure.message);
  writer.text(3, failure.field);
  writer.text(4, failure.hint);
  writer.flag(5, failure.outcomeUnknown);
  writer.text(6, failure.redirectNodeId);
  writer.close(begun);
}

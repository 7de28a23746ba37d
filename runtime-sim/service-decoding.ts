/**
 * Reading of the messages between simulated clients and nodes, by hand; writing is in service-encoding.ts. A message with a field that is not looked for here is left
 * to the generated codec as a whole. Tags are 8 × the field's number in service.proto, plus its wire type.
 */
import {
  type AckLevel,
  type Confidence,
  type Memory,
  Reply,
  type ReplyHeader,
  Request,
  type RequestHeader,
  type Role,
} from '../core/wire/generated/engram/v1/service.js';
import { MessageReader } from './message-reader.js';
import type { BodyOf } from './service-encoding.js';

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

const nothing: Uint8Array = new Uint8Array(0);
/** Holds nothing between two messages but the last one's memory. */
const reader = new MessageReader();

/** Thrown, and caught, within this file: so much rarer than messages are that it costs nothing. */
class FieldUnknown extends Error {}

export function decodeRequest(bytes: Uint8Array): Request {
  return byHand(bytes, readRequest) ?? Request.decode(bytes);
}

export function decodeReply(bytes: Uint8Array): Reply {
  return byHand(bytes, readReply) ?? Reply.decode(bytes);
}

function byHand<Message>(bytes: Uint8Array, read: (end: number) => Message): Message | null {
  try {
    return read(reader.start(bytes));
  } catch (error) {
    if (error instanceof FieldUnknown) return null;
    throw error;
  }
}

function readRequest(end: number): Request {
  const request: Mutable<Request> = { header: undefined, body: undefined };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) request.header = readRequestHeader(reader.open());
    else request.body = readRequestBody(tag);
  }
  return request;
}

function readRequestBody(tag: number): Request['body'] {
  switch (tag) {
    case 18:
      return { $case: 'remember', value: readChange(reader.open()) };
    case 34:
      return { $case: 'update', value: readChange(reader.open()) };
    case 42:
      return { $case: 'get', value: readGet(reader.open()) };
    case 50:
      return { $case: 'forget', value: readForget(reader.open()) };
    case 58:
      return { $case: 'recall', value: readRecall(reader.open()) };
    default:
      throw new FieldUnknown();
  }
}

function readRequestHeader(end: number): RequestHeader {
  const header = { space: '', requestId: nothing, sessionToken: nothing, ack: 0 as AckLevel, deadlineMs: 0 };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) header.space = reader.text();
    else if (tag === 18) header.requestId = reader.bytes();
    else if (tag === 26) header.sessionToken = reader.bytes();
    else if (tag === 32) header.ack = reader.number();
    else if (tag === 40) header.deadlineMs = reader.number();
    else throw new FieldUnknown();
  }
  return header;
}

/** Of a remember or an update; the first has no expected version. */
function readChange(end: number): BodyOf<Request, 'update'> {
  const change = { episode: nothing, context: nothing, expectedVersion: nothing };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) change.episode = reader.bytes();
    else if (tag === 18) change.context = reader.bytes();
    else if (tag === 26) change.expectedVersion = reader.bytes();
    else throw new FieldUnknown();
  }
  return change;
}

function readGet(end: number): BodyOf<Request, 'get'> {
  const get = { id: '' };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) get.id = reader.text();
    else throw new FieldUnknown();
  }
  return get;
}

function readForget(end: number): BodyOf<Request, 'forget'> {
  const forget = { id: '', context: nothing, expectedVersion: nothing };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) forget.id = reader.text();
    else if (tag === 18) forget.context = reader.bytes();
    else if (tag === 26) forget.expectedVersion = reader.bytes();
    else throw new FieldUnknown();
  }
  return forget;
}

function readRecall(end: number): BodyOf<Request, 'recall'> {
  let embedding: number[] = [];
  let limit = 0;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) embedding = reader.floats();
    else if (tag === 24) limit = reader.number();
    else throw new FieldUnknown();
  }
  const noFilters = { embedder: '', occurredFromMs: undefined, occurredUntilMs: undefined, who: '', where: '', tags: [], confidenceMin: 0 };
  return { embedding, limit, ...noFilters };
}

function readReply(end: number): Reply {
  const reply: Mutable<Reply> = { header: undefined, body: undefined };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) reply.header = readReplyHeader(reader.open());
    else reply.body = readReplyBody(tag);
  }
  return reply;
}

function readReplyBody(tag: number): Reply['body'] {
  switch (tag) {
    case 18:
      return { $case: 'written', value: readWritten(reader.open()) };
    case 34:
      return { $case: 'got', value: readGot(reader.open()) };
    case 42:
      return { $case: 'recalled', value: readRecalled(reader.open()) };
    case 58:
      return { $case: 'failure', value: readFailure(reader.open()) };
    default:
      throw new FieldUnknown();
  }
}

function readReplyHeader(end: number): ReplyHeader {
  const header: Mutable<ReplyHeader> = {
    nodeId: '',
    nodeName: '',
    role: 0 as Role,
    epoch: undefined,
    confirmed: false,
    lagRecords: 0,
    lagMs: undefined,
    sessionToken: nothing,
    sessionSatisfied: false,
    hinted: false,
  };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) header.nodeId = reader.text();
    else if (tag === 18) header.nodeName = reader.text();
    else if (tag === 24) header.role = reader.number();
    else if (tag === 34) header.epoch = readEpoch(reader.open());
    else if (tag === 40) header.confirmed = reader.number() !== 0;
    else if (tag === 48) header.lagRecords = reader.number();
    else if (tag === 56) header.lagMs = reader.number();
    else if (tag === 66) header.sessionToken = reader.bytes();
    else if (tag === 72) header.sessionSatisfied = reader.number() !== 0;
    else throw new FieldUnknown();
  }
  return header;
}

function readEpoch(end: number): NonNullable<ReplyHeader['epoch']> {
  const epoch = { generation: 0, index: 0, provisionalCounter: 0 };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 8) epoch.generation = reader.number();
    else if (tag === 16) epoch.index = reader.number();
    else if (tag === 24) epoch.provisionalCounter = reader.number();
    else throw new FieldUnknown();
  }
  return epoch;
}

function readWritten(end: number): BodyOf<Reply, 'written'> {
  const written = { version: nothing, context: nothing, duplicate: false, superseded: false };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) written.version = reader.bytes();
    else if (tag === 18) written.context = reader.bytes();
    else if (tag === 24) written.duplicate = reader.number() !== 0;
    else if (tag === 32) written.superseded = reader.number() !== 0;
    else throw new FieldUnknown();
  }
  return written;
}

function readGot(end: number): BodyOf<Reply, 'got'> {
  const got: Mutable<BodyOf<Reply, 'got'>> = { memory: undefined, alternates: [], alternatesTotal: 0, context: nothing };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) got.memory = readMemory(reader.open());
    else if (tag === 18) got.alternates.push(readMemory(reader.open()));
    else if (tag === 24) got.alternatesTotal = reader.number();
    else if (tag === 34) got.context = reader.bytes();
    else throw new FieldUnknown();
  }
  return got;
}

function readRecalled(end: number): BodyOf<Reply, 'recalled'> {
  const recalled: Mutable<BodyOf<Reply, 'recalled'>> = { memories: [], coverage: undefined };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) recalled.memories.push(readMemory(reader.open()));
    else if (tag === 18) recalled.coverage = readCoverage(reader.open());
    else throw new FieldUnknown();
  }
  return recalled;
}

function readCoverage(end: number): NonNullable<BodyOf<Reply, 'recalled'>['coverage']> {
  const coverage = { targets: 0, answered: 0, searched: 0, total: 0, reasons: [] as string[] };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 8) coverage.targets = reader.number();
    else if (tag === 16) coverage.answered = reader.number();
    else if (tag === 24) coverage.searched = reader.number();
    else if (tag === 32) coverage.total = reader.number();
    else if (tag === 42) coverage.reasons.push(reader.text());
    else throw new FieldUnknown();
  }
  return coverage;
}

function readMemory(end: number): Memory {
  const memory: Mutable<Memory> = { episode: nothing, version: nothing, confidence: undefined, score: 0, writtenAtMs: 0 };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) memory.episode = reader.bytes();
    else if (tag === 18) memory.version = reader.bytes();
    else if (tag === 26) memory.confidence = readConfidence(reader.open());
    else if (tag === 33) memory.score = reader.double();
    else if (tag === 40) memory.writtenAtMs = reader.number();
    else throw new FieldUnknown();
  }
  return memory;
}

function readConfidence(end: number): Confidence {
  const confidence = { stored: 0, noNewerVersion: 0, inTopK: 0, adjusted: 0, reasons: [] as string[] };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 9) confidence.stored = reader.double();
    else if (tag === 17) confidence.noNewerVersion = reader.double();
    else if (tag === 25) confidence.inTopK = reader.double();
    else if (tag === 33) confidence.adjusted = reader.double();
    else if (tag === 42) confidence.reasons.push(reader.text());
    else throw new FieldUnknown();
  }
  return confidence;
}

function readFailure(end: number): BodyOf<Reply, 'failure'> {
  const failure = { code: '', message: '', field: '', hint: '', outcomeUnknown: false, redirectNodeId: '' };
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) failure.code = reader.text();
    else if (tag === 18) failure.message = reader.text();
    else if (tag === 26) failure.field = reader.text();
    else if (tag === 34) failure.hint = reader.text();
    else if (tag === 40) failure.outcomeUnknown = reader.number() !== 0;
    else if (tag === 50) failure.redirectNodeId = reader.text();
    else throw new FieldUnknown();
  }
  return failure;
}

/** Id and text of an encoded episode: what clients look at. */
export function readIdAndText(bytes: Uint8Array): { readonly id: string; readonly text: string } {
  const end = reader.start(bytes);
  let id = '';
  let text = '';
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === 10) id = reader.text();
    else if (tag === 18) text = reader.text();
    else reader.skip(tag);
  }
  return { id, text };
}

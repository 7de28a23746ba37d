/** What a simulated client asks of a node, as the bytes that go over its link. */
import { embeddingOf } from '../checker/embedding-of.js';
import type { Operation } from '../checker/history.js';
import { AckLevel, type Request } from '../core/wire/generated/engram/v1/service.js';
import type { PlannedAck, PlannedOperation } from '../scenarios/workload.js';
import { episodeText } from './core-formats.js';
import { encodeEpisode, encodeRequest } from './service-encoding.js';

const ackLevels: Readonly<Record<PlannedAck, AckLevel>> = {
  local: AckLevel.ACK_LOCAL,
  one: AckLevel.ACK_ONE,
  quorum: AckLevel.ACK_QUORUM,
  all: AckLevel.ACK_ALL,
};
const nothing = new Uint8Array(0);
const noFilters = {
  embedder: '',
  occurredFromMs: undefined,
  occurredUntilMs: undefined,
  who: '',
  where: '',
  tags: [],
  confidenceMin: 0,
};

/** A planned operation, and what its client adds to it. */
export interface ClientRequest {
  readonly planned: PlannedOperation;
  readonly kind: Operation['kind'];
  /** 16 bytes, or none for a read. */
  readonly requestId: Uint8Array;
  readonly context: Uint8Array;
  readonly sessionToken: Uint8Array;
  readonly deadlineMs: number;
}

export function encodedRequest(request: ClientRequest): Uint8Array {
  const { planned, requestId, sessionToken, deadlineMs } = request;
  const header = { space: planned.space, requestId, sessionToken, ack: ackLevels[planned.ack], deadlineMs };
  return encodeRequest({ header, body: requestBody(request) });
}

function requestBody({ planned, kind, context }: ClientRequest): Request['body'] {
  switch (kind) {
    case 'get':
    case 'final-read':
      return { $case: 'get', value: { id: planned.id } };
    case 'recall':
    case 'final-recall':
      return { $case: 'recall', value: { embedding: embeddingOf(planned.id), limit: planned.limit ?? 0, ...noFilters } };
    case 'forget':
      return { $case: 'forget', value: { id: planned.id, context, expectedVersion: nothing } };
    case 'update':
      return { $case: 'update', value: { episode: episodeBytes(planned), context, expectedVersion: nothing } };
    case 'remember':
      return { $case: 'remember', value: { episode: episodeBytes(planned), context } };
  }
}

function episodeBytes(planned: PlannedOperation): Uint8Array {
  return encodeEpisode({
    id: planned.id,
    text: episodeText(planned.value ?? '', planned.paddingBytes ?? 0),
    embedding: planned.embedded === true ? embeddingOf(planned.value ?? '') : [],
    confidence: planned.confidence,
    occurredAtMs: undefined,
    who: '',
    where: '',
    tags: [],
    embedder: '',
  });
}

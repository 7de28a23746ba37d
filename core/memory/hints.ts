/**
 * Writes that a node without a copy may take for copies that nobody on its side can reach: as ordinary records under dots of its own, to be handed over
 * (replication/hand-over.ts). Each is one synced disk and counts as that: for `local`, labelled `hinted`, and for nothing above.
 *
 * Only what needs no look at what is there: a remember, and a forget that says by its context what it deletes. Nothing that is kept so is read here.
 */
import type { ErrorCode, ErrorDetails } from '../errors.js';
import { AckLevel, type Request } from '../wire/generated/engram/v1/service.js';
import { requestIdFrom } from './write-intent.js';

export type HintBody = Extract<NonNullable<Request['body']>, { $case: 'remember' | 'rememberBatch' | 'forget' }>;

/** Room for what a record carries beside its payload. */
const recordHeadBytes = 256;
const noBytes = new Uint8Array(0);

/** About how many bytes the write would take; null for a request that is no such write. */
export function hintBytes(body: NonNullable<Request['body']>): number | null {
  switch (body.$case) {
    case 'remember':
      return recordHeadBytes + body.value.episode.length;
    case 'rememberBatch':
      return body.value.episodes.reduce((sum, episode) => sum + recordHeadBytes + episode.length, 0);
    case 'forget':
      return body.value.context.length > 0 && body.value.expectedVersion.length === 0 ? recordHeadBytes : null;
    default:
      return null;
  }
}

/** Why this node cannot take the write although no copy is in reach; null when it can. */
export function hintRefusal({ header }: Request): (ErrorDetails & { readonly code: ErrorCode }) | null {
  const ack = header?.ack ?? AckLevel.ACK_DEFAULT;
  if (ack !== AckLevel.ACK_DEFAULT && ack !== AckLevel.ACK_LOCAL) {
    const message = 'no copy of the space can be reached from this node: it may keep the write for them, which counts as no copy';
    return { code: 'ACK_OUT_OF_REACH', message, field: 'header.ack' };
  }
  if (requestIdFrom(header?.requestId ?? noBytes) !== undefined) return null;
  return { code: 'INVALID_ARGUMENT', message: 'a request id has 16 bytes', field: 'header.request_id' };
}

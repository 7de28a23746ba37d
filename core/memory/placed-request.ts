/** A request that has found its space: what reads and writes of it are, before either begins. */
import type { RequestHandle } from '../effects.js';
import type { SpaceKey } from '../identifiers.js';
import type { Reply, Request } from '../wire/generated/engram/v1/service.js';

export type WriteBody = Extract<NonNullable<Request['body']>, { $case: 'remember' | 'rememberBatch' | 'update' | 'forget' }>;
export type ReadBody = Extract<NonNullable<Request['body']>, { $case: 'get' | 'recall' }>;

export interface Placed {
  readonly handle: RequestHandle;
  readonly request: Request;
  readonly space: SpaceKey;
  readonly body: ReadBody | WriteBody;
}

export function isRead(body: Placed['body']): body is ReadBody {
  return body.$case === 'get' || body.$case === 'recall';
}

/** Bytes that a request keeps while it waits, but for a few. */
export function bytesOf(body: Placed['body']): number {
  switch (body.$case) {
    case 'remember':
    case 'update':
      return body.value.episode.length + body.value.context.length;
    case 'rememberBatch':
      return body.value.episodes.reduce((sum, episode) => sum + episode.length, 0);
    case 'forget':
      return body.value.context.length;
    case 'get':
    case 'recall':
      return 0;
  }
}

/** Whether any write of the answer had been carried out before it was asked for. */
export function isRepeated(reply: NonNullable<Reply['body']>): boolean {
  if (reply.$case === 'written') return reply.value.duplicate || reply.value.superseded;
  if (reply.$case !== 'writtenBatch') return false;
  return reply.value.outcomes.some(({ outcome }) => outcome?.$case === 'written' && (outcome.value.duplicate || outcome.value.superseded));
}

/**
 * A write as it was asked for, and as it waits for its answer.
 */
import { type CausalContext, encodeContextWith } from '../clock/causal-context.js';
import type { RequestHandle } from '../effects.js';
import { failure } from '../errors.js';
import type { Now } from '../events.js';
import { type Dot, requestIdBytes, type Term } from '../identifiers.js';
import { readU32 } from '../wire/bytes.js';
import type { BatchOutcome, Written } from '../wire/generated/engram/v1/service.js';
import { encodeVersion } from '../wire/version-bytes.js';
import type { WaitingWrite } from './acknowledgements.js';
import type { SpaceStore } from './space-store.js';

const noContext = new Uint8Array(0);

/** What all writes of one request share. */
export interface WriteRequest {
  readonly space: SpaceStore;
  readonly handle: RequestHandle;
  /** The request id's 16 bytes; null for a request that is never retried. */
  readonly requestId: Uint8Array | null;
  readonly copies: number;
  readonly deadlineMs: number;
  /** The term to write in, as of now; null when this node has none. */
  term(now: Now): Term | null;
  /** Called once for each entry. */
  finish(entry: number, outcome: WriteOutcome, now: Now): void;
}

export type WriteOutcome = NonNullable<BatchOutcome['outcome']>;

/** One write as it was asked for. */
export interface WriteIntent {
  readonly request: WriteRequest;
  readonly kind: 'remember' | 'update' | 'forget';
  /** Position in a batch: each entry is recognised as itself when the request is retried. */
  readonly entry: number;
  /** An encoded Episode, or the id of what is to be forgotten. */
  readonly payload: Uint8Array;
  readonly context: Uint8Array;
  readonly expectedVersion: Uint8Array;
}

/** `duplicate`: it was there already. `superseded`: it was, and something else has taken its place since. */
export type WrittenAs = 'written' | 'duplicate' | 'superseded';

/** A write between its append and its answer. */
export class AwaitedWrite implements WaitingWrite {
  readonly #intent: WriteIntent;
  /** Of the version answered with. */
  readonly #context: CausalContext;
  readonly #as: WrittenAs;
  readonly dot: Dot;

  constructor(intent: WriteIntent, dot: Dot, context: CausalContext, as: WrittenAs) {
    this.#intent = intent;
    this.dot = dot;
    this.#context = context;
    this.#as = as;
  }

  get handle(): RequestHandle {
    return this.#intent.request.handle;
  }

  get space(): SpaceStore {
    return this.#intent.request.space;
  }

  get copies(): number {
    return this.#intent.request.copies;
  }

  get deadlineMs(): number {
    return this.#intent.request.deadlineMs;
  }

  finish(outcome: 'acknowledged' | 'deadline', now: Now): void {
    const { request, entry } = this.#intent;
    if (outcome === 'deadline') {
      const copies = `${request.copies} synced ${request.copies === 1 ? 'copy was' : 'copies were'} asked for`;
      const message = `${copies} and not reached in time; the write may yet take effect`;
      return request.finish(entry, { $case: 'failure', value: failure('DEADLINE_EXCEEDED', { message }) }, now);
    }
    const superseded = this.#as === 'superseded';
    // Of what took this write's place the client has seen nothing: no context that would let it take the place of that.
    const context = superseded ? noContext : encodeContextWith(this.#context, this.dot);
    const value: Written = { version: encodeVersion(this.dot), context, duplicate: this.#as !== 'written', superseded };
    request.finish(entry, { $case: 'written', value }, now);
  }
}

/**
 * The first 64 bits of the request id as the index keeps them, in two halves; zeros for none. The number of a batch entry is mixed in, so that each entry
 * is recognised as itself.
 */
export function requestHigh({ request: { requestId } }: WriteIntent): number {
  return requestId === null ? 0 : readU32(requestId, 0);
}

export function requestLow({ request: { requestId }, entry }: WriteIntent): number {
  return requestId === null ? 0 : (readU32(requestId, 4) ^ Math.imul(entry, 0x9e_37_79_b1)) >>> 0;
}

/** A request id's bytes; null for none; undefined for a wrong length. */
export function requestIdFrom(bytes: Uint8Array): Uint8Array | null | undefined {
  if (bytes.length === 0) return null;
  return bytes.length === requestIdBytes ? bytes : undefined;
}

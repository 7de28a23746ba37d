/**
 * The one error type, its closed list of codes, and for each what it means for the outcome and what the caller can do.
 *
 * `unknown` in a code's outcome means that the write may or may not have happened: repeat it under the same request id, or read.
 */
import type { Failure } from './wire/generated/engram/v1/service.js';

export const errorCodes = {
  INVALID_ARGUMENT: { outcome: 'failed', hint: 'correct the named field and send the request again' },
  NOT_FOUND: { outcome: 'failed', hint: 'remember it first, or check the id and the space' },
  CONFLICT: { outcome: 'failed', hint: 'read the memory again and repeat the change on the version that is current now' },
  DIMENSION_MISMATCH: { outcome: 'failed', hint: 'use the embedder that the space was made with, or another space' },
  EMBEDDER_MISMATCH: { outcome: 'failed', hint: 'use the embedder that the space was made with, or another space' },
  EMBEDDER_FAILED: { outcome: 'failed', hint: 'see the message: the embedder was asked before anything was sent to Engram' },
  NOT_PRIMARY: { outcome: 'failed', hint: 'send the write to the node named in redirect_node_id, or to the next copy in row order' },
  NOT_A_COPY: { outcome: 'failed', hint: 'send the request to a node that holds a copy of the space' },
  ACK_OUT_OF_REACH: { outcome: 'failed', hint: 'ask for a lower acknowledgement level, or wait until more copies can be reached' },
  DEADLINE_EXCEEDED: { outcome: 'unknown', hint: 'repeat the write under the same request id, or read to learn what happened' },
  STOPPING: { outcome: 'unknown', hint: 'repeat the write under the same request id on this node after its restart, or on another copy' },
  OVERLOADED: { outcome: 'failed', hint: 'wait a little and try again, with fewer requests in flight' },
  STORAGE_FULL: { outcome: 'failed', hint: 'free disk space on the node: it takes writes again by itself' },
  STARTING: { outcome: 'failed', hint: 'the node is still reading its log: try again in a moment' },
  DATA_DAMAGED: { outcome: 'failed', hint: 'the record is damaged on this disk and is being fetched from another copy: ask another copy' },
  UNAVAILABLE: { outcome: 'failed', hint: 'see the message for who could not be reached and why: try again once it can' },
  CLUSTER_REFUSED: { outcome: 'failed', hint: 'see the message: nothing was changed, and the cluster does not allow this as it is' },
  CONNECTION_LOST: { outcome: 'unknown', hint: 'repeat the write under the same request id, or read to learn what happened' },
  DATA_DIRECTORY_LOCKED: { outcome: 'failed', hint: 'stop the other process that uses this data directory, or give another directory' },
  DATA_DIRECTORY_UNUSABLE: { outcome: 'failed', hint: 'see the message: nothing on the disk was changed' },
  UNSUPPORTED_FORMAT: { outcome: 'failed', hint: 'open the directory with the version of Engram that wrote it, or a newer one' },
  CLOSED: { outcome: 'failed', hint: 'open it again' },
  INTERNAL: { outcome: 'unknown', hint: 'report it with the replay command or the log' },
} as const satisfies Record<string, { outcome: 'failed' | 'unknown'; hint: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** What happened and where, in one sentence, with the offending value where that helps. */
  readonly message: string;
  /** Path of the offending part of the request, e.g. `episode.confidence`. */
  readonly field?: string;
  /** What to do; the code's own advice when absent. */
  readonly hint?: string;
  readonly redirectNodeId?: string;
  readonly cause?: unknown;
}

/** Every failure that reaches a user, in every deployment. */
export class EngramError extends Error {
  override readonly name = 'EngramError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly hint: string;
  /** `unknown`: the write may have happened. */
  readonly outcome: 'failed' | 'unknown';
  readonly redirectNodeId: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.hint = details.hint ?? errorCodes[code].hint;
    this.outcome = errorCodes[code].outcome;
    this.redirectNodeId = details.redirectNodeId;
  }

  /** The error that a failure reply speaks of. An unheard-of code (a newer node's) becomes INTERNAL and keeps its text. */
  static fromFailure(failure: Failure): EngramError {
    const code = failure.code;
    const known = isErrorCode(code);
    return new EngramError(known ? code : 'INTERNAL', {
      message: known ? failure.message : `${code}: ${failure.message}`,
      hint: failure.hint,
      ...(failure.field === '' ? {} : { field: failure.field }),
      ...(failure.redirectNodeId === '' ? {} : { redirectNodeId: failure.redirectNodeId }),
    });
  }
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

/** A failure as it travels in a reply. */
export function failure(code: ErrorCode, details: ErrorDetails): Failure {
  return {
    code,
    message: details.message,
    field: details.field ?? '',
    hint: details.hint ?? errorCodes[code].hint,
    outcomeUnknown: errorCodes[code].outcome === 'unknown',
    redirectNodeId: details.redirectNodeId ?? '',
  };
}

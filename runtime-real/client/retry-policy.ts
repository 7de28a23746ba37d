/**
 * What to do after a failed try. Retrying is safe for every request: reads change nothing, and writes carry a request id by which every copy recognises
 * one that has been carried out.
 *
 * Back-off with full jitter (Brooker, "Exponential Backoff and Jitter", 2015): wait = random × min(max, base × 2^rounds).
 */
import type { ErrorCode } from '../../core/errors.js';
import type { Failure, Reply } from '../../core/wire/generated/engram/v1/service.js';

export const backOffMsBase = 20;
export const backOffMsMax = 400;

/**
 * `final`: the answer stands. `elsewhere`: another node may do it, or this one later. `once-elsewhere`: each other copy is asked once. `later`: the same
 * node, when it has recovered its breath.
 */
export type Verdict = 'final' | 'elsewhere' | 'once-elsewhere' | 'later';

const verdicts: Partial<Record<ErrorCode, Verdict>> = {
  NOT_PRIMARY: 'elsewhere',
  NOT_A_COPY: 'elsewhere',
  STARTING: 'elsewhere',
  STOPPING: 'elsewhere',
  UNAVAILABLE: 'elsewhere',
  CONNECTION_LOST: 'elsewhere',
  DATA_DAMAGED: 'once-elsewhere',
  OVERLOADED: 'later',
};

export function verdictOn(code: string): Verdict {
  return verdicts[code as ErrorCode] ?? 'final';
}

/** Failures that follow from the request alone: they say that no try of it has done anything, whatever became of the others. */
const aboutTheRequest: readonly string[] = ['INVALID_ARGUMENT', 'DIMENSION_MISMATCH', 'EMBEDDER_MISMATCH'] satisfies ErrorCode[];

export function speaksOfAllTries(code: string): boolean {
  return aboutTheRequest.includes(code);
}

/** The failure that decides about another try: the reply's own, or of a batch that lost its primary half-way the first of those. */
export function failureIn(reply: Reply): Failure | null {
  const { body } = reply;
  if (body?.$case === 'failure') return body.value;
  if (body?.$case !== 'writtenBatch') return null;
  for (const { outcome } of body.value.outcomes) {
    if (outcome?.$case === 'failure' && verdictOn(outcome.value.code) === 'elsewhere') return outcome.value;
  }
  return null;
}

/** How long to wait before the next round of tries, in milliseconds; `rounds` counts those that failed. `chance` is in [0, 1). */
export function backOffMs(rounds: number, chance: number): number {
  return chance * Math.min(backOffMsMax, backOffMsBase * 2 ** Math.min(rounds, 16));
}

/**
 * How far an answer may be believed: what the client stored, times what this copy can tell about what it cannot see. Derived whenever an answer is
 * given and never written back, else each exchange would lower it again.
 */
import { invariant } from '../invariant.js';

export interface ConfidenceParts {
  /** What the client or consolidation said, in [0, 1]. */
  readonly stored: number;
  /** P(no newer acknowledged version of this memory exists); 1 at a copy that lacks nothing. */
  readonly noNewerVersion: number;
  /** P(in the global top k); 1 for an answer from all targets. */
  readonly inTopK: number;
}

/** Below this argument's result no positive double exists. */
const underflowsAt = 745.2;
const termsMax = 12;

/**
 * e^−x for x ≥ 0, with sums and products only: Math.exp may differ in its last bit between engines, and confidence ranks versions.
 *
 * e^−x = (e^(−x / 2^n))^(2^n), n such that x / 2^n ≤ 1/4; there 12 terms of Taylor's series leave an error below 1e-16.
 */
export function expNegative(x: number): number {
  invariant(x >= 0, 'the exponent is not above 0');
  if (x > underflowsAt) return 0;
  let reduced = x;
  let halvings = 0;
  while (reduced > 0.25) {
    reduced /= 2;
    halvings += 1;
  }
  let result = 1;
  for (let term = termsMax; term >= 1; term -= 1) result = 1 - (reduced / term) * result;
  for (; halvings > 0; halvings -= 1) result *= result;
  return result;
}

/**
 * P(no newer acknowledged version of this memory exists) at a copy that lags, if its updates come as a Poisson process.
 *
 * P = e^(−rate · lag)
 */
export function noNewerVersion({ updatesPerMs, lagMs }: { readonly updatesPerMs: number; readonly lagMs: number }): number {
  invariant(updatesPerMs >= 0 && lagMs >= 0, 'rates and lags are not negative');
  // Nothing missing, or nothing ever written: certain, even where the other factor is infinite.
  if (updatesPerMs === 0 || lagMs === 0) return 1;
  return expNegative(updatesPerMs * lagMs);
}

/**
 * P that a silent copy is up and takes writes, and the share of a space's updates that it then takes. Fitted to simulated cuts and crashes (clean-split, crash-restart,
 * cascading), as a compromise: nobody can tell the one from the other by silence alone.
 */
const silentTakesWrites = 0.6;
const updatesInSilenceShare = 0.6;

/**
 * P(no newer acknowledged version of this memory exists) at a copy that has not heard of all: what copies that it hears acknowledge is on its way for `onTheWay`
 * milliseconds; others have been silent for `inSilence`, and are up with probability u.
 *
 * P = e^(−rate · onTheWay) · (1 − u + u · e^(−share · rate · inSilence))
 */
export function noNewerVersionUnheard({
  updatesPerMs,
  onTheWay,
  inSilence,
}: {
  readonly updatesPerMs: number;
  readonly onTheWay: number;
  readonly inSilence: number;
}): number {
  const silent = noNewerVersion({ updatesPerMs: updatesPerMs * updatesInSilenceShare, lagMs: inSilence });
  return noNewerVersion({ updatesPerMs, lagMs: onTheWay }) * (1 - silentTakesWrites * (1 - silent));
}

/** adjusted = stored · P(no newer version) · P(in the global top k) */
export function adjustedConfidence({ stored, noNewerVersion, inTopK }: ConfidenceParts): number {
  return stored * noNewerVersion * inTopK;
}

/**
 * Timestamps that follow the wall clock where they can and never go back: the label that orders concurrent versions after confidence.
 *
 * Correctness never rests on it: causality comes from dots alone. A wall clock that jumps back leaves the clock standing, its logical part
 * counting; a peer whose clock runs ahead moves it only as far as a bound, so that one broken clock cannot win every later conflict.
 *
 * Follows Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks" (2014); the bound on foreign timestamps is ours.
 */
import { invariant } from '../invariant.js';

export interface HlcTimestamp {
  /** Milliseconds since 1970 as some node's wall clock showed them. Below 2^48. */
  readonly ms: number;
  /** Counts events within one millisecond. Below 2^16. */
  readonly logical: number;
}

export interface ClockBounds {
  /** A foreign timestamp moves the clock at most this far beyond our own wall clock. */
  readonly aheadMsMax: number;
}

export const hlcMsMax = 2 ** 48 - 1;
export const hlcLogicalMax = 2 ** 16 - 1;

export class HybridLogicalClock {
  readonly #aheadMsMax: number;
  /** Invariant: (#ms, #logical) is never below a timestamp given, nor below the foreign ones observed as far as they are within bounds. */
  #ms = 0;
  #logical = 0;

  constructor(bounds: ClockBounds) {
    invariant(Number.isInteger(bounds.aheadMsMax) && bounds.aheadMsMax >= 0, 'the bound on foreign timestamps is in whole milliseconds');
    this.#aheadMsMax = bounds.aheadMsMax;
  }

  /** The greatest timestamp given or taken over. */
  latest(): HlcTimestamp {
    return { ms: this.#ms, logical: this.#logical };
  }

  /** A timestamp for an event of ours, above every one before it. */
  next(wallMs: number): HlcTimestamp {
    invariant(Number.isInteger(wallMs) && wallMs <= hlcMsMax, 'wall time is in whole milliseconds');
    if (wallMs > this.#ms) {
      this.#ms = wallMs;
      this.#logical = 0;
    } else if (this.#logical < hlcLogicalMax) {
      this.#logical += 1;
    } else {
      this.#ms += 1;
      this.#logical = 0;
    }
    invariant(this.#ms <= hlcMsMax, 'time has not run out');
    return { ms: this.#ms, logical: this.#logical };
  }

  /**
   * Takes over a timestamp from elsewhere, so that what we write next is labelled later; the foreign one itself stays as it is wherever it is
   * stored. Returns by how many milliseconds it had to be bounded: 0 unless it is ahead of both our clock and our wall clock's bound.
   */
  observe(foreign: HlcTimestamp, wallMs: number): number {
    const limitMs = Math.max(wallMs, 0) + this.#aheadMsMax;
    if (foreign.ms <= limitMs) {
      this.#raiseTo(foreign.ms, foreign.logical);
      return 0;
    }
    this.#raiseTo(Math.min(limitMs, hlcMsMax), 0);
    return Math.max(0, foreign.ms - this.#ms);
  }

  /** Takes over the greatest timestamp of our own that was found on disk after a restart, unbounded: ours must never go back. */
  resumeFrom(own: HlcTimestamp): void {
    this.#raiseTo(own.ms, own.logical);
  }

  #raiseTo(ms: number, logical: number): void {
    if (ms < this.#ms || (ms === this.#ms && logical <= this.#logical)) return;
    this.#ms = ms;
    this.#logical = logical;
  }
}

/** Total order of timestamps; 0 for equal ones. */
export function compareTimestamps(left: HlcTimestamp, right: HlcTimestamp): number {
  return left.ms - right.ms || left.logical - right.logical;
}

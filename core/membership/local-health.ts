/**
 * How well this node itself is doing, by Lifeguard's local health multiplier: pings that fail without anybody else saying so, and suspicions of this node, are signs
 * that the trouble is here. The worse it is, the longer this node waits before it accuses others.
 *
 *   score  + 1 for each missing nack of a failed probe, or for a failed probe that nobody was asked to nack
 *          + 1 for each suspicion of this node that it had to refute, and for each pause of this process
 *          − 1 for each probe that was answered;  0 ≤ score ≤ localHealthMax
 *   multiplier = score + 1, for probe intervals and timeouts
 */
import type { MembershipParameters } from './options.js';

export class LocalHealth {
  readonly #max: number;
  readonly #changed: (from: number, to: number) => void;
  #score = 0;

  constructor(options: Pick<MembershipParameters, 'localHealth' | 'localHealthMax'>, changed: (from: number, to: number) => void) {
    this.#max = options.localHealth ? options.localHealthMax : 0;
    this.#changed = changed;
  }

  /** 0: well. */
  get score(): number {
    return this.#score;
  }

  get multiplier(): number {
    return this.#score + 1;
  }

  /** `by` above 0: worse. */
  change(by: number): void {
    const before = this.#score;
    this.#score = Math.max(0, Math.min(this.#max, before + by));
    if (this.#score !== before) this.#changed(before, this.#score);
  }
}

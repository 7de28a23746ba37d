/**
 * A node's two clocks, as functions of true (virtual) time. Both run at the rate of the node's own oscillator; the wall clock also starts wrong and
 * jumps. The monotonic clock never goes back: a change of rate continues from where it stands.
 */
export class ClockModel {
  /** True time and monotonic time at the last change of rate. */
  #anchorUs: number;
  #anchorMonotonicUs = 0;
  #rate = 1;
  /** Wall clock minus monotonic clock. */
  #wallOffsetUs: number;

  constructor(start: { readonly atUs: number; readonly wallMs: number; readonly driftPpm: number }) {
    this.#anchorUs = start.atUs;
    this.#wallOffsetUs = start.wallMs * 1_000;
    this.drift(start.atUs, start.driftPpm);
  }

  drift(nowUs: number, ppm: number): void {
    this.#anchorMonotonicUs = this.#monotonicUs(nowUs);
    this.#anchorUs = nowUs;
    this.#rate = 1 + ppm / 1_000_000;
  }

  jump(byMs: number): void {
    this.#wallOffsetUs += byMs * 1_000;
  }

  monotonicMs(nowUs: number): number {
    return Math.floor(this.#monotonicUs(nowUs) / 1_000);
  }

  wallMs(nowUs: number): number {
    return Math.floor((this.#monotonicUs(nowUs) + this.#wallOffsetUs) / 1_000);
  }

  /** The first whole microsecond of true time at which the monotonic clock shows `monotonicMs` or more, if the rate stays. */
  trueUs(monotonicMs: number): number {
    return Math.ceil(this.#anchorUs + (monotonicMs * 1_000 - this.#anchorMonotonicUs) / this.#rate);
  }

  #monotonicUs(nowUs: number): number {
    return this.#anchorMonotonicUs + (nowUs - this.#anchorUs) * this.#rate;
  }
}

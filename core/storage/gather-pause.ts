/**
 * When a group should wait a moment for more records. The number of syncs and messages is what writing costs, and a fast disk would be asked for a sync
 * for every handful of records. So while groups have many records anyway, which means that many write at once, the next one waits some milliseconds or
 * until it is worth a sync of its own; a lone write never does, however large. Where waiting brings no more than there was, as with one writer who waits for his answer, it is left
 * out for a while.
 */
export interface GatherPauseOptions {
  /** A group waits at most this long, in milliseconds. 0: never. */
  readonly msMax: number;
  /** With so many bytes it goes at once. */
  readonly bytesEnough: number;
}

/** Records of the group before, from which on waiting is tried. */
const busyRecords = 16;
/** Waiting has paid when it made the group so much larger. */
const worthwhileGrowth = 1.5;
/** Groups that go at once after a pause that has not paid. */
const groupsWithoutPause = 32;

export class GatherPause {
  readonly #options: GatherPauseOptions;
  #recordsBefore = 0;
  #groupsLeftAlone = 0;
  #untilMs: number | null = null;
  #bytesAtStart = 0;

  constructor(options: GatherPauseOptions) {
    this.#options = options;
  }

  /** Until when the group of `bytes` should wait; null when it should go now. */
  waitsUntilMs(bytes: number, nowMs: number): number | null {
    if (this.#untilMs === null) {
      if (!this.#begins(bytes)) return null;
      this.#untilMs = nowMs + this.#options.msMax;
      this.#bytesAtStart = bytes;
    }
    return bytes < this.#options.bytesEnough && nowMs < this.#untilMs ? this.#untilMs : null;
  }

  #begins(bytes: number): boolean {
    const { msMax, bytesEnough } = this.#options;
    return msMax > 0 && this.#groupsLeftAlone === 0 && this.#recordsBefore >= busyRecords && bytes < bytesEnough;
  }

  /** A group has gone. */
  sent({ bytes, records }: { readonly bytes: number; readonly records: number }): void {
    if (this.#untilMs === null) this.#groupsLeftAlone = Math.max(0, this.#groupsLeftAlone - 1);
    else if (bytes < this.#bytesAtStart * worthwhileGrowth) this.#groupsLeftAlone = groupsWithoutPause;
    this.#untilMs = null;
    this.#recordsBefore = records;
  }
}

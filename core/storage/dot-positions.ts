/**
 * Where the records of one author stand in the log: from sequence to place, for everything above the horizon, which is what peers may still fetch
 * one by one. Columns of numbers, 12 bytes a record; the odd record far ahead of the rest waits in a Map.
 */
const denseAheadMax = 65_536;
const capacityAtFirst = 64;

export interface RecordPlace {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

export class DotPositions {
  /** Sequence of column 0. */
  #base = 1;
  #count = 0;
  #segments = new Uint32Array(capacityAtFirst);
  #offsets = new Uint32Array(capacityAtFirst);
  /** 0 where there is no record. */
  #lengths = new Uint32Array(capacityAtFirst);
  readonly #far = new Map<number, RecordPlace>();

  set(sequence: number, place: RecordPlace): void {
    const column = sequence - this.#base;
    if (column < 0) return;
    if (column >= this.#count + denseAheadMax) {
      this.#far.set(sequence, place);
      return;
    }
    if (column >= this.#segments.length) this.#grow(column + 1);
    if (column >= this.#count) this.#count = column + 1;
    this.#segments[column] = place.segment;
    this.#offsets[column] = place.offset;
    this.#lengths[column] = place.length;
  }

  get(sequence: number): RecordPlace | null {
    const column = sequence - this.#base;
    if (column >= 0 && column < this.#count && this.#lengths[column] > 0) {
      return { segment: this.#segments[column], offset: this.#offsets[column], length: this.#lengths[column] };
    }
    return this.#far.get(sequence) ?? null;
  }

  /** Forgets everything up to and including `horizon`. */
  trim(horizon: number): void {
    const gone = Math.min(horizon + 1 - this.#base, this.#count);
    if (gone > 0) {
      this.#segments.copyWithin(0, gone, this.#count);
      this.#offsets.copyWithin(0, gone, this.#count);
      this.#lengths.copyWithin(0, gone, this.#count);
      this.#lengths.fill(0, this.#count - gone, this.#count);
      this.#count -= gone;
    }
    if (horizon + 1 > this.#base) this.#base = horizon + 1;
    for (const [sequence, place] of [...this.#far]) {
      if (sequence - this.#base < this.#count + denseAheadMax) {
        this.#far.delete(sequence);
        this.set(sequence, place);
      }
    }
  }

  #grow(needed: number): void {
    const capacity = Math.max(needed, this.#segments.length * 2);
    const wider = (column: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(capacity);
      grown.set(column);
      return grown;
    };
    this.#segments = wider(this.#segments);
    this.#offsets = wider(this.#offsets);
    this.#lengths = wider(this.#lengths);
  }
}

/**
 * Exact nearest-neighbour scan: the compute kernel behind recall. A pure function over pinned inputs, run by a worker thread or by the simulator,
 * the same bits in both: products and sums only, in a fixed order.
 *
 * Rows are unit vectors, so that the dot product is the cosine similarity. Equal scores rank by row, lowest first.
 */
import { invariant } from '../invariant.js';

export interface VectorChunk {
  /** `rowsPerChunk` × dimensions, row-major. Rows are written once, before they are marked searchable, and not reused while a scan is running. */
  readonly vectors: Float32Array;
  /**
   * Where the row is the readable version of its memory: 1 with an embedding that can be compared, 2 without, which only a recall without a cue
   * finds; elsewhere 0. May change while a scan runs: the caller checks the answer again.
   */
  readonly searchable: Uint8Array;
  /** When each episode occurred, in milliseconds since 1970. */
  readonly occurredAtMs: Float64Array;
  /** A 32-bit signature of who, where and tags of each row: a row can only match if it contains all bits of the cue's. */
  readonly contextBits: Uint32Array;
}

export interface ScanJob {
  readonly kind: 'scan';
  readonly dimensions: number;
  readonly rowsPerChunk: number;
  readonly chunks: readonly VectorChunk[];
  /** Rows in use; those beyond are not looked at. */
  readonly rows: number;
  /** The cue as a unit vector; null ranks by `occurredAtMs`, newest first. */
  readonly cue: Float32Array | null;
  readonly occurredFromMs: number;
  readonly occurredUntilMs: number;
  readonly contextBits: number;
  readonly limit: number;
}

export interface ScanResult {
  readonly kind: 'scan';
  /** Best first. */
  readonly rows: Int32Array;
  /** Cosine similarity of each row, or its `occurredAtMs`. */
  readonly scores: Float64Array;
  /** Rows that passed the filters. */
  readonly matched: number;
}

/** The best `limit` rows that pass the filters. Looks at every row, allocates nothing per row, throws nothing away. */
export function scan(job: ScanJob): ScanResult {
  invariant(job.cue === null || job.cue.length === job.dimensions, 'a cue has the dimensions of the rows');
  const best = new BestRows(job.limit);
  // Doubles: otherwise each product would convert both of its factors.
  const cue = job.cue === null ? null : Float64Array.from(job.cue);
  const contextBits = job.contextBits | 0;
  let matched = 0;
  for (let base = 0, at = 0; base < job.rows; base += job.rowsPerChunk, at += 1) {
    const { vectors, searchable, occurredAtMs, contextBits: bitsOfRows } = job.chunks[at];
    const rows = Math.min(job.rowsPerChunk, job.rows - base);
    for (let row = 0; row < rows; row += 1) {
      if (searchable[row] === 0 || (cue !== null && searchable[row] !== 1) || (bitsOfRows[row] & contextBits) !== contextBits) continue;
      const occurred = occurredAtMs[row];
      if (!(occurred >= job.occurredFromMs && occurred < job.occurredUntilMs)) continue;
      matched += 1;
      best.offer(base + row, cue === null ? occurred : dotProduct(cue, vectors, row * job.dimensions));
    }
  }
  return best.take(matched);
}

/**
 * Scales `source` to unit length and writes it to `target` from `targetOffset` on. False, and nothing is written, for a vector of zeros, which has
 * no direction. Elements are 32-bit floats, whose squares neither overflow nor vanish in a double.
 */
export function normaliseInto(source: ArrayLike<number>, target: Float32Array, targetOffset: number): boolean {
  let squares = 0;
  for (let at = 0; at < source.length; at += 1) squares += source[at] * source[at];
  if (squares === 0) return false;
  const length = Math.sqrt(squares);
  for (let at = 0; at < source.length; at += 1) target[targetOffset + at] = source[at] / length;
  return true;
}

/** Four sums run side by side, since each addition waits for the one before it; they are added in a fixed order at the end. */
function dotProduct(cue: Float64Array, vectors: Float32Array, offset: number): number {
  const dimensions = cue.length;
  const inFours = dimensions - (dimensions % 4);
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  let at = 0;
  for (; at < inFours; at += 4) {
    sum0 += cue[at] * vectors[offset + at];
    sum1 += cue[at + 1] * vectors[offset + at + 1];
    sum2 += cue[at + 2] * vectors[offset + at + 2];
    sum3 += cue[at + 3] * vectors[offset + at + 3];
  }
  for (; at < dimensions; at += 1) sum0 += cue[at] * vectors[offset + at];
  return sum0 + sum1 + (sum2 + sum3);
}

/** A bounded heap whose root is the worst row kept: the one that the next better row takes the place of. */
class BestRows {
  readonly #limit: number;
  readonly #rows: number[] = [];
  readonly #scores: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Rows are offered in ascending order, so that an equal score never displaces one that is kept. */
  offer(row: number, score: number): void {
    if (this.#rows.length < this.#limit) {
      this.#rows.push(row);
      this.#scores.push(score);
      this.#rise(this.#rows.length - 1, row, score);
    } else if (this.#limit > 0 && score > this.#scores[0]) {
      this.#sink(0, this.#rows.length, row, score);
    }
  }

  /** Empties the heap, worst first, into a result from its end. */
  take(matched: number): ScanResult {
    const count = this.#rows.length;
    const rows = new Int32Array(count);
    const scores = new Float64Array(count);
    for (let at = count - 1; at >= 0; at -= 1) {
      rows[at] = this.#rows[0];
      scores[at] = this.#scores[0];
      this.#sink(0, at, this.#rows[at], this.#scores[at]);
    }
    return { kind: 'scan', rows, scores, matched };
  }

  #rise(from: number, row: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isWorse(row, score, this.#rows[parent], this.#scores[parent])) break;
      this.#put(at, this.#rows[parent], this.#scores[parent]);
      at = parent;
    }
    this.#put(at, row, score);
  }

  /** Puts (row, score) in the place of entry `from`, among the first `count` entries. */
  #sink(from: number, count: number, row: number, score: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      const other = child + 1;
      if (other < count && isWorse(this.#rows[other], this.#scores[other], this.#rows[child], this.#scores[child])) child = other;
      if (!isWorse(this.#rows[child], this.#scores[child], row, score)) break;
      this.#put(at, this.#rows[child], this.#scores[child]);
      at = child;
    }
    this.#put(at, row, score);
  }

  #put(at: number, row: number, score: number): void {
    this.#rows[at] = row;
    this.#scores[at] = score;
  }
}

function isWorse(row: number, score: number, otherRow: number, otherScore: number): boolean {
  return score < otherScore || (score === otherScore && row > otherRow);
}

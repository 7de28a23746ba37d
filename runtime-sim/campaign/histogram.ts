/**
 * Distributions that can be added up: counts in buckets whose edges grow by a tenth, so that a quantile is right to a tenth of its value whatever the
 * range, and the memory does not grow with the number of values (as in HDR histograms).
 */
const edgeFirst = 0.1;
const edgeFactor = 1.1;
const bucketsMax = 240;
/** Upper edges, by repeated multiplication: the same bits everywhere. The last bucket takes all that is greater. */
const edges: readonly number[] = Array.from({ length: bucketsMax }).reduce<number[]>(
  (list) => [...list, list.length === 0 ? edgeFirst : (list.at(-1) as number) * edgeFactor],
  [],
);

/** As kept in files: sparse. */
export interface HistogramData {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Bucket and count, ascending. */
  readonly buckets: readonly (readonly [number, number])[];
}

export class Histogram {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  readonly #counts = new Float64Array(bucketsMax);

  /** `value` is finite and not negative. */
  add(value: number): void {
    this.count += 1;
    this.sum += value;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    this.#counts[bucketOf(value)] += 1;
  }

  merge(data: HistogramData): void {
    if (data.count === 0) return;
    this.count += data.count;
    this.sum += data.sum;
    this.min = Math.min(this.min, data.min);
    this.max = Math.max(this.max, data.max);
    for (const [bucket, count] of data.buckets) this.#counts[bucket] += count;
  }

  /** The value below or at which this share of the values lies, to a tenth of itself; null of nothing. */
  quantile(share: number): number | null {
    if (this.count === 0) return null;
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < bucketsMax; bucket += 1) {
      seen += this.#counts[bucket];
      if (seen >= wanted) return Math.max(this.min, Math.min(this.max, edges[bucket]));
    }
    return this.max;
  }

  data(): HistogramData {
    const buckets = [...this.#counts.entries()].filter(([, count]) => count > 0);
    const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
    return { count: this.count, sum: rounded(this.sum), min: this.count === 0 ? 0 : this.min, max: this.max, buckets };
  }
}

/** Lower and upper edge of a bucket. */
export function bucketEdges(bucket: number): readonly [number, number] {
  return [bucket === 0 ? 0 : edges[bucket - 1], edges[bucket]];
}

export function isHistogramData(value: unknown): value is HistogramData {
  if (typeof value !== 'object' || value === null) return false;
  const { count, sum, min, max, buckets } = value as Record<string, unknown>;
  return [count, sum, min, max].every((figure) => typeof figure === 'number') && Array.isArray(buckets) && buckets.every(isBucket);
}

function isBucket(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value[0] >= 0 && value[0] < bucketsMax && typeof value[1] === 'number';
}

/** The bucket that a value falls into. */
export function bucketOf(value: number): number {
  let [low, high] = [0, bucketsMax - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= edges[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}

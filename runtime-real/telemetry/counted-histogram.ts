/** A histogram whose observations were counted elsewhere: it shows counts per bucket as they are, instead of observing each value once more. */
import { Histogram, type HistogramConfiguration, type MetricType } from 'prom-client';

export interface Counted {
  /** Observations in each bucket by itself, one entry more than there are bounds: the last is beyond all of them. */
  readonly counts: readonly number[];
  /** Of all observations, in the unit of the metric. */
  readonly sum: number;
}

export class CountedHistogram extends Histogram {
  readonly #described: HistogramConfiguration<string>;
  readonly #counted: () => Counted;

  constructor(described: HistogramConfiguration<string>, counted: () => Counted) {
    super(described);
    this.#described = described;
    this.#counted = counted;
  }

  override async get(): ReturnType<Histogram['get']> {
    return this.getForPromString();
  }

  /** What the registry asks for when it writes the text, and what the base class would fill from what it observed itself. */
  async getForPromString(): ReturnType<Histogram['get']> {
    const { name, help, buckets = [] } = this.#described;
    const { counts, sum } = this.#counted();
    const values: { labels: { le?: string | number }; value: number; metricName: string }[] = [];
    let below = 0;
    for (const [at, le] of [...buckets, '+Inf'].entries()) {
      below += counts[at] ?? 0;
      values.push({ labels: { le }, value: below, metricName: `${name}_bucket` });
    }
    values.push({ labels: {}, value: sum, metricName: `${name}_sum` }, { labels: {}, value: below, metricName: `${name}_count` });
    return { name, help, type: 'histogram' as unknown as MetricType, aggregator: 'sum', collect: () => {}, values };
  }
}

/** Metrics whose values are read from the node when somebody asks: nothing is counted twice. */
import { Counter, Gauge, type Registry } from 'prom-client';

export type ScrapedValues = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

export interface DescribedMetric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export function scrapedGauge(registry: Registry, { name, help, labels = [] }: DescribedMetric, values: () => ScrapedValues): void {
  const gauge: Gauge = new Gauge({
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    collect: () => {
      gauge.reset();
      // Without labels a reset leaves a 0, and nothing is not 0.
      if (labels.length === 0) gauge.remove({});
      for (const [of, value] of values()) gauge.set(of, value);
    },
  });
}

export function scrapedCounter(registry: Registry, { name, help, labels = [] }: DescribedMetric, values: () => ScrapedValues): void {
  const counter: Counter = new Counter({
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    collect: () => {
      counter.reset();
      for (const [of, value] of values()) counter.inc(of, value);
    },
  });
}

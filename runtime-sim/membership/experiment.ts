/**
 * What an experiment is: cases, each of which measures some numbers for one seed, and the columns that a table makes of many seeds. A goal is judged on what
 * was measured and on nothing else.
 */
export type Measured = Readonly<Record<string, number>>;

export interface ExperimentCase {
  readonly label: string;
  /** Seeds that a full report takes. */
  readonly seeds: number;
  measure(seed: number): Measured;
}

export interface Column {
  readonly title: string;
  /** Over all seeds of a case. */
  cell(samples: readonly Measured[]): string;
}

export interface Goal {
  readonly text: string;
  isMet(samples: readonly Measured[]): boolean;
}

export interface Experiment {
  /** Its file, and its part of the document. */
  readonly name: string;
  readonly cases: readonly (ExperimentCase & { readonly goal: Goal | null })[];
  readonly columns: readonly Column[];
  /** Of all cases together, in their order; for what only a comparison shows. */
  readonly together?: (samples: readonly (readonly Measured[])[]) => { readonly text: string; readonly met: boolean };
}

/** The value that so large a share of the values does not exceed. Not a number when there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted.length === 0 ? Number.NaN : (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] as number);
}

export function valuesOf(samples: readonly Measured[], field: string): number[] {
  return samples.map((sample) => sample[field] as number);
}

export function total(samples: readonly Measured[], field: string): number {
  return valuesOf(samples, field).reduce((sum, value) => sum + value, 0);
}

/** Seconds with two decimals. */
export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Median, 99th percentile and greatest of a time in milliseconds. */
export function timeColumns(field: string, title: string): Column[] {
  const column = (name: string, share: number): Column => ({
    title: `${title} ${name}`,
    cell: (samples) => secondsText(quantile(valuesOf(samples, field), share)),
  });
  return [column('p50', 0.5), column('p99', 0.99), column('max', 1)];
}

/** At most so many milliseconds at this share of the seeds. */
export function atMost(field: string, ms: number, share: number): Goal {
  const name = share === 1 ? 'max' : `p${share * 100}`;
  return { text: `${name} ≤ ${ms / 1_000} s`, isMet: (samples) => quantile(valuesOf(samples, field), share) <= ms };
}

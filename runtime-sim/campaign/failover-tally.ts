/**
 * How long failovers of a campaign took, kind by kind: reduced in each run to two histograms and counts, added up over runs, and told with the seed
 * of the worst.
 */
import { type Failover, type FailoverKind, failoverKinds, type UnmeasuredReason, unmeasuredReasons } from '../../checker/failovers.js';
import { Histogram, type HistogramData, isHistogramData } from './histogram.js';

/** Of one run and one kind of fault. Milliseconds from the fault. */
export interface FailoverData {
  /** To the first write that another confirmed primary acknowledged. */
  readonly acknowledged: HistogramData;
  /** Until another was confirmed, whoever wrote then. */
  readonly confirmed: HistogramData;
  readonly unmeasured: Readonly<Record<UnmeasuredReason, number>>;
}

export type FailoversOfRun = Readonly<Partial<Record<FailoverKind, FailoverData>>>;

export interface RunName {
  readonly scenario: string;
  readonly seed: number;
}

/** Quantiles to a tenth of their value; null of nothing. */
export interface TimesReport {
  readonly n: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface FailoverReport extends TimesReport {
  readonly kind: FailoverKind;
  /** The run with the longest time; null of nothing. */
  readonly worst: RunName | null;
  readonly confirmed: TimesReport;
  readonly unmeasured: Readonly<Record<UnmeasuredReason, number>>;
  /** The first runs in which nobody acknowledged within the goal although nothing stood in the way. */
  readonly late: readonly RunName[];
}

/** Of the late ones all are counted and so many named. */
const lateNamedMax = 20;

export function reduceFailovers(failovers: readonly Failover[]): FailoversOfRun {
  const kinds = failoverKinds.filter((kind) => failovers.some((failover) => failover.kind === kind));
  return Object.fromEntries(kinds.map((kind) => [kind, dataOf(failovers.filter((failover) => failover.kind === kind))]));
}

function dataOf(failovers: readonly Failover[]): FailoverData {
  const [acknowledged, confirmed] = [new Histogram(), new Histogram()];
  const unmeasured = nothingUnmeasured();
  for (const { acknowledgedMs, confirmedMs, reason } of failovers) {
    if (reason !== null) unmeasured[reason] += 1;
    if (acknowledgedMs !== null) acknowledged.add(acknowledgedMs);
    // Nobody had to write for that; somebody had to be able to lead.
    if (confirmedMs !== null && reason !== 'no-majority') confirmed.add(confirmedMs);
  }
  return { acknowledged: acknowledged.data(), confirmed: confirmed.data(), unmeasured };
}

function nothingUnmeasured(): Record<UnmeasuredReason, number> {
  return { healed: 0, 'no-majority': 0, 'no-writes': 0, late: 0 };
}

/** Whether a value read from a file can be added up. */
export function isFailoverData(value: unknown): value is FailoverData {
  if (typeof value !== 'object' || value === null) return false;
  const { acknowledged, confirmed, unmeasured } = value as Record<string, unknown>;
  if (typeof unmeasured !== 'object' || unmeasured === null) return false;
  const counts = unmeasured as Record<string, unknown>;
  return (
    isHistogramData(acknowledged) && isHistogramData(confirmed) && unmeasuredReasons.every((reason) => Number.isSafeInteger(counts[reason]))
  );
}

class KindTally {
  readonly acknowledged = new Histogram();
  readonly confirmed = new Histogram();
  readonly unmeasured = nothingUnmeasured();
  readonly late: RunName[] = [];
  worst: RunName | null = null;
  worstMs = Number.NEGATIVE_INFINITY;

  add({ acknowledged, confirmed, unmeasured }: FailoverData, run: RunName): void {
    this.acknowledged.merge(acknowledged);
    this.confirmed.merge(confirmed);
    for (const reason of unmeasuredReasons) this.unmeasured[reason] += unmeasured[reason];
    if (acknowledged.count > 0) this.#consider(acknowledged.max, run);
    if (unmeasured.late > 0) this.#nameLate(run);
  }

  /** Of equals the first seed, so that the order in which runs end says nothing. */
  #consider(ms: number, run: RunName): void {
    if (ms < this.worstMs || (ms === this.worstMs && this.worst !== null && !isBefore(run, this.worst))) return;
    this.worst = run;
    this.worstMs = ms;
  }

  #nameLate(run: RunName): void {
    this.late.push(run);
    this.late.sort((left, right) => (isBefore(left, right) ? -1 : 1));
    this.late.length = Math.min(this.late.length, lateNamedMax);
  }
}

function isBefore(one: RunName, other: RunName): boolean {
  return one.scenario === other.scenario ? one.seed < other.seed : one.scenario < other.scenario;
}

/** Of one scenario, or of all. Its size does not grow with the runs. */
export class FailoverTally {
  readonly #kinds = new Map<FailoverKind, KindTally>();

  add(failovers: FailoversOfRun, { scenario, seed }: RunName): void {
    for (const kind of failoverKinds) {
      const data = failovers[kind];
      if (data === undefined) continue;
      const tally = this.#kinds.get(kind) ?? new KindTally();
      this.#kinds.set(kind, tally);
      tally.add(data, { scenario, seed });
    }
  }

  /** One for each kind of fault that took a primary away, in the order of `failoverKinds`. */
  report(): FailoverReport[] {
    return failoverKinds.flatMap((kind) => {
      const tally = this.#kinds.get(kind);
      if (tally === undefined) return [];
      const { acknowledged, confirmed, unmeasured, worst, late } = tally;
      return [{ kind, ...timesOf(acknowledged), worst, confirmed: timesOf(confirmed), unmeasured: { ...unmeasured }, late: [...late] }];
    });
  }
}

function timesOf(histogram: Histogram): TimesReport {
  const at = (share: number): number | null => rounded(histogram.quantile(share));
  return { n: histogram.count, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}

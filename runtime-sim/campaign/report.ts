/** What a campaign came to: the twelve figures that scripts rely on, the whole report as JSON, a table for people, and the exit code. */

import pc from 'picocolors';
import { marks as markList } from '../../scenarios/marks.js';
import { exitCodes } from '../exit-codes.js';
import { type CampaignOptions, rangeText, seedCount } from './campaign-options.js';
import type { FailoverReport } from './failover-tally.js';
import { bucketEdges, type Histogram } from './histogram.js';
import { type PooledCalibration, pooledCalibrations } from './pooled-calibration.js';
import { durationText } from './progress.js';
import type { CalibrationBin } from './run-record.js';
import type { ScenarioTally, Tally } from './tally.js';

export const reportFormat = 1;

/** Something that went wrong in the simulator itself. */
export interface CampaignError {
  readonly scenario: string;
  readonly seed: number;
  readonly error: string;
  readonly replay: string;
}

export interface CampaignState {
  readonly options: CampaignOptions;
  readonly code: string;
  /** Scenarios that were left out because they are not built yet. */
  readonly pending: readonly string[];
  readonly tally: Tally;
  readonly errors: readonly CampaignError[];
  /** Of all sessions. */
  readonly wallMs: number;
}

/** The contract with scripts. */
export interface CampaignFigures {
  readonly runs: number;
  readonly ok: number;
  readonly violations: number;
  readonly notConverged: number;
  readonly unknown: number;
  readonly marksMissed: readonly string[];
  /** Of one worker: events over the time in runs. */
  readonly eventsPerSecond: number;
  /** Of the whole campaign: runs over the time that passed. */
  readonly seedsPerMinute: number;
  /** Path of the report as JSON; `report.html` lies beside it. */
  readonly report: string;
  readonly seedFiles: readonly string[];
  /** False: interrupted, or ended early; the other figures are of a part. */
  readonly complete: boolean;
  /** Runs that are not done. */
  readonly left: number;
}

export function figuresOf(state: CampaignState, report: string): CampaignFigures {
  const { tally, wallMs } = state;
  const runMs = tally.total('wallMs');
  return {
    runs: tally.total('runs'),
    ok: tally.total('ok'),
    violations: tally.total('violations'),
    notConverged: tally.total('notConverged'),
    unknown: tally.total('unknown'),
    marksMissed: tally.marksMissed,
    eventsPerSecond: runMs > 0 ? Math.round((tally.total('events') / runMs) * 1_000) : 0,
    seedsPerMinute: wallMs > 0 ? Math.round((tally.total('runs') / wallMs) * 60_000) : 0,
    report,
    seedFiles: tally.seedFiles,
    complete: isComplete(state),
    left: runsLeft(state),
  };
}

export function runsWanted({ seeds, scenarios }: CampaignOptions): number {
  return seedCount(seeds) * scenarios.length;
}

function runsLeft({ options, tally }: CampaignState): number {
  return runsWanted(options) - tally.total('runs');
}

export function isComplete(state: CampaignState): boolean {
  return runsLeft(state) === 0;
}

/** A sentence for standard error; null when nothing is left to run. */
export function partialText(state: CampaignState): string | null {
  const left = runsLeft(state);
  const wanted = runsWanted(state.options);
  return left === 0 ? null : `partial: ${wanted - left} of ${wanted} runs are done, ${left} left; the figures are of what is done`;
}

/** Of several, the first that applies of 4, 1, 5, 3. A campaign that is not complete has proved nothing. */
export function exitCodeOf(state: CampaignState): number {
  const { tally, errors } = state;
  if (errors.length > 0) return exitCodes.internal;
  if (tally.total('violations') > 0) return exitCodes.violation;
  if (tally.total('notDeterministic') > 0) return exitCodes.notDeterministic;
  const proved = tally.failed === 0 && tally.marksMissed.length === 0 && isComplete(state);
  return proved ? exitCodes.ok : exitCodes.notConverged;
}

/** `report.json`. */
export interface CampaignReport extends CampaignFigures {
  readonly format: number;
  readonly runsWanted: number;
  readonly notDeterministic: number;
  readonly code: string;
  readonly options: CampaignOptions;
  readonly pending: readonly string[];
  readonly wallMs: number;
  readonly peakRssMiB: number;
  readonly acknowledgedWrites: number;
  readonly lostWrites: number;
  readonly scenarios: readonly ScenarioReport[];
  /** Claimed probabilities over all runs, by title. */
  readonly calibrations: readonly PooledCalibration[];
  /** Over all scenarios, by kind of fault; empty without a control log. */
  readonly failovers: readonly FailoverReport[];
  readonly marks: readonly MarkReport[];
  readonly failures: readonly FailureReport[];
  readonly errors: readonly CampaignError[];
}

export interface ScenarioReport {
  readonly name: string;
  readonly runs: number;
  readonly ok: number;
  readonly violations: number;
  readonly notConverged: number;
  readonly unknown: number;
  readonly notDeterministic: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly operations: number;
  readonly acknowledgedWrites: number;
  readonly lostWrites: number;
  /** A character per seed: `.` ok, `V` violation, `N` not converged, `U` unknown, `D` not deterministic, `-` not run. */
  readonly matrix: string;
  /** In how many runs each mark was reached. */
  readonly marks: Readonly<Record<string, number>>;
  readonly verdicts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly distributions: Readonly<Record<string, DistributionReport>>;
  readonly calibrations: Readonly<Record<string, readonly Readonly<CalibrationBin>[]>>;
  readonly failovers: readonly FailoverReport[];
}

/** In milliseconds; quantiles to a tenth of their value. */
export interface DistributionReport {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Lower edge, upper edge, count. */
  readonly buckets: readonly (readonly [number, number, number])[];
}

export interface MarkReport {
  readonly name: string;
  /** Runs that reached it. */
  readonly runs: number;
  readonly state: 'reached' | 'missed' | 'pending' | 'not judged';
  readonly seedsNeeded: number;
  readonly scenarios: readonly string[];
}

export interface FailureReport {
  readonly scenario: string;
  readonly seed: number;
  readonly verdict: string;
  readonly reason: string;
  readonly replay: string;
  readonly seedFile: string | null;
}

export function reportOf(state: CampaignState, path: string): CampaignReport {
  const { options, code, pending, tally, errors, wallMs } = state;
  return {
    format: reportFormat,
    ...figuresOf(state, path),
    runsWanted: runsWanted(options),
    notDeterministic: tally.total('notDeterministic'),
    ...{ code, options, pending, wallMs: Math.round(wallMs) },
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1_024),
    acknowledgedWrites: tally.total('acknowledgedWrites'),
    lostWrites: tally.total('lostWrites'),
    scenarios: [...tally.scenarios].map(([name, scenario]) => scenarioReport(name, scenario)),
    calibrations: pooledCalibrations([...tally.scenarios.values()].map(({ calibrations }) => Object.fromEntries(calibrations))).filter(
      ({ claims }) => claims > 0,
    ),
    failovers: tally.failovers.report(),
    marks: markReports(state),
    failures: tally.failures
      .map(({ scenario, seed, verdict, reason, divergence, replay, seedFile }) => {
        const what = divergence === null || verdict === 'violation' ? verdict : 'not deterministic';
        return { scenario, seed, verdict: what, reason: divergence ?? reason ?? '', replay, seedFile };
      })
      .sort((left, right) => (left.scenario === right.scenario ? left.seed - right.seed : left.scenario < right.scenario ? -1 : 1)),
    errors,
  };
}

function scenarioReport(name: string, tally: ScenarioTally): ScenarioReport {
  const { marks, verdicts, distributions, calibrations, failovers, cells, wallMs, ...counts } = tally;
  return {
    name,
    ...counts,
    matrix: Buffer.from(cells).toString('latin1'),
    marks: Object.fromEntries([...marks].sort(([left], [right]) => (left < right ? -1 : 1))),
    verdicts: Object.fromEntries([...verdicts].map(([checker, runs]) => [checker, Object.fromEntries(runs)])),
    distributions: Object.fromEntries([...distributions].map(([figure, histogram]) => [figure, distributionReport(histogram)])),
    calibrations: Object.fromEntries(calibrations),
    failovers: failovers.report(),
  };
}

function distributionReport(histogram: Histogram): DistributionReport {
  const { count, sum, min, max, buckets } = histogram.data();
  const quantile = (share: number): number => rounded(histogram.quantile(share) ?? 0);
  return {
    ...{
      count,
      mean: rounded(sum / count),
      min: rounded(min),
      p50: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
      max: rounded(max),
    },
    buckets: buckets.map(([bucket, runs]) => {
      const [low, high] = bucketEdges(bucket);
      return [rounded(low), rounded(high), runs];
    }),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function markReports({ options, tally }: CampaignState): MarkReport[] {
  const missed = new Set(tally.marksMissed);
  return markList
    .filter(({ scenarios }) => scenarios.some((name) => options.scenarios.includes(name)))
    .map(({ name, scenarios, seedsNeeded, pending }) => {
      const runs = tally.runsWithMark(name);
      const state = runs > 0 ? 'reached' : pending ? 'pending' : missed.has(name) ? 'missed' : 'not judged';
      return { name, runs, state, seedsNeeded, scenarios: [...scenarios] };
    });
}

/** The same for people. */
export function reportText(state: CampaignState, { report, html }: { readonly report: string; readonly html: string }): string {
  const { options, tally, pending, errors, wallMs } = state;
  const figures = figuresOf(state, report);
  const line = (name: string, value: string): string => `  ${name.padEnd(16)}${value}`;
  const counted = (count: number, what: string, colour: (text: string) => string): string[] =>
    count > 0 ? [colour(`${count} ${what}`)] : [];
  const outcomes = [
    ...counted(figures.ok, 'ok', pc.green),
    ...counted(figures.violations, figures.violations === 1 ? 'violation' : 'violations', pc.red),
    ...counted(figures.notConverged, 'not converged', pc.red),
    ...counted(figures.unknown, 'unknown', pc.yellow),
    ...counted(tally.total('notDeterministic'), 'not deterministic', pc.red),
    ...counted(errors.length, 'failed inside the simulator', pc.red),
  ];
  const unfinished = isComplete(state) ? '' : pc.yellow(`  of ${runsWanted(options)}: not complete`);
  return `${[
    `${exitCodeOf(state) === 0 ? pc.green('ok') : pc.red('failed')}  seeds ${rangeText(options.seeds)} of ${options.scenarios.join(', ')}`,
    '',
    line('runs', `${figures.runs} (${outcomes.join(', ')})${unfinished}`),
    line('acknowledged', `${tally.total('acknowledgedWrites')} writes, ${tally.total('lostWrites')} lost`),
    line('marks missed', marksText(state)),
    ...tally.failovers.report().map((failover) => line('failover', failoverText(failover))),
    ...(pending.length === 0 ? [] : [line('pending', `${pending.join(', ')} (not built yet, skipped)`)]),
    line(
      'speed',
      `${figures.eventsPerSecond} events per second of a worker, ${figures.seedsPerMinute} seeds a minute, ${durationText(wallMs)} in all`,
    ),
    line('report', `${html}, ${report}`),
    ...(figures.seedFiles.length === 0 ? [] : [line('seed files', `${figures.seedFiles[0]}${more(figures.seedFiles.length - 1)}`)]),
    ...tally.failures.slice(0, 1).flatMap(({ replay }) => ['', `replay: ${replay}`]),
  ].join('\n')}\n`;
}

function failoverText({ kind, n, p50Ms, p99Ms, maxMs, worst, unmeasured }: FailoverReport): string {
  const times = worst === null ? '' : `: p50 ${p50Ms} ms, p99 ${p99Ms} ms, most ${maxMs} ms (${worst.scenario} ${worst.seed})`;
  const late = unmeasured.late > 0 ? pc.red(`, ${unmeasured.late} late`) : '';
  return `${kind}, ${n} measured${times}${late}`;
}

function marksText({ options, tally }: CampaignState): string {
  if (options.plant !== null) return 'not judged with a planted bug';
  return tally.marksMissed.length === 0 ? 'none' : pc.red(tally.marksMissed.join(', '));
}

function more(count: number): string {
  return count > 0 ? ` and ${count} more` : '';
}

/** From a run with its whole history to the line that a campaign keeps of it. */
import type { Operation } from '../../checker/history.js';
import { isWrite } from '../../checker/memory-traces.js';
import type { Divergence } from '../run-report.js';
import type { RunResult } from '../run-seed.js';
import { reduceFailovers } from './failover-tally.js';
import { Histogram, type HistogramData } from './histogram.js';
import type { CalibrationData, RunRecord, RunVerdict } from './run-record.js';

export function reduceRun(
  run: RunResult,
  { divergence, replay, seedFile }: { readonly divergence: Divergence | null; readonly replay: string; readonly seedFile: string | null },
): RunRecord {
  const { scenario, seed, reason, traceHash, events, wallMs, simulatedMs, operations, acknowledgedWrites, lostWrites, convergenceMs } = run;
  return {
    ...{ scenario, seed, verdict: verdictOf(run), reason },
    divergence: divergence === null ? null : `event ${divergence.event}: ${divergence.first} | ${divergence.second}`,
    ...{ traceHash, events, wallMs, simulatedMs, operations, acknowledgedWrites, lostWrites, convergenceMs },
    marks: Object.keys(run.probes),
    verdicts: Object.fromEntries(
      Object.entries(run.verdicts).flatMap(([name, { verdict }]) => (verdict === 'not-applicable' ? [] : [[name, verdict]])),
    ),
    distributions: { ...distributionsOf(run), ...figures(run, 'distributions', (values) => histogramOf(values as readonly number[])) },
    calibrations: figures(run, 'calibrations', (bins) => ({ bins }) as CalibrationData),
    failovers: reduceFailovers(run.failovers),
    ...{ replay, seedFile },
  };
}

function verdictOf({ verdict, notConverged }: RunResult): RunVerdict {
  return verdict === 'violation' && notConverged ? 'not-converged' : verdict;
}

/**
 * What checkers tell beside their verdict, under these names: `distributions`, lists of milliseconds by title (staleness, lag), and `calibrations`, bins of
 * claimed probabilities by title. Whatever checker gives them, they are added up over the runs.
 */
function figures<Figure>(
  { verdicts }: RunResult,
  name: 'distributions' | 'calibrations',
  read: (value: unknown) => Figure,
): Record<string, Figure> {
  const told = Object.values(verdicts).flatMap((verdict) => Object.entries((verdict[name] ?? {}) as Record<string, readonly unknown[]>));
  return Object.fromEntries(told.filter(([, values]) => values.length > 0).map(([title, values]) => [title, read(values)]));
}

/** Names of distributions are also their titles in the report; all are in milliseconds. */
function distributionsOf({ convergenceMs, history }: RunResult): Record<string, HistogramData> {
  const during = history.operations.filter(({ outcome }) => outcome === 'ok');
  return withoutEmpty({
    'convergence after the heal': convergenceMs === null ? [] : [convergenceMs],
    'acknowledged write': during.filter(isWrite).map(tookMs),
    'answered read': during.filter(({ kind }) => kind === 'get').map(tookMs),
    'answered recall': during.filter(({ kind }) => kind === 'recall').map(tookMs),
  });
}

function tookMs({ invokedMs, completedMs }: Operation): number {
  return completedMs - invokedMs;
}

function withoutEmpty(values: Readonly<Record<string, readonly number[]>>): Record<string, HistogramData> {
  const filled = Object.entries(values).filter(([, list]) => list.length > 0);
  return Object.fromEntries(filled.map(([name, list]) => [name, histogramOf(list)]));
}

function histogramOf(values: readonly number[]): HistogramData {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram.data();
}

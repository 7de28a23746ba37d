/** From a run with its whole history to the line that a campaign keeps of it. */
import type { Operation } from '../../checker/history.js';
import type { Divergence } from '../run-report.js';
import type { RunResult } from '../run-seed.js';
import { Histogram, type HistogramData } from './histogram.js';
import type { RunRecord, RunVerdict } from './run-record.js';

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
    distributions: distributionsOf(run),
    calibrations: {},
    ...{ replay, seedFile },
  };
}

function verdictOf({ verdict, notConverged }: RunResult): RunVerdict {
  return verdict === 'violation' && notConverged ? 'not-converged' : verdict;
}

/** Names of distributions are also their titles in the report; all are in milliseconds. */
function distributionsOf({ convergenceMs, history }: RunResult): Record<string, HistogramData> {
  const during = history.operations.filter(({ kind, outcome }) => outcome === 'ok' && kind !== 'final-read');
  return withoutEmpty({
    'convergence after the heal': convergenceMs === null ? [] : [convergenceMs],
    'acknowledged write': during.filter(({ kind }) => kind !== 'get').map(tookMs),
    'answered read': during.filter(({ kind }) => kind === 'get').map(tookMs),
  });
}

function tookMs({ invokedMs, completedMs }: Operation): number {
  return completedMs - invokedMs;
}

function withoutEmpty(values: Readonly<Record<string, readonly number[]>>): Record<string, HistogramData> {
  const filled = Object.entries(values).filter(([, list]) => list.length > 0);
  return Object.fromEntries(
    filled.map(([name, list]) => {
      const histogram = new Histogram();
      for (const value of list) histogram.add(value);
      return [name, histogram.data()];
    }),
  );
}

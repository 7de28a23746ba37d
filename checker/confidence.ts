/**
 * Confidence: whether the probability that no newer acknowledged version exists is one. Every read that saw something is a forecast; what happened is told
 * by operations and logs (newer-versions.ts).
 *
 * Scored apart by who answered, and by phase of the fault schedule, since the total hides overconfidence inside partitions. Calibration is owed by replicas
 * and confirmed primaries: an answer labelled provisional speaks for its side only, and its scores are published. A phase is judged when it has enough
 * forecasts, and convicted when the whole interval of its calibration error lies above what is allowed. What one node answers of one space from one change of
 * the faults to the next sees the same cut, and within a second the same lag where no fault is: such answers are one cluster of the interval, not so many witnesses.
 */
import { clustersMin, type Forecast, type ForecastScores, resampledMin, scoreForecasts } from './forecast-scores.js';
import type { Checker, History, Operation } from './history.js';
import { judgedReads } from './newer-versions.js';
import { firstFaultMs } from './staleness.js';

type Phase = 'before-faults' | 'during-faults' | 'after-faults';
type Answerer = 'replica' | 'confirmed' | 'provisional';

/** The reads of one run see the same few faults: a run alone convicts only what is far off. Shares of a twentieth are judged over the runs of a campaign. */
const calibrationErrorMax = 0.25;
/** Of fault-free time: how long answers share what made them old. */
const lagClusterMs = 1_000;

export const confidence: Checker = (history) => {
  const forecasts = forecastsOf(history);
  if (forecasts.length === 0) return { verdict: 'not-applicable', reason: 'no read carried a derived confidence' };
  const scores: Record<string, ForecastScores> = {};
  const overconfident: string[] = [];
  let judged = 0;
  for (const [name, group] of groupsOf(forecasts)) {
    const score = scoreForecasts(group.forecasts);
    scores[name] = score;
    const interval = score.calibrationErrorInterval;
    if (group.answerer === 'provisional' || interval === null) continue;
    judged += 1;
    if (interval[0] > calibrationErrorMax) overconfident.push(`${name} by ${score.calibrationError}`);
  }
  const figures = { forecasts: forecasts.length, judgedGroups: judged, scores, calibrations: calibrationsOf(forecasts) };
  if (overconfident.length > 0) {
    return { verdict: 'violation', reason: `P(no newer version) is not calibrated: ${overconfident.join(', ')}`, ...figures };
  }
  if (judged > 0) return { verdict: 'ok', ...figures };
  return {
    verdict: 'not-applicable',
    reason: `no phase has ${resampledMin} forecasts in ${clustersMin} clusters that are owed calibration`,
    ...figures,
  };
};

const binsPerTitle = 10;

/** By answerer and phase, in bins of equal width: forecasts, the sum of what they said, how many came true, the sum of their squared errors. Runs are added up by these. */
function calibrationsOf(forecasts: readonly PhasedForecast[]): Record<string, CalibrationBinSums[]> {
  const titles: Record<string, CalibrationBinSums[]> = {};
  for (const { answerer, phase, probability, happened } of forecasts) {
    const title = `no newer version, ${answerer}, ${phase}`;
    titles[title] ??= Array.from({ length: binsPerTitle }, (): CalibrationBinSums => [0, 0, 0, 0]);
    const bin = titles[title]?.[Math.min(binsPerTitle - 1, Math.floor(probability * binsPerTitle))] as CalibrationBinSums;
    bin[0] += 1;
    bin[1] += probability;
    bin[2] += Number(happened);
    bin[3] += (probability - Number(happened)) ** 2;
  }
  return titles;
}

type CalibrationBinSums = [forecasts: number, said: number, happened: number, squaredErrors: number];

interface PhasedForecast extends Forecast {
  readonly phase: Phase;
  readonly answerer: Answerer;
}

function forecastsOf(history: History): PhasedForecast[] {
  const phaseOf = phasesOf(history);
  const clusterOf = clustersOf(history);
  return judgedReads(history).flatMap(({ read, newer }) => {
    const { noNewerVersion, answeredAs } = read;
    if (noNewerVersion === undefined || answeredAs === null) return [];
    const phase = phaseOf(read);
    const cluster = clusterOf(read, phase);
    return [{ probability: noNewerVersion, happened: newer === null, cluster, phase, answerer: answeredAs }];
  });
}

function phasesOf({ faults }: History): (read: Operation) => Phase {
  const firstMs = firstFaultMs(faults);
  const lastMs = faults.reduce((last, { atMs, tookEffect }) => (tookEffect ? Math.max(last, atMs) : last), Number.NEGATIVE_INFINITY);
  return ({ invokedMs }) => (invokedMs < firstMs ? 'before-faults' : invokedMs <= lastMs ? 'during-faults' : 'after-faults');
}

/** Names the cluster of an answer: who answered of which space, in which stretch of time. */
function clustersOf({ faults }: History): (read: Operation, phase: Phase) => string {
  const changesMs = [...new Set(faults.filter(({ tookEffect }) => tookEffect).map(({ atMs }) => atMs))];
  return ({ space, node, invokedMs }, phase) => {
    const stretch =
      phase === 'during-faults' ? changesMs.filter((atMs) => atMs <= invokedMs).length : `${Math.floor(invokedMs / lagClusterMs)} s`;
    return `${space} ${node} ${stretch}`;
  };
}

interface ForecastGroup {
  readonly answerer: Answerer;
  readonly forecasts: PhasedForecast[];
}

function groupsOf(forecasts: readonly PhasedForecast[]): ReadonlyMap<string, ForecastGroup> {
  const groups = new Map<string, ForecastGroup>();
  for (const forecast of forecasts) {
    const name = `${forecast.answerer} ${forecast.phase}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { answerer: forecast.answerer, forecasts: [forecast] });
    else group.forecasts.push(forecast);
  }
  return groups;
}

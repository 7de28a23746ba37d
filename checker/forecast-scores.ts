/**
 * How good a probability was, once it is known what happened: Brier score and its skill against the base rate (Brier, 1950; Murphy, 1973), logarithmic score,
 * and expected calibration error over bins of equal mass, with a bootstrap interval (Efron, 1979). Forecasts that share a cause come true or fail together:
 * they are drawn again by whole clusters (Davison and Hinkley, 1997, section 3.8), since drawn singly they would make the interval far too narrow. A pure
 * function of the forecasts: the bootstrap draws from a generator of its own that always begins alike.
 */

export interface Forecast {
  /** Said to happen with this probability. */
  readonly probability: number;
  readonly happened: boolean;
  /** Forecasts of one cluster may share a cause; without a name, this one stands alone. */
  readonly cluster?: string;
}

export interface CalibrationBin {
  readonly forecasts: number;
  /** Mean of what was said, and the share of what happened. */
  readonly said: number;
  readonly happened: number;
}

export interface ForecastScores {
  readonly forecasts: number;
  /** The share that happened: what somebody would say who knows nothing else. */
  readonly baseRate: number;
  /** Mean squared error; 0 is best. */
  readonly brier: number;
  /** 1 − brier / that of the base rate: above 0 it is worth asking. Null when all or nothing happened: then nothing could be told apart. */
  readonly skill: number | null;
  /** Mean negative logarithm of what was said of what happened, in nats; a certainty that was wrong counts as `certaintyMax`. */
  readonly logScore: number;
  /** Mean distance of said from happened over bins of equal mass. */
  readonly calibrationError: number;
  readonly clusters: number;
  /** The middle 99 % of that error over resampled clusters; null for fewer forecasts than `resampledMin`, or fewer clusters than `clustersMin`. */
  readonly calibrationErrorInterval: readonly [number, number] | null;
  readonly bins: readonly CalibrationBin[];
}

const binsMax = 10;
const resamples = 200;
/** On each side of the interval. A campaign judges tens of thousands of groups: the middle 95 %, which leaves out five, convicts some of what is right by chance alone. */
const leftOut = resamples * 0.005;
/** Fewer forecasts say nothing about shares of a twentieth, however often they are drawn again. */
export const resampledMin = 100;
/** Of fewer clusters a bootstrap knows too little about how much they differ. */
export const clustersMin = 10;
/** Nobody is surer than this when it comes to logarithms. */
const certaintyMax = 1 - 1e-6;

/** Scores of at least one forecast. */
export function scoreForecasts(forecasts: readonly Forecast[]): ForecastScores {
  const count = forecasts.length;
  const sorted = [...forecasts].sort((left, right) => left.probability - right.probability);
  const baseRate = sorted.filter(({ happened }) => happened).length / count;
  const brier = mean(sorted.map(({ probability, happened }) => (probability - Number(happened)) ** 2));
  const ofBaseRate = baseRate * (1 - baseRate);
  const groups = equalMass(sorted);
  const clusters = clustersOf(groups);
  const interval = count < resampledMin || clusters.length < clustersMin ? null : resampledErrors(clusters, groups.length);
  return {
    forecasts: count,
    baseRate: rounded(baseRate),
    brier: rounded(brier),
    skill: ofBaseRate === 0 ? null : rounded(1 - brier / ofBaseRate),
    logScore: rounded(mean(sorted.map(surprise))),
    calibrationError: rounded(calibrationError(groups)),
    clusters: clusters.length,
    calibrationErrorInterval: interval === null ? null : [rounded(interval[0]), rounded(interval[1])],
    bins: groups.map((group) => ({
      forecasts: group.length,
      said: rounded(mean(group.map(({ probability }) => probability))),
      happened: rounded(mean(group.map(({ happened }) => Number(happened)))),
    })),
  };
}

function surprise({ probability, happened }: Forecast): number {
  const said = happened ? probability : 1 - probability;
  return -Math.log(Math.min(certaintyMax, Math.max(1 - certaintyMax, said)));
}

/** Groups of about equal size; forecasts of one probability are never split, since their order means nothing. */
function equalMass(sorted: readonly Forecast[]): Forecast[][] {
  const groups: Forecast[][] = [];
  const size = Math.ceil(sorted.length / binsMax);
  for (let from = 0; from < sorted.length; ) {
    let until = Math.min(sorted.length, from + size);
    while (until < sorted.length && sorted[until]?.probability === sorted[until - 1]?.probability) until += 1;
    groups.push(sorted.slice(from, until));
    from = until;
  }
  return groups;
}

function calibrationError(groups: readonly (readonly Forecast[])[]): number {
  const count = groups.reduce((sum, group) => sum + group.length, 0);
  const distances = groups.map((group) =>
    Math.abs(group.reduce((sum, { probability, happened }) => sum + probability - Number(happened), 0)),
  );
  return distances.reduce((sum, distance) => sum + distance, 0) / count;
}

/** What one cluster adds to each group that it has forecasts in: the sum of said minus happened. */
interface Cluster {
  forecasts: number;
  readonly excess: Map<number, number>;
}

function clustersOf(groups: readonly (readonly Forecast[])[]): Cluster[] {
  const named = new Map<string, Cluster>();
  const clusters: Cluster[] = [];
  for (const [group, forecasts] of groups.entries()) {
    for (const { probability, happened, cluster: name } of forecasts) {
      let cluster = name === undefined ? undefined : named.get(name);
      if (cluster === undefined) {
        cluster = { forecasts: 0, excess: new Map() };
        clusters.push(cluster);
        if (name !== undefined) named.set(name, cluster);
      }
      cluster.forecasts += 1;
      cluster.excess.set(group, (cluster.excess.get(group) ?? 0) + probability - Number(happened));
    }
  }
  return clusters;
}

function resampledErrors(clusters: readonly Cluster[], groups: number): [number, number] {
  const errors: number[] = [];
  let state = 0x2545f491;
  const forecasts = Int32Array.from(clusters, (cluster) => cluster.forecasts);
  // What cluster c adds stands from starts[c] to starts[c + 1]: walked over hundreds of times.
  const starts = Int32Array.from({ length: clusters.length + 1 });
  for (const [at, { excess }] of clusters.entries()) starts[at + 1] = (starts[at] as number) + excess.size;
  const groupOf = Int32Array.from(clusters.flatMap(({ excess }) => [...excess.keys()]));
  const excessOf = Float64Array.from(clusters.flatMap(({ excess }) => [...excess.values()]));
  for (let resample = 0; resample < resamples; resample += 1) {
    const sums = new Float64Array(groups);
    let count = 0;
    for (let drawn = 0; drawn < clusters.length; drawn += 1) {
      // Marsaglia's xorshift.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const cluster = (state >>> 0) % clusters.length;
      count += forecasts[cluster] as number;
      for (let at = starts[cluster] as number; at < (starts[cluster + 1] as number); at += 1) {
        const group = groupOf[at] as number;
        sums[group] = (sums[group] as number) + (excessOf[at] as number);
      }
    }
    errors.push(sums.reduce((sum, distance) => sum + Math.abs(distance), 0) / count);
  }
  errors.sort((left, right) => left - right);
  return [errors[leftOut] as number, errors[resamples - 1 - leftOut] as number];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

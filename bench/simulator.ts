/**
 * The simulator, measured: events per second, multiples of real time and seeds per minute, on one core. Medians over default runs of every scenario that is
 * built, each as often as the others. The compiler goes on making the code faster for some forty runs: these do not count, since a campaign has thousands.
 */
import { type RunResult, runSeed } from '../runtime-sim/run-seed.js';
import { catalogue } from '../scenarios/catalogue.js';
import type { Row } from './figures.js';

/** Runs of each scenario. */
const runsToWarmUp = 4;
const runsMeasured = 4;

export async function run(): Promise<Row[]> {
  const built = catalogue.flatMap(({ scenario }) => (scenario === null ? [] : [scenario]));
  const runs: RunResult[] = [];
  let measuringMs = 0;
  for (let seed = 1; seed <= (runsToWarmUp + runsMeasured) * built.length; seed += 1) {
    const startedAt = performance.now();
    const result = runSeed({ scenario: built[seed % built.length], seed });
    if (seed <= runsToWarmUp * built.length) continue;
    measuringMs += performance.now() - startedAt;
    runs.push(result);
  }
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  return [
    {
      what: 'simulator: events per second',
      measured: count(median(runs.map((one) => (one.events / one.wallMs) * 1_000))),
      target: '300,000',
    },
    {
      what: 'simulator: times real time, 5 nodes',
      measured: count(median(runs.map((one) => one.simulatedMs / one.wallMs))),
      target: '600',
    },
    { what: 'simulator: one default run, judged', measured: `${median(runs.map((one) => one.wallMs)).toFixed(0)} ms` },
    { what: 'simulator: default seeds per minute and core', measured: count((runs.length / measuringMs) * 60_000), target: '300' },
    { what: 'simulator: events of a default run', measured: count(median(runs.map((one) => one.events))) },
  ];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1];
}

/**
 * Failover as clients see it, over many seeds (client-failover.ts):
 *
 *     npm run failover-figures -- --seeds 1..1000
 *
 * Prints one line of JSON for each case: milliseconds from the fault. Exit code 1 when a space never took a write at a confirmed primary again, 2 when the command is wrong.
 */
import { parseArgs } from 'node:util';
import { failoverCases, measureFailover } from './client-failover.js';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1..100' } } });
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds);
if (range === null) {
  process.stderr.write('failover-figures: --seeds takes A..B\n');
  process.exit(2);
}
for (const what of failoverCases) {
  const times: number[] = [];
  for (let seed = Number(range[1]); seed <= Number(range[2]); seed += 1) times.push(measureFailover({ seed, what }));
  times.sort((left, right) => left - right);
  const at = (share: number): number => Math.round(times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)]);
  process.stdout.write(`${JSON.stringify({ case: what, seeds: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) })}\n`);
  if (!Number.isFinite(times[times.length - 1])) process.exitCode = 1;
}

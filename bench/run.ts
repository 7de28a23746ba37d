/**
 * All benchmarks, side by side with their targets. Nothing here passes or fails: figures are for people, on the machine that they name.
 *
 *     npm run bench [-- simulator embedded cluster profile placement membership memory failover cluster-life] [-- --against redis|redis-failover|serf] [-- --json]
 *
 * Without a name all but `membership`, which takes two minutes, `failover` and `cluster-life`, which take four each, and `memory`, which takes ten; against another system, what it is measured against.
 */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import type { Row } from './figures.js';

const benchmarks: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<Row[]> }>>> = {
  simulator: () => import('./simulator.js'),
  embedded: () => import('./embedded.js'),
  cluster: () => import('./cluster.js'),
  profile: () => import('./profile.js'),
  placement: () => import('./placement.js'),
};
/** Measured only when named: they take long. */
const long: typeof benchmarks = {
  membership: () => import('./membership.js'),
  memory: () => import('./memory.js'),
  failover: () => import('./failover.js'),
  'cluster-life': () => import('./cluster-life.js'),
};
/** Other systems, measured in the same run. */
const rivals: typeof benchmarks = {
  redis: () => import('./redis.js'),
  'redis-failover': () => import('./redis-failover.js'),
  serf: () => import('./serf.js'),
};
/** What each of them is set against. */
const rivalOf: Readonly<Record<string, string>> = { redis: 'cluster', 'redis-failover': 'failover', serf: 'membership' };

const args = process.argv.slice(2);
const json = args.includes('--json');
const against = args.includes('--against') ? (args[args.indexOf('--against') + 1] ?? '') : null;
const named = args.filter((word, at) => !word.startsWith('--') && args[at - 1] !== '--against');
const known = { ...benchmarks, ...long };
const unknown = named.filter((name) => !(name in known));

if (unknown.length > 0) usage(`there is no benchmark ${unknown.join(', ')}; known are ${Object.keys(known).join(', ')}`);
else if (against !== null && !(against in rivals)) usage(`--against takes one of ${Object.keys(rivals).join(', ')}`);
else await measure(named.length > 0 ? named : against === null ? Object.keys(benchmarks) : [rivalOf[against] as string]);

function usage(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}

async function measure(names: readonly string[]): Promise<void> {
  const rows: Row[] = [];
  const take = async (name: string, from: typeof benchmarks): Promise<void> => {
    if (process.stderr.isTTY) process.stderr.write(`measuring ${name} …\n`);
    const { run } = await (from[name] as (typeof benchmarks)[string])();
    rows.push(...(await run()));
  };
  for (const name of names) await take(name, known);
  if (against !== null) {
    await take(against, rivals);
    rows.push(...ratios(rows, against));
  }
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  if (json) {
    process.stdout.write(`${JSON.stringify({ machine, rows })}\n`);
    return;
  }
  const table = new Table({ head: ['what', 'measured', 'target'], style: { head: [], border: [] } });
  for (const { what, measured, target } of rows) table.push([what, measured, target ?? '']);
  process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}\n${table.toString()}\n`);
}

/** Our figure over theirs, for what both measured. */
function ratios(rows: readonly Row[], rival: string): Row[] {
  return rows.flatMap(({ comparable, value, of, lessIsBetter = false }) => {
    const theirs = rows.find((row) => row.comparable === comparable && row.of === rival)?.value;
    if (comparable === undefined || of !== undefined || value === undefined || theirs === undefined) return [];
    return [
      { what: `Engram over ${rival}: ${comparable}`, measured: `${(value / theirs).toFixed(2)} ×`, target: lessIsBetter ? '< 1' : '> 1' },
    ];
  });
}

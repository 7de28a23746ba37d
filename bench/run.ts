/**
 * All benchmarks, side by side with their targets. Nothing here passes or fails: figures are for people, on the machine that they name.
 *
 *     npm run bench [-- simulator embedded] [-- --json]
 */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import type { Row } from './figures.js';

const benchmarks: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<Row[]> }>>> = {
  simulator: () => import('./simulator.js'),
  embedded: () => import('./embedded.js'),
  cluster: () => import('./cluster.js'),
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const named = args.filter((word) => !word.startsWith('--'));
const unknown = named.filter((name) => !(name in benchmarks));

if (unknown.length > 0) {
  process.stderr.write(`there is no benchmark ${unknown.join(', ')}; known are ${Object.keys(benchmarks).join(', ')}\n`);
  process.exitCode = 2;
} else {
  await measure(named.length > 0 ? named : Object.keys(benchmarks));
}

async function measure(names: readonly string[]): Promise<void> {
  const rows: Row[] = [];
  for (const name of names) {
    if (process.stderr.isTTY) process.stderr.write(`measuring ${name} …\n`);
    const { run } = await benchmarks[name]();
    rows.push(...(await run()));
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

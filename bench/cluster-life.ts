/**
 * The life of a cluster of real processes under load: five nodes, twelve spaces of three copies; a primary killed twenty times, a sixth node let in, one decommissioned. Says
 * what was lost, judged by reading every acknowledged write back, and how long everything took.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { clusterLife, type Life, nodesAtFirst, readMsMax } from '../runtime-real/test-support/cluster-life.js';
import { disk, ms, percentile, type Row, thousands } from './figures.js';
import { launchFlags } from './processes.js';

const kills = 20;
const spaces = 12;
/** Each kill is to meet a cluster that has come to rest. */
const restMs = 4_000;

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  try {
    const tell = (text: string): void => {
      if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
    };
    const measured = disk(folder);
    return [measured, ...rowsOf(await clusterLife({ folder, kills, spaces, restMs, runtimeFlags: launchFlags, tell }))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsOf({
  failovers,
  joined,
  left,
  acknowledged,
  unknown,
  lost,
  reads,
  unansweredReads,
  longestWriteMs,
  longestReadMs,
}: Life): Row[] {
  const spread = (times: readonly number[]): string =>
    `median ${ms(percentile(times, 0.5))}, worst of ${times.length} ${ms(percentile(times, 1))}`;
  const writes = `${thousands(acknowledged)} acknowledged, ${thousands(unknown)} without an answer`;
  return [
    { what: `${nodesAtFirst} nodes, ${spaces} spaces, 3 copies, under load throughout: writes`, measured: writes },
    { what: 'acknowledged writes that cannot be read at the end', measured: thousands(lost.length), value: lost.length, target: '0' },
    {
      what: `reads of all spaces in turn: those without an answer within ${readMsMax / 1_000} s`,
      measured: `${thousands(unansweredReads)} of ${thousands(reads)}`,
      value: unansweredReads,
      target: '0',
    },
    {
      what: `a primary killed ${kills} times: until a confirmed one acknowledged a write`,
      measured: spread(failovers.map(({ confirmedMs }) => confirmedMs)),
      target: 'worst ≤ 1.5 s',
    },
    { what: 'the same, until any primary acknowledged one (provisional ones too)', measured: spread(failovers.map(({ anyMs }) => anyMs)) },
    { what: `a sixth node started and let in: until it holds its share, ${joined.copies} copies`, measured: ms(joined.ms) },
    { what: `a node decommissioned: until its ${left.copies} copies were elsewhere and it was no member`, measured: ms(left.ms) },
    { what: 'the longest that a write, and a read, waited for its answer', measured: `${ms(longestWriteMs)}, ${ms(longestReadMs)}` },
  ];
}

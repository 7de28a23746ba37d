/**
 * Whether memory stays flat: three nodes whose fixed set of memories is written anew again and again, for ten minutes (ENGRAM_BENCH_MINUTES chooses another
 * time). What grows with the number of writes rather than with the number of memories shows as a slope.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectEngram, type EpisodeInput } from '../runtime-real/index.js';
import { episodeOf } from './episodes.js';
import { disk, type Row, thousands } from './figures.js';
import { residentBytesOf, startNodes } from './processes.js';

const memories = 5_000;
const minutes = Number(process.env.ENGRAM_BENCH_MINUTES ?? 10);
const samples = 60;
/** Writes wait so long between two rounds: a steady load, not the greatest. */
const pauseMs = 250;
const mebibyte = 2 ** 20;

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  disk(folder);
  const nodes = await startNodes(3, folder);
  const engram = await connectEngram({ servers: nodes.map(({ address }) => address), deadlineMs: 60_000 });
  const resident: number[][] = nodes.map(() => []);
  let rounds = 0;
  let isOver = false;
  try {
    const writing = (async () => {
      for (; !isOver; rounds += 1) {
        await engram.space('fixed').rememberBatch(versions(rounds), { episodesMax: 250 });
        await wait(pauseMs);
      }
    })();
    for (let at = 0; at < samples; at += 1) {
      await wait((minutes * 60_000) / samples);
      for (const [which, { pid }] of nodes.entries()) (resident[which] as number[]).push(residentBytesOf(pid) / mebibyte);
    }
    isOver = true;
    await writing;
    const logs = nodes.map(
      ({ dataDir }) => readdirSync(dataDir).reduce((sum, name) => sum + statSync(join(dataDir, name)).size, 0) / mebibyte,
    );
    return rowsOf(rounds, resident, logs);
  } finally {
    isOver = true;
    await engram.close();
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function* versions(round: number): Generator<EpisodeInput> {
  for (let at = 0; at < memories; at += 1) yield { ...episodeOf(at + round * memories), id: `memory-${at}` };
}

function rowsOf(rounds: number, resident: readonly (readonly number[])[], logs: readonly number[]): Row[] {
  const each = (text: (values: readonly number[]) => string): string => resident.map(text).join(', ');
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const third = Math.floor(samples / 3);
  return [
    { what: `writes of ${thousands(memories)} memories in ${minutes} minutes, 3 nodes`, measured: thousands(rounds * memories) },
    {
      what: 'resident MiB of each node, mean of the middle third',
      measured: each((values) => meanOf(values.slice(third, 2 * third)).toFixed(0)),
    },
    {
      what: 'resident MiB of each node, mean of the last third',
      measured: each((values) => meanOf(values.slice(2 * third)).toFixed(0)),
      target: 'flat',
    },
    { what: 'files of each node in the end, MiB', measured: logs.map((size) => size.toFixed(0)).join(', ') },
  ];
}

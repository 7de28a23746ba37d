/**
 * Embedded mode, measured on a real disk: what a lone synced write takes, what batches and recalls achieve, and how fast a store opens again.
 *
 * On tmpfs a sync costs nothing, so the figures would mean nothing: it refuses to measure there. ENGRAM_BENCH_DIR chooses another disk.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readPassages } from '../runtime-real/cli/demo/passages.js';
import { openEngram, type Space } from '../runtime-real/index.js';
import { episodeOf, renamed } from './episodes.js';
import { disk, ms, percentile, type Row, thousands } from './figures.js';

const episodesInBatches = 200_000;
const episodesReopened = 100_000;

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  try {
    return [
      disk(folder),
      ...(await loneWrites(join(folder, 'lone'))),
      ...(await batches(join(folder, 'batches'))),
      ...(await recalls(join(folder, 'recalls'))),
      ...(await reopening(join(folder, 'reopening'))),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function loneWrites(dataDir: string): Promise<Row[]> {
  const engram = await openEngram({ dataDir });
  const space = engram.space();
  const took: number[] = [];
  for (let at = 0; at < 2_200; at += 1) {
    const episode = episodeOf(at);
    const startedAt = performance.now();
    await space.remember(episode);
    if (at >= 200) took.push(performance.now() - startedAt);
  }
  await engram.close();
  return [
    { what: 'lone synced write, p50', measured: ms(percentile(took, 0.5)), target: '< 1 ms' },
    { what: 'lone synced write, p99', measured: ms(percentile(took, 0.99)) },
  ];
}

async function batches(dataDir: string): Promise<Row[]> {
  const engram = await openEngram({ dataDir });
  // Made beforehand: what is measured is remembering. Warmed up in a space of its own.
  const episodes = Array.from({ length: 20_000 }, (_, at) => episodeOf(at));
  await engram.space('warm-up').rememberBatch(episodes);
  const before = memoryBytes();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let written = 0;
  for (let round = 0; round * episodes.length < episodesInBatches; round += 1) {
    written += (await engram.space('batches').rememberBatch(renamed(episodes, `${round}`))).written;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuUs = (cpu.user + cpu.system) / written;
  const after = memoryBytes();
  await engram.close();
  return [
    {
      what: 'batches, 700-byte episodes with 128 floats',
      measured: `${thousands(written / seconds)} episodes/s`,
      target: '≥ 100,000 episodes/s',
    },
    {
      what: 'batches, processor time of the whole process',
      measured: `${cpuUs.toFixed(1)} µs per episode, garbage collection and sync included: ${thousands(1e6 / cpuUs)} per second of one core`,
    },
    {
      what: 'batches, resident memory gained (512 bytes of it the vector)',
      measured: `${Math.round((after - before) / written)} bytes per memory`,
    },
  ];
}

async function recalls(dataDir: string): Promise<Row[]> {
  const engram = await openEngram({ dataDir });
  const { all } = readPassages();
  const [byVector, byWords] = [engram.space('vectors'), engram.space('words')];
  await byVector.rememberBatch(all.map(({ episode, vector }) => ({ ...episode, embedding: vector })));
  await byWords.rememberBatch(all.map(({ episode }) => episode));
  const vector = await timed(byVector, 1_000, (at) => ({ embedding: (all[at % all.length] as (typeof all)[0]).vector, limit: 10 }));
  const words = await timed(byWords, 1_000, (at) => ({ text: (all[at % all.length] as (typeof all)[0]).title, limit: 10 }));
  await engram.close();
  return [
    { what: 'recall, 10 of 778 passages by a 384-float vector, p50', measured: ms(percentile(vector, 0.5)), target: '< 2 ms' },
    { what: 'recall, 10 of 778 passages by words, p50', measured: ms(percentile(words, 0.5)), target: '< 2 ms' },
    { what: 'recall by vector, p99', measured: ms(percentile(vector, 0.99)) },
  ];
}

async function timed(space: Space, times: number, cue: (at: number) => Parameters<Space['recall']>[0]): Promise<number[]> {
  const took: number[] = [];
  for (let at = 0; at < times + 100; at += 1) {
    const startedAt = performance.now();
    await space.recall(cue(at));
    if (at >= 100) took.push(performance.now() - startedAt);
  }
  return took;
}

/** Filled by this process, opened by a fresh one: an application that starts has warm code for nothing. */
async function reopening(dataDir: string): Promise<Row[]> {
  const engram = await openEngram({ dataDir });
  await engram.space().rememberBatch(Array.from({ length: episodesReopened }, (_, at) => episodeOf(at)));
  await engram.close();
  const script = `
    const { openEngram } = await import(${JSON.stringify(new URL('../runtime-real/index.ts', import.meta.url).href)});
    const before = process.memoryUsage().rss;
    const startedAt = performance.now();
    const engram = await openEngram({ dataDir: process.argv[1] });
    const ms = performance.now() - startedAt;
    const { spaces } = await engram.status();
    await engram.close();
    console.log(JSON.stringify({ ms, memories: spaces[0].memories, bytes: process.memoryUsage().rss - before }));
  `;
  const runs = Array.from({ length: 5 }, () => {
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, dataDir];
    return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as { ms: number; memories: number; bytes: number };
  });
  const short = runs.find(({ memories }) => memories !== episodesReopened);
  if (short !== undefined) throw new Error(`${short.memories} of ${episodesReopened} memories were there after reopening`);
  return [
    {
      what: 'reopening 100,000 episodes in a fresh process, median of 5',
      measured: ms(
        percentile(
          runs.map((run) => run.ms),
          0.5,
        ),
      ),
      target: '< 1,000 ms',
    },
    {
      what: 'resident memory for 100,000 episodes, right after',
      measured: `${(
        percentile(
          runs.map((run) => run.bytes),
          0.5,
        ) /
          2 ** 20
      ).toFixed(0)} MiB`,
    },
  ];
}

function memoryBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

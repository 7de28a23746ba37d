/**
 * Real nodes over gRPC and disk, all processes and the client on this machine: what one node and a cluster of five take in, what an operation costs in
 * processor time and where, and what single calls wait. The clock of a write stops when all copies have synced it: acknowledging is not replicating.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectEngram, type Engram, type EpisodeInput } from '../runtime-real/index.js';
import type { NodeProcess } from '../runtime-real/node-processes.js';
import { episodeOf, renamed } from './episodes.js';
import { disk, ms, percentile, type Row, thousands } from './figures.js';
import { processorTimeOf, startNodes } from './processes.js';

type Level = 'local' | 'all';

const copies = 3;
const episodes: readonly EpisodeInput[] = Array.from({ length: 4_000 }, (_, at) => episodeOf(at));
/** Spaces that are written to at once, and for each the batches in flight: 5,000 operations in all. */
const spacesWritten = 25;
const batchesInFlight = 2;
const episodesPerBatch = 100;
export const roundsMeasured = 3;
/** Every process compiles what is hot only once it is: before that the figures would be the compiler's. */
export const warmUpRounds = 6;
/** The load beside which lone writes are measured. */
const perSecondBeside = 5_000;
const pollEveryMs = 20;
const patienceMs = 60_000;

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  const inFlight = thousands(spacesWritten * batchesInFlight * episodesPerBatch);
  try {
    const rows = [
      disk(folder),
      { what: `operations in flight, in batches of ${episodesPerBatch} to ${spacesWritten} spaces`, measured: inFlight },
    ];
    rows.push(...(await withNodes(1, join(folder, 'one'), throughput)));
    rows.push(
      ...(await withNodes(5, join(folder, 'five'), async (cluster) => [...(await throughput(cluster)), ...(await calls(cluster))])),
    );
    rows.push(...(await withNodes(5, join(folder, 'roles'), roles)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Cluster {
  readonly nodes: readonly NodeProcess[];
  readonly engram: Engram;
}

export async function withNodes<Result>(
  count: number,
  folder: string,
  measure: (cluster: Cluster) => Promise<Result>,
  runtimeFlags: readonly string[] = [],
): Promise<Result> {
  const nodes = await startNodes(count, folder, runtimeFlags);
  const engram = await connectEngram({ servers: nodes.map(({ address }) => address), deadlineMs: patienceMs });
  try {
    return await measure({ nodes, engram });
  } finally {
    await engram.close();
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

export interface Written {
  readonly operations: number;
  readonly acknowledgedMs: number;
  readonly syncedMs: number;
  readonly clientUs: number;
  readonly userUs: readonly number[];
  readonly kernelUs: readonly number[];
}

async function throughput(cluster: Cluster): Promise<Row[]> {
  const many = cluster.nodes.length > 1;
  const who = many ? `${cluster.nodes.length} nodes, ${copies} copies` : '1 node';
  await write(cluster, 'warm-up', 'local', warmUpRounds);
  const rows: Row[] = [];
  for (const level of many ? (['local', 'all'] as const) : (['local'] as const)) {
    const written = await write(cluster, `at-${level}`, level, roundsMeasured);
    const perSecond = (elapsedMs: number): { measured: string; value: number } => {
      const value = (written.operations / elapsedMs) * 1_000;
      return { measured: thousands(value), value };
    };
    const headline = many && level === 'local';
    const compared = (comparable: string): object => (headline ? { comparable } : {});
    rows.push({
      what: `${who}, ack=${level}: writes/s until all copies had synced`,
      ...perSecond(written.syncedMs),
      ...(headline ? { target: '≥ 60,000' } : {}),
      ...compared('writes/s until all copies had them'),
    });
    rows.push({
      what: `${who}, ack=${level}: writes/s until acknowledged`,
      ...perSecond(written.acknowledgedMs),
      ...compared('writes/s until acknowledged'),
    });
    rows.push({ what: `${who}, ack=${level}: processor time per write`, measured: share(written) });
  }
  return rows;
}

function share({ operations, clientUs, userUs, kernelUs }: Written): string {
  const each = (values: readonly number[]): string => (values.reduce((sum, value) => sum + value, 0) / operations).toFixed(1);
  return `client ${(clientUs / operations).toFixed(1)} µs, nodes ${each(userUs)} µs, kernel beneath them ${each(kernelUs)} µs`;
}

/** One space: its primary, its replicas and the nodes that only look on are then different processes. */
async function roles(cluster: Cluster): Promise<Row[]> {
  await write(cluster, 'warm-up', 'local', warmUpRounds * 4, 1);
  const written = await write(cluster, 'roles', 'local', 24, 1);
  const total = written.userUs.map((user, at) => (user + (written.kernelUs[at] as number)) / written.operations);
  const [primary, ...others] = total.sort((left, right) => right - left);
  const replicas = others.slice(0, copies - 1).map((us) => us.toFixed(1));
  return [
    {
      what: '5 nodes, one space: processor time per write, kernel included',
      measured: `client ${(written.clientUs / written.operations).toFixed(1)} µs, primary ${(primary as number).toFixed(1)} µs, replicas ${replicas.join(' and ')} µs`,
    },
  ];
}

/** Writes so many rounds of all episodes over the spaces and waits until every copy has synced them. */
export async function write(cluster: Cluster, name: string, ack: Level, rounds: number, spaces = spacesWritten): Promise<Written> {
  const { engram, nodes } = cluster;
  const before = nodes.map(({ pid }) => processorTimeOf(pid));
  const clientBefore = process.cpuUsage();
  const startedAt = performance.now();
  const perSpace = Array.from({ length: spaces }, async (_, at) => {
    let written = 0;
    const options = { ack, episodesMax: episodesPerBatch, inFlightMax: batchesInFlight * (spacesWritten / spaces) };
    for (let round = 0; round < rounds; round += 1) {
      written += (await engram.space(`${name}-${at}`).rememberBatch(renamed(episodes, `${round}`), options)).written;
    }
    return written;
  });
  const operations = (await Promise.all(perSpace)).reduce((sum, written) => sum + written, 0);
  const acknowledgedMs = performance.now() - startedAt;
  const client = process.cpuUsage(clientBefore);
  await allSynced(cluster, name, operations * Math.min(copies, nodes.length));
  const syncedMs = performance.now() - startedAt;
  const after = nodes.map(({ pid }) => processorTimeOf(pid));
  return {
    operations,
    acknowledgedMs,
    syncedMs,
    clientUs: client.user + client.system,
    userUs: after.map(({ userUs }, at) => userUs - (before[at]?.userUs ?? 0)),
    kernelUs: after.map(({ kernelUs }, at) => kernelUs - (before[at]?.kernelUs ?? 0)),
  };
}

/** A node shows what its own disk has synced, so that counting what all show counts the copies. */
async function allSynced({ nodes }: Cluster, name: string, memories: number): Promise<void> {
  const clients = await Promise.all(nodes.map(({ address }) => connectEngram({ servers: [address], learnMembers: false })));
  try {
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      const statuses = await Promise.all(clients.map((client) => client.status()));
      const shown = statuses.flatMap(({ spaces }) => spaces).filter((space) => space.name.startsWith(`${name}-`));
      const count = shown.reduce((sum, space) => sum + space.memories, 0);
      if (count === memories) return;
      if (performance.now() > untilMs) throw new Error(`${count} of ${memories} copies after ${patienceMs} ms`);
      await wait(pollEveryMs);
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function calls(cluster: Cluster): Promise<Row[]> {
  const { engram } = cluster;
  const space = engram.space('at-local-0');
  const lone = await loneWrites(engram, 400);
  // Single calls take other ways through a node than batches: those too are compiled before they are measured.
  await underLoad(engram, 'warm-up', () => loneWrites(engram, 1_000));
  const loaded = await underLoad(engram, 'load', () => loneWrites(engram, 1_000));
  const gets = await rate(20_000, 500, (at) => space.get(`episode-${at % episodes.length}-0`));
  const cues = episodes.slice(0, 100).map(({ embedding }) => embedding as Float32Array);
  const recalls = await rate(1_000, 16, (at) => space.recall({ embedding: cues[at % cues.length] as Float32Array, limit: 10 }));
  return [
    { what: '5 nodes: lone write, ack=local, p50 and p99', measured: `${ms(percentile(lone, 0.5))}, ${ms(percentile(lone, 0.99))}` },
    {
      what: `5 nodes: lone write while ${thousands(perSecondBeside)}/s are written beside it, p50 and p99`,
      measured: `${ms(percentile(loaded, 0.5))}, ${ms(percentile(loaded, 0.99))}`,
      target: 'p99 < 10 ms',
    },
    { what: '5 nodes: Get, 500 calls in flight from one client', measured: `${thousands(gets)}/s`, target: '≥ 50,000/s' },
    {
      what: `5 nodes: Recall over ${thousands(episodes.length * roundsMeasured)} memories, 16 in flight`,
      measured: `${thousands(recalls)}/s`,
    },
  ];
}

/** Milliseconds of single calls, one after another. */
async function loneWrites(engram: Engram, count: number): Promise<number[]> {
  const space = engram.space('at-local-1');
  const took: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const startedAt = performance.now();
    await space.remember({ ...episodeOf(at), id: `lone-${performance.now()}-${at}` }, { ack: 'local' });
    took.push(performance.now() - startedAt);
  }
  return took.slice(Math.floor(count / 10));
}

/** Writes `perSecondBeside` single episodes a second, evenly, while `measure` runs; their ids begin with `name`. */
async function underLoad<Result>(engram: Engram, name: string, measure: () => Promise<Result>): Promise<Result> {
  const spaces = Array.from({ length: spacesWritten }, (_, at) => engram.space(`at-local-${at}`));
  const startedAt = performance.now();
  const outstanding = new Set<Promise<unknown>>();
  let sent = 0;
  const timer = setInterval(() => {
    for (const due = ((performance.now() - startedAt) / 1_000) * perSecondBeside; sent < due; sent += 1) {
      const call = (spaces[sent % spaces.length] as (typeof spaces)[number]).remember({ ...episodeOf(sent), id: `${name}-${sent}` });
      outstanding.add(call);
      call.finally(() => outstanding.delete(call)).catch(() => {});
    }
  }, 1);
  try {
    return await measure();
  } finally {
    clearInterval(timer);
    await Promise.all(outstanding);
  }
}

/** Calls per second with so many in flight, after a tenth of them as a warm-up. */
async function rate(count: number, inFlight: number, call: (at: number) => Promise<unknown>): Promise<number> {
  const calling = async (until: number): Promise<void> => {
    let at = 0;
    const worker = async (): Promise<void> => {
      while (at < until) {
        at += 1;
        await call(at);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  };
  await calling(count / 10);
  const startedAt = performance.now();
  await calling(count);
  return (count / (performance.now() - startedAt)) * 1_000;
}

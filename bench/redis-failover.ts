/**
 * The same as failover.ts, done to a Redis Cluster on this machine: three primaries with two replicas each, a node timeout of one second, every write synced. Whoever is
 * primary of one key gets SIGKILL; the clock runs until one of its replicas takes a SET of that key.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../runtime-real/node-processes.js';
import { kills } from './failover.js';
import { percentile, type Row } from './figures.js';
import { busPortOffset, requireRedis, startServer, until } from './redis.js';

const call = promisify(execFile);
const primaries = 3;
const replicasEach = 2;
/** Replicas that have never had a copy do not stand for election: they are to have one soon. */
const settings = { 'cluster-node-timeout': '1000', 'repl-diskless-sync-delay': '0' };
const restMs = 4_000;
const tryEveryMs = 5;
const patienceMs = 60_000;

export async function run(): Promise<Row[]> {
  await requireRedis();
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  const servers = new Map<number, ChildProcess>();
  try {
    const count = primaries * (1 + replicasEach);
    const ports = (await freePorts(4 * count)).filter((port) => port + busPortOffset < 65_536).slice(0, count);
    for (const port of ports) servers.set(port, startServer(port, folder, settings));
    await Promise.all(ports.map((port) => until(port, ['ping'], (answer) => answer.startsWith('PONG'))));
    const addresses = ports.map((port) => `127.0.0.1:${port}`);
    await call('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicasEach), '--cluster-yes']);
    const isWhole = (answer: string): boolean => answer.includes('cluster_state:ok') && answer.includes(`cluster_known_nodes:${count}`);
    const isLinked = (answer: string): boolean => answer.includes('role:master') || answer.includes('master_link_status:up');
    const times: number[] = [];
    for (let round = 0; round < kills; round += 1) {
      await Promise.all(ports.map((port) => until(port, ['cluster', 'info'], isWhole)));
      await Promise.all(ports.map((port) => until(port, ['info', 'replication'], isLinked)));
      const primary = await primaryAmong(ports);
      await wait(restMs);
      times.push(
        await killed(
          servers.get(primary) as ChildProcess,
          ports.filter((port) => port !== primary),
        ),
      );
      servers.set(primary, startServer(primary, folder, settings));
      await until(primary, ['info', 'replication'], (answer) => answer.includes('master_link_status:up'));
    }
    return rowsOf(times);
  } finally {
    for (const server of servers.values()) server.kill('SIGKILL');
    const gone = [...servers.values()].map(
      (server) => new Promise((resolve) => (server.exitCode === null ? server.once('exit', resolve) : resolve(null))),
    );
    await Promise.all(gone);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Who takes a SET of the key now. */
async function primaryAmong(ports: readonly number[]): Promise<number> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const found = await firstToTake(ports);
    if (found !== null) return found;
    if (performance.now() > endMs) throw new Error(`no redis server has taken the key within ${patienceMs} ms`);
    await wait(tryEveryMs);
  }
}

async function firstToTake(ports: readonly number[]): Promise<number | null> {
  const answers = await Promise.all(ports.map(async (port) => ({ port, isTaken: await set(port) })));
  return answers.find(({ isTaken }) => isTaken)?.port ?? null;
}

/** Whether the server at that port took a SET; one of another slot answers MOVED. */
function set(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1');
    const end = (isTaken: boolean): void => {
      socket.destroy();
      resolve(isTaken);
    };
    socket.on('connect', () => socket.write('SET failover value\r\n'));
    socket.on('data', (bytes) => end(bytes.toString('latin1').startsWith('+OK')));
    for (const gone of ['error', 'close'] as const) socket.on(gone, () => end(false));
  });
}

async function killed(server: ChildProcess, others: readonly number[]): Promise<number> {
  const startedAt = performance.now();
  server.kill('SIGKILL');
  await primaryAmong(others);
  return performance.now() - startedAt;
}

function rowsOf(times: readonly number[]): Row[] {
  const seconds = (share: number): string => `${(percentile([...times], share) / 1_000).toFixed(2)} s`;
  return [
    {
      what: `Redis Cluster, ${primaries} primaries with ${replicasEach} replicas each, node timeout 1 s, a primary killed ${times.length} times: until a SET was taken`,
      measured: `median ${seconds(0.5)}, worst of ${times.length} ${seconds(1)}`,
      value: percentile([...times], 0.5),
      comparable: 'median time from a kill to the next write acknowledged',
      lessIsBetter: true,
      of: 'redis-failover',
    },
  ];
}

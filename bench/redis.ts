/**
 * A Redis Cluster on the same machine, with as many copies, payload bytes and operations in flight as the cluster benchmark, and every write synced
 * (`appendfsync always`): 5 primaries with 2 replicas each, loaded by Redis's own benchmark over 50 connections. The clock stops when the replicas of
 * every primary have applied and synced all of it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../runtime-real/node-processes.js';
import { disk, type Row, thousands } from './figures.js';
import { processorTimeOf } from './processes.js';

const call = promisify(execFile);
const primaries = 5;
const replicasEach = 2;
const payloadBytes = 700;
const connections = 50;
const pipelined = 100;
const operations = 400_000;
const keys = 1_000_000;
const patienceMs = 60_000;

/** A cluster's bus listens this far above its port. */
export const busPortOffset = 10_000;

export async function run(): Promise<Row[]> {
  await requireRedis();
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  const servers: ChildProcess[] = [];
  try {
    disk(folder);
    const ports = (await freePorts(4 * primaries * (1 + replicasEach))).filter((port) => port + busPortOffset < 65_536);
    const used = ports.slice(0, primaries * (1 + replicasEach));
    for (const port of used) servers.push(startServer(port, folder));
    await Promise.all(used.map((port) => until(port, ['ping'], (answer) => answer.startsWith('PONG'))));
    const addresses = used.map((port) => `127.0.0.1:${port}`);
    await call('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicasEach), '--cluster-yes']);
    await Promise.all(used.map((port) => until(port, ['cluster', 'info'], (answer) => answer.includes('cluster_state:ok'))));
    await load(used, operations / 4);
    return await measured(used, servers);
  } finally {
    for (const server of servers) server.kill('SIGKILL');
    await Promise.all(
      servers.map((server) => new Promise((resolve) => (server.exitCode === null ? server.once('exit', resolve) : resolve(null)))),
    );
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function requireRedis(): Promise<void> {
  for (const program of ['redis-server', 'redis-cli', 'redis-benchmark']) {
    await call(program, ['--version']).catch(() => {
      throw new Error(`${program} is not installed: on Debian, apt-get install redis-server`);
    });
  }
}

/** Its directory may be there already: then it is started again on what it kept. */
export function startServer(port: number, folder: string, more: Readonly<Record<string, string>> = {}): ChildProcess {
  const dir = join(folder, `redis-${port}`);
  mkdirSync(dir, { recursive: true });
  const settings = {
    port,
    dir,
    bind: '127.0.0.1',
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    // A benchmark of writes, not of rewriting: the file stays far below what it may grow to.
    'auto-aof-rewrite-percentage': '0',
    ...more,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return spawn('redis-server', flags, { stdio: 'ignore' });
}

/** Asks the server until the answer is as it should be. */
export async function until(port: number, command: readonly string[], holds: (answer: string) => boolean): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const answer = await call('redis-cli', ['-p', String(port), ...command]).then(
      ({ stdout }) => stdout,
      () => '',
    );
    if (holds(answer)) return;
    if (performance.now() > endMs) throw new Error(`redis at port ${port} does not answer ${command.join(' ')} as it should: ${answer}`);
    await wait(100);
  }
}

/** Requests per second as Redis's benchmark counts them. */
async function load(ports: readonly number[], requests: number): Promise<number> {
  const counts = ['-n', requests, '-c', connections, '-P', pipelined, '-d', payloadBytes, '-r', keys].map(String);
  const { stdout } = await call('redis-benchmark', ['--cluster', '-p', String(ports[0]), '-t', 'set', ...counts, '--csv']);
  const [, perSecond] = /"SET","([\d.]+)"/.exec(stdout) ?? [];
  if (perSecond === undefined) throw new Error(`redis-benchmark said nothing of SET: ${stdout}`);
  return Number(perSecond);
}

/** One server's answer to INFO replication: its role, and how far in its primary's stream it is. */
class Standing {
  readonly #socket: Socket;
  #text = '';
  #wake: () => void = () => {};

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setEncoding('latin1').on('data', (text) => {
      this.#text += text;
      this.#wake();
    });
  }

  async ask(): Promise<{ readonly isPrimary: boolean; readonly offset: number; readonly primaryPort: number }> {
    this.#text = '';
    this.#socket.write('INFO replication\r\n');
    for (;;) {
      const [, length] = /^\$(\d+)\r\n/.exec(this.#text) ?? [];
      if (length !== undefined && this.#text.length >= Number(length) + length.length + 5) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const field = (name: string): string => new RegExp(`^${name}:(.*)\r$`, 'm').exec(this.#text)?.[1] ?? '';
    const isPrimary = field('role') === 'master';
    return {
      isPrimary,
      offset: Number(field(isPrimary ? 'master_repl_offset' : 'slave_repl_offset')),
      primaryPort: Number(field('master_port')),
    };
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Resolves when every replica has applied (and so, with `appendfsync always`, synced) all that its primary took. */
async function replicated(ports: readonly number[], standings: readonly Standing[]): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const all = await Promise.all(standings.map((standing) => standing.ask()));
    const offsets = new Map(all.flatMap(({ isPrimary, offset }, at) => (isPrimary ? [[ports[at], offset] as const] : [])));
    if (all.every(({ isPrimary, offset, primaryPort }) => isPrimary || offset >= (offsets.get(primaryPort) ?? Number.POSITIVE_INFINITY)))
      return;
    if (performance.now() > endMs) throw new Error(`replicas are still behind after ${patienceMs} ms`);
    await wait(20);
  }
}

async function measured(ports: readonly number[], servers: readonly ChildProcess[]): Promise<Row[]> {
  const times = (): number =>
    servers.reduce((sum, { pid }) => sum + Object.values(processorTimeOf(pid as number)).reduce((a, b) => a + b, 0), 0);
  const standings = ports.map((port) => new Standing(port));
  await replicated(ports, standings);
  const before = times();
  const startedAt = performance.now();
  const perSecond = await load(ports, operations);
  const acknowledgedMs = performance.now() - startedAt;
  await replicated(ports, standings);
  const behindMs = performance.now() - startedAt - acknowledgedMs;
  for (const standing of standings) standing.close();
  const synced = operations / (operations / perSecond + behindMs / 1_000);
  const serversUs = (times() - before) / operations;
  return [
    {
      what: `Redis Cluster, ${primaries} primaries with ${replicasEach} replicas each, ${thousands(connections * pipelined)} in flight: SETs/s until all copies had it`,
      measured: thousands(synced),
      value: synced,
      comparable: 'writes/s until all copies had them',
      of: 'redis',
    },
    {
      what: 'Redis Cluster: SETs/s until acknowledged',
      measured: thousands(perSecond),
      value: perSecond,
      comparable: 'writes/s until acknowledged',
      of: 'redis',
    },
    {
      what: 'Redis Cluster: processor time of the servers per SET, kernel included',
      measured: `${serversUs.toFixed(1)} µs`,
      value: serversUs,
      of: 'redis',
    },
  ];
}

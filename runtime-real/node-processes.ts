/**
 * Real nodes for the demo and for tests: child processes of `engram-node` on free loopback ports, in temporary directories, stopped by pid. However
 * this process ends, they end with it: each holds the other end of a pipe.
 *
 *     const node = await startNode({ name: 'n1' });   // resolves once it serves
 *     … node.address …
 *     await node.stop();                              // SIGTERM, waits for the end, removes its directory
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EngramError } from '../core/errors.js';

const program = fileURLToPath(new URL('./engram-node.ts', import.meta.url));
/** Several nodes run on one machine: none of them waits for a standard port. */
const anyPorts = { ENGRAM_HTTP_LISTEN: '127.0.0.1:0', ENGRAM_MEMBERSHIP_LISTEN: '127.0.0.1:0' };
/** A process that takes longer to start, or to end once told to, is broken. */
const patienceMs = 30_000;

export interface NodeOptions {
  readonly name?: string;
  /** host:port; a free port of 127.0.0.1 when absent, or the address in `members`. */
  readonly listen?: string;
  /** All members as name=host:port; without them the node is alone. */
  readonly members?: readonly string[];
  /** Kept when given; otherwise one is made and removed by `stop`. */
  readonly dataDir?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node.js itself, for the process: to profile it, for example. */
  readonly runtimeFlags?: readonly string[];
  /** The log line that ends the wait for the start: `node.serving` when absent. */
  readonly until?: string;
  /** Hears of the process as soon as there is one, long before it serves: who may have to end in a hurry can end it too. */
  readonly onSpawn?: (pid: number) => void;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface NodeProcess {
  readonly name: string;
  readonly address: string;
  readonly nodeId: string;
  readonly pid: number;
  readonly dataDir: string;
  /** Everything logged so far. */
  readonly logs: readonly LogLine[];
  /** The first line, logged already or yet to come, that fits. */
  logged(msg: string, fits?: (line: LogLine) => boolean): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** SIGTERM (SIGKILL where it is stopped or gone deaf), the end of the process, and its directory removed unless it was given. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** `n1=127.0.0.1:40001` and so on. */
export async function freeMembers(count: number): Promise<string[]> {
  return (await freePorts(count)).map((port, at) => `n${at + 1}=127.0.0.1:${port}`);
}

/** Resolves once the node serves; rejects with what it said when it ends before. */
export async function startNode(options: NodeOptions = {}): Promise<NodeProcess> {
  const node = new SpawnedNode(options);
  const until = options.until ?? 'node.serving';
  const timeout = new AbortController();
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(broken(`node ${node.name} did not log ${until} in time: ${node.said()}`)), patienceMs);
    timeout.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  const ended = node.exited.then((exit) => {
    throw broken(`node ${node.name} ended with ${exit} before it served: ${node.said()}`);
  });
  try {
    await Promise.race([node.logged(until), ended, late]);
  } catch (error) {
    await node.stop();
    throw error;
  } finally {
    timeout.abort();
  }
  return node;
}

/** Nodes n1 … of one cluster, all serving. */
export async function startCluster(count: number, options: Omit<NodeOptions, 'name' | 'members' | 'dataDir'> = {}): Promise<NodeProcess[]> {
  const members = await freeMembers(count);
  const started = await Promise.allSettled(members.map((_, at) => startNode({ ...options, name: `n${at + 1}`, members })));
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.stop()));
  throw failed.reason;
}

/** A run of the program that is expected to end by itself. */
export async function runNodeToEnd(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly exit: number | NodeJS.Signals; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, ...flags], {
    cwd: tmpdir(),
    env: { ...withoutSettings(process.env), ...environment },
    timeout: patienceMs,
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const exit = await exitOf(child);
  return { exit, out, err };
}

class SpawnedNode implements NodeProcess {
  readonly name: string;
  readonly dataDir: string;
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly logs: LogLine[] = [];
  readonly #other: string[] = [];
  readonly #child: ChildProcess;
  readonly #keepsDirectory: boolean;
  readonly #waiting = new Set<{ readonly fits: (line: LogLine) => boolean; readonly resolve: (line: LogLine) => void }>();

  constructor(options: NodeOptions) {
    this.name = options.name ?? 'n1';
    this.#keepsDirectory = options.dataDir !== undefined;
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), `engram-${this.name}-`));
    const members = options.members ?? [];
    const where = members.length === 0 || options.listen !== undefined ? ['--listen', options.listen ?? '127.0.0.1:0'] : [];
    const cluster = members.length === 0 ? [] : ['--cluster-mode', 'cluster', ...members.flatMap((member) => ['--member', member])];
    const flags = ['--end-with-parent', '--name', this.name, '--data-dir', this.dataDir, ...where, ...cluster, ...(options.flags ?? [])];
    const runtimeFlags = options.runtimeFlags ?? [];
    this.#child = spawn(process.execPath, [...runtimeFlags, '--import', import.meta.resolve('tsx'), program, ...flags], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...withoutSettings(process.env), ...anyPorts, ...options.environment },
    });
    this.exited = exitOf(this.#child);
    if (this.#child.pid !== undefined) options.onSpawn?.(this.#child.pid);
    createInterface({ input: this.#child.stderr as NodeJS.ReadableStream }).on('line', (text) => this.#read(text));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get address(): string {
    return String(this.#listening().advertise);
  }

  get nodeId(): string {
    return String(this.#listening().node);
  }

  said(): string {
    return [...this.logs.map((line) => JSON.stringify(line)), ...this.#other].join('\n');
  }

  logged(msg: string, fits: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    const wanted = (line: LogLine): boolean => line.msg === msg && fits(line);
    const known = this.logs.find(wanted);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.add({ fits: wanted, resolve }));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<number | NodeJS.Signals> {
    // A stopped process takes no other signal before it goes on.
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    const exit = await this.exited;
    clearTimeout(impatient);
    if (!this.#keepsDirectory) rmSync(this.dataDir, { recursive: true, force: true });
    return exit;
  }

  #listening(): LogLine {
    const line = this.logs.find(({ msg }) => msg === 'node.listening');
    if (line === undefined) throw broken(`node ${this.name} has not started`);
    return line;
  }

  #read(text: string): void {
    if (!text.startsWith('{')) {
      this.#other.push(text);
      return;
    }
    const line = JSON.parse(text) as LogLine;
    this.logs.push(line);
    for (const waiting of this.#waiting) {
      if (!waiting.fits(line)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(line);
    }
  }
}

function broken(message: string): EngramError {
  return new EngramError('INTERNAL', { message, hint: 'see what the node said; try the same command again' });
}

function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
}

/** What is set around the tests says nothing about the nodes in them. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('ENGRAM_')));
}

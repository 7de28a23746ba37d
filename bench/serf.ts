/**
 * serf on the same machine, in the same way as the membership benchmark: five agents at their LAN defaults on the loopback, one killed by SIGKILL, until the
 * first and until the last of the others says that it failed, as their logs say it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../runtime-real/node-processes.js';
import type { Row } from './figures.js';
import { type Detection, nodesCount, roundsMeasured, rowsOf, settleMs } from './membership.js';

const call = promisify(execFile);
const patienceMs = 60_000;

export async function run(): Promise<Row[]> {
  const version = await call('serf', ['version']).then(
    ({ stdout }) => stdout.split('\n')[0] as string,
    () => null,
  );
  if (version === null) return [{ what: 'serf: left out', measured: 'it is not installed: on Debian, apt-get install serf' }];
  const detections: Detection[] = [];
  for (let round = 0; round < roundsMeasured; round += 1) detections.push(await detect(round));
  return [{ what: 'serf, LAN defaults', measured: version }, ...rowsOf('serf', detections)];
}

class Agent {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(name: string, ports: { readonly gossip: number; readonly rpc: number }, join: readonly string[]) {
    this.name = name;
    const addresses = [`-bind=127.0.0.1:${ports.gossip}`, `-rpc-addr=127.0.0.1:${ports.rpc}`];
    this.#child = spawn('serf', ['agent', `-node=${name}`, ...addresses, ...join.map((address) => `-join=${address}`)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        this.#lines.push(line);
        for (const wake of this.#waiting) wake();
      });
    }
  }

  async says(event: string, name: string): Promise<void> {
    const pattern = new RegExp(`${event}: ${name}\\b`);
    const endMs = performance.now() + patienceMs;
    while (!this.#lines.some((line) => pattern.test(line))) {
      if (performance.now() > endMs)
        throw new Error(`the serf agent ${this.name} did not say ${event} of ${name}: ${this.#lines.join('\n')}`);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, 1_000);
        this.#waiting.add(done);
      });
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

async function detect(round: number): Promise<Detection> {
  const ports = await freePorts(2 * nodesCount);
  const seed = `127.0.0.1:${ports[0]}`;
  const agents: Agent[] = [];
  try {
    for (let at = 0; at < nodesCount; at += 1) {
      const own = { gossip: ports[2 * at] as number, rpc: ports[2 * at + 1] as number };
      const agent = new Agent(`s${at + 1}`, own, at === 0 ? [] : [seed]);
      agents.push(agent);
      await agent.says('EventMemberJoin', agent.name);
    }
    await Promise.all(agents.flatMap((agent) => agents.map(({ name }) => agent.says('EventMemberJoin', name))));
    await wait(settleMs());
    const victim = agents[round % agents.length] as Agent;
    const killedAt = performance.now();
    const reports = agents
      .filter((agent) => agent !== victim)
      .map(async (agent) => {
        await agent.says('EventMemberFailed', victim.name);
        return performance.now() - killedAt;
      });
    await victim.kill();
    const [firstMs, all] = await Promise.all([Promise.race(reports), Promise.all(reports)]);
    return { firstMs, allMs: Math.max(...all) };
  } finally {
    await Promise.all(agents.map((agent) => agent.kill()));
  }
}

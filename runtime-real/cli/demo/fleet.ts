/**
 * The nodes of the demo: processes of their own, each with a directory of its own, on free ports of this machine. Each is told the names of all members and
 * where membership may be asked for them; where they are they find out by themselves, and again when one comes back elsewhere.
 */
import { join } from 'node:path';
import { freePorts, type NodeProcess, startNode } from '../../node-processes.js';

export interface FleetNode {
  readonly name: string;
  readonly address: string;
  readonly nodeId: string;
  readonly pid: number;
}

export class Fleet {
  readonly #dataDir: string;
  readonly #processes = new Map<string, NodeProcess>();
  /** Every process that was started and has not been seen to end. */
  readonly #pids = new Set<number>();
  #members: readonly string[] = [];
  #seeds: readonly string[] = [];

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** In order of their names. */
  get nodes(): readonly FleetNode[] {
    return [...this.#processes.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  node(nodeId: string): FleetNode {
    return this.nodes.find((node) => node.nodeId === nodeId) as FleetNode;
  }

  /** Starts so many nodes of one cluster and resolves once all of them serve. */
  async start(count: number): Promise<void> {
    this.#members = Array.from({ length: count }, (_, at) => `n${at + 1}`);
    this.#seeds = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
    await Promise.all(this.#members.map((name, at) => this.#start(name, this.#seeds[at] as string)));
  }

  /** SIGKILL; resolves once the process is gone. Its directory stays. */
  async kill(name: string): Promise<void> {
    const node = this.#processes.get(name) as NodeProcess;
    node.kill('SIGKILL');
    await node.exited;
    this.#pids.delete(node.pid);
  }

  /** Starts a killed node on the directory that it left, at other addresses; resolves once it serves. */
  async restart(name: string): Promise<void> {
    await this.#start(name, '127.0.0.1:0');
  }

  /** Lets all end in good order. */
  async stop(): Promise<void> {
    const running = [...this.#processes.values()].filter(({ pid }) => this.#pids.has(pid));
    await Promise.all(running.map((node) => node.stop()));
    for (const { pid } of running) this.#pids.delete(pid);
  }

  /** At once, for a process that is about to end itself. */
  killAll(): void {
    for (const pid of this.#pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    this.#pids.clear();
  }

  async #start(name: string, membershipListen: string): Promise<void> {
    const dataDir = join(this.#dataDir, name);
    const onSpawn = (pid: number): void => {
      this.#pids.add(pid);
    };
    const environment = {
      ENGRAM_CLUSTER_SEEDS: this.#seeds.join(','),
      ENGRAM_MEMBERSHIP_LISTEN: membershipListen,
      ENGRAM_MEMBERSHIP_PRESET: 'local',
    };
    const shared = { members: this.#members, listen: '127.0.0.1:0', onSpawn, environment };
    this.#processes.set(name, await startNode({ ...shared, name, dataDir, flags: ['--log-level', 'info'] }));
  }
}

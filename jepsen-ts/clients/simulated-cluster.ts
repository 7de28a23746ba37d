/**
 * The client library against a cluster inside the simulator. What `connectEngram` takes from the world comes from there: a connection is a simulated link,
 * time is the simulation's, chance a stream of its seed. So the same client, with its batches, retries, redirects and sessions, runs against simulated
 * disks, networks and faults.
 *
 * Simulated time goes on only while a call or a pause of the client waits for it, and then as fast as the processor allows; in between it stands still.
 * A program that uses nothing but the client is therefore a function of its code and the seed: `traceHash` tells two such runs apart.
 */
import { EngramNode } from '../../core/engram-node.js';
import { requestIdBytes } from '../../core/identifiers.js';
import { writeU32 } from '../../core/wire/bytes.js';
import { type ClusterHealth, MemberState, PartitionState } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Request } from '../../core/wire/generated/engram/v1/service.js';
import type { ClientWorld, LinkOptions, NodeLink } from '../../runtime-real/client/client-world.js';
import type { ClientEndpoint } from '../../runtime-sim/client.js';
import { spaceOf } from '../../runtime-sim/core-formats.js';
import { encodeRequest } from '../../runtime-sim/service-encoding.js';
import type { CoreFactory } from '../../runtime-sim/simulated-core.js';
import { Simulation } from '../../runtime-sim/simulation.js';
import { eventKinds, Trace } from '../../runtime-sim/trace.js';
import type { Answer, Call, World } from '../../runtime-sim/world.js';
import { withoutTheWorld } from '../../runtime-sim/world-guard.js';
import type { FaultPlan } from '../../scenarios/fault-plan.js';
import { Draws } from '../../scenarios/random-streams.js';
import { planFormat, type RunPlan } from '../../scenarios/run-plan.js';
import { type Outside, SimulatedLink, type Waiting } from './simulated-link.js';

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  /** What breaks and when, in milliseconds since the nodes `n1` … were started two seconds before; nothing when absent. */
  readonly faults?: FaultPlan;
}

/** Longer than any test lasts in simulated time: the end of load is an event like others, and must not come. */
const durationMs = 2 ** 31;
/** From the start of the nodes, by which they serve and have settled who takes writes. */
const settledMs = 3_000;
const replicationFactor = 3;

export class SimulatedCluster {
  /** Addresses, as `connectEngram` takes them. */
  readonly servers: readonly string[];
  readonly world: ClientWorld;
  readonly #trace = new Trace();

  private constructor(options: SimulatedClusterOptions) {
    const plan = planOf(options);
    this.servers = plan.nodes.map(addressOf);
    const step = (): boolean => simulation.step();
    let outside!: OutsideClient;
    const simulation = new Simulation({
      plan,
      seed: options.seed,
      trace: this.#trace,
      createCore: coreWithEverySpace,
      createClient: (world, endpoint) => {
        outside = new OutsideClient(world, endpoint, step);
        return outside;
      },
    });
    simulation.schedulePlan();
    this.world = outside;
  }

  /** Resolves once the nodes serve. */
  static async start(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(options);
    await cluster.world.wait(settledMs);
    return cluster;
  }

  /** 16 hexadecimal digits over everything that has happened so far. */
  get traceHash(): string {
    return this.#trace.hash;
  }
}

function addressOf(name: string): string {
  return `${name}:1`;
}

function planOf({ nodes, faults }: SimulatedClusterOptions): RunPlan {
  const names = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
  return {
    format: planFormat,
    nodes: names,
    clients: ['application'],
    durationMs,
    rows: [],
    configuration: { storage: {}, memory: {}, replication: {} },
    background: { delayUsMin: 40, jitterUs: 400, slow: 0.01, loss: 0, duplicate: 0, reorder: 0, reorderUs: 0, bytesPerUs: 120 },
    disk: { writeUs: [20, 80], syncUs: [100, 400], readUs: [20, 100], slow: 0.01 },
    clocks: [],
    restartAfterMs: 1_000,
    faults: faults ?? [],
    splits: [],
    liveness: { majority: names, rest: 'cut' },
    families: [],
    acknowledgementsPerSideMin: 0,
    operations: [],
  };
}

/** As on real nodes, every space that is asked for exists; plans of scenarios list theirs. */
const coreWithEverySpace: CoreFactory = (configuration, effects, pure) => {
  const control: typeof configuration.control = (self) => ({ ...configuration.control(self), unlisted: { replicationFactor } });
  return new EngramNode({ ...configuration, control }, effects, pure);
};

class OutsideClient implements ClientEndpoint, ClientWorld, Outside {
  readonly idle = true;
  readonly #world: World;
  readonly #endpoint: number;
  readonly #step: () => boolean;
  readonly #draws: Draws;
  readonly #waiting = new Map<number, Waiting>();
  #numbered = 0;
  #pumping = false;

  constructor(world: World, endpoint: number, step: () => boolean) {
    this.#world = world;
    this.#endpoint = endpoint;
    this.#step = step;
    this.#draws = new Draws(world.seed, 'client/application');
  }

  connect(address: string, options: LinkOptions): NodeLink {
    return new SimulatedLink(this, this.#world.plan.nodes.map(addressOf).indexOf(address), options);
  }

  nowMs(): number {
    return this.#world.nowUs / 1_000;
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.nowMs() + ms, resolve));
  }

  chance(): number {
    return this.#draws.fraction();
  }

  requestId(): Uint8Array {
    const id = new Uint8Array(requestIdBytes);
    for (let at = 0; at < requestIdBytes; at += 4) writeU32(id, at, this.#draws.uint32());
    return id;
  }

  ask(node: number, request: Request, untilMs: number, waiting: Waiting): number {
    const bytes = encodeRequest(request);
    const number = this.#await(untilMs, waiting);
    const call: Call = { client: this.#endpoint, attempt: number, space: spaceOf(request.header?.space ?? ''), bytes };
    this.#world.network.transmit(this.#world.nowUs, this.#endpoint, node, eventKinds.request, call, bytes.length);
    return number;
  }

  at(untilMs: number, momentCame: () => void): number {
    return this.#await(untilMs, { answered: () => {}, momentCame });
  }

  forget(number: number): void {
    this.#waiting.delete(number);
  }

  health(node: number): ClusterHealth {
    const { plan } = this.#world;
    const known = { nodeId: '', reachable: true, committed: true, removed: false, state: MemberState.MEMBER_STATE_UNSPECIFIED };
    const members = plan.nodes.map((name, at) => ({ ...known, name, address: addressOf(name), self: at === node }));
    const partition = PartitionState.PARTITION_STATE_UNSPECIFIED;
    return { cluster: 'simulated', nodeId: '', nodeName: plan.nodes[node], replicationFactor, members, complete: true, partition };
  }

  answer({ attempt, bytes }: Answer): void {
    this.#take(attempt)?.answered(bytes);
  }

  timedOut(attempt: number): void {
    this.#take(attempt)?.momentCame();
  }

  /** The plan has no operations: whoever holds this world asks. */
  submit(): void {}
  stop(): void {}

  #await(untilMs: number, waiting: Waiting): number {
    this.#numbered += 1;
    this.#waiting.set(this.#numbered, waiting);
    this.#world.heap.push(Math.ceil(untilMs * 1_000), eventKinds.tryTimeout, this.#endpoint, this.#numbered, null);
    this.#pumpSoon();
    return this.#numbered;
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    return waiting;
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => this.#pump());
  }

  /** Lets events happen until one of them ends a wait; then the client has its turn before simulated time goes on. */
  #pump(): void {
    const waitingBefore = this.#waiting.size;
    withoutTheWorld(() => {
      while (this.#waiting.size === waitingBefore && this.#step());
    });
    this.#pumping = false;
    if (this.#waiting.size > 0) this.#pumpSoon();
  }
}

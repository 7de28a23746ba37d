/**
 * Failover as clients see it: from a fault that takes a primary away to the first acknowledged write of its space at another, confirmed, primary. Whole nodes with data,
 * pulls and clients, in quiet surroundings; each seed has its own moment, links, disks and clocks.
 *
 * Who leads the control log at the fault is not known when a plan is made: a first run without the fault tells, and as nothing before the fault differs, the run that is
 * measured is the same up to there. Clients stand at one copy each and ask it again and again, so that what is measured is the cluster and not how clients find it.
 */
import type { History } from '../../checker/history.js';
import { EngramNode } from '../../core/engram-node.js';
import { drawBackground, drawClocks, drawDisk } from '../../scenarios/configuration-draw.js';
import type { FaultPlan } from '../../scenarios/fault-plan.js';
import { RandomStreams } from '../../scenarios/random-streams.js';
import { planFormat, type RunPlan } from '../../scenarios/run-plan.js';
import type { PlannedOperation } from '../../scenarios/workload.js';
import { type ClientOperation, SimulatedClient } from '../client.js';
import { Simulation } from '../simulation.js';
import { Trace } from '../trace.js';
import type { World } from '../world.js';

export const failoverCases = ['killed', 'killed, leading the control log', 'cut off', 'cut off, leading the control log'] as const;
export type FailoverCase = (typeof failoverCases)[number];

const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
const copiesPerSpace = 3;
/** After the load begins, and so two seconds after the first node has started: the first leader may take spaces from primaries by then. */
const strikesMs = { min: 3_000, max: 4_000 };
const givenUpMs = 20_000;
const writesEveryMs = 20;
const clientsPerCopy = 8;
const loadStartsMs = 2_000;
const lookEveryMs = 10;

/** A client that asks one copy only. */
class ClientOfOneCopy extends SimulatedClient {
  readonly #node: number;

  constructor(world: World, endpoint: number, node: number, copiesOf: ReadonlyMap<string, readonly number[]>) {
    super(world, endpoint, copiesOf);
    this.#node = node;
  }

  override submit(operation: ClientOperation): void {
    super.submit({ ...operation, only: this.#node });
  }
}

export interface FailoverRun {
  readonly seed: number;
  readonly what: FailoverCase;
}

/** Each node is the preferred primary of one space. */
const rows = names.map((_, first) => ({
  space: `space-${first + 1}`,
  copies: Array.from({ length: copiesPerSpace }, (_, at) => names[(first + at) % names.length]),
}));

function planWith({ seed, what }: FailoverRun, faults: FaultPlan, operations: readonly PlannedOperation[]): RunPlan {
  const random = new RandomStreams(`failover/${seed}/${what}`);
  return {
    format: planFormat,
    nodes: names,
    clients: Array.from({ length: clientsPerCopy * copiesPerSpace }, (_, at) => `c${at + 1}`),
    durationMs: givenUpMs,
    rows,
    configuration: { storage: {}, memory: {}, replication: {}, controlLog: { partitionPolicy: 'accept', snapshotEveryEntries: 1_000 } },
    // Far links on a quarter of the seeds; nothing is lost by chance.
    background: { ...drawBackground(random).rates, loss: 0, duplicate: 0, reorder: 0 },
    disk: drawDisk(random),
    clocks: drawClocks(names, random),
    restartAfterMs: givenUpMs,
    faults,
    splits: [],
    liveness: { majority: names, rest: 'cut' },
    families: [],
    acknowledgementsPerSideMin: 0,
    operations,
  };
}

/** Runs until that many milliseconds after the load began, or until it is enough. */
function runUntil(simulation: Simulation, untilMs: number, enough: () => boolean): void {
  for (let lookedMs = 0; simulation.simulatedMs < untilMs + loadStartsMs; ) {
    if (!simulation.step()) return;
    if (simulation.simulatedMs < lookedMs + lookEveryMs) continue;
    lookedMs = simulation.simulatedMs;
    if (enough()) return;
  }
}

/** Which of the row's copies a client asks. */
function placeAsked(client: number): number {
  return client % copiesPerSpace;
}

/** Who leads the control log at that moment, when no fault comes before. */
function leaderAt(measured: FailoverRun, atMs: number): string {
  const cores = new Map<string, EngramNode>();
  const plan = planWith(measured, [], []);
  const simulation = new Simulation({
    ...{ plan, seed: measured.seed, trace: new Trace() },
    createCore: (configuration, effects, pure) => {
      const core = new EngramNode(configuration, effects, pure);
      cores.set(configuration.name, core);
      return core;
    },
  });
  simulation.schedulePlan();
  runUntil(simulation, atMs, () => false);
  const leader = [...cores].find(([, core]) => core.inspectControl()?.raft?.role === 'leader');
  if (leader === undefined) throw new Error(`seed ${measured.seed}: nobody leads the control log ${atMs} ms after the load began`);
  return leader[0];
}

/** Milliseconds from the fault to the first acknowledged write at another confirmed primary; Infinity if there was none. */
export function measureFailover(measured: FailoverRun): number {
  return runFailover(measured).tookMs;
}

/** The same, with all that an observer has written down until then. */
export function runFailover(measured: FailoverRun): { readonly tookMs: number; readonly history: History } {
  const { seed, what } = measured;
  const draws = new RandomStreams(`failover/${seed}/${what}`).stream('strike');
  const atMs = draws.integer(strikesMs);
  const leader = leaderAt(measured, atMs);
  const isLeader = what.endsWith('leading the control log');
  const victim = isLeader ? leader : draws.pick(names.filter((name) => name !== leader));
  const others = names.filter((name) => name !== victim);
  const faults: FaultPlan = what.startsWith('killed')
    ? [{ kind: 'kill', atMs, node: victim }]
    : [
        { kind: 'cutLinks', atMs, from: [victim], to: others },
        { kind: 'cutLinks', atMs, from: others, to: [victim] },
      ];
  const row = rows.find(({ copies }) => copies[0] === victim) as (typeof rows)[number];
  const copies = row.copies.map((name) => names.indexOf(name));
  const count = Math.floor((givenUpMs - atMs) / writesEveryMs);
  const operations = Array.from({ length: count }, (_, at): PlannedOperation => {
    const client = `c${(at % (clientsPerCopy * copiesPerSpace)) + 1}`;
    return {
      atMs: atMs + at * writesEveryMs,
      client,
      kind: 'remember',
      space: row.space,
      id: `m${at % 10}`,
      value: `v${at}`,
      ack: 'local',
    };
  });
  const plan = planWith(measured, faults, operations);
  const copiesOf = new Map(rows.map(({ space, copies: all }) => [space, all.map((name) => names.indexOf(name))]));
  const simulation = new Simulation({
    ...{ plan, seed, trace: new Trace(), createCore: (configuration, effects, pure) => new EngramNode(configuration, effects, pure) },
    createClient: (world, endpoint) => new ClientOfOneCopy(world, endpoint, copies[placeAsked(endpoint - names.length)], copiesOf),
  });
  simulation.schedulePlan();
  let confirmedMs = Number.POSITIVE_INFINITY;
  runUntil(simulation, givenUpMs, () => {
    for (const { process: client, outcome, answeredAs, completedMs } of simulation.recorder.operations) {
      const place = placeAsked(Number(/\d+/.exec(client)?.[0]) - 1);
      if (place > 0 && outcome === 'ok' && answeredAs === 'confirmed') confirmedMs = Math.min(confirmedMs, completedMs);
    }
    return confirmedMs < Number.POSITIVE_INFINITY;
  });
  return { tookMs: confirmedMs - atMs, history: simulation.history() };
}

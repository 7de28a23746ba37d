/**
 * For how long the moves of copies keep writes waiting, as clients see it: whole nodes with data, a node that joins and one that is drained, in quiet surroundings; each seed has its own
 * links, disks, clocks and moments. Every space is written to without a break, by clients that follow the primary like any other.
 *
 * A pause belongs to a committed row that names another primary than the one before: the longest time between two acknowledgements of its space around that moment. So it contains all
 * that a cut-over costs: the source's last word, the entry, the redirect.
 */
import { EngramNode } from '../../core/engram-node.js';
import { drawBackground, drawClocks, drawDisk } from '../../scenarios/configuration-draw.js';
import { RandomStreams } from '../../scenarios/random-streams.js';
import { planFormat, type RunPlan } from '../../scenarios/run-plan.js';
import type { PlannedOperation } from '../../scenarios/workload.js';
import { Simulation } from '../simulation.js';
import { Trace } from '../trace.js';

const names = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
const joining = 'n6';
const copiesPerSpace = 3;
const spaces = 8;
const clients = 64;
const durationMs = 14_000;
const writesEveryMs = 5;
const loadStartsMs = 2_000;
/** Around the moment in which a row is committed. */
const windowMs = { before: 1_000, after: 2_000 };

export interface MovePauses {
  /** Whether messages take milliseconds instead of a fraction of one. */
  readonly isFar: boolean;
  /** Of each committed row with another primary, in order: milliseconds; Infinity where its space took no write any more. */
  readonly pausesMs: readonly number[];
  /** Committed rows in which another node holds a copy, primaries or not. */
  readonly moves: number;
}

/** Each of the first nodes is the preferred primary of a space or two. */
const rows = Array.from({ length: spaces }, (_, first) => ({
  space: `space-${first + 1}`,
  copies: Array.from({ length: copiesPerSpace }, (_, at) => names[(first + at) % (names.length - 1)]),
}));

function planOf(seed: number): RunPlan {
  const random = new RandomStreams(`move-pauses/${seed}`);
  const draws = random.stream('changes');
  const joinsMs = draws.integer({ min: 1_500, max: 2_500 });
  const drainsMs = draws.integer({ min: 7_500, max: 8_500 });
  const leaving = draws.pick(names.filter((name) => name !== joining));
  const operations = Array.from({ length: Math.floor((durationMs / writesEveryMs) * rows.length) }, (_, at): PlannedOperation => {
    const { space } = rows[at % rows.length];
    const atMs = Math.floor(at / rows.length) * writesEveryMs;
    return { atMs, client: `c${(at % clients) + 1}`, kind: 'remember', space, id: `m${at % 400}`, value: `v${at}`, ack: 'local' };
  });
  return {
    format: planFormat,
    nodes: names,
    clients: Array.from({ length: clients }, (_, at) => `c${at + 1}`),
    durationMs,
    rows,
    configuration: {
      storage: {},
      memory: {},
      replication: {},
      controlLog: {
        partitionPolicy: 'reject',
        snapshotEveryEntries: 1_000,
        rebalancing: { isAutomatic: true },
        changes: [
          { kind: 'join', atMs: joinsMs, node: joining },
          { kind: 'drain', atMs: drainsMs, node: leaving },
        ],
      },
    },
    // Far links on a quarter of the seeds; nothing is lost by chance.
    background: { ...drawBackground(random).rates, loss: 0, duplicate: 0, reorder: 0 },
    disk: drawDisk(random),
    clocks: drawClocks(names, random),
    restartAfterMs: durationMs,
    faults: [],
    splits: [],
    liveness: { majority: names, rest: 'cut' },
    families: [],
    acknowledgementsPerSideMin: 0,
    operations,
  };
}

/** Runs one seed, and finds every cut-over of a primary in it. */
export function measureMovePauses(seed: number): MovePauses {
  const plan = planOf(seed);
  const simulation = new Simulation({
    plan,
    seed,
    trace: new Trace(),
    createCore: (configuration, effects, pure) => new EngramNode(configuration, effects, pure),
  });
  simulation.schedulePlan();
  while (simulation.simulatedMs < durationMs + loadStartsMs && simulation.step());
  const committed = simulation.history().placement?.rows ?? [];
  const pausesMs: number[] = [];
  let moves = 0;
  for (const name of new Set(committed.map(({ space }) => space))) {
    const ofSpace = committed.filter(({ space }) => space === name);
    const answeredMs = simulation.recorder.operations
      .filter(({ space, outcome }) => space === name && outcome === 'ok')
      .map(({ completedMs }) => completedMs)
      .sort((left, right) => left - right);
    for (let at = 1; at < ofSpace.length; at += 1) {
      const [before, { copies, atMs }] = [ofSpace[at - 1], ofSpace[at]];
      if (copies.some((copy) => !before.copies.includes(copy))) moves += 1;
      // What ends with the load has no acknowledgement behind it.
      if (copies[0] !== before.copies[0] && atMs + windowMs.after < durationMs) pausesMs.push(longestGapMs(answeredMs, atMs));
    }
  }
  return { isFar: plan.background.delayUsMin >= 1_000, pausesMs, moves };
}

function longestGapMs(answeredMs: readonly number[], atMs: number): number {
  const around = answeredMs.filter((ms) => ms >= atMs - windowMs.before && ms <= atMs + windowMs.after);
  if (around.length === 0 || around[around.length - 1] < atMs) return Number.POSITIVE_INFINITY;
  return around.reduce((longest, ms, at) => (at === 0 ? longest : Math.max(longest, ms - around[at - 1])), 0);
}

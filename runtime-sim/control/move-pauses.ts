/**
 * For how long the moves of copies keep writes waiting, as clients see it: whole nodes with data, a node that joins and one that is drained, in quiet surroundings; each seed has its own
 * links, disks, clocks and moments. Every space is written to without a break, by clients that follow the primary like any other.
 *
 * A pause begins with the entry by which a primary stops taking writes, and ends with the first acknowledgement behind the entry that ends it: of the new primary, or of the old one where the
 * move was given up. Its length is the longest time between two acknowledgements of the space within this span. So it contains all that a cut-over costs: the source's last word, two
 * entries, the redirect, the first write's way to the new primary's disk; and not what a slow disk does before or a second later.
 */
import type { Operation } from '../../checker/history.js';
import type { DomainEvent } from '../../core/domain-events.js';
import { EngramNode } from '../../core/engram-node.js';
import type { NodeId, SpaceKey } from '../../core/identifiers.js';
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
/** So long before the end of the load a cut-over has to be committed, to be followed by an acknowledgement. */
const afterMs = 2_000;

export interface MovePauses {
  /** Whether messages take milliseconds instead of a fraction of one. */
  readonly isFar: boolean;
  /** Of each pause, in order of their ends: milliseconds; Infinity where its space took no write any more. */
  readonly pausesMs: readonly number[];
  /** Pauses that ended with the row as it was. */
  readonly givenUp: number;
  /** Rows that got another primary though nobody had paused: their primary was held for dead, which in these runs none is. */
  readonly heldForDead: number;
  /** Committed rows in which another node holds a copy, primaries or not. */
  readonly moves: number;
}

interface Pause {
  readonly space: SpaceKey;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Who is primary no more; null: the move was given up. */
  readonly left: NodeId | null;
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

/** What the entries of the control log did to primaries, each when the first node applied it. */
class PrimaryChanges {
  readonly pauses: Pause[] = [];
  givenUp = 0;
  heldForDead = 0;
  moves = 0;
  #applied = 0;
  readonly #sources = new Map<SpaceKey, NodeId | null>();
  readonly #pausedMs = new Map<SpaceKey, number>();

  noted(event: DomainEvent, atMs: number): void {
    if (event.kind !== 'control.applied' || event.index <= this.#applied) return;
    this.#applied = event.index;
    const { entry, outcome } = event;
    if (entry === null || outcome.kind === 'refused') return;
    if (entry.kind === 'primaries-reassigned') this.heldForDead += entry.successors.length - outcome.skipped.length;
    if (entry.kind !== 'move-changed') return;
    const { space, change } = entry;
    if (change.kind === 'started') this.#sources.set(space, change.from);
    if (change.kind === 'committed') this.moves += 1;
    if (change.kind === 'paused') this.#pausedMs.set(space, atMs);
    const fromMs = this.#pausedMs.get(space);
    if (fromMs === undefined || change.kind === 'started' || change.kind === 'paused') return;
    this.#pausedMs.delete(space);
    if (atMs + afterMs >= durationMs) return;
    if (change.kind === 'aborted') this.givenUp += 1;
    const left = change.kind === 'aborted' ? null : (this.#sources.get(space) ?? null);
    this.pauses.push({ space, fromMs, untilMs: atMs, left });
  }
}

/** Runs one seed, and finds every pause of a primary in it. */
export function measureMovePauses(seed: number): MovePauses {
  const plan = planOf(seed);
  const changes = new PrimaryChanges();
  const simulation: Simulation = new Simulation({
    plan,
    seed,
    trace: new Trace(),
    createCore: (configuration, effects, pure) => {
      const note = (event: DomainEvent): void => {
        changes.noted(event, simulation.simulatedMs - loadStartsMs);
        effects.journal.note(event);
      };
      return new EngramNode(configuration, { ...effects, journal: { note } }, pure);
    },
  });
  simulation.schedulePlan();
  while (simulation.simulatedMs < durationMs + loadStartsMs && simulation.step());
  const pausesMs = changes.pauses.map((pause) => lengthOf(pause, simulation.recorder.operations));
  const { givenUp, heldForDead, moves } = changes;
  return { isFar: plan.background.delayUsMin >= 1_000, pausesMs, givenUp, heldForDead, moves };
}

/** The longest time between two acknowledgements, or from the begin of the pause to the next one, up to the first one of whoever is primary behind it. */
function lengthOf({ space, fromMs, untilMs, left }: Pause, operations: readonly Operation[]): number {
  const answered = operations
    .filter((operation) => operation.space === space && operation.outcome === 'ok')
    .sort((one, other) => one.completedMs - other.completedMs);
  const resumed = answered.findIndex(({ completedMs, node }) => completedMs > untilMs && node !== left);
  if (resumed < 0) return Number.POSITIVE_INFINITY;
  let longest = 0;
  for (let at = 1; at <= resumed; at += 1)
    if (answered[at].completedMs >= fromMs)
      longest = Math.max(longest, answered[at].completedMs - Math.max(fromMs, answered[at - 1].completedMs));
  return longest;
}

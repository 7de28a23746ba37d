/**
 * Rebalance: copies move under load, because a node joins, one is to leave, and one dies for good.
 *
 * All but one of the nodes found the cluster and hold the spaces. The last one is let in early in the run and gets its share. Then an operator drains one of the
 * others, and on half of the seeds has it removed once it holds nothing any more. Later a third dies, and stays down for longer than the grace: its copies get other
 * places; when it comes back after the load, it finds that it is no copy any more and hands over what it has. On half of the seeds it is cut off for seconds before it dies, so
 * that it alone has what it acknowledged then; on half it is removed while it is away, and comes back as no member. Amid all that nodes lose power, whoever they are at
 * that moment (the leader of the control log, the source of a move, its target), and links are cut for seconds. On a third of the seeds an operator has all moves given up amid that, and
 * copies move again only at a second word: whoever leads then.
 *
 * What has gone wrong here in other systems: a target that takes over before it has all, a source deleted before others have what only it had, a source
 * that goes on writing after its successor has begun, and moves that nobody goes on with when who began them is gone.
 */
import { drawRebalancing } from './cluster-changes.js';
import { crash, cutLinks, type Fault, healLinks, restart } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import type { ClusterChange } from './run-plan.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

export const rebalance: Scenario = {
  name: 'rebalance',
  nodesMin: 5,
  checkers: usualCheckers,
  latecomers: (nodes) => nodes.slice(-1),

  plan(stage) {
    const draws = stage.random.stream('cluster');
    const [leaving, dying, ...others] = draws.shuffled(stage.nodes.slice(0, -1)) as [string, string, ...string[]];
    const diesMs = Math.round(stage.durationMs * (0.55 + 0.1 * draws.fraction()));
    const { cuts, changes, isExpelled } = drawDeath(stage, dying, diesMs);
    return {
      faults: [
        ...cuts,
        crash({ atMs: diesMs, node: dying }),
        ...drawInterruptions(stage, { lasting: [leaving, ...others], untilMs: diesMs, dying }),
      ],
      splits: [],
      rest: 'down',
      lasting: stage.nodes.filter((node) => node !== leaving && !(isExpelled && node === dying)),
      families: ['crash'],
      controlLog: {
        partitionPolicy: 'accept',
        rebalancing: drawRebalancing(draws),
        changes: [...drawChanges(stage, leaving, draws), ...changes, ...drawOrders(stage)],
      },
    };
  },
};

/** Whether it is cut off before it dies, and removed while it is away. */
function drawDeath(
  { nodes, durationMs, random }: Stage,
  dying: string,
  diesMs: number,
): { readonly cuts: readonly Fault[]; readonly changes: readonly ClusterChange[]; readonly isExpelled: boolean } {
  const draws = random.stream('death');
  const forMs = Math.round(durationMs * (0.02 + 0.04 * draws.fraction()));
  const to = nodes.filter((other) => other !== dying);
  const isCut = draws.chance(0.5);
  const cuts = [cutLinks({ atMs: diesMs - forMs, from: [dying], to }), cutLinks({ atMs: diesMs - forMs, from: to, to: [dying] })];
  const isExpelled = draws.chance(0.5);
  const atMs = diesMs + Math.round(durationMs * 0.1 * draws.fraction());
  return { cuts: isCut ? cuts : [], changes: isExpelled ? [{ kind: 'expel', atMs, node: dying }] : [], isExpelled };
}

function drawChanges({ nodes, durationMs }: Stage, leaving: string, draws: Draws): ClusterChange[] {
  const joining = nodes[nodes.length - 1] as string;
  const joinMs = Math.round(durationMs * (0.08 + 0.1 * draws.fraction()));
  const drainMs = Math.round(durationMs * (0.3 + 0.1 * draws.fraction()));
  return [
    { kind: 'join', atMs: joinMs, node: joining },
    { kind: draws.chance(0.5) ? 'remove' : 'drain', atMs: drainMs, node: leaving },
  ];
}

/** No copy is to be moved for a while, from when some are on their way. */
function drawOrders({ nodes, durationMs, random }: Stage): ClusterChange[] {
  const draws = random.stream('orders');
  if (!draws.chance(1 / 3)) return [];
  const share = draws.pick([0.1, 0.14, 0.18, 0.33, 0.37, 0.41]) + 0.03 * draws.fraction();
  const applied = share + 0.05 + 0.1 * draws.fraction();
  const founders = nodes.slice(0, -1);
  return [
    { kind: 'hold', atMs: Math.round(durationMs * share), node: draws.pick(founders) },
    { kind: 'apply', atMs: Math.round(durationMs * applied), node: draws.pick(founders) },
  ];
}

/** On most seeds one to five nodes lose power or their links for a while, most of them when copies move. */
function drawInterruptions(
  { nodes, durationMs, random }: Stage,
  { lasting, untilMs, dying }: { readonly lasting: readonly string[]; readonly untilMs: number; readonly dying: string },
): Fault[] {
  const draws = random.stream('interruptions');
  if (draws.chance(0.2)) return [];
  return Array.from({ length: draws.integer({ min: 1, max: 5 }) }, () => {
    // Soon after a node has joined, or is to leave, or has died.
    const share = draws.pick([0.1, 0.14, 0.18, 0.33, 0.37, 0.41, 0.7]);
    const atMs = Math.round(durationMs * (share + 0.05 * draws.fraction()));
    const forMs = Math.round(durationMs * (0.005 + 0.05 * draws.fraction()));
    const node = draws.pick(atMs + forMs < untilMs ? nodes : lasting);
    if (node === dying && atMs + forMs >= untilMs) return [];
    if (draws.chance(0.6)) return [crash({ atMs, node }), restart({ atMs: atMs + forMs, node })];
    const to = nodes.filter((other) => other !== node);
    return [cutLinks({ atMs, from: [node], to }), healLinks({ atMs: atMs + forMs, from: [node], to })];
  }).flat();
}

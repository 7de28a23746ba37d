/**
 * Permanent loss: disks are destroyed for good, and whoever starts there next starts with nothing.
 *
 * One to three times in a run a machine goes down and its disk with it, whether the machine was well, mute for seconds, or down already. After a while it comes back under
 * its old name with an empty disk: a new node, as the others learn within half a second, which pulls all that its copies should hold from theirs. On
 * some seeds other machines lose power meanwhile and keep their disks.
 *
 * What is promised: k copies that have acknowledged a write lose nothing while fewer than k of their disks are destroyed. So a disk is only destroyed
 * while it is not the last one of what an earlier destroyed disk held: a write acknowledged by two or more survives, always, and so does one that the
 * primary alone acknowledged once another copy has synced it. What only the destroyed disk had acknowledged goes with it; it is counted, and nothing else
 * is excused.
 *
 * Who takes the lost copy's place here is the same machine again. That another node takes it, because the members agree that the old one is gone,
 * is in `rebalance`.
 *
 * What has gone wrong here in other systems: an empty disk that votes as if it remembered, a primary that returns empty and leads the others to
 * delete what it lacks, and an old name believed to hold what it once held.
 */
import { crash, cutLinks, destroyDisk, type Fault, healLinks, restart } from './fault-plan.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

export const permanentLoss: Scenario = {
  name: 'permanent-loss',
  nodesMin: 2,
  checkers: usualCheckers,

  plan(stage) {
    const losses = drawLosses(stage);
    const outages = drawOutages(stage, losses);
    return {
      faults: [...losses, ...outages],
      splits: [],
      rest: 'down',
      families: ['disk-destroyed', ...(outages.length > 0 ? ['crash'] : [])],
    };
  },
};

export function drawLosses({ nodes, rows, durationMs, random }: Stage): Fault[] {
  const draws = random.stream('losses');
  const count = draws.pick([1, 1, 2, 3]);
  const share = 0.9 / count;
  return Array.from({ length: count }, (_, at) => {
    // Half of the time the disk on which some space is written.
    const node = rows.length > 0 && draws.chance(0.5) ? (draws.pick(rows).copies[0] as string) : draws.pick(nodes);
    const atMs = Math.round(durationMs * (0.06 + share * (at + 0.4 * draws.fraction())));
    const downMs = Math.round(durationMs * share * (0.03 + 0.5 * draws.fraction()));
    const isDownBefore = draws.chance(0.3);
    const crashedMs = Math.max(0, atMs - Math.round(durationMs * 0.03));
    return [
      ...(draws.chance(0.4) && !isDownBefore ? cutOffBefore(node, nodes, atMs, Math.round(durationMs * 0.05 * draws.fraction())) : []),
      ...(isDownBefore ? [crash({ atMs: crashedMs, node })] : []),
      destroyDisk({ atMs, node }),
      restart({ atMs: atMs + downMs, node }),
    ];
  }).flat();
}

/** The last that it wrote reaches nobody: the unshipped tail of a disk that is lost. */
function cutOffBefore(node: string, nodes: readonly string[], atMs: number, forMs: number): Fault[] {
  const to = nodes.filter((other) => other !== node);
  return [cutLinks({ atMs: Math.max(0, atMs - forMs), from: [node], to }), healLinks({ atMs: atMs + 1, from: [node], to })];
}

/** On four seeds of ten: one to four of the other nodes lose power and come back. */
function drawOutages({ nodes, durationMs, random }: Stage, losses: readonly Fault[]): Fault[] {
  const lost = new Set(losses.flatMap((fault) => ('node' in fault ? [fault.node] : [])));
  const others = nodes.filter((node) => !lost.has(node));
  if (others.length === 0) return [];
  const draws = random.stream('losses.outages');
  if (!draws.chance(0.4)) return [];
  return Array.from({ length: draws.integer({ min: 1, max: 4 }) }, () => {
    const node = draws.pick(others);
    const atMs = Math.round((durationMs * draws.integer({ min: 5, max: 85 })) / 100);
    return [crash({ atMs, node }), restart({ atMs: atMs + Math.round((durationMs * draws.integer({ min: 1, max: 12 })) / 100), node })];
  }).flat();
}

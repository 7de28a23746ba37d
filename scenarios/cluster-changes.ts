/**
 * What goes on in a cluster beside a scenario's own story: on a third of the seeds a node joins, another is drained or removed, and copies move by themselves, also
 * away from who is dead for longer than a grace of seconds. What has gone wrong here in other systems: each of two repairs is right by itself.
 */
import type { RebalancingOptions } from '../core/control/moves/rebalancing-options.js';
import type { Draws } from './random-streams.js';
import type { ClusterChange, PlannedControlLog } from './run-plan.js';

/** With fewer, one that leaves and one that comes later leave too few for three copies. */
const nodesMin = 5;

export interface ClusterChanges {
  /** A member only from some moment on; null for none. */
  readonly latecomer: string | null;
  /** No member any more in the end, or no voter; null for none. */
  readonly leaving: string | null;
  /** Whether copies move by themselves. */
  readonly isMoving: boolean;
  readonly controlLog: Partial<PlannedControlLog>;
}

const none: ClusterChanges = { latecomer: null, leaving: null, isMoving: false, controlLog: {} };

export function drawClusterChanges(nodes: readonly string[], durationMs: number, draws: Draws): ClusterChanges {
  if (!draws.chance(1 / 3) || nodes.length < nodesMin) return none;
  const latecomer = draws.chance(0.5) ? (nodes[nodes.length - 1] as string) : null;
  const leaving = draws.chance(0.5) ? draws.pick(nodes.filter((node) => node !== latecomer)) : null;
  const at = (from: number, to: number): number => Math.round(durationMs * (from + (to - from) * draws.fraction()));
  const changes: ClusterChange[] = [
    ...(latecomer === null ? [] : [{ kind: 'join' as const, atMs: at(0.05, 0.5), node: latecomer }]),
    ...(leaving === null
      ? []
      : [{ kind: draws.chance(0.5) ? ('remove' as const) : ('drain' as const), atMs: at(0.2, 0.7), node: leaving }]),
  ];
  return { latecomer, leaving, isMoving: true, controlLog: { rebalancing: drawRebalancing(draws), changes } };
}

/** A grace of seconds, so that a minute is long enough to lose a node for good. */
export function drawRebalancing(draws: Draws): Partial<RebalancingOptions> {
  return {
    isAutomatic: true,
    graceMs: draws.integer({ min: 3_000, max: 6_000 }),
    settleMs: draws.integer({ min: 200, max: 1_000 }),
    movesMax: draws.pick([1, 4, 8]),
    movesPerNodeMax: draws.pick([1, 2, 4]),
    stallMs: draws.integer({ min: 3_000, max: 8_000 }),
    pauseMsMax: draws.pick([500, 1_000]),
  };
}

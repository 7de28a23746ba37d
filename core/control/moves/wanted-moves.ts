/**
 * What has to be done so that the rows become what placement plans: copies that go to other nodes, copies more, another primary among the copies, copies too many.
 * A pure judgement of state, sizes and who is away; `rebalancing.ts` carries it out, a few at a time.
 */
import { compareText, type NodeId, type SpaceKey } from '../../identifiers.js';
import { type PlacementPlan, planPlacement } from '../../placement/placement-plan.js';
import type { KernelFunctions } from '../../pure-functions.js';
import { type ControlRow, type ControlState, membersInOrder, rowsInOrder } from '../control-state.js';

/** A node holds at most this many times its fair share. */
export const capShare = 1.1;

/** Copies smaller than this are all counted as this large: where they are makes no difference that is worth a move. */
export const smallCopyBytes = 2 ** 20;

export type WantedStep =
  /** A copy, `bytes` large; `from` gives up its own, null: none does. */
  | { readonly kind: 'copy'; readonly space: SpaceKey; readonly from: NodeId | null; readonly to: NodeId; readonly bytes: number }
  /** Another of the copies is to be primary. */
  | { readonly kind: 'primary'; readonly space: SpaceKey; readonly from: NodeId; readonly to: NodeId }
  /** More copies than there should be: these remain, the primary first. */
  | { readonly kind: 'fewer'; readonly space: SpaceKey; readonly copies: readonly NodeId[] };

export interface Wanted {
  readonly plan: PlacementPlan;
  /** Those first without which a space has the fewest copies that live; then what leaves nodes that are to give up all. */
  readonly steps: readonly WantedStep[];
}

export interface Circumstances {
  /** Nodes that are not coming back soon: what they hold counts as lost until they do. */
  readonly absent: ReadonlySet<NodeId>;
  /** Of one copy; 0 while it is not known, or small. */
  bytesOf(space: SpaceKey): number;
}

/** What of the state is looked at. */
export type PlannedState = Pick<ControlState, 'members' | 'rows' | 'settings'>;

export function wantedMoves(state: PlannedState, { absent, bytesOf }: Circumstances, pure: KernelFunctions): Wanted {
  const nodes = membersInOrder(state).map(({ id, zone, rack, isDraining }) => ({
    id,
    zone,
    rack,
    isDraining: isDraining || absent.has(id),
  }));
  const rows = rowsInOrder(state);
  const spaces = rows.map(({ space, copies }) => ({ space, bytes: Math.max(smallCopyBytes, bytesOf(space)), copies }));
  const { replicationFactor } = state.settings;
  const plan = planPlacement({ nodes, spaces, replicationFactor, capShare }, pure);
  const urgencyOf = ({ copies }: ControlRow, planned: readonly NodeId[]): number => {
    const present = copies.filter((copy) => !absent.has(copy)).length;
    if (present < planned.length) return present;
    return copies.some((copy) => state.members[copy]?.isDraining === true) ? replicationFactor : replicationFactor + 1;
  };
  const steps = rows.flatMap((row, at) => {
    const planned = plan.rows[at].copies;
    const urgency = urgencyOf(row, planned);
    return stepsOf(row, planned, { state, absent, bytes: bytesOf(row.space) }).map((step) => ({ step, urgency }));
  });
  steps.sort((left, right) => left.urgency - right.urgency || compareText(left.step.space, right.step.space));
  return { plan, steps: steps.map(({ step }) => step) };
}

function stepsOf(
  { space, copies }: ControlRow,
  planned: readonly NodeId[],
  { state, absent, bytes }: { readonly state: PlannedState; readonly absent: ReadonlySet<NodeId>; readonly bytes: number },
): WantedStep[] {
  const [primary] = copies;
  const [next] = planned;
  if (next === undefined) return [];
  const isOtherPrimary = next !== primary && copies.includes(next) && !absent.has(next);
  // Between two copies little is left to copy while writes pause: the primary changes first, and then goes as a replica, for whom nobody pauses.
  if (isOtherPrimary) return [{ kind: 'primary', space, from: primary, to: next }];
  const added = planned.filter((id) => !copies.includes(id));
  const given = copies.filter((id) => !planned.includes(id));
  // What holds nothing that could be read gives way first, the primary last: nobody has to pause for the others.
  const goes = given
    .map((id) => ({ id, rank: absent.has(id) ? 0 : id === primary ? 2 : 1 }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ id }) => id);
  const { replicationFactor } = state.settings;
  const moves = added.map((to, at): WantedStep => {
    const isFull = copies.length + at >= replicationFactor;
    return { kind: 'copy', space, from: isFull ? (goes.shift() ?? null) : null, to, bytes };
  });
  if (moves.length > 0) return moves;
  // Copies on nodes that are away are no reason to have fewer: they may come back.
  const isTooMany = copies.length > replicationFactor && given.length > 0;
  return isTooMany ? [{ kind: 'fewer', space, copies: planned }] : [];
}

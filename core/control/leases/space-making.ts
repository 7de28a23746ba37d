/**
 * Spaces that are made when they are first written to: who is asked for one tells the leader, which gives each its copies by the placement plan and has it made by an
 * entry. Rows that stand stay as they are; of a plan only those of the new spaces are taken.
 */
import type { NodeId, SpaceKey } from '../../identifiers.js';
import { spaceKey } from '../../identifiers.js';
import { planPlacement } from '../../placement/placement-plan.js';
import type { PureFunctions } from '../../pure-functions.js';
import { type ControlState, membersInOrder, rowsInOrder } from '../control-state.js';
import type { ControlEntry } from '../entries.js';

/** Names that wait to be made; of more the latest are not remembered, and are asked for again. */
export const wantedMax = 1_024;
const capShare = 1.1;

/**
 * An entry for each of these names that was never used. Nodes for which `isAway` says so get a copy only where there are too few others, and lead nothing: a row that is short
 * from its beginning is worse than one that waits for somebody who has not been heard yet.
 */
export function entriesFor(
  names: Iterable<string>,
  state: ControlState,
  isAway: (node: NodeId) => boolean,
  pure: PureFunctions,
): readonly ControlEntry[] {
  const fresh = [...names].filter((name) => state.generations[name] === undefined).sort();
  if (fresh.length === 0) return [];
  const { replicationFactor } = state.settings;
  const members = membersInOrder(state);
  const areEnough = members.filter(({ id, isDraining }) => !isDraining && !isAway(id)).length >= replicationFactor;
  const nodes = members.map(({ id, zone, rack, isDraining }) => ({ id, zone, rack, isDraining: isDraining || (areEnough && isAway(id)) }));
  const standing = rowsInOrder(state).map(({ space, copies }) => ({ space, bytes: 1, copies }));
  const made = fresh.map((name) => ({ space: spaceKey({ name, generation: 0 }), bytes: 1, copies: [] }));
  const { rows } = planPlacement({ nodes, spaces: [...standing, ...made], replicationFactor, capShare }, pure);
  const copiesOf = new Map<SpaceKey, readonly NodeId[]>(rows.map(({ space, copies }) => [space, copies]));
  return fresh.flatMap((name): ControlEntry[] => {
    const placed = copiesOf.get(spaceKey({ name, generation: 0 })) ?? [];
    const copies = [...placed.filter((id) => !isAway(id)), ...placed.filter(isAway)];
    return copies.length === 0 ? [] : [{ kind: 'space-created', name, generation: 0, copies }];
  });
}

/** Planning as work beside the node's turns: with ten thousand spaces it takes a third of a second, and a leader that stands still for so long is none. */
import type { NodeId, SpaceKey } from '../../identifiers.js';
import type { KernelFunctions } from '../../pure-functions.js';
import { type PlannedState, type Wanted, wantedMoves } from './wanted-moves.js';

/** Immutable, like the state that it is made from. */
export interface PlanningJob {
  readonly kind: 'planning';
  readonly state: PlannedState;
  /** Nodes that are not coming back soon, in id order. */
  readonly absent: readonly NodeId[];
  /** Of one copy, of the spaces that anything is known of. */
  readonly bytes: ReadonlyMap<SpaceKey, number>;
}

export interface PlanningResult extends Wanted {
  readonly kind: 'planning';
}

export function planMoves({ state, absent, bytes }: PlanningJob, pure: KernelFunctions): PlanningResult {
  const circumstances = { absent: new Set(absent), bytesOf: (space: SpaceKey) => bytes.get(space) ?? 0 };
  return { kind: 'planning', ...wantedMoves(state, circumstances, pure) };
}

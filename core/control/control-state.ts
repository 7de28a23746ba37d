/**
 * The state that the control log's entries add up to: the same on every node that has applied as many of them. Immutable values made with immer; the patches of
 * each change are the event stream.
 */
import { compareText, type NodeId, type SpaceKey } from '../identifiers.js';
import {
  type ClusterSettings,
  defaultClusterSettings,
  type Epoch,
  type MemberDescription,
  type Move,
  type RebalancingOrder,
} from './entries.js';
import type { ControlView } from './members-and-rows.js';

export interface ControlMember extends MemberDescription {
  /** Gives up what it holds and gets nothing more. */
  readonly isDraining: boolean;
  /** Index of the entry that let it in. */
  readonly since: number;
}

export interface ControlRow {
  readonly space: SpaceKey;
  /** Of the entry that last changed who holds copies or who is primary: the primary's term. */
  readonly epoch: Epoch;
  /** Index of the last entry that changed anything of the row. Invariant: epoch.index <= revision. */
  readonly revision: number;
  /** The primary first. Invariant: distinct members, one at least. */
  readonly copies: readonly NodeId[];
  readonly move: Move | null;
}

/** What an operator ordered last, by which entry, when by the clock of the node that took the command, and which node that was. */
export interface StandingOrder {
  readonly order: RebalancingOrder;
  readonly index: number;
  readonly atMs: number;
  readonly by: NodeId;
}

export interface ControlState {
  /** 32 hexadecimal digits; empty before the cluster is made, and then all else is empty too. */
  readonly clusterId: string;
  readonly generation: number;
  /** The last entry that has been applied, whatever it did. */
  readonly applied: number;
  readonly settings: ClusterSettings;
  readonly members: Readonly<Record<NodeId, ControlMember>>;
  /** Who was removed, and by which entry. It does not come back under that identity. */
  readonly removed: Readonly<Record<NodeId, number>>;
  /** In id order. */
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly rows: Readonly<Record<SpaceKey, ControlRow>>;
  /** The last generation of each space name that was ever used. */
  readonly generations: Readonly<Record<string, number>>;
  /** About the moving of copies; null: none was given, and each node's configuration says whether moves begin by themselves. */
  readonly order: StandingOrder | null;
}

export const emptyControlState: ControlState = {
  clusterId: '',
  generation: 0,
  applied: 0,
  settings: defaultClusterSettings,
  members: {},
  removed: {},
  voters: [],
  learners: [],
  rows: {},
  generations: {},
  order: null,
};

/** Whether the cluster has been made. */
export function isMade({ clusterId }: ControlState): boolean {
  return clusterId !== '';
}

/** Whether the node, as primary, has to take no more writes until the row changes. */
export function isPausedAt({ move }: ControlRow, node: NodeId): boolean {
  return move?.stage === 'paused' && move.from === node;
}

export function membersInOrder({ members }: Pick<ControlState, 'members'>): readonly ControlMember[] {
  return Object.values(members).sort((left, right) => compareText(left.id, right.id));
}

export function rowsInOrder({ rows }: Pick<ControlState, 'rows'>): readonly ControlRow[] {
  return Object.values(rows).sort((left, right) => compareText(left.space, right.space));
}

/** What the rest of the core reads of it. */
export function viewOfState(state: ControlState): ControlView {
  return {
    epoch: { generation: state.generation, index: state.applied },
    members: membersInOrder(state).map(({ id, name }) => ({ id, name })),
    rows: state.rows,
    unlisted: null,
    copiesWanted: state.settings.replicationFactor,
    generations: state.generations,
  };
}

/**
 * Who the members are and where each space's copies live: the view of the control log that the rest of the core reads. Immutable values made with
 * immer; where no control log is kept they come from configuration, and every term is provisional.
 */
import { produce } from 'immer';
import { compareText, type NodeId, type SpaceKey } from '../identifiers.js';
import { invariant } from '../invariant.js';
import { candidateOrder } from '../placement/candidate-order.js';
import type { PureFunctions } from '../pure-functions.js';
import type { Move } from './entries.js';

export interface Member {
  readonly id: NodeId;
  readonly name: string;
}

/** Where a space lives. Invariant: copies are distinct members; the first is preferred as primary, then in order. */
export interface Row {
  readonly space: SpaceKey;
  readonly copies: readonly NodeId[];
  /** A copy on its way: who it goes to pulls, and counts for nothing before it stands in the row. */
  readonly move?: Move | null;
  /** Of a row of the control log: the entry that changed it last. */
  readonly revision?: number;
}

export interface ControlView {
  /** Generation and index of the last committed entry; (0, 0) without a control log. */
  readonly epoch: { readonly generation: number; readonly index: number };
  readonly members: readonly Member[];
  readonly rows: Readonly<Record<string, Row>>;
  /** A space that has no row: its copies are the first so many members in candidate order. Null: there are no such spaces. */
  readonly unlisted: { readonly replicationFactor: number } | null;
  /** How many copies each space is to have, where there are as many members. Absent: as many as its row names. */
  readonly copiesWanted?: number;
  /** The last generation that was ever used of each space name: one of it or before that has no row was deleted. Absent: nothing is ever deleted. */
  readonly generations?: Readonly<Record<string, number>>;
}

/** The view of one node alone: every space lives here. */
export function singleNodeView(self: NodeId, name: string): ControlView {
  return { epoch: { generation: 0, index: 0 }, members: [{ id: self, name }], rows: {}, unlisted: { replicationFactor: 1 } };
}

/** The view with members in id order and the given rows added. */
export function withRows(view: ControlView, rows: readonly Row[]): ControlView {
  for (const row of rows) invariant(new Set(row.copies).size === row.copies.length, 'copies of a row are distinct');
  return produce(view, (draft) => {
    draft.members.sort((left, right) => compareText(left.id, right.id));
    for (const row of rows) draft.rows[row.space] = { space: row.space, copies: [...row.copies] };
  });
}

/** The row of a space, or null when this cluster has no such space. */
export function rowOf(view: ControlView, space: SpaceKey, pure: PureFunctions): Row | null {
  const row = view.rows[space];
  if (row !== undefined) return row;
  if (view.unlisted === null) return null;
  const members = view.members.map(({ id }) => id);
  return { space, copies: candidateOrder(space, members, pure).slice(0, view.unlisted.replicationFactor) };
}

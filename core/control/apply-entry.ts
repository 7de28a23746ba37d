/**
 * What each entry of the control log does to the state: pure and total. An entry is committed whether or not it still fits: what rests on something that has
 * changed meanwhile is refused here with the reason, by every node alike.
 */
import { enablePatches, type Patch, produceWithPatches } from 'immer';
import { compareText, type NodeId, type SpaceKey, spaceGeneration, spaceKey, spaceName } from '../identifiers.js';
import { unreachable } from '../invariant.js';
import { type ControlMember, type ControlRow, type ControlState, isMade } from './control-state.js';
import {
  type ControlEntry,
  copiesMax,
  type Epoch,
  type MemberDescription,
  type Move,
  type MoveChange,
  membersMax,
  removedMax,
  spaceNamesMax,
  spacesMax,
} from './entries.js';

enablePatches();

export type RefusalReason =
  | 'already applied'
  | 'cluster already made'
  | 'no cluster'
  | 'already a member'
  | 'no member'
  | 'was removed'
  | 'name taken'
  | 'too many members'
  | 'too many spaces'
  | 'copies not legal'
  | 'still votes'
  | 'still holds copies'
  | 'the only copy'
  | 'space exists'
  | 'no such space'
  | 'stale generation'
  | 'stale rows'
  | 'no such move';

export type Outcome =
  /** `skipped`: rows of the entry that had changed meanwhile, in the entry's order. */
  { readonly kind: 'applied'; readonly skipped: readonly SpaceKey[] } | { readonly kind: 'refused'; readonly why: RefusalReason };

export interface Applied {
  readonly state: ControlState;
  readonly outcome: Outcome;
  /** From the state before to this one, as immer writes them; what changes with each entry (`applied`) is not among them. */
  readonly patches: readonly Patch[];
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type Draft = Writable<ControlState> & {
  members: Record<NodeId, ControlMember>;
  removed: Record<NodeId, number>;
  rows: Record<SpaceKey, ControlRow>;
  generations: Record<string, number>;
};

/** A state under change, and as it was: looking through all rows of a draft would make a draft of each. */
interface Changing {
  readonly draft: Draft;
  readonly before: ControlState;
}

const nothingSkipped: readonly SpaceKey[] = [];
const applied: Outcome = { kind: 'applied', skipped: nothingSkipped };

function refused(why: RefusalReason): Outcome {
  return { kind: 'refused', why };
}

/** Applies one committed entry. `index` is its place in the log; the same or an earlier one than was applied before changes nothing. */
export function applyEntry(state: ControlState, entry: ControlEntry, index: number): Applied {
  if (index <= state.applied) return { state, outcome: refused('already applied'), patches: [] };
  let outcome: Outcome = applied;
  const [next, patches] = produceWithPatches(state, (draft) => {
    outcome = change({ draft: draft as unknown as Draft, before: state }, entry, index);
  });
  return { state: noteApplied(next, index), outcome, patches };
}

/** An entry that says nothing to the state was committed there. */
export function nothingBy(state: ControlState, index: number): Applied {
  return { state: noteApplied(state, index), outcome: { kind: 'applied', skipped: [] }, patches: [] };
}

function noteApplied(state: ControlState, index: number): ControlState {
  return index <= state.applied ? state : { ...state, applied: index };
}

function change({ draft, before }: Changing, entry: ControlEntry, index: number): Outcome {
  if (entry.kind === 'cluster-made') return makeCluster(draft, entry, index);
  if (!isMade(draft)) return refused('no cluster');
  switch (entry.kind) {
    case 'node-added':
      return addNode({ draft, before }, entry.member, index);
    case 'node-changed':
      return changeNode({ draft, before }, entry.member, entry.isDraining);
    case 'node-removed':
      return removeNode({ draft, before }, entry, index);
    case 'voters-changed':
      draft.voters = [...entry.voters];
      draft.learners = [...entry.learners];
      return applied;
    case 'space-created':
      return createSpace(draft, entry, index);
    case 'space-dropped':
      return dropSpace(draft, entry);
    case 'rows-assigned':
      return assign(
        draft,
        entry.rows.map(({ space, basis, copies }) => ({ space, basis, to: () => copies })),
        index,
      );
    case 'primaries-reassigned':
      return reassign(draft, entry, index);
    case 'move-changed':
      return changeMove(draft, entry, index);
    case 'settings-changed':
      draft.settings = entry.settings;
      return applied;
    case 'rebalancing-ordered':
      return order({ draft, before }, entry, index);
    case 'recovered':
      return recover({ draft, before }, entry.generation, index);
    default:
      return unreachable(entry);
  }
}

/** What was known of rows may not be what was committed: every row gets a term of the new generation, and moves under way are given up. */
function recover({ draft, before }: Changing, generation: number, index: number): Outcome {
  if (generation <= before.generation) return refused('stale generation');
  draft.generation = generation;
  for (const row of Object.values(before.rows))
    draft.rows[row.space] = { ...changedRow(draft, row, { copies: row.copies, move: null }, index), epoch: epochAt(draft, index) };
  return applied;
}

function makeCluster(draft: Draft, entry: Extract<ControlEntry, { kind: 'cluster-made' }>, index: number): Outcome {
  if (isMade(draft)) return refused('cluster already made');
  const ids = new Set(entry.founders.map(({ id }) => id));
  const names = new Set(entry.founders.map(({ name }) => name));
  if (ids.size !== entry.founders.length || ids.size === 0) return refused('already a member');
  if (names.size !== ids.size) return refused('name taken');
  draft.clusterId = entry.clusterId;
  draft.generation = 1;
  draft.settings = entry.settings;
  draft.voters = [...ids].sort(compareText);
  for (const member of entry.founders) draft.members[member.id] = { ...member, isDraining: false, since: index };
  return applied;
}

function isNameTaken({ members }: ControlState, { id, name }: MemberDescription): boolean {
  return Object.values(members).some((other) => other.name === name && other.id !== id);
}

function addNode({ draft, before }: Changing, member: MemberDescription, index: number): Outcome {
  if (draft.members[member.id] !== undefined) return refused('already a member');
  if (draft.removed[member.id] !== undefined) return refused('was removed');
  if (isNameTaken(before, member)) return refused('name taken');
  if (Object.keys(draft.members).length >= membersMax) return refused('too many members');
  draft.members[member.id] = { ...member, isDraining: false, since: index };
  return applied;
}

function changeNode({ draft, before }: Changing, member: MemberDescription, isDraining: boolean): Outcome {
  const known = draft.members[member.id];
  if (known === undefined) return refused('no member');
  if (isNameTaken(before, member)) return refused('name taken');
  draft.members[member.id] = { ...member, isDraining, since: known.since };
  return applied;
}

function removeNode(
  { draft, before }: Changing,
  { node, isForced }: Extract<ControlEntry, { kind: 'node-removed' }>,
  index: number,
): Outcome {
  if (draft.members[node] === undefined) return refused('no member');
  // Who only learns is taken out of the electorate once it is no member.
  if (draft.voters.includes(node)) return refused('still votes');
  const rows = Object.values(before.rows).filter(({ copies, move }) => copies.includes(node) || move?.to === node);
  if (rows.length > 0 && !isForced) return refused('still holds copies');
  if (rows.some(({ copies }) => copies.every((copy) => copy === node))) return refused('the only copy');
  for (const row of rows) {
    const copies = row.copies.filter((copy) => copy !== node);
    draft.rows[row.space] = changedRow(draft, row, { copies, move: null }, index);
  }
  delete draft.members[node];
  forgetOldestRemoved(draft);
  draft.removed[node] = index;
  return applied;
}

function forgetOldestRemoved({ removed }: Draft): void {
  const known = Object.entries(removed) as [NodeId, number][];
  if (known.length < removedMax) return;
  const [oldest] = known.reduce((first, other) => (other[1] < first[1] ? other : first));
  delete removed[oldest];
}

/** Whether these can be the copies of a space. */
function areLegal({ members }: Draft, copies: readonly NodeId[]): boolean {
  const isMember = copies.every((copy) => members[copy] !== undefined);
  return isMember && copies.length > 0 && copies.length <= copiesMax && new Set(copies).size === copies.length;
}

function createSpace(draft: Draft, { name, generation, copies }: Extract<ControlEntry, { kind: 'space-created' }>, index: number): Outcome {
  const last = draft.generations[name] ?? -1;
  if (draft.rows[spaceKey({ name, generation: last })] !== undefined) return refused('space exists');
  if (generation !== last + 1) return refused('stale generation');
  if (!areLegal(draft, copies)) return refused('copies not legal');
  const isCrowded = Object.keys(draft.rows).length >= spacesMax || (last < 0 && Object.keys(draft.generations).length >= spaceNamesMax);
  if (isCrowded) return refused('too many spaces');
  const space = spaceKey({ name, generation });
  draft.generations[name] = generation;
  draft.rows[space] = { space, epoch: epochAt(draft, index), revision: index, copies: [...copies], move: null };
  return applied;
}

function dropSpace(draft: Draft, { name, generation }: Extract<ControlEntry, { kind: 'space-dropped' }>): Outcome {
  const space = spaceKey({ name, generation });
  if (draft.rows[space] === undefined) return refused('no such space');
  delete draft.rows[space];
  return applied;
}

function epochAt({ generation }: Draft, index: number): Epoch {
  return { generation, index };
}

/** A row with other copies or another move. Whoever was told to hold it in another order has a new term. */
function changedRow(draft: Draft, row: ControlRow, to: Pick<ControlRow, 'copies' | 'move'>, index: number): ControlRow {
  const isSame = row.copies.length === to.copies.length && row.copies.every((copy, at) => copy === to.copies[at]);
  return {
    space: row.space,
    epoch: isSame ? { ...row.epoch } : epochAt(draft, index),
    revision: index,
    copies: [...to.copies],
    move: to.move === null ? null : { ...to.move },
  };
}

interface RowChange {
  readonly space: SpaceKey;
  readonly basis: number;
  /** Null: what the change takes for granted is not so. */
  to(row: ControlRow): readonly NodeId[] | null;
}

/** Changes the rows that are still as the entry takes them to be, the others not. A move that was under way is given up. */
function assign(draft: Draft, changes: readonly RowChange[], index: number): Outcome {
  const skipped: SpaceKey[] = [];
  for (const { space, basis, to } of changes) {
    const row = draft.rows[space];
    const copies = row === undefined || row.revision !== basis ? null : to(row);
    if (row === undefined || copies === null || !areLegal(draft, copies)) skipped.push(space);
    // Told anew is a new term, also with the same copies: so who was started anew can be given one.
    else draft.rows[space] = { ...changedRow(draft, row, { copies, move: null }, index), epoch: epochAt(draft, index) };
  }
  if (changes.length > 0 && skipped.length === changes.length) return refused('stale rows');
  return { kind: 'applied', skipped };
}

function reassign(draft: Draft, { dead, successors }: Extract<ControlEntry, { kind: 'primaries-reassigned' }>, index: number): Outcome {
  const changes = successors.map(({ space, basis, primary }) => ({
    space,
    basis,
    to: ({ copies }: ControlRow): readonly NodeId[] | null => {
      if (copies[0] !== dead || primary === dead || !copies.includes(primary)) return null;
      return [primary, ...copies.filter((copy) => copy !== primary && copy !== dead), dead];
    },
  }));
  return assign(draft, changes, index);
}

function changeMove(draft: Draft, { space, basis, change }: Extract<ControlEntry, { kind: 'move-changed' }>, index: number): Outcome {
  const row = draft.rows[space];
  if (row === undefined) return refused('no such space');
  if (row.revision !== basis) return refused('stale rows');
  const to = moved(draft, row, change);
  if (to === null) return refused('no such move');
  draft.rows[space] = changedRow(draft, row, to, index);
  return applied;
}

/** What is on its way when copies are to stay is given up with the order itself: there is no moment in which one leader knows of it and the next does not. */
function order(
  { draft, before }: Changing,
  { order: said, atMs, by }: Extract<ControlEntry, { kind: 'rebalancing-ordered' }>,
  index: number,
): Outcome {
  draft.order = { order: said, index, atMs, by };
  if (said === 'apply') return applied;
  for (const row of Object.values(before.rows))
    if (row.move !== null) draft.rows[row.space] = changedRow(draft, row, { copies: row.copies, move: null }, index);
  return applied;
}

function moved({ members }: Draft, { copies, move }: ControlRow, change: MoveChange): Pick<ControlRow, 'copies' | 'move'> | null {
  switch (change.kind) {
    case 'started': {
      const { from, to } = change;
      const isLegal = move === null && members[to] !== undefined && mayReplace(copies, from, to);
      return isLegal ? { copies, move: { from, to, stage: 'copying' } } : null;
    }
    case 'paused':
      return move?.stage === 'copying' && move.from === copies[0] ? { copies, move: { ...move, stage: 'paused' } } : null;
    case 'committed':
      // Only who is primary has to have paused.
      if (move === null || (move.stage === 'paused') !== (move.from === copies[0])) return null;
      return { copies: afterMove(copies, move), move: null };
    case 'aborted':
      return move === null ? null : { copies, move: null };
    default:
      return unreachable(change);
  }
}

function mayReplace(copies: readonly NodeId[], from: NodeId | null, to: NodeId): boolean {
  if (from === null) return !copies.includes(to) && copies.length < copiesMax;
  // Who holds a copy already can still take the place of the primary.
  return copies.includes(to) ? from === copies[0] && from !== to : copies.includes(from);
}

/** The row once a move is committed: where both held copies they change places, so that no copy is given up. */
function afterMove(copies: readonly NodeId[], { from, to }: Pick<Move, 'from' | 'to'>): readonly NodeId[] {
  if (from === null) return [...copies, to];
  if (!copies.includes(to)) return copies.map((copy) => (copy === from ? to : copy));
  return [to, ...copies.filter((copy) => copy !== from && copy !== to), from];
}

/** The spaces whose rows name the node as primary: what one entry has to reassign when it dies. */
export function spacesLedBy(state: ControlState, node: NodeId): readonly ControlRow[] {
  return Object.values(state.rows)
    .filter(({ copies }) => copies[0] === node)
    .sort((left, right) => compareText(left.space, right.space));
}

/** Name and generation of a space, as entries name it. */
export function nameAndGeneration(space: SpaceKey): { readonly name: string; readonly generation: number } {
  return { name: spaceName(space), generation: spaceGeneration(space) };
}

/** The spaces whose rows have changed. */
export function changedRows(patches: readonly Patch[]): ReadonlySet<SpaceKey> {
  return new Set(patches.flatMap(({ path: [part, space] }) => (part === 'rows' ? [space as SpaceKey] : [])));
}

/** What is proposed in runs of control logs alone: changes of every kind, most of them resting on what the proposer knows. */
import { spacesLedBy } from '../../core/control/apply-entry.js';
import { type ControlState, membersInOrder, rowsInOrder } from '../../core/control/control-state.js';
import type { ControlEntry, MemberDescription } from '../../core/control/entries.js';
import type { NodeId } from '../../core/identifiers.js';
import { spaceGeneration, spaceName } from '../../core/identifiers.js';
import type { Draws } from '../../scenarios/random-streams.js';

/** `machines`: those that may be let in and out; null: none. */
type Maker = (draws: Draws, state: ControlState, machines: readonly MemberDescription[] | null) => ControlEntry | null;

const names = ['default', 'notes', 'people', 'places', '404'];
const membersKept = 3;

function someCopies(draws: Draws, state: ControlState): readonly NodeId[] {
  const members = membersInOrder(state).map(({ id }) => id);
  return draws.shuffled(members).slice(0, state.settings.replicationFactor);
}

const spaceCreated: Maker = (draws, state) => {
  const name = draws.pick(names);
  return { kind: 'space-created', name, generation: (state.generations[name] ?? -1) + 1, copies: someCopies(draws, state) };
};

const spaceDropped: Maker = (draws, state) => {
  const rows = rowsInOrder(state);
  if (rows.length === 0) return null;
  const { space } = draws.pick(rows);
  return { kind: 'space-dropped', name: spaceName(space), generation: spaceGeneration(space) };
};

const rowsAssigned: Maker = (draws, state) => {
  const rows = rowsInOrder(state).map(({ space, revision }) => ({ space, basis: revision, copies: someCopies(draws, state) }));
  return { kind: 'rows-assigned', rows };
};

const primariesReassigned: Maker = (draws, state) => {
  const members = membersInOrder(state);
  if (members.length === 0) return null;
  const dead = draws.pick(members).id;
  const led = spacesLedBy(state, dead).filter(({ copies }) => copies.length > 1);
  const successors = led.map(({ space, revision, copies }) => ({ space, basis: revision, primary: copies[1] }));
  return { kind: 'primaries-reassigned', dead, successors };
};

const nodeAdded: Maker = (draws, state, machines) => {
  const outside = (machines ?? []).filter(({ id }) => state.members[id] === undefined && state.removed[id] === undefined);
  return outside.length === 0 ? null : { kind: 'node-added', member: draws.pick(outside) };
};

/** First it is to leave; once it votes no more, it goes. */
const nodeRemoved: Maker = (draws, state, machines) => {
  if (machines === null) return null;
  const members = membersInOrder(state);
  const leaving = members.find(({ isDraining }) => isDraining);
  if (leaving !== undefined) return { kind: 'node-removed', node: leaving.id, isForced: true };
  if (members.length <= membersKept) return null;
  const { since: _, isDraining: __, ...member } = draws.pick(members);
  return { kind: 'node-changed', member, isDraining: true };
};

const settingsChanged: Maker = (draws, { settings }) => ({
  kind: 'settings-changed',
  settings: { ...settings, replicationFactor: draws.integer({ min: 1, max: 4 }) },
});

const makers: readonly (readonly [Maker, number])[] = [
  [spaceCreated, 40],
  [spaceDropped, 10],
  [rowsAssigned, 10],
  [primariesReassigned, 10],
  [nodeAdded, 12],
  [nodeRemoved, 8],
  [settingsChanged, 5],
];

export function drawEntry(draws: Draws, state: ControlState, machines: readonly MemberDescription[] | null): ControlEntry {
  return draws.weighted(makers)(draws, state, machines) ?? (settingsChanged(draws, state, machines) as ControlEntry);
}

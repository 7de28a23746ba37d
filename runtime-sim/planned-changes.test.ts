import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEntry } from '../core/control/apply-entry.js';
import { type ControlState, emptyControlState } from '../core/control/control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../core/control/entries.js';
import { nodeId } from '../core/identifiers.js';
import { PlannedChanges } from './planned-changes.js';

const describe = (digit: string, name: string): MemberDescription => ({
  ...{ id: nodeId(digit.repeat(32)), name, zone: '', rack: '', address: '' },
});
const [one, two] = [describe('1', 'n1'), describe('2', 'n2')];
const places = [
  { place: 'n1', member: one },
  { place: 'n2', member: two },
];
const entries: readonly ControlEntry[] = [
  { kind: 'cluster-made', clusterId: '0'.repeat(32), founders: [one, two], settings: defaultClusterSettings },
  { kind: 'space-created', name: 'default', generation: 0, copies: [one.id, two.id] },
];
const apply = (state: ControlState, entry: ControlEntry): ControlState => applyEntry(state, entry, state.applied + 1).state;
const made = entries.reduce(apply, emptyControlState);

test('who is expelled while it is away is drained, and removed once no row names it, though it still holds what it had', () => {
  const changes = new PlannedChanges([{ kind: 'expel', atMs: 1_000, node: 'n2' }]);
  const asked = (state: ControlState, seen: { readonly nowMs: number; readonly isAway: boolean }): readonly ControlEntry[] =>
    changes.leavings(state, places, { nowMs: seen.nowMs, holdsNothing: () => false, isAway: () => seen.isAway });
  assert.equal(asked(made, { nowMs: 500, isAway: true }), []);
  const [drain, ...others] = asked(made, { nowMs: 1_000, isAway: true });
  assert.equal([drain?.kind, others], ['node-changed', []]);
  const drained = apply(made, drain as ControlEntry);
  assert.equal(asked(drained, { nowMs: 1_100, isAway: true }), [], 'a row names it');
  const free = [
    { kind: 'rows-assigned', rows: [{ space: Object.values(drained.rows)[0].space, basis: 2, copies: [one.id] }] } as const,
    { kind: 'voters-changed', voters: [one.id], learners: [] } as const,
  ].reduce(apply, drained);
  assert.equal(asked(free, { nowMs: 1_200, isAway: false }), [], 'it lives, and has not handed over');
  assert.equal(asked(free, { nowMs: 1_200, isAway: true }), [{ kind: 'node-removed', node: two.id, isForced: false }]);
});

test('who was expelled is not let in again; who joins is not there before', () => {
  const changes = new PlannedChanges([
    { kind: 'expel', atMs: 1_000, node: 'n2' },
    { kind: 'join', atMs: 2_000, node: 'n3' },
  ]);
  assert.is(changes.isWanted('n2', false, 3_000), false);
  assert.is(changes.isWanted('n2', true, 3_000), true);
  assert.is(changes.isWanted('n3', false, 1_000), false);
  assert.is(changes.isWanted('n3', false, 2_000), true);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEntry } from '../core/control/apply-entry.js';
import { type ControlState, emptyControlState } from '../core/control/control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../core/control/entries.js';
import { nodeId } from '../core/identifiers.js';
import { scenarioOf } from '../scenarios/catalogue.js';
import { missingEntries, type WantedCluster } from './control-operator.js';
import { runSeed } from './run-seed.js';

const describe = (digit: string, name: string): MemberDescription => ({
  ...{ id: nodeId(digit.repeat(32)), name, zone: '', rack: '', address: '' },
});
const [one, two, three, newThree] = [describe('1', 'n1'), describe('2', 'n2'), describe('3', 'n3'), describe('4', 'n3-2')];
const ids = (...members: readonly MemberDescription[]): string[] => members.map(({ id }) => id);

/** With this node at the place of n3, where both have been. */
const wantedWith = (third: MemberDescription): WantedCluster => ({
  rows: [{ space: 'default', copies: ['n3', 'n1', 'n2'] }],
  members: new Map([
    ['n1', one],
    ['n2', two],
    ['n3', third],
  ]),
  placeOf: (node) => [one, two, three].find(({ id }) => id === node)?.name ?? (node === newThree.id ? 'n3' : null),
});

/** Applies what is missing until nothing is; the agreement's own entry takes those who are to leave out of the voters. */
function settle(
  start: ControlState,
  wanted: WantedCluster,
): { readonly states: readonly ControlState[]; readonly entries: readonly ControlEntry[] } {
  const states = [start];
  const entries: ControlEntry[] = [];
  const apply = (state: ControlState, entry: ControlEntry): ControlState => applyEntry(state, entry, state.applied + 1).state;
  for (let round = 0; round < 20; round += 1) {
    const state = states[states.length - 1];
    const missing = missingEntries(state, wanted);
    const voters = Object.values(state.members).flatMap(({ id, isDraining }) => (isDraining ? [] : [id]));
    states.push([...missing, { kind: 'voters-changed', voters, learners: [] } as const].reduce(apply, state));
    entries.push(...missing);
  }
  return { states, entries };
}

const founding = {
  kind: 'cluster-made',
  clusterId: '0'.repeat(32),
  founders: [one, two, three],
  settings: defaultClusterSettings,
} as const;
const made = applyEntry(emptyControlState, founding, 1).state;
const rowOf = ({ rows }: ControlState): readonly string[] => Object.values(rows)[0].copies;

test('an operator has the spaces of the plan made, and then asks for nothing more', () => {
  const { states, entries } = settle(made, wantedWith(three));
  assert.is(entries.length, 1);
  assert.equal(rowOf(states[states.length - 1]), ids(three, one, two));
});

test('who comes back without a disk takes the place of who it was, behind the copies that remain; the row is never short of one', () => {
  const [before] = settle(made, wantedWith(three)).states.slice(-1);
  const { states } = settle(before, wantedWith(newThree));
  const [after] = states.slice(-1);
  assert.equal(Object.keys(after.members).sort(), ids(one, two, newThree).sort());
  assert.equal(rowOf(after), ids(one, two, newThree));
  assert.ok(states.every((state) => rowOf(state).length === 3));
  assert.equal(missingEntries(after, wantedWith(newThree)), []);
});

test('nodes with a control log confirm their primaries, and lose nothing when one comes back empty', () => {
  const scenario = scenarioOf('permanent-loss');
  assert.ok(scenario);
  const run = runSeed({ scenario, seed: 3, durationMs: 12_000, controlLog: true });
  assert.is(run.verdict, 'ok', run.reason ?? '');
  assert.is(run.verdicts['control-log'].verdict, 'ok');
  assert.is(run.verdicts.placement.verdict, 'ok');
  assert.ok(run.history.operations.some(({ answeredAs }) => answeredAs === 'confirmed'));
});

test.run();

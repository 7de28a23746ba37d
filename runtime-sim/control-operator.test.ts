import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEntry } from '../core/control/apply-entry.js';
import { type ControlState, emptyControlState } from '../core/control/control-state.js';
import { type ControlEntry, defaultClusterSettings } from '../core/control/entries.js';
import { nodeId } from '../core/identifiers.js';
import { scenarioOf } from '../scenarios/catalogue.js';
import { missingEntries, type WantedCluster } from './control-operator.js';
import { runSeed } from './run-seed.js';

const describe = (digit: string, name: string): WantedCluster['members'][number] => ({
  ...{ id: nodeId(digit.repeat(32)), name, zone: '', rack: '', address: '' },
});
const [one, two, three, newThree] = [describe('1', 'n1'), describe('2', 'n2'), describe('3', 'n3'), describe('4', 'n3')];
const rows = [{ space: 'default', copies: ['n3', 'n1', 'n2'] }];
const ids = (...members: readonly { readonly id: string }[]): string[] => members.map(({ id }) => id);

/** Applies what is missing until nothing is; the agreement's own entry takes those who are to leave out of the voters. */
function settle(start: ControlState, wanted: WantedCluster): { readonly state: ControlState; readonly entries: readonly ControlEntry[] } {
  let state = start;
  const entries: ControlEntry[] = [];
  for (let round = 0; round < 20; round += 1) {
    const missing = missingEntries(state, wanted);
    const voters = Object.values(state.members).flatMap(({ id, isDraining }) => (isDraining ? [] : [id]));
    for (const entry of [...missing, { kind: 'voters-changed', voters, learners: [] } as const])
      state = applyEntry(state, entry, state.applied + 1).state;
    entries.push(...missing);
  }
  return { state, entries };
}

const made = applyEntry(
  emptyControlState,
  { kind: 'cluster-made', clusterId: '0'.repeat(32), founders: [one, two, three], settings: defaultClusterSettings },
  1,
).state;

test('an operator has the spaces of the plan made, and then asks for nothing more', () => {
  const { state, entries } = settle(made, { rows, members: [one, two, three] });
  assert.is(entries.length, 1);
  assert.equal(state.rows['default#0' as never] === undefined ? [] : Object.values(state.rows)[0].copies, ids(three, one, two));
});

test('who comes back without a disk takes the place of who it was, behind the copies that remain', () => {
  const before = settle(made, { rows, members: [one, two, three] }).state;
  const { state } = settle(before, { rows, members: [one, two, newThree] });
  assert.equal(Object.keys(state.members).sort(), ids(one, two, newThree).sort());
  assert.equal(Object.values(state.rows)[0].copies, ids(one, two, newThree));
  assert.equal(missingEntries(state, { rows, members: [one, two, newThree] }), []);
});

test('nodes with a control log confirm their primaries, and lose nothing when one comes back empty', () => {
  const scenario = scenarioOf('permanent-loss');
  assert.ok(scenario);
  const run = runSeed({ scenario, seed: 3, durationMs: 12_000, controlLog: true });
  assert.is(run.verdict, 'ok', run.reason ?? '');
  assert.ok(run.history.terms.some(({ confirmed }) => confirmed));
  assert.ok(run.history.operations.some(({ answeredAs }) => answeredAs === 'confirmed'));
});

test.run();

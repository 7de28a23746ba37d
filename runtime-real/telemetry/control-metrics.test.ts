/** What a node tells of its control log: made from what it knows at the moment of the question. */
import { Registry } from 'prom-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEntry } from '../../core/control/apply-entry.js';
import { type ControlState, emptyControlState } from '../../core/control/control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../../core/control/entries.js';
import { nodeId, type SpaceKey } from '../../core/identifiers.js';
import type { ControlInspection } from '../node-host.js';
import { ControlMetrics } from './control-metrics.js';

const [one, two] = ['1', '2'].map((digit) => nodeId(digit.repeat(32)));
const founders = [one, two].map((id, at): MemberDescription => ({ id, name: `n${at + 1}`, zone: '', rack: '', address: '' }));
const entries: readonly ControlEntry[] = [
  { kind: 'cluster-made', clusterId: 'ab'.repeat(16), founders, settings: defaultClusterSettings },
  { kind: 'space-created', name: 'mine', generation: 0, copies: [one, two] },
  { kind: 'space-created', name: 'mine-too', generation: 0, copies: [one] },
  { kind: 'space-created', name: 'theirs', generation: 0, copies: [two, one] },
];
const state: ControlState = entries.reduce((before, entry, at) => applyEntry(before, entry, at + 1).state, emptyControlState);

function inspection(known: Partial<ControlInspection>): ControlInspection {
  const raft = { role: 'leader', term: 3, leader: one, committed: 4, last: { index: 5, term: 3 } };
  const confirmed = (space: SpaceKey) => (space === 'mine#0' ? { generation: 1, index: 2 } : null);
  return { state, raft, isDamaged: false, holdsLease: () => true, confirmed, underway: null, ...known } as unknown as ControlInspection;
}

async function lines(known: ControlInspection | null, take: (metrics: ControlMetrics) => void = () => {}): Promise<string[]> {
  const registry = new Registry();
  const metrics = new ControlMetrics(registry);
  metrics.start({ self: one, control: () => known });
  take(metrics);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const metrics = suite('metrics of the control log');

metrics('role, indexes, members, and the spaces that this node leads, confirmed or not', async () => {
  const told = await lines(inspection({}));
  for (const line of [
    'engram_cluster_control_role{role="leader"} 1',
    'engram_cluster_control_role{role="follower"} 0',
    'engram_cluster_control_term 3',
    'engram_cluster_control_last_index 5',
    'engram_cluster_control_applied_index 4',
    'engram_cluster_control_voters 2',
    'engram_cluster_spaces_rows 3',
    'engram_cluster_spaces_copies 3',
    'engram_cluster_spaces_primary{confirmed="true"} 1',
    'engram_cluster_spaces_primary{confirmed="false"} 1',
  ])
    assert.ok(told.includes(line), `${line} is missing in:\n${told.join('\n')}`);
});

metrics('a node without a control log says nothing of one; before there is a cluster nothing is said of spaces', async () => {
  const without = await lines(null);
  assert.not(without.some((line) => line.startsWith('engram_cluster_control_term')));
  const blank = await lines(inspection({ state: emptyControlState, raft: null, isDamaged: true }));
  assert.ok(blank.includes('engram_cluster_control_damaged 1'));
  assert.not(blank.some((line) => line.startsWith('engram_cluster_spaces_rows')));
});

metrics('events are counted: elections, leaders, entries, and the spaces that a dead primary has lost', async () => {
  const spaces = ['mine#0', 'mine-too#0'] as SpaceKey[];
  const entry: ControlEntry = {
    kind: 'primaries-reassigned',
    dead: one,
    successors: spaces.map((space) => ({ space, basis: 2, primary: two })),
  };
  const told = await lines(inspection({}), (counted) => {
    counted.take({ kind: 'control.election-started', term: 4, why: 'no leader heard' });
    counted.take({ kind: 'control.leader-elected', term: 4, votes: [one, two] });
    const outcome = { kind: 'applied', skipped: [spaces[1] as SpaceKey] } as const;
    counted.take({ kind: 'control.applied', index: 6, term: 4, entry, outcome, patches: [] });
  });
  assert.ok(told.includes('engram_cluster_control_elections_total 1'));
  assert.ok(told.includes('engram_cluster_control_leader_changes_total 1'));
  assert.ok(told.includes('engram_cluster_control_entries_applied_total 1'));
  assert.ok(told.includes('engram_cluster_spaces_reassigned_total 1'), 'the one that was skipped is not among them');
});

metrics.run();

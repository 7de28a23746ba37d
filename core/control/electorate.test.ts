import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId, spaceKey } from '../identifiers.js';
import { applyEntry } from './apply-entry.js';
import { type ControlState, emptyControlState } from './control-state.js';
import { keepElectorate, type LeadingRaft, nextConfiguration } from './electorate.js';
import { defaultClusterSettings, type MemberDescription } from './entries.js';
import type { Configuration } from './raft/vocabulary.js';

const electorates = suite('who votes');

/** Node `n` in that zone. */
function member(n: number, zone: string): MemberDescription {
  return { id: nodeId(n.toString(16).padStart(32, '0')), name: `n${n}`, zone, rack: '', address: '' };
}

function stateOf(members: readonly MemberDescription[], leaving: readonly number[] = []): ControlState {
  const [founder, ...others] = members as [MemberDescription, ...MemberDescription[]];
  const made = { kind: 'cluster-made' as const, clusterId: 'aa'.repeat(16), founders: [founder], settings: defaultClusterSettings };
  let state = applyEntry(emptyControlState, made, 1).state;
  for (const each of others) state = applyEntry(state, { kind: 'node-added', member: each }, state.applied + 1).state;
  for (const at of leaving)
    state = applyEntry(
      state,
      { kind: 'node-changed', member: members[at] as MemberDescription, isDraining: true },
      state.applied + 1,
    ).state;
  return state;
}

/** Takes every step that the leader would take, all learners having everything unless told otherwise. */
function settle(
  state: ControlState,
  first: Configuration,
  behind: readonly NodeId[] = [],
): { readonly configuration: Configuration; readonly steps: number } {
  let configuration = first;
  for (let steps = 0; ; steps += 1) {
    if (steps > 100) throw new Error('the electorate never rests');
    const everyone = [...configuration.voters, ...configuration.learners].filter((id) => !behind.includes(id));
    const matches = new Map(everyone.map((id) => [id, 9]));
    const next = nextConfiguration({
      self: first.voters[0] as NodeId,
      state,
      configuration,
      matches,
      committed: 9,
      isHeard: () => true,
      forgetful: new Set(),
    });
    if (next === null) return { configuration, steps };
    const changed = [...next.voters, ...configuration.voters].filter(
      (id) => !next.voters.includes(id) || !configuration.voters.includes(id),
    );
    assert.ok(changed.length <= 1, 'one voter changes at once');
    configuration = next;
  }
}

electorates('nobody is taken out while those who are left could not agree', () => {
  const members = [1, 2, 3].map((n) => member(n, ''));
  const [first, second, third] = members.map(({ id }) => id) as [NodeId, NodeId, NodeId];
  const configuration = { voters: [first, second, third], learners: [] };
  const next = (leaving: number, silent: readonly NodeId[]) => {
    const matches = new Map(members.map(({ id }) => [id, 9]));
    const state = stateOf(members, [leaving]);
    return nextConfiguration({
      self: first,
      state,
      configuration,
      matches,
      committed: 9,
      isHeard: (id) => !silent.includes(id),
      forgetful: new Set(),
    });
  };
  assert.is(next(2, [second]), null, 'the first alone is no majority of two');
  assert.equal(next(2, [])?.voters, [first, second]);
  assert.equal(next(1, [second])?.voters, [first, third], 'the silent one itself may go');
});

electorates('members learn before they vote, one after the other, and up to seven vote', () => {
  const members = Array.from({ length: 9 }, (_, at) => member(at + 1, ''));
  const state = stateOf(members);
  const alone = { voters: [members[0]!.id], learners: [] };
  const first = nextConfiguration({
    self: members[0]!.id,
    state,
    configuration: alone,
    matches: new Map(),
    committed: 9,
    forgetful: new Set(),
    isHeard: () => true,
  });
  assert.equal([first?.voters.length, first?.learners.length], [1, 8]);
  const { configuration } = settle(state, alone);
  assert.equal([configuration.voters.length, configuration.learners.length], [7, 2]);
});

electorates('who does not have the log yet does not vote', () => {
  const members = [1, 2, 3].map((n) => member(n, ''));
  const { configuration } = settle(stateOf(members), { voters: [members[0]!.id], learners: [] }, [members[2]!.id]);
  assert.equal(configuration, { voters: members.slice(0, 2).map(({ id }) => id), learners: [members[2]!.id] });
});

electorates('seven voters are spread over the zones, also when a zone joins late', () => {
  const [a, b] = [1, 2, 3, 4, 5, 6, 7]
    .map((n) => member(n, n <= 6 ? 'a' : 'b'))
    .reduce<[MemberDescription[], MemberDescription[]]>(
      ([left, right], each) => (each.zone === 'a' ? [[...left, each], right] : [left, [...right, each]]),
      [[], []],
    );
  const all = [...a, ...b];
  const { configuration } = settle(stateOf(all), { voters: [all[0]!.id], learners: [] });
  assert.is(configuration.voters.length, 7);
  const more = [...all, member(8, 'b'), member(9, 'c')];
  const state = stateOf(more);
  const later = settle(state, configuration).configuration;
  const zones = later.voters.map((id) => state.members[id]?.zone);
  assert.equal([zones.length, new Set(zones).size], [7, 3]);
  assert.equal(zones.filter((zone) => zone === 'b').length, 2);
});

electorates('who is to leave votes no more, and who is no member any more hears nothing more', () => {
  const members = [1, 2, 3].map((n) => member(n, ''));
  const all = { voters: members.map(({ id }) => id), learners: [] };
  const leaving = settle(stateOf(members, [2]), all).configuration;
  assert.equal(leaving, { voters: members.slice(0, 2).map(({ id }) => id), learners: [members[2]!.id] });
  const gone = settle(stateOf(members.slice(0, 2)), leaving).configuration;
  assert.equal(gone, { voters: members.slice(0, 2).map(({ id }) => id), learners: [] });
});

electorates('the last voter stays, even if it is to leave', () => {
  const members = [1, 2].map((n) => member(n, ''));
  const { configuration } = settle(stateOf(members, [0, 1]), { voters: [members[0]!.id], learners: [] });
  assert.equal(configuration.voters, [members[0]!.id]);
});

electorates('a leader that is to leave offers its place once, while no primary has paused, and else takes itself out', () => {
  const members = [1, 2, 3, 4].map((n) => member(n, ''));
  const [self, second, third, fourth] = members.map(({ id }) => id) as [NodeId, NodeId, NodeId, NodeId];
  const did = (state: ControlState, how: Partial<Pick<LeadingRaft, 'hasOffered' | 'mayReconfigure'>> = {}): readonly unknown[] => {
    const done: unknown[] = [];
    const raft: LeadingRaft = {
      configuration: { voters: [self, second, third, fourth], learners: [] },
      matches: new Map([second, third, fourth].map((id, at) => [id, 7 + at])),
      committed: 7,
      isHeard: () => true,
      mayReconfigure: true,
      hasOffered: false,
      reconfigure: (configuration) => {
        done.push(configuration.voters);
        return { kind: 'proposed', index: 8, term: 1 };
      },
      handOver: (to) => {
        done.push(to);
        return true;
      },
      ...how,
    };
    keepElectorate({ self, state, forgetful: new Set() }, raft, 0);
    return done;
  };
  // The fourth is to leave as well.
  const leaving = stateOf(members, [0, 3]);
  assert.equal(did(leaving), [third]);
  assert.equal(did(leaving, { mayReconfigure: false }), [], 'who votes is not agreed on yet');
  assert.equal(did(leaving, { hasOffered: true }), [[second, third, fourth]]);
  assert.equal(did(stateOf(members, [3])), [[self, second, third]], 'others are taken out at once');
  const space = spaceKey({ name: 'notes', generation: 0 });
  const move = { from: second, to: third, stage: 'paused' as const };
  const row = { space, epoch: { generation: 1, index: 2 }, revision: 6, copies: [second, fourth], move };
  assert.equal(did({ ...leaving, rows: { [space]: row } }), []);
  assert.equal(did({ ...leaving, rows: { [space]: { ...row, move: { ...move, stage: 'copying' } } } }), [third]);
});

electorates.run();

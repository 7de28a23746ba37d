import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Now } from '../events.js';
import { type Author, authorOf, nodeId } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { applyEntry } from './apply-entry.js';
import { type ControlState, emptyControlState } from './control-state.js';
import { defaultClusterSettings } from './entries.js';
import { FollowedState, type Inquired, inquiryMs, stateAnswer } from './followed-state.js';
import { decodeAuthorityMessage, encodeAuthorityMessage } from './leases/authority-messages.js';
import { encodeRaftMessage } from './raft/message-codec.js';

const pure = testPureFunctions();
const other = nodeId('2'.repeat(32));
const member = { id: other, name: 'n2', zone: '', rack: '', address: '' };
const made = applyEntry(
  emptyControlState,
  { kind: 'cluster-made', clusterId: '0'.repeat(32), founders: [member], settings: defaultClusterSettings },
  1,
).state;
const later = applyEntry(made, { kind: 'space-created', name: 'default', generation: 0, copies: [other] }, 2).state;
const heartbeat = new Uint8Array([1, 2, 3]);

interface Follower {
  readonly follower: FollowedState;
  readonly sent: { readonly to: string; readonly bytes: Uint8Array }[];
  readonly noted: string[];
  readonly armedMs: number[];
  /** Term, and from where on it votes. */
  readonly begun: (readonly [number, number])[];
  state: ControlState;
}

/** Goes by whatever it is told, beginning with that state. */
function following(from: ControlState = emptyControlState): Follower {
  const sent: Follower['sent'] = [];
  const noted: string[] = [];
  const armedMs: number[] = [];
  const begun: (readonly [number, number])[] = [];
  const follower = new FollowedState({
    send: (to, bytes) => sent.push({ to, bytes }),
    effects: { timers: { arm: (_name, atMs) => armedMs.push(atMs), disarm: () => {} }, journal: { note: ({ kind }) => noted.push(kind) } },
    pure,
    askEveryMs: 100,
    state: () => known.state,
    goBy: (state) => {
      known.state = state;
    },
    beginAnew: ({ term, votesFrom }) => begun.push([term, votesFrom]),
  });
  const known: Follower = { follower, sent, noted, armedMs, begun, state: from };
  return known;
}

function at(monotonicMs: number): Now {
  return { monotonicMs, wallMs: 0 };
}

function answerTo(bytes: Uint8Array, state: ControlState): Uint8Array | null {
  const asked = decodeAuthorityMessage(bytes);
  assert.is(asked?.kind, 'state-wanted');
  return asked?.kind === 'state-wanted' ? stateAnswer(asked.applied, state, pure) : null;
}

function stateIn(message: Uint8Array | null): Uint8Array {
  const told = message === null ? null : decodeAuthorityMessage(message);
  assert.is(told?.kind, 'state');
  return told?.kind === 'state' ? told.bytes : new Uint8Array(0);
}

test('whoever of the agreement speaks is asked for the state, and what it tells is gone by', () => {
  const known = following();
  known.follower.receive(other, heartbeat, at(0));
  assert.is(known.state, emptyControlState);
  assert.is(known.sent[0].to, other);
  const answer = answerTo(known.sent[0].bytes, later);
  assert.ok(answer);
  known.follower.receive(other, answer, at(1));
  assert.equal(known.state, later);
});

test('nothing older takes the place of what is known, and who has nothing newer does not answer', () => {
  const known = following(later);
  const old = stateAnswer(0, made, pure);
  assert.ok(old);
  known.follower.receive(other, old, at(0));
  assert.is(known.state, later);
  known.follower.receive(other, heartbeat, at(1));
  assert.is(answerTo(known.sent[0].bytes, later), null);
  assert.is(stateAnswer(0, emptyControlState, pure), null);
});

test('it asks no more often than it may, and damaged bytes say nothing', () => {
  const known = following();
  for (const monotonicMs of [0, 50, 99, 100]) known.follower.receive(other, heartbeat, at(monotonicMs));
  assert.is(known.sent.length, 2);
  known.follower.receive(other, encodeAuthorityMessage({ kind: 'state', bytes: new Uint8Array([1, 1, 7]) }), at(101));
  assert.is(known.state, emptyControlState);
});

test('who is told that it was removed follows from then on, and asks the voters by itself', () => {
  const self = nodeId('3'.repeat(32));
  const withSelf = applyEntry(made, { kind: 'node-added', member: { ...member, id: self, name: 'n3' } }, 2).state;
  const without = applyEntry(withSelf, { kind: 'node-removed', node: self, isForced: true }, 3).state;
  const known = following(withSelf);
  const said = stateIn(stateAnswer(2, without, pure));
  known.follower.told(said, other, at(0));
  assert.is(known.follower.why, null, 'another node was removed');
  known.follower.told(said, self, at(0));
  assert.is(known.follower.why, 'removed');
  assert.equal(known.state, without);
  assert.ok(known.noted.includes('control.removed'));
  const asked = known.sent.length;
  known.follower.timer(at(known.armedMs[0]));
  assert.is(known.sent.length, asked + 1);
  assert.is(known.sent[asked].to, other);
});

test('a state that does not say so, or of another cluster, removes nobody', () => {
  const self = nodeId('3'.repeat(32));
  const known = following(made);
  known.follower.told(stateIn(stateAnswer(1, later, pure)), self, at(0));
  const elsewhere: ControlState = { ...later, clusterId: '1'.repeat(32), applied: 9, removed: { [self]: 5 } };
  known.follower.told(stateIn(stateAnswer(1, elsewhere, pure)), self, at(0));
  assert.is(known.follower.why, null);
  assert.is(known.state, made);
});

test('whose control log is damaged says so in its boot, and begins anew when the leader tells that boot to', () => {
  const known = following();
  const [boot, earlier] = [2, 1].map((counter) => authorOf(other, { counter, random: '00'.repeat(8) })) as [Author, Author];
  known.follower.begin(boot, emptyControlState, at(0));
  known.follower.receive(other, heartbeat, at(0));
  const said = known.sent.map(({ bytes }) => decodeAuthorityMessage(bytes));
  assert.equal(said[1], { kind: 'forgot', boot });
  known.follower.receive(other, encodeAuthorityMessage({ kind: 'begin-anew', boot: earlier, term: 3, votesFrom: 7 }), at(1));
  assert.equal([known.begun, known.follower.why], [[], 'damaged']);
  const told = encodeAuthorityMessage({ kind: 'begin-anew', boot, term: 3, votesFrom: 7 });
  known.follower.receive(other, told, at(2));
  assert.equal([known.begun, known.follower.why], [[[3, 7]], null]);
});

test('before a recovery all members are asked at once, and it is listened for a leader', () => {
  const append = encodeRaftMessage({ kind: 'append', term: 7, round: 1, previous: { index: 40, term: 6 }, entries: [], committed: 40 });
  const asksForVotes = encodeRaftMessage({ kind: 'ask-pre-vote', term: 9, last: { index: 44, term: 8 } });
  const damaged = () => {
    const known = following();
    known.follower.begin(authorOf(other, { counter: 2, random: '00'.repeat(8) }), later, at(0));
    known.sent.length = 0;
    const inquired: Inquired[] = [];
    assert.ok(known.follower.inquire((each) => inquired.push(each), at(1_000)));
    assert.not(known.follower.inquire(() => {}, at(1_000)));
    const asked = known.sent.map(({ to, bytes }) => [to, decodeAuthorityMessage(bytes)?.kind]);
    assert.equal(asked, [
      [other, 'state-wanted'],
      [other, 'forgot'],
    ]);
    return { known, inquired };
  };
  const led = damaged();
  led.known.follower.receive(other, append, at(1_100));
  led.known.follower.timer(at(1_000 + inquiryMs));
  assert.equal(led.inquired, [{ kind: 'leader', leader: other }]);
  assert.equal(led.known.follower.reached, { generation: 0, index: 40, term: 7 });
  const alone = damaged();
  // Who would stand for election leads nobody.
  alone.known.follower.receive(other, asksForVotes, at(1_100));
  alone.known.follower.timer(at(1_000 + inquiryMs - 1));
  assert.equal(alone.inquired, []);
  assert.is(alone.known.armedMs.at(-1), 1_000 + inquiryMs);
  alone.known.follower.timer(at(1_000 + inquiryMs));
  assert.equal(alone.inquired, [{ kind: 'nobody leads' }]);
  assert.equal(alone.known.follower.reached, { generation: 0, index: 44, term: 9 });
});

test('whose control log is damaged goes by what it can still read, tells others that ask, and asks no more once it takes part again', () => {
  const known = following();
  const boot = authorOf(other, { counter: 2, random: '00'.repeat(8) });
  known.follower.begin(boot, later, at(0));
  assert.is(known.state, later);
  known.sent.length = 0;
  known.follower.receive(other, encodeAuthorityMessage({ kind: 'state-wanted', applied: 1 }), at(1_000));
  const told = known.sent.map(({ bytes }) => decodeAuthorityMessage(bytes)?.kind);
  assert.equal(told.slice(0, 2), ['state', 'state-wanted']);
  known.sent.length = 0;
  known.follower.receive(other, encodeAuthorityMessage({ kind: 'state-wanted', applied: 2 }), at(1_050));
  assert.equal(known.sent, [], 'nothing newer');
  known.follower.timer(at(2_000));
  assert.equal(known.armedMs, [1_000, 3_000]);
  known.follower.receive(other, encodeAuthorityMessage({ kind: 'begin-anew', boot, term: 3, votesFrom: 2 }), at(2_100));
  known.follower.timer(at(3_000));
  assert.equal(known.armedMs, [1_000, 3_000], 'not again');
});

test.run();

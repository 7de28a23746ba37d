import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { applyEntry } from './apply-entry.js';
import { decodeAuthorityMessage, encodeAuthorityMessage } from './authority-messages.js';
import { type ControlState, emptyControlState } from './control-state.js';
import { defaultClusterSettings } from './entries.js';
import { FollowedState, stateAnswer } from './followed-state.js';

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

function following(): { readonly follower: FollowedState; readonly sent: { to: string; bytes: Uint8Array }[] } {
  const sent: { to: string; bytes: Uint8Array }[] = [];
  return { follower: new FollowedState({ send: (to, bytes) => sent.push({ to, bytes }), pure, askEveryMs: 100 }), sent };
}

function answerTo(bytes: Uint8Array, state: ControlState): Uint8Array | null {
  const asked = decodeAuthorityMessage(bytes);
  assert.is(asked?.kind, 'state-wanted');
  return asked?.kind === 'state-wanted' ? stateAnswer(asked, state, pure) : null;
}

test('whoever of the agreement speaks is asked for the state, and what it tells is gone by', () => {
  const { follower, sent } = following();
  assert.is(follower.receive(other, heartbeat, emptyControlState, { monotonicMs: 0, wallMs: 0 }), emptyControlState);
  assert.is(sent[0].to, other);
  const answer = answerTo(sent[0].bytes, later);
  assert.ok(answer);
  const followed = follower.receive(other, answer, emptyControlState, { monotonicMs: 1, wallMs: 0 });
  assert.equal(followed, later);
});

test('nothing older takes the place of what is known, and who has nothing newer does not answer', () => {
  const { follower, sent } = following();
  const old = stateAnswer({ kind: 'state-wanted', applied: 0 }, made, pure);
  assert.ok(old);
  assert.is(follower.receive(other, old, later, { monotonicMs: 0, wallMs: 0 }), later);
  follower.receive(other, heartbeat, later, { monotonicMs: 1, wallMs: 0 });
  assert.is(answerTo(sent[0].bytes, later), null);
  assert.is(stateAnswer({ kind: 'state-wanted', applied: 0 }, emptyControlState, pure), null);
});

test('it asks no more often than it may, and damaged bytes say nothing', () => {
  const { follower, sent } = following();
  for (const monotonicMs of [0, 50, 99, 100]) follower.receive(other, heartbeat, emptyControlState, { monotonicMs, wallMs: 0 });
  assert.is(sent.length, 2);
  const damaged = encodeAuthorityMessage({ kind: 'state', bytes: new Uint8Array([1, 1, 7]) });
  assert.is(follower.receive(other, damaged, emptyControlState, { monotonicMs: 101, wallMs: 0 }), emptyControlState);
});

test.run();

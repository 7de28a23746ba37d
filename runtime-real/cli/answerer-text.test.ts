/** What people read of who answered: the name, the role, and all that makes the answer worth less, which nobody may leave out. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answerer } from '../client/types.js';
import { answererText } from './answerer-text.js';

const primary: Answerer = {
  nodeId: 'a'.repeat(32),
  nodeName: 'n1',
  role: 'primary',
  confirmed: true,
  epoch: { generation: 0, index: 1, provisionalCounter: 0 },
  lagRecords: 0,
  lagMs: 0,
  hinted: false,
  sessionSatisfied: true,
};
const replica: Answerer = { ...primary, nodeName: 'n2', role: 'replica', confirmed: false };

const texts = suite('who answered, in words');

texts('a primary is confirmed or provisional; without a name it goes by its id', () => {
  assert.is(answererText(primary), 'n1, confirmed primary');
  assert.is(answererText({ ...primary, confirmed: false }), 'n1, provisional primary');
  assert.is(answererText({ ...primary, nodeName: '' }), `${'a'.repeat(32)}, confirmed primary`);
});

texts('a replica says how far it may lag, that it cannot tell, or nothing where it does not', () => {
  assert.is(answererText(replica), 'n2, replica');
  assert.is(answererText({ ...replica, lagMs: 1_240, lagRecords: 3 }), 'n2, replica, 3 records behind, may lag by 1,240 ms');
  assert.is(answererText({ ...replica, lagMs: null }), 'n2, replica, cannot tell how far it lags');
});

texts('an answer from before what was seen, and one of a node that holds nothing of the space, say so', () => {
  assert.is(answererText({ ...replica, sessionSatisfied: false }), 'n2, replica, which may not show what was seen before');
  assert.is(answererText({ ...replica, role: 'unknown', lagMs: null }), 'n2, which holds no copy of this space');
});

texts('a name cannot steer the terminal', () => {
  assert.not.match(answererText({ ...primary, nodeName: 'n\u001b[31m1' }), '\u001b');
});

texts.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, nodeId } from '../../identifiers.js';
import { encodeRaftMessage } from '../raft/message-codec.js';
import { type AuthorityMessage, decodeAuthorityMessage, encodeAuthorityMessage, isAuthorityMessage } from './authority-messages.js';

const messages = suite('messages about leases');
const nodes = [nodeId('ab'.repeat(16)), nodeId('cd'.repeat(16))];
const boot = authorOf(nodeId('ab'.repeat(16)), { counter: 3, random: '17'.repeat(8) });
const some: readonly AuthorityMessage[] = [
  { kind: 'ask', number: 7, applied: 2 ** 40, isLeased: true, needsTerms: false, isUrgent: true, isCalled: false },
  { kind: 'ask', number: 8, applied: 0, isLeased: false, needsTerms: true, isUrgent: false, isCalled: true },
  { kind: 'answer', number: 2 ** 33, isGranted: true, isOfLeader: false },
  { kind: 'answer', number: 1, isGranted: true, isOfLeader: true },
  { kind: 'doubted', nodes },
  { kind: 'call' },
  { kind: 'silent', nodes },
  { kind: 'silent', nodes: [] },
  { kind: 'unreached', nodes },
  { kind: 'forgot', boot },
  { kind: 'begin-anew', boot, term: 2 ** 40, votesFrom: 9 },
  { kind: 'wanted', names: ['notes', 'a_b-3'] },
];

messages('come out as they went in, and are told from those of the agreement', () => {
  for (const message of some) {
    const bytes = encodeAuthorityMessage(message);
    assert.equal(decodeAuthorityMessage(bytes), message);
    assert.ok(isAuthorityMessage(bytes));
  }
  const vote = encodeRaftMessage({ kind: 'vote', term: 1, isGranted: true });
  assert.equal([isAuthorityMessage(vote), decodeAuthorityMessage(vote)], [false, null]);
});

messages('that were cut short, go on, or are of a later version are refused', () => {
  for (const message of some) {
    const bytes = encodeAuthorityMessage(message);
    for (let length = 0; length < bytes.length; length += 1) assert.is(decodeAuthorityMessage(bytes.subarray(0, length)), null);
    assert.is(decodeAuthorityMessage(Uint8Array.from([...bytes, 0])), null);
    const later = bytes.slice();
    later[1] += 1;
    assert.is(decodeAuthorityMessage(later), null);
  }
});

messages.run();

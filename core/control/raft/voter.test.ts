/** One voter, its companions played by hand: what it may say, and when. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId } from '../../identifiers.js';
import { drawsFrom } from '../../test-support/draws.js';
import { Raft } from './raft.js';
import { type Ballot, defaultRaftOptions, type Entry, type EntryAt, type RaftMessage } from './vocabulary.js';

const voting = suite('a voter');

/** A voter of three whose two companions are played by the test: what it sends is kept, and its saves end when the test says so. */
function byHand(
  entries: readonly Entry[] = [],
  ballot: Ballot = { term: entries.at(-1)?.term ?? 0, vote: null },
  { committed = 0, votesFrom = 0 } = {},
) {
  const sent: { readonly to: NodeId; readonly message: RaftMessage }[] = [];
  const delivered: Entry[] = [];
  const tickets: number[] = [];
  const [self, second, third] = [1, 2, 3].map((n) => nodeId(n.toString(16).padStart(32, '0')));
  const voter = new Raft(
    {
      self,
      options: defaultRaftOptions,
      random: drawsFrom(1),
      first: { voters: [self, second, third], learners: [] },
      recovered: { ballot, snapshot: null, entries, committed, votesFrom },
      effects: {
        send: (to, message) => sent.push({ to, message }),
        save: (_, ticket) => tickets.push(ticket),
        wakeAt: () => {},
        committed: (entry) => delivered.push(entry),
        restored: () => {},
        note: () => {},
      },
    },
    0,
  );
  const saveAll = (nowMs: number): void => {
    for (const ticket of tickets.splice(0)) voter.saved(ticket, nowMs);
  };
  return { voter, second, third, sent, delivered, saveAll };
}

const begin = (index: number, term: number): Entry => ({ index, term, kind: 'begin' });

voting('a voter votes once a term, and for nobody whose log ends before its own', () => {
  const { voter, second, third, sent, saveAll } = byHand([begin(1, 1), begin(2, 2)]);
  const ask = (from: NodeId, last: EntryAt): boolean => {
    sent.length = 0;
    voter.receive(from, { kind: 'ask-vote', term: 3, last, handedOver: null }, 1_000);
    saveAll(1_000);
    return sent.some(({ to, message }) => to === from && message.kind === 'vote' && message.isGranted);
  };
  assert.not.ok(ask(third, { index: 9, term: 1 }));
  assert.not.ok(ask(third, { index: 1, term: 2 }));
  assert.ok(ask(second, { index: 2, term: 2 }));
  assert.ok(ask(second, { index: 2, term: 2 }));
  assert.not.ok(ask(third, { index: 5, term: 2 }));
});

voting(
  'who has begun anew neither votes nor stands before its log reaches what was committed then, and never votes in the term in which it began',
  () => {
    const self = nodeId('1'.padStart(32, '0'));
    const { voter, second, third, sent, saveAll } = byHand([], { term: 3, vote: self }, { votesFrom: 2 });
    const last = { index: 9, term: 3 };
    const ask = (term: number, nowMs: number): boolean => {
      sent.length = 0;
      voter.receive(second, { kind: 'ask-pre-vote', term, last }, nowMs);
      voter.receive(second, { kind: 'ask-vote', term, last, handedOver: null }, nowMs);
      saveAll(nowMs);
      return sent.some(({ message }) => (message.kind === 'vote' || message.kind === 'pre-vote') && message.isGranted);
    };
    assert.not.ok(ask(3, 1_000));
    assert.not.ok(ask(4, 1_000));
    voter.wake(10_000);
    assert.is(voter.role, 'follower');
    const entries = [begin(1, 1), begin(2, 4)];
    voter.receive(third, { kind: 'append', term: 4, round: 1, previous: { index: 0, term: 0 }, entries, committed: 2 }, 10_000);
    saveAll(10_000);
    assert.not.ok(ask(5, 20_000), 'who has an older log gets no vote');
    sent.length = 0;
    voter.receive(second, { kind: 'ask-vote', term: 6, last: { index: 2, term: 4 }, handedOver: null }, 20_000);
    saveAll(20_000);
    assert.ok(sent.some(({ message }) => message.kind === 'vote' && message.isGranted));
  },
);

voting('a vote leaves only once it is on disk', () => {
  const { voter, second, sent, saveAll } = byHand();
  voter.receive(second, { kind: 'ask-vote', term: 1, last: { index: 0, term: 0 }, handedOver: null }, 1_000);
  assert.equal(sent, []);
  saveAll(1_001);
  assert.equal(sent, [{ to: second, message: { kind: 'vote', term: 1, isGranted: true } }]);
});

voting('entries of an earlier term are not committed by being everywhere, but with one of the own term (figure 8 of the paper)', () => {
  const { voter, second, third, delivered, saveAll } = byHand([begin(1, 1), begin(2, 2)], { term: 4, vote: null });
  voter.wake(2_000);
  voter.receive(second, { kind: 'pre-vote', term: 5, isGranted: true }, 2_000);
  saveAll(2_000);
  voter.receive(second, { kind: 'vote', term: 5, isGranted: true }, 2_000);
  assert.is(voter.role, 'leader');
  saveAll(2_000);
  for (const from of [second, third]) voter.receive(from, { kind: 'appended', term: 5, round: 1, match: 2 }, 2_001);
  assert.equal(delivered, []);
  voter.receive(third, { kind: 'appended', term: 5, round: 1, match: 3 }, 2_002);
  assert.equal(
    delivered.map(({ index }) => index),
    [1, 2, 3],
  );
});

voting(
  'what a follower said before it was taken out and let in again counts no more, also when all of that was within one round of heartbeats',
  () => {
    const { voter, second, third, sent, saveAll } = byHand([begin(1, 1)]);
    voter.wake(2_000);
    voter.receive(second, { kind: 'pre-vote', term: 2, isGranted: true }, 2_000);
    saveAll(2_000);
    voter.receive(second, { kind: 'vote', term: 2, isGranted: true }, 2_000);
    saveAll(2_000);
    const voters = [nodeId('1'.padStart(32, '0')), second];
    const says = (from: NodeId, match: number, round: number): void =>
      voter.receive(from, { kind: 'appended', term: 2, round, match }, 2_010);
    const change = (learners: readonly NodeId[], index: number): void => {
      assert.is(voter.reconfigure({ voters, learners }).kind, 'proposed');
      saveAll(2_010);
      says(second, index, 1);
    };
    for (const from of [second, third]) says(from, 2, 1);
    change([], 3);
    change([third], 4);
    assert.is(voter.round, 1);
    says(third, 2, 1);
    assert.is(voter.matches.get(third), 0, 'it may have begun anew since');
    sent.length = 0;
    voter.wake(2_200);
    const asked = sent.flatMap(({ to, message }) => (to === third && message.kind === 'append' ? message.previous.index : []));
    assert.ok(asked.length > 0);
    voter.receive(third, { kind: 'refused', term: 2, round: 2, previousIndex: asked[0], conflict: { index: 1, term: 0 } }, 2_201);
    says(third, 4, 2);
    assert.is(voter.matches.get(third), 4);
  },
);

voting("what stands behind the entries of a message is not taken for committed: it may be another leader's", () => {
  const { voter, second, delivered, saveAll } = byHand([begin(1, 1), begin(2, 1), begin(3, 1)]);
  voter.receive(second, { kind: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, entries: [], committed: 3 }, 1_000);
  saveAll(1_000);
  assert.equal(
    delivered.map(({ index }) => index),
    [1],
  );
});

voting('entries that took the place of others are durable only when they are saved themselves', () => {
  const { voter, second, sent, delivered, saveAll } = byHand([begin(1, 1), begin(2, 1), begin(3, 1)]);
  const entries = [begin(2, 2), begin(3, 2)];
  voter.receive(second, { kind: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, entries, committed: 3 }, 1_000);
  assert.equal([sent.length, delivered.length], [0, 0]);
  saveAll(1_000);
  assert.equal(
    delivered.map(({ term }) => term),
    [1, 2, 2],
  );
  assert.is(sent.at(-1)?.message.kind, 'appended');
});

voting('an offer to take over that a later round of the leader has overtaken is not taken up: its answer may be a lease', () => {
  const { voter, second, sent, saveAll } = byHand([begin(1, 1)]);
  const hear = (round: number): void =>
    voter.receive(second, { kind: 'append', term: 1, round, previous: { index: 1, term: 1 }, entries: [], committed: 1 }, 1_000);
  hear(7);
  voter.receive(second, { kind: 'take-over', term: 1, round: 6 }, 1_001);
  saveAll(1_001);
  assert.is(voter.term, 1);
  assert.not.ok(sent.some(({ message }) => message.kind === 'ask-vote'));
  voter.receive(second, { kind: 'take-over', term: 1, round: 7 }, 1_002);
  saveAll(1_002);
  assert.is(voter.term, 2);
  assert.ok(sent.some(({ message }) => message.kind === 'ask-vote'));
});

voting('entries that cannot be of one log are not taken in', () => {
  const { voter, second, sent, saveAll } = byHand([begin(1, 1)]);
  for (const entries of [[begin(3, 2)], [begin(2, 9)], [begin(2, 2), begin(3, 1)]]) {
    voter.receive(second, { kind: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, entries, committed: 0 }, 1_000);
  }
  saveAll(1_000);
  assert.equal(sent, []);
  assert.is(voter.last.index, 1);
});

voting('a voter that starts where nobody leads delivers what it knew to be committed, and nothing beyond', () => {
  const entries: Entry[] = [1, 2, 3].map((index) => ({ index, term: 1, kind: 'command', bytes: new Uint8Array([index]) }));
  const { voter, delivered } = byHand(entries, { term: 1, vote: null }, { committed: 2 });
  voter.deliverRecovered();
  assert.equal(delivered, entries.slice(0, 2));
  assert.is(voter.committed, 2);
  voter.deliverRecovered();
  assert.is(delivered.length, 2, 'each once');
});

voting.run();

/** Who takes writes: a copy that claims a term waits for what can still be had, and writes in a term only while it lasts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ControlView, type Row, withRows } from '../control/members-and-rows.js';
import { authorOf, type NodeId, nodeId, type SpaceKey, spaceKey } from '../identifiers.js';
import { Cluster } from '../test-support/cluster.js';
import { testSpace } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const terms = suite('terms');

terms('the first copy takes writes; after its end the next does, and gives the term back once the first has caught up', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  assert.equal([first.isPrimary, second.isPrimary, third.isPrimary], [true, false, false]);
  assert.is(second.outcome(second.remember({ id: 'a', text: 'elsewhere' })), 'NOT_PRIMARY');
  first.crash();
  cluster.pass(3_000);
  assert.equal([second.isPrimary, third.isPrimary], [true, false]);
  assert.is(second.outcome(second.remember({ id: 'a', text: 'meanwhile' }, { ack: AckLevel.ACK_QUORUM })), 'written');
  first.start();
  cluster.pass(3_000);
  assert.equal([first.isPrimary, second.isPrimary], [true, false]);
  assert.is(first.text('a'), 'meanwhile');
});

terms('a claim does not wait for what nobody has any more', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  first.remember({ id: 'a', text: 'everywhere' }, { ack: AckLevel.ACK_ALL });
  cluster.cut(first, third);
  first.holdSyncs = true;
  // Pushed to one copy and synced there; promised to nobody.
  first.remember({ id: 'd', text: 'unpromised' });
  assert.equal([first.coverage(), second.coverage()], ['n1.1:1-1', 'n1.1:1-2']);
  first.crash();
  cluster.heal();
  cluster.cut(second, third);
  assert.ok(second.rot('unpromised'));
  first.start();
  cluster.pass(700);
  cluster.heal();
  cluster.pass(5_000);
  assert.ok(first.isPrimary);
  assert.is(first.outcome(first.remember({ id: 'after', text: 'goes on' }, { ack: AckLevel.ACK_ALL })), 'written');
});

terms('a claim waits for what a reachable copy holds', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  first.crash();
  cluster.pass(3_000);
  second.remember({ id: 'a', text: 'meanwhile' });
  cluster.filter = ({ to, message }) => (to === first && message.kind === 'run' ? 'drop' : 'pass');
  first.start();
  cluster.pass(5_000);
  assert.not(first.isPrimary);
  cluster.filter = null;
  cluster.pass(3_000);
  assert.ok(first.isPrimary);
  assert.is(first.text('a'), 'meanwhile');
});

terms('a write that waited for room is refused when the term has ended meanwhile', () => {
  const cluster = new Cluster(2, { storage: { groupBytesMax: 1_000 } });
  const [first, second] = cluster.hosts;
  cluster.isolate(second);
  cluster.pass(2_500);
  assert.ok(second.isPrimary);
  second.holdSyncs = true;
  const text = 'z'.repeat(700);
  const handles = Array.from({ length: 6 }, (_, n) => second.remember({ id: `k${n}`, text }, { deadlineMs: 60_000 }));
  cluster.heal();
  cluster.pass(30_000);
  assert.equal([first.isPrimary, second.isPrimary], [true, false]);
  second.release();
  cluster.pass(2_000);
  const outcomes = handles.map((handle) => second.outcome(handle));
  // One was on its way to the disk, one gathered behind it: written in the term, and merged. The others had no dot yet.
  assert.equal(outcomes, ['written', 'written', 'NOT_PRIMARY', 'NOT_PRIMARY', 'NOT_PRIMARY', 'NOT_PRIMARY']);
  cluster.pass(3_000);
  assert.equal(first.versions(), second.versions());
  assert.is(first.versions().length, 2);
});

terms('foreign spaces in pings make nothing', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  const from = authorOf(second.id, { counter: 1, random: 'ab'.repeat(8) });
  for (let n = 0; n < 200; n += 1) {
    const space = spaceKey({ name: `nobody-${n}`, generation: 0 });
    const report = { space, term: null, isOutside: false, lost: new Uint8Array(0), coverage: Uint8Array.of(1, 0, 0) };
    const ping = { kind: 'ping', number: 1_000_000 + n, heard: null, all: false, base: 0, spaces: [report] } as const;
    first.deliver({ kind: 'message', bytes: cluster.codec.encode(from, ping) });
  }
  cluster.pass(1_000);
  assert.is(first.node.inspect().spaces.length, 1);
});

terms('a copy that has lost a record is not counted as holding it', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  first.remember({ id: 'a', text: 'first' }, { ack: AckLevel.ACK_ALL });
  cluster.pass(1_000);
  const requestId = new Uint8Array(16).fill(7);
  first.remember({ id: 'b', text: 'second' }, { requestId });
  assert.is(second.coverage(), 'n1.1:1-2');
  second.crash();
  assert.ok(second.rot('second'));
  cluster.filter = ({ message }) => (message.kind === 'fetch' ? 'drop' : 'pass');
  second.start();
  cluster.pass(3_000);
  assert.is(second.coverage(), 'n1.1:1-1');
  const retry = first.remember({ id: 'b', text: 'second' }, { requestId, ack: AckLevel.ACK_ALL, deadlineMs: 1_000 });
  cluster.pass(1_500);
  assert.is(first.outcome(retry), 'DEADLINE_EXCEEDED');
  cluster.filter = null;
  cluster.pass(3_000);
  assert.is(first.outcome(first.remember({ id: 'b', text: 'second' }, { requestId, ack: AckLevel.ACK_ALL })), 'written');
});

terms('a session goes on over a record that no copy has any more', () => {
  const cluster = new Cluster(3, { replication: { messageBytesMax: 8_192 } });
  const [first] = cluster.hosts;
  first.holdSyncs = true;
  first.remember({ id: 'before', text: 'on its way' });
  // Two records in one group go out in two messages; the first of them reaches nobody.
  let dropped = 0;
  cluster.filter = ({ from, message }) => {
    if (from !== first || message.kind !== 'run' || message.records.length < 3_000 || dropped >= 2) return 'pass';
    dropped += 1;
    return 'drop';
  };
  first.remember({ id: 'lost', text: 'y'.repeat(6_000) });
  first.remember({ id: 'behind', text: 'q'.repeat(2_500) });
  first.releaseFirst(1);
  cluster.pass(10);
  first.crash();
  cluster.filter = null;
  first.start();
  cluster.pass(5_000);
  for (const host of cluster.hosts) assert.is(host.coverage(), 'n1.1:1-1,3-3');
  const later = first.replies.get(first.remember({ id: 'later', text: 'fine' }, { ack: AckLevel.ACK_ALL }));
  const sessionToken = later?.header?.sessionToken ?? new Uint8Array(0);
  assert.ok(sessionToken.length > 0);
  for (const host of cluster.hosts) {
    const handle = host.send({ $case: 'get', value: { id: 'later' } }, { sessionToken });
    cluster.pass(400);
    assert.is(host.replies.get(handle)?.header?.sessionSatisfied, true, `n${host.index + 1}`);
  }
});

terms('a copy that stood still does not take a term on waking, whatever it hears first', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  cluster.latencyMs = 2;
  cluster.pass(1_000);
  const timers = [...second.timers];
  second.timers.clear();
  cluster.filter = ({ to }) => (to === second ? 'hold' : 'pass');
  cluster.pass(5_000);
  cluster.filter = null;
  // What came meanwhile is read before any timer fires.
  cluster.deliverHeld();
  for (const [name] of timers) second.timers.set(name, cluster.now.monotonicMs);
  cluster.pass(5_000);
  assert.not(second.events.some(({ kind }) => kind === 'term.taken'));
  assert.equal([first.isPrimary, second.isPrimary, third.isPrimary], [true, false, false]);
});

terms('a claim does not wait for the disk of the author of what another copy holds already', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  first.crash();
  cluster.pass(3_000);
  assert.ok(second.isPrimary);
  second.holdSyncs = true;
  const handle = second.remember({ id: 'a', text: 'hung' }, { deadlineMs: 60_000 });
  cluster.pass(1_000);
  assert.equal([second.coverage(), third.coverage()], ['', 'n2.1:1-1']);
  first.start();
  cluster.pass(5_000);
  assert.equal([first.isPrimary, second.isPrimary], [true, false]);
  assert.is(first.text('a'), 'hung');
  assert.is(second.outcome(handle), 'unanswered');
  second.release();
  assert.is(second.outcome(handle), 'written');
});

/** Rows of the test's space and of another one, by indexes of nodes. */
function rowsOf(copies: readonly number[], elsewhere: readonly number[]): ControlView {
  const ids = [1, 2, 3, 4].map((digit) => nodeId(`${digit}${digit}`.repeat(16)));
  const members = ids.map((id, index) => ({ id, name: `n${index + 1}` }));
  const row = (space: SpaceKey, of: readonly number[]): Row => ({ space, copies: of.map((index) => ids[index] as NodeId) });
  const rows = [row(testSpace, copies), row(spaceKey({ name: 'elsewhere', generation: 0 }), elsewhere)];
  return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, rows);
}

/**
 * The fourth node shares a space with the second and the third as far as it knows; they know that they share none, and have not answered it for long. Then its rows name it a
 * copy; with `isCutOff` nobody hears it from then on.
 */
function copyThatNobodyAnswered({ isCutOff = false } = {}): Cluster {
  const cluster = new Cluster(4, { view: rowsOf([0, 1, 2], [1, 2, 3]) });
  const [first, second, third, fourth] = cluster.hosts;
  first.remember({ id: 'a', text: 'before' }, { ack: AckLevel.ACK_ALL });
  for (const host of [first, second, third]) host.deliver({ kind: 'control', view: rowsOf([0, 1, 2], [0]) });
  cluster.pass(3_000);
  if (isCutOff) cluster.isolate(fourth);
  fourth.deliver({ kind: 'control', view: rowsOf([3, 1, 2], [0]) });
  return cluster;
}

terms('who becomes a copy gives the others the time to answer, however long they have not', () => {
  const cluster = copyThatNobodyAnswered();
  const [first, second, third, fourth] = cluster.hosts;
  assert.not(fourth.isPrimary);
  cluster.pass(500);
  for (const host of [first, second, third]) host.deliver({ kind: 'control', view: rowsOf([3, 1, 2], [0]) });
  cluster.passUntil(() => fourth.isPrimary);
  assert.is(fourth.text('a'), 'before');
  const taken = fourth.events.filter((event) => event.kind === 'term.taken' && event.space === testSpace);
  assert.is(taken.length, 1, 'no term before that');
});

terms('who becomes a copy takes the term without the others once these have not answered for a second', () => {
  const cluster = copyThatNobodyAnswered({ isCutOff: true });
  const fourth = cluster.hosts[3];
  cluster.pass(900);
  assert.not(fourth.isPrimary);
  cluster.pass(400);
  assert.ok(fourth.isPrimary);
});

terms('who stands still after it has become a copy has not asked meanwhile', () => {
  const cluster = copyThatNobodyAnswered({ isCutOff: true });
  const fourth = cluster.hosts[3];
  cluster.pass(300);
  const timers = [...fourth.timers];
  fourth.timers.clear();
  cluster.pass(5_000);
  for (const [name] of timers) fourth.timers.set(name, cluster.now.monotonicMs);
  cluster.pass(400);
  assert.not(fourth.isPrimary);
  cluster.pass(600);
  assert.ok(fourth.isPrimary);
});

terms.run();

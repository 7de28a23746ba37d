/**
 * When every copy was damaged at once none can vouch for what the others gave up: what all of them lack is settled, and what one still has is fetched.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VersionVector } from '../clock/version-vector.js';
import { type ControlView, withRows } from '../control/members-and-rows.js';
import { authorOf, type NodeId } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { Cluster, smallSegments, type Transmission } from '../test-support/cluster.js';
import { type Host, testSpace } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';
import type { Peers } from './peers.js';
import { SettledHoles } from './settled-holes.js';

const settledHoles = suite('settled holes');
const kept = ['a', 'b', 'c'];

/** Three copies with high horizons, each of them with another memory damaged. */
function damaged(): Cluster {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first] = cluster.hosts;
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  for (const [at, host] of cluster.hosts.entries()) {
    assert.ok(host.rot(`precious ${kept[at]}`));
    host.crash();
  }
  return cluster;
}

const settled = (host: Host): number => host.events.filter(({ kind }) => kind === 'hole.settled').length;

settledHoles('three copies damaged at once come to hold the same, without a hole', () => {
  const cluster = damaged();
  for (const host of cluster.hosts) host.start();
  cluster.pass(10_000);
  const [first] = cluster.hosts;
  assert.ok(
    cluster.hosts.some((host) => settled(host) > 0),
    'there was something to settle',
  );
  for (const host of cluster.hosts) {
    assert.match(host.coverage(), /^n1\.1:1-\d+$/);
    assert.is(host.coverage(), first.coverage());
    assert.equal(host.versions(), first.versions());
    for (const id of kept) assert.is(host.text(id), `precious ${id}`);
  }
});

settledHoles('nothing is settled while one copy has not said what it lacks', () => {
  const cluster = damaged();
  const [first, second, third] = cluster.hosts;
  first.start();
  second.start();
  cluster.pass(10_000);
  assert.is(settled(first) + settled(second), 0);
  third.start();
  cluster.pass(10_000);
  assert.ok(settled(first) + settled(second) + settled(third) > 0);
  for (const id of kept) assert.is(first.text(id), `precious ${id}`);
});

settledHoles('what was settled stays so after a restart', () => {
  const cluster = damaged();
  for (const host of cluster.hosts) host.start();
  cluster.pass(10_000);
  const [first] = cluster.hosts;
  const before = first.coverage();
  cluster.isolate(first);
  first.crash();
  first.start();
  cluster.pass(1_000);
  assert.is(first.coverage(), before);
});

settledHoles('what is on its way to the disk of a copy is not settled behind its back', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  cluster.isolate(third);
  cluster.pass(2_000);
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_QUORUM });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  assert.ok(first.rot('precious b'));
  assert.is(first.text('b'), 'DATA_DAMAGED');
  // The third copy learns from the first that there is a hole, and from the second what belongs there.
  cluster.heal();
  cluster.cut(second, third);
  cluster.cut(first, second);
  cluster.pass(3_000);
  assert.is(third.coverage(), 'n1.1:1-1,3-63');
  third.holdSyncs = true;
  cluster.heal();
  cluster.isolate(first);
  cluster.passUntil(() => third.heldCount > 0);
  assert.ok(second.rot('precious b'));
  assert.is(second.text('b'), 'DATA_DAMAGED');
  cluster.heal();
  cluster.pass(6_000);
  assert.is(settled(first) + settled(second) + settled(third), 0);
  third.release();
  cluster.pass(5_000);
  for (const host of cluster.hosts) {
    assert.is(host.text('b'), 'precious b');
    assert.is(host.coverage(), first.coverage());
    assert.is(host.digest(), first.digest());
  }
});

settledHoles('what is settled ceases to be known to be damaged: nobody asks for it again', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  for (const host of cluster.hosts) assert.ok(host.rot('precious b'));
  // One copy finds the damage when it reads, and remembers what it was; the others find it at their start, and know only where.
  assert.is(first.text('b'), 'DATA_DAMAGED');
  for (const host of [second, third]) {
    host.crash();
    host.start();
  }
  cluster.pass(10_000);
  const fetches = cluster.sent.get('fetch');
  cluster.pass(5_000);
  assert.is(cluster.sent.get('fetch'), fetches);
  for (const host of cluster.hosts) {
    assert.match(host.coverage(), /^n1\.1:1-\d+$/);
    assert.is(host.digest(), first.digest());
    assert.equal(host.versions(), first.versions());
    assert.is(host.text('b'), null);
    assert.is(host.text('c'), 'precious c');
  }
});

settledHoles('what is settled makes no copy look behind, nor the next records older than they are', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  for (const host of cluster.hosts) {
    assert.ok(host.rot('precious b'));
    host.crash();
    host.start();
  }
  cluster.pass(10_000);
  const lagOf = (host: Host): number => host.replies.get(host.send({ $case: 'get', value: { id: 'a' } }))?.header?.lagMs as number;
  assert.ok(first.isPrimary);
  assert.is(lagOf(first), 0);
  assert.ok(lagOf(second) <= 500 && lagOf(third) <= 500);
  cluster.filter = ({ from, to, message }) => (to === second && from !== second && message.kind !== 'ping' ? 'drop' : 'pass');
  first.remember({ id: 'd', text: 'next' });
  cluster.pass(1_500);
  assert.is(second.text('d'), null);
  assert.ok(lagOf(second) >= 1_500 && lagOf(second) <= 2_500, `${lagOf(second)} ms`);
  cluster.filter = null;
  cluster.pass(10_000);
  assert.not(cluster.hosts.some(({ events }) => events.some(({ kind }) => kind === 'replication.degraded')));
  assert.is(second.text('d'), 'next');
  assert.is(first.text('b'), null);
});

/** The members but for those removed, of whom these hold the space. */
function viewOf({ hosts }: Pick<Cluster, 'hosts'>, copies: readonly number[], removed: readonly number[] = []): ControlView {
  const members = hosts.filter(({ index }) => !removed.includes(index)).map(({ id, index }) => ({ id, name: `n${index + 1}` }));
  const row = { space: testSpace, copies: copies.map((at) => hosts[at].id) };
  return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, [row]);
}

/** The third copy is cut off and loses its place to the fourth, and may be removed; then the three of the row lose the same memory: at a start, one that stays up when it reads. */
function damagedWhileOneIsAway(removed: readonly number[] = [], { staysUp = -1 } = {}): Cluster {
  const unplaced = { hosts: [1, 2, 3, 4, 5].map((digit, index) => ({ id: `${digit}${digit}`.repeat(16) as NodeId, index })) };
  const cluster = new Cluster(5, { storage: smallSegments, view: viewOf(unplaced as unknown as Cluster, [0, 1, 2], [4]) });
  const [first, second, third, fourth] = cluster.hosts;
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  cluster.isolate(third);
  const moved = viewOf(cluster, [0, 1, 3], [...removed, 4]);
  Object.assign(cluster.options, { view: moved });
  for (const host of [first, second, fourth]) host.deliver({ kind: 'control', view: moved });
  cluster.pass(5_000);
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  for (const host of [first, second, fourth]) {
    assert.ok(host.rot('precious b'), `n${host.index + 1} had it`);
    if (host.index === staysUp) host.text('b');
    else host.crash();
    if (!host.up) host.start();
  }
  cluster.pass(10_000);
  return cluster;
}

settledHoles('nothing is settled that who lost its place while it was away may bring back, whoever wrote it', () => {
  const cluster = damagedWhileOneIsAway();
  const [first, second, third, fourth] = cluster.hosts;
  assert.is(settled(first) + settled(second) + settled(fourth), 0);
  cluster.heal();
  third.deliver({ kind: 'control', view: viewOf(cluster, [0, 1, 3]) });
  cluster.passUntil(() => third.holds() === undefined);
  for (const host of [first, second, fourth]) {
    assert.is(host.text('b'), 'precious b');
    assert.match(host.coverage(), /^n1\.1:1-63,/);
    assert.is(settled(host), 0);
  }
});

/** The third node was removed by force, and the row has settled what it alone still has. */
function settledWithoutTheThird(how: { readonly staysUp?: number } = {}): Cluster {
  const cluster = damagedWhileOneIsAway([2], how);
  const [first, second, , fourth] = cluster.hosts;
  assert.ok(settled(first) + settled(second) + settled(fourth) > 0, 'there was something to settle');
  for (const host of [first, second, fourth]) {
    assert.is(host.text('b'), null);
    assert.is(host.coverage(), first.coverage());
  }
  return cluster;
}

/** The removed node hears that it is none any more, and is heard again. */
function bringBack(cluster: Cluster, isLost: (transmission: Transmission) => boolean = () => false): Host {
  const [, , third] = cluster.hosts;
  cluster.filter = (transmission) => (isLost(transmission) ? 'drop' : 'pass');
  cluster.heal();
  third.deliver({ kind: 'control', view: cluster.control() });
  return third;
}

settledHoles('a removed node that comes back with the last good copy of what was settled gives it to the row before it lets go', () => {
  const cluster = settledWithoutTheThird();
  const [first, second, , fourth] = cluster.hosts;
  const third = bringBack(cluster);
  cluster.passUntil(() => third.holds() === undefined);
  for (const host of [first, second, fourth]) {
    assert.is(host.text('b'), 'precious b', `n${host.index + 1}`);
    assert.is(host.coverage(), first.coverage());
    assert.is(host.digest(), first.digest());
  }
});

settledHoles('what a removed node brings back reaches the copies that do not hear it, and it keeps it until they say so', () => {
  const cluster = settledWithoutTheThird();
  const [first, second, , fourth] = cluster.hosts;
  const third = bringBack(cluster, ({ from, to }) => [from, to].some(({ index }) => index === 2) && [from, to].includes(fourth));
  cluster.pass(10_000);
  for (const host of [first, second, fourth]) assert.is(host.text('b'), 'precious b', `n${host.index + 1}`);
  assert.is.not(third.holds(), undefined);
  cluster.filter = null;
  cluster.passUntil(() => third.holds() === undefined);
});

settledHoles('a removed node keeps what was settled while nobody can fetch it, whatever the copies cover', () => {
  const cluster = settledWithoutTheThird();
  const [first, second, , fourth] = cluster.hosts;
  // It hears what all copies cover, and none of them can fetch from it.
  const third = bringBack(cluster, ({ message }) => message.kind === 'fetch');
  cluster.pass(10_000);
  for (const host of [first, second, fourth]) assert.is(host.text('b'), null);
  assert.is.not(third.holds(), undefined);
  cluster.filter = null;
  cluster.passUntil(() => third.holds() === undefined);
  for (const host of [first, second, fourth]) assert.is(host.text('b'), 'precious b');
});

settledHoles('a removed node that knows what was settled to be beaten says so, and brings what beat it', () => {
  const cluster = settledWithoutTheThird();
  const [first, second, third, fourth] = cluster.hosts;
  third.remember({ id: 'b', text: 'more precious' });
  cluster.rewrite(third, 60);
  cluster.pass(3_000);
  bringBack(cluster);
  cluster.passUntil(() => third.holds() === undefined);
  for (const host of [first, second, fourth]) {
    assert.is(host.text('b'), 'more precious');
    assert.is(host.coverage(), first.coverage());
    assert.is(host.digest(), first.digest());
  }
});

settledHoles('copies that were started anew know what they settled, and miss it when it comes back', () => {
  const cluster = settledWithoutTheThird();
  const [first, second, , fourth] = cluster.hosts;
  const copies = [first, second, fourth];
  const before = copies.map(settled);
  for (const host of copies) host.crash();
  for (const host of copies) host.start();
  cluster.pass(10_000);
  assert.equal(copies.map(settled), before, 'nothing was settled a second time');
  const third = bringBack(cluster);
  cluster.passUntil(() => third.holds() === undefined);
  for (const host of copies) assert.is(host.text('b'), 'precious b');
});

settledHoles('who becomes a copy later takes over what was settled, and misses it like the others when it comes back', () => {
  const cluster = settledWithoutTheThird();
  const [first, second, , fourth, fifth] = cluster.hosts;
  Object.assign(cluster.options, { view: viewOf(cluster, [1, 3, 4], [2]) });
  for (const host of [first, second, fourth, fifth]) host.deliver({ kind: 'control', view: cluster.control() });
  cluster.passUntil(() => first.holds() === undefined);
  assert.ok(settled(fifth) > 0, 'it was told');
  assert.is(fifth.coverage(), second.coverage());
  // The others have forgotten: it alone keeps the removed node from letting go.
  Object.assign(cluster.options, { view: viewOf(cluster, [4], [2]) });
  for (const host of [first, second, fourth, fifth]) host.deliver({ kind: 'control', view: cluster.control() });
  cluster.passUntil(() => second.holds() === undefined && fourth.holds() === undefined);
  assert.is(fifth.text('b'), null);
  const third = bringBack(cluster);
  cluster.passUntil(() => third.holds() === undefined);
  assert.is(fifth.text('b'), 'precious b');
});

settledHoles('a copy that has only settled a record does not count for it, however far it has acknowledged', () => {
  const cluster = settledWithoutTheThird({ staysUp: 0 });
  const [first, second, , fourth] = cluster.hosts;
  bringBack(cluster, ({ from, to }) => [from, to].some(({ index }) => index === 2) && ![from, to].includes(first));
  cluster.passUntil(() => first.text('b') === 'precious b');
  assert.equal([second.text('b'), fourth.text('b')], [null, null], 'they have not heard of it yet');
  assert.is(first.outcome(first.remember({ id: 'd', text: 'next' }, { ack: AckLevel.ACK_ALL })), 'written');
  const again = first.remember({ id: 'b', text: 'precious b' }, { ack: AckLevel.ACK_ALL });
  assert.is(first.outcome(again), 'unanswered');
  cluster.filter = null;
  cluster.passUntil(() => first.outcome(again) === 'written' && [second, fourth].every((host) => host.text('b') === 'precious b'));
});

/** One copy's own look at a space of which it lacks the third dot, as the other copy does; of a third member, outside the row, it knows this. */
function lookAt(known: { readonly isAtHand: boolean; readonly reported?: VersionVector }): {
  readonly settled: string[];
  look(atMs: number): void;
} {
  const [self, copy, outside] = [1, 2, 3].map((digit) => `${digit}${digit}`.repeat(16) as NodeId);
  const author = authorOf(self, { counter: 1, random: '0'.repeat(16) });
  const hole = (): VersionVector => {
    const dots = new VersionVector();
    dots.add({ author, from: 3, to: 3 });
    return dots;
  };
  const found: string[] = [];
  const space = {
    ...{ coverageChanges: 1, horizon: null, holesBelow: hole },
    ...{ coverage: new VersionVector(), inFlight: new VersionVector(), settled: new VersionVector() },
    settleAbsent: (dots: VersionVector) => found.push(String(dots.max(author))),
  };
  const services = {
    self,
    store: { spaceIfHeld: () => space, writeCheckpoint: () => undefined },
    otherCopies: () => [copy],
    row: () => ({ space: testSpace, copies: [self, copy] }),
    control: { members: [self, copy, outside].map((id) => ({ id, name: id })) },
    ...{ authority: null, partition: { isAtHand: () => known.isAtHand }, configuration: { replication: { reachableMs: 1_000 } } },
  };
  let nowMs = 0;
  const none = new VersionVector();
  const ofCopy = () => ({ vouchedMs: nowMs, spaces: new Map([[testSpace, { lost: hole(), reported: none, settled: none }]]) });
  const ofOutside = known.reported === undefined ? [] : [{ spaces: new Map([[testSpace, { reported: known.reported }]]) }];
  const peers = { get: (id: NodeId) => (id === copy ? ofCopy() : ofOutside[0]), all: () => [ofCopy(), ...ofOutside] };
  const holes = new SettledHoles(services as unknown as NodeServices, peers as unknown as Peers);
  return {
    settled: found,
    look(atMs) {
      nowMs = atMs;
      holes.consider(testSpace, { monotonicMs: atMs, wallMs: atMs });
    },
  };
}

settledHoles('a member outside the row must be there all the time that a hole waits for it', () => {
  const known = { isAtHand: true };
  const { settled: found, look } = lookAt(known);
  look(0);
  look(1_900);
  known.isAtHand = false;
  look(1_950);
  known.isAtHand = true;
  for (const atMs of [2_500, 4_400]) look(atMs);
  assert.equal(found, [], 'it was away');
  look(4_600);
  assert.equal(found, ['3']);
});

settledHoles(
  'what a member outside the row says that it holds is not settled, whether or not it is still there; what it lacks as well is',
  () => {
    const reported = new VersionVector();
    const known = { isAtHand: false, reported };
    const { settled: found, look } = lookAt(known);
    const [outside] = [authorOf('1'.repeat(32) as NodeId, { counter: 1, random: '0'.repeat(16) })];
    reported.add({ author: outside, from: 1, to: 9 });
    for (const atMs of [0, 2_500, 5_000]) look(atMs);
    assert.equal(found, []);
    reported.remove({ author: outside, from: 3, to: 3 });
    for (const atMs of [6_000, 8_500]) look(atMs);
    assert.equal(found, ['3']);
  },
);

settledHoles.run();

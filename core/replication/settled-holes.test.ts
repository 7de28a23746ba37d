/**
 * When every copy was damaged at once none can vouch for what the others gave up: what all of them lack is settled, and what one still has is fetched.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VersionVector } from '../clock/version-vector.js';
import { type ControlView, withRows } from '../control/members-and-rows.js';
import { authorOf, type NodeId } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { Cluster, smallSegments } from '../test-support/cluster.js';
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

/** Four members, of whom these hold the space. */
function viewOf({ hosts }: Pick<Cluster, 'hosts'>, copies: readonly number[]): ControlView {
  const members = hosts.map(({ id, index }) => ({ id, name: `n${index + 1}` }));
  const row = { space: testSpace, copies: copies.map((at) => hosts[at].id) };
  return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, [row]);
}

/** The third copy is cut off and loses its place to the fourth; then the three of the row lose the same memory. */
function damagedWhileOneIsAway(): Cluster {
  const unplaced = { hosts: [1, 2, 3, 4].map((digit, index) => ({ id: `${digit}${digit}`.repeat(16) as NodeId, index })) };
  const cluster = new Cluster(4, { storage: smallSegments, view: viewOf(unplaced as unknown as Cluster, [0, 1, 2]) });
  const [first, second, third, fourth] = cluster.hosts;
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  cluster.isolate(third);
  const moved = viewOf(cluster, [0, 1, 3]);
  Object.assign(cluster.options, { view: moved });
  for (const host of [first, second, fourth]) host.deliver({ kind: 'control', view: moved });
  cluster.pass(5_000);
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  for (const host of [first, second, fourth]) {
    assert.ok(host.rot('precious b'), `n${host.index + 1} had it`);
    host.crash();
    host.start();
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
    ...{ coverageChanges: 1, horizon: null, inFlight: new VersionVector(), holesBelow: hole },
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
  const peers = {
    get(id: NodeId) {
      if (id === copy) return { vouchedMs: nowMs, spaces: new Map([[testSpace, { lost: hole(), reported: new VersionVector() }]]) };
      return known.reported === undefined ? undefined : { spaces: new Map([[testSpace, { reported: known.reported }]]) };
    },
  };
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

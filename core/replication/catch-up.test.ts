/**
 * A copy that was away gets what it missed as a snapshot, because the log it lacks is compacted. What may go wrong on the way must leave a hole that is
 * named, never one that is covered: a covered hole is a memory lost for good.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainEvent } from '../domain-events.js';
import { Cluster, smallSegments, type Transmission } from '../test-support/cluster.js';
import type { ClusterOptions, Host } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const catchUp = suite('catch-up');
const kept = ['a', 'b', 'c', 'd'];

function remember(cluster: Cluster, ack: AckLevel): void {
  for (const id of kept) {
    const handle = cluster.hosts[0].remember({ id, text: `precious ${id}` }, { ack });
    assert.is(cluster.hosts[0].outcome(handle), 'written');
  }
}

/** The last node is cut off while the others remember a few things and compact the log of them. */
function withOneAway(nodes: number, options: ClusterOptions = {}): { readonly cluster: Cluster; readonly hosts: readonly Host[] } {
  const cluster = new Cluster(nodes, { ...options, storage: { ...smallSegments, ...options.storage } });
  const { hosts } = cluster;
  cluster.isolate(hosts[nodes - 1]);
  cluster.pass(2_000);
  remember(cluster, nodes > 2 ? AckLevel.ACK_QUORUM : AckLevel.ACK_LOCAL);
  cluster.rewrite(hosts[0], 60);
  cluster.pass(3_000);
  return { cluster, hosts };
}

function assertEqualCopies({ hosts }: Cluster): void {
  for (const host of hosts) {
    assert.equal(host.versions(), hosts[0].versions(), `n${host.index + 1} holds what n1 holds`);
    assert.is(host.coverage(), hosts[0].coverage());
  }
}

function assertAllKept(cluster: Cluster): void {
  assertEqualCopies(cluster);
  for (const host of cluster.hosts) for (const id of kept) assert.is(host.text(id), `precious ${id}`, `n${host.index + 1} holds ${id}`);
}

const count = (host: Host, kind: DomainEvent['kind']): number => host.events.filter((event) => event.kind === kind).length;
const isSnapshotTo =
  (host: Host) =>
  ({ to, message }: Transmission): boolean =>
    to === host && message.kind === 'snapshot';

catchUp('a copy that was away long gets a snapshot and then holds what the others hold', () => {
  const { cluster, hosts } = withOneAway(3);
  assert.is(hosts[2].text('a'), null);
  cluster.heal();
  cluster.pass(3_000);
  assert.ok(hosts[2].events.some((event) => event.kind === 'catch-up.finished' && event.how === 'snapshot'));
  assertAllKept(cluster);
});

for (const ending of ['the syncs complete', 'the power fails'] as const) {
  catchUp(`no horizon is adopted over records that are not synced: ${ending}`, () => {
    const { cluster, hosts } = withOneAway(3);
    hosts[2].holdSyncs = true;
    cluster.heal();
    // Longer than a fetch without progress is waited for: it is begun again, its records being in flight already.
    cluster.pass(2_500);
    assert.is(hosts[2].coverage(), '');
    if (ending === 'the power fails') {
      hosts[2].crash();
      cluster.pass(300);
      hosts[2].start();
    } else hosts[2].release();
    cluster.pass(10_000);
    assertAllKept(cluster);
  });
}

catchUp('what was forgotten while a copy was away stays forgotten when its disk is slow', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  first.remember({ id: 'secret', text: 'must go' }, { ack: AckLevel.ACK_ALL });
  cluster.isolate(third);
  cluster.pass(2_000);
  assert.is(first.outcome(first.forget('secret', { ack: AckLevel.ACK_QUORUM })), 'written');
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  third.holdSyncs = true;
  cluster.heal();
  cluster.pass(2_500);
  third.release();
  cluster.pass(10_000);
  first.crash();
  second.crash();
  cluster.pass(5_000);
  assert.ok(third.isPrimary);
  assert.is(third.text('secret'), null);
});

catchUp('an answer to an earlier boot is none', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  remember(cluster, AckLevel.ACK_ALL);
  cluster.pass(2_000);
  third.crash();
  third.start();
  cluster.pass(2_000);
  cluster.isolate(third);
  cluster.pass(2_000);
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  cluster.filter = (transmission) => (isSnapshotTo(third)(transmission) ? 'hold' : 'pass');
  cluster.heal();
  cluster.cut(second, third);
  cluster.passUntil(() => cluster.held.length > 0);
  const late = cluster.held.splice(0);
  // What the earlier boot had is lost meanwhile: its question did not ask for it.
  third.crash();
  assert.ok(third.rot('precious b'));
  third.start();
  cluster.passUntil(() => cluster.held.length > 0);
  cluster.held = [];
  const before = third.coverage();
  cluster.filter = null;
  cluster.deliverHeld(late);
  assert.is(third.coverage(), before);
  cluster.heal();
  cluster.pass(10_000);
  assertAllKept(cluster);
});

catchUp('what is found damaged while a snapshot is on its way stays a hole, and is fetched', () => {
  const cluster = new Cluster(2, { storage: smallSegments });
  const [first, second] = cluster.hosts;
  remember(cluster, AckLevel.ACK_ALL);
  cluster.isolate(second);
  cluster.pass(2_000);
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  cluster.filter = (transmission) => (isSnapshotTo(second)(transmission) ? 'hold' : 'pass');
  assert.ok(second.rot('precious b'));
  cluster.heal();
  cluster.passUntil(() => cluster.held.length > 0);
  assert.is(second.text('b'), 'DATA_DAMAGED');
  const snapshots = cluster.sent.get('snapshot') ?? 0;
  cluster.filter = null;
  cluster.deliverHeld();
  cluster.pass(10_000);
  assert.ok((cluster.sent.get('snapshot') ?? 0) > snapshots, 'the hole was asked for');
  assertAllKept(cluster);
});

catchUp('a hole of the sender that is refilled while it reads is named all the same', () => {
  const { cluster, hosts } = withOneAway(3);
  const [first, second, third] = hosts;
  cluster.cut(first, second);
  cluster.pass(1_500);
  assert.ok(first.rot('precious b'));
  assert.is(first.text('b'), 'DATA_DAMAGED');
  first.holdReads = true;
  cluster.heal();
  cluster.cut(second, third);
  cluster.cut(first, second);
  cluster.passUntil(() => first.heldCount > 0);
  cluster.heal();
  cluster.cut(second, third);
  cluster.passUntil(() => first.coverage() === 'n1.1:1-64');
  first.release();
  cluster.heal();
  cluster.pass(10_000);
  assertAllKept(cluster);
});

catchUp('a chunk that a full disk refuses is asked for again, but not at once and for ever', () => {
  const cluster = new Cluster(2, { storage: smallSegments });
  const [first, second] = cluster.hosts;
  cluster.isolate(second);
  cluster.pass(2_000);
  for (let n = 0; n < 12; n += 1) first.remember({ id: `wide ${n}`, text: `${n} `.padEnd(3_000, 'w') });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  second.disk.capacityBytes = second.disk.used();
  const before = cluster.sent.get('fetch') ?? 0;
  cluster.heal();
  cluster.pass(2_000);
  const asked = (cluster.sent.get('fetch') ?? 0) - before;
  assert.ok(asked > 0 && asked <= 2 * (2_000 / 250), `asked ${asked} times in 2 s`);
  second.disk.capacityBytes = Number.POSITIVE_INFINITY;
  cluster.pass(10_000);
  assertEqualCopies(cluster);
});

catchUp('an answer from the log ends a fetch that had begun as a snapshot', () => {
  const { cluster, hosts } = withOneAway(3, { replication: { fetchCreditBytes: 100 } });
  const [first, second, third] = hosts;
  cluster.filter = ({ to, message }) => (to === third && message.kind === 'snapshot' && message.cursor > 0 ? 'hold' : 'pass');
  cluster.heal();
  cluster.cut(second, third);
  cluster.passUntil(() => cluster.held.length > 0);
  const [{ message }] = cluster.held;
  assert.is(message.kind, 'snapshot');
  if (message.kind !== 'snapshot') return;
  // As a sender says it whose horizon has nothing to give any more.
  const author = cluster.codec.decode(cluster.held[0].bytes);
  assert.not.type(author, 'string');
  if (typeof author === 'string') return;
  const { answers, space } = message;
  const bytes = cluster.codec.encode(author.from, { kind: 'fetched', answers, space, runs: 0 });
  const finished = count(third, 'catch-up.finished');
  cluster.deliverHeld([{ ...cluster.held[0], bytes }]);
  assert.is(count(third, 'catch-up.finished'), finished + 1);
  assert.is.not(third.coverage(), first.coverage(), 'nothing was adopted on the strength of half a snapshot');
  cluster.held = [];
  cluster.filter = null;
  cluster.heal();
  cluster.pass(10_000);
  assertAllKept(cluster);
});

catchUp('a lost record of the sender is a hole at the receiver too, until another copy gives it', () => {
  const { cluster, hosts } = withOneAway(3);
  const [first, second, third] = hosts;
  cluster.heal();
  cluster.cut(first, second);
  cluster.cut(second, third);
  assert.ok(first.rot('precious b'));
  assert.is(first.text('b'), 'DATA_DAMAGED');
  cluster.pass(3_000);
  assert.is(third.coverage(), 'n1.1:1-1,3-64');
  cluster.heal();
  cluster.pass(10_000);
  assertAllKept(cluster);
});

catchUp.run();

/**
 * When every copy was damaged at once none can vouch for what the others gave up: what all of them lack is settled, and what one still has is fetched.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster, smallSegments } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

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

settledHoles.run();

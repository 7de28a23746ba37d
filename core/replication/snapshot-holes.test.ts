/** A snapshot names every hole of its sender as it was when the walk began, however soon the hole is refilled. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster, smallSegments } from '../test-support/cluster.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const holes = suite('holes of a sender');

for (const found of ['at a restart', 'by the snapshot itself'] as const) {
  holes(`a hole that is found ${found} is named, however soon it is refilled`, () => {
    const cluster = new Cluster(3, { storage: smallSegments });
    const [first, second, third] = cluster.hosts;
    cluster.isolate(third);
    cluster.pass(2_000);
    for (const id of ['a', 'b', 'c']) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_QUORUM });
    cluster.rewrite(first, 60);
    cluster.pass(3_000);
    cluster.cut(first, second);
    cluster.pass(1_500);
    if (found === 'at a restart') first.crash();
    assert.ok(first.rot('precious b'));
    if (found === 'at a restart') first.start();
    cluster.pass(500);
    first.holdReads = true;
    cluster.heal();
    cluster.cut(second, third);
    cluster.cut(first, second);
    cluster.passUntil(() => first.heldCount > 0);
    if (found === 'by the snapshot itself') first.release();
    assert.ok(first.coverage().startsWith('n1.1:1-1,3-'));
    cluster.heal();
    cluster.cut(second, third);
    cluster.passUntil(() => first.coverage() === 'n1.1:1-63');
    first.release();
    cluster.heal();
    cluster.pass(10_000);
    assert.is(third.coverage(), first.coverage());
    assert.equal(third.versions(), first.versions());
    assert.is(third.text('b'), 'precious b');
  });
}

holes('what gave way to a version that is damaged now is not vouched for: another copy still holds it', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  cluster.isolate(third);
  cluster.pass(2_000);
  first.remember({ id: 'b', text: 'precious b' }, { ack: AckLevel.ACK_QUORUM });
  cluster.isolate(first);
  cluster.pass(2_000);
  first.remember({ id: 'b', text: 'on one disk alone' });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  assert.ok(first.rot('on one disk alone'));
  assert.is(first.text('b'), 'DATA_DAMAGED');
  cluster.heal();
  cluster.isolate(second);
  cluster.pass(3_000);
  const fetches = cluster.sent.get('fetch');
  cluster.pass(3_000);
  assert.is(cluster.sent.get('fetch'), fetches, 'nobody goes on asking for what its holder doubts');
  assert.is(third.coverage(), first.coverage());
  cluster.heal();
  cluster.pass(5_000);
  assert.is(second.text('b'), 'precious b');
  assert.is(third.text('b'), 'precious b');
  assert.is(third.coverage(), second.coverage());
  assert.equal(third.versions(), second.versions());
});

holes.run();

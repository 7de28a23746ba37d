/**
 * What is held outside its row: offered to the copies, kept until all of them have it, let go of durably.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ControlView, withRows } from '../control/members-and-rows.js';
import type { NodeId } from '../identifiers.js';
import { Cluster, smallSegments } from '../test-support/cluster.js';
import { type ClusterOptions, type Host, testSpace } from '../test-support/host.js';

const handOver = suite('hand-over');

/** The space lives on the first three of four nodes. */
function viewWith(ids: readonly NodeId[], copies: readonly number[]): ControlView {
  const members = ids.map((id, index) => ({ id, name: `n${index + 1}` }));
  const row = { space: testSpace, copies: copies.map((index) => ids[index]) };
  return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, [row]);
}

const ids = [1, 2, 3, 4].map((digit) => `${digit}${digit}`.repeat(16) as NodeId);
const firstThree = viewWith(ids, [0, 1, 2]);
const withoutFirst = viewWith(ids, [1, 2, 3]);

function fourNodes(options: ClusterOptions = {}): Cluster {
  return new Cluster(4, { ...options, view: firstThree });
}

function tell(hosts: readonly Host[], view: ControlView): void {
  for (const host of hosts) host.deliver({ kind: 'control', view });
}

function lettingGo(host: Host): number {
  return host.events.filter(({ kind }) => kind === 'space.handed-over').length;
}

handOver('a copy that is moved away gives its tail to the new row before it lets go', () => {
  const cluster = fourNodes();
  const [first, second, third, fourth] = cluster.hosts;
  first.remember({ id: 'seen', text: 'by all' });
  cluster.pass(500);
  cluster.isolate(first);
  first.remember({ id: 'tail', text: 'by nobody else' });
  cluster.pass(2_000);
  tell(cluster.hosts, withoutFirst);
  cluster.pass(3_000);
  assert.is(lettingGo(first), 0);
  assert.is(
    first.outcome(
      first.send({
        $case: 'update',
        value: { episode: new Uint8Array(0), context: new Uint8Array(0), expectedVersion: new Uint8Array(0) },
      }),
    ),
    'NOT_A_COPY',
  );
  assert.is(first.text('tail'), 'NOT_A_COPY');
  cluster.heal();
  cluster.passUntil(() => lettingGo(first) === 1);
  for (const copy of [second, third, fourth]) assert.is(copy.text('tail'), 'by nobody else');
  assert.is(first.holds(), undefined);
});

handOver('nothing is let go of while one copy of the row lacks it', () => {
  const cluster = fourNodes();
  const [first, second, third, fourth] = cluster.hosts;
  first.remember({ id: 'here', text: 'on three' });
  cluster.pass(500);
  fourth.kill();
  tell([first, second, third], withoutFirst);
  cluster.pass(10_000);
  assert.is(lettingGo(first), 0);
  Object.assign(cluster.options, { view: withoutFirst });
  fourth.start();
  cluster.passUntil(() => lettingGo(first) === 1);
  assert.is(fourth.text('here'), 'on three');
});

handOver('who does not hold itself for a copy is not handed over to', () => {
  const cluster = fourNodes();
  const [first, second, third, fourth] = cluster.hosts;
  first.remember({ id: 'here', text: 'on three' });
  cluster.pass(500);
  // The fourth goes by the old row for a while.
  tell([first, second, third], withoutFirst);
  cluster.pass(5_000);
  assert.is(lettingGo(first), 0);
  tell([fourth], withoutFirst);
  cluster.passUntil(() => lettingGo(first) === 1);
  assert.is(fourth.text('here'), 'on three');
});

handOver('what was let go of does not come back with a restart, and its place in the log is given up', () => {
  const cluster = fourNodes({ storage: smallSegments });
  const [first] = cluster.hosts;
  cluster.rewrite(first, 60);
  cluster.pass(500);
  tell(cluster.hosts, withoutFirst);
  Object.assign(cluster.options, { view: withoutFirst });
  cluster.passUntil(() => lettingGo(first) === 1);
  cluster.pass(2_000);
  first.crash();
  first.start();
  cluster.pass(3_000);
  assert.is(first.holds(), undefined);
  assert.is(lettingGo(first), 1);
});

handOver('a copy that comes back to its node begins anew, and gives no dot twice', () => {
  const cluster = fourNodes();
  const [first, second] = cluster.hosts;
  first.remember({ id: 'one', text: 'first time' });
  cluster.pass(500);
  tell(cluster.hosts, withoutFirst);
  cluster.passUntil(() => lettingGo(first) === 1);
  tell(cluster.hosts, firstThree);
  cluster.passUntil(() => first.isPrimary && first.text('one') === 'first time');
  first.remember({ id: 'two', text: 'second time' });
  cluster.pass(1_000);
  assert.is(second.text('two'), 'second time');
  assert.is(second.text('one'), 'first time');
  first.crash();
  first.start();
  cluster.pass(3_000);
  assert.is(first.text('one'), 'first time');
  assert.is(first.coverage(), second.coverage());
});

handOver('a crash before the drop is durable brings all back, to be handed over once more', () => {
  const cluster = fourNodes();
  const [first] = cluster.hosts;
  first.remember({ id: 'here', text: 'on three' });
  cluster.pass(500);
  tell(cluster.hosts, withoutFirst);
  Object.assign(cluster.options, { view: withoutFirst });
  const before = new Map(first.disk.synced);
  cluster.passUntil(() => lettingGo(first) === 1);
  first.crash();
  // The checkpoint that names the drop was not written.
  for (const [file, bytes] of before) {
    if (!file.startsWith('checkpoint')) continue;
    first.disk.written.set(file, bytes.slice());
    first.disk.synced.set(file, bytes.slice());
  }
  for (const file of [...first.disk.synced.keys()]) {
    if (!file.startsWith('checkpoint') || before.has(file)) continue;
    first.disk.written.delete(file);
    first.disk.synced.delete(file);
  }
  first.start();
  assert.is.not(first.holds(), undefined);
  cluster.passUntil(() => lettingGo(first) === 2);
  assert.is(first.holds(), undefined);
});

handOver('records of a deleted space are kept apart and reported', () => {
  const cluster = fourNodes();
  const [first] = cluster.hosts;
  first.remember({ id: 'here', text: 'on three' });
  cluster.pass(500);
  const deleted = { ...firstThree, rows: {}, generations: { default: 0 } };
  tell(cluster.hosts, deleted);
  cluster.pass(5_000);
  assert.is(first.events.filter(({ kind }) => kind === 'space.quarantined').length, 1);
  assert.is(lettingGo(first), 0);
  assert.is.not(first.holds(), undefined);
});

handOver.run();

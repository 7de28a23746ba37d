/**
 * Writes that a node without a copy keeps while no copy is in reach: labelled, bounded, counted for nothing above `local`, handed over after the heal.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ControlView, withRows } from '../control/members-and-rows.js';
import type { NodeId } from '../identifiers.js';
import { Cluster } from '../test-support/cluster.js';
import { type ClusterOptions, type Host, testSpace } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const hints = suite('hints');

const ids = [1, 2, 3, 4].map((digit) => `${digit}${digit}`.repeat(16) as NodeId);

/** The space lives on the first two of four nodes; the other two share no row with them. */
function view(): ControlView {
  const members = ids.map((id, index) => ({ id, name: `n${index + 1}` }));
  return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, [
    { space: testSpace, copies: ids.slice(0, 2) },
  ]);
}

function split(options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster(4, { ...options, view: view() });
  const [first, second, third, fourth] = cluster.hosts;
  for (const copy of [first, second]) for (const other of [third, fourth]) cluster.cut(copy, other);
  return cluster;
}

/** Asks until the node has looked whether a copy is in reach. */
function lookAround(cluster: Cluster, host: Host): void {
  assert.is(host.outcome(host.remember({ id: 'too soon', text: 'x' })), 'NOT_A_COPY');
  cluster.pass(1_500);
}

function isHinted(host: Host, handle: number): boolean {
  return host.replies.get(handle)?.header?.hinted === true;
}

hints('a side without a copy takes a write, says so, and hands it over after the heal', () => {
  const cluster = split();
  const [first, second, third] = cluster.hosts;
  lookAround(cluster, third);
  const handle = third.remember({ id: 'kept', text: 'for the others' });
  assert.is(third.outcome(handle), 'written');
  assert.ok(isHinted(third, handle));
  assert.is(third.text('kept'), 'NOT_A_COPY');
  cluster.pass(5_000);
  cluster.heal();
  cluster.passUntil(() => third.events.some(({ kind }) => kind === 'space.handed-over'));
  assert.is(first.text('kept'), 'for the others');
  assert.is(second.text('kept'), 'for the others');
  assert.equal(
    third.events.filter(({ kind }) => kind === 'space.handed-over'),
    [{ kind: 'space.handed-over', space: testSpace, records: 1, hints: 1 }],
  );
});

hints('a hint survives a crash of who keeps it', () => {
  const cluster = split();
  const [first, second, third] = cluster.hosts;
  lookAround(cluster, third);
  assert.is(third.outcome(third.remember({ id: 'kept', text: 'for the others' })), 'written');
  third.crash();
  third.start();
  cluster.pass(3_000);
  cluster.heal();
  cluster.passUntil(() => third.events.some(({ kind }) => kind === 'space.handed-over'));
  assert.is(first.text('kept'), 'for the others');
  assert.is(second.text('kept'), 'for the others');
});

hints('nothing above local is taken, nor what needs a look at what is there', () => {
  const cluster = split();
  const [, , third] = cluster.hosts;
  lookAround(cluster, third);
  assert.is(third.outcome(third.remember({ id: 'a', text: 'x' }, { ack: AckLevel.ACK_ONE })), 'ACK_OUT_OF_REACH');
  assert.is(third.outcome(third.forget('a')), 'NOT_A_COPY');
  assert.is(third.holds(), undefined);
});

hints('nothing is taken while a copy is in reach', () => {
  const cluster = new Cluster(4, { view: view() });
  const [, , third] = cluster.hosts;
  for (let tries = 0; tries < 5; tries += 1) {
    assert.is(third.outcome(third.remember({ id: 'a', text: 'x' })), 'NOT_A_COPY');
    cluster.pass(1_000);
  }
  assert.is(third.holds(), undefined);
});

hints('hints have a bound, and the room comes back once they are handed over', () => {
  const cluster = split({ replication: { hintRecordsMax: 3 } });
  const [, , third] = cluster.hosts;
  lookAround(cluster, third);
  const outcomes = ['a', 'b', 'c', 'd'].map((id) => third.outcome(third.remember({ id, text: 'x' })));
  assert.equal(outcomes, ['written', 'written', 'written', 'OVERLOADED']);
  cluster.heal();
  cluster.passUntil(() => third.events.some(({ kind }) => kind === 'space.handed-over'));
  const [first, second] = cluster.hosts;
  cluster.cut(first, third);
  cluster.cut(second, third);
  cluster.pass(2_000);
  assert.is(third.outcome(third.remember({ id: 'e', text: 'x' })), 'written');
});

hints('a retry of a hint is the same write', () => {
  const cluster = split();
  const [first, , third] = cluster.hosts;
  lookAround(cluster, third);
  const requestId = new Uint8Array(16).fill(7);
  const once = third.remember({ id: 'a', text: 'x' }, { requestId });
  const again = third.remember({ id: 'a', text: 'x' }, { requestId });
  assert.is(third.outcome(once), 'written');
  assert.is(third.outcome(again), 'written');
  assert.is(third.holds()?.versions.length, 1);
  cluster.heal();
  cluster.passUntil(() => first.text('a') === 'x');
  // And at a copy, once it is there.
  const there = first.replies.get(first.remember({ id: 'a', text: 'x' }, { requestId }))?.body;
  assert.ok(there?.$case === 'written' && there.value.duplicate);
});

hints.run();

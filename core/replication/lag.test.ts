/** How far a replica says it lags: never less than what a silent copy may have acknowledged since. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const lag = suite('lag');

/** What an answer of the host says, in milliseconds. */
function lagOf(host: Host, id = 'a'): number | undefined {
  const handle = host.send({ $case: 'get', value: { id } });
  return host.replies.get(handle)?.header?.lagMs;
}

lag('is about the time between two reports while all copies are heard', () => {
  const cluster = new Cluster(3);
  const [first, second] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  cluster.pass(1_000);
  assert.is(lagOf(first), 0);
  assert.ok((lagOf(second) as number) <= 500);
});

lag('grows while any copy is silent, though the primary is heard: that copy may have taken a term', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  cluster.isolate(third);
  cluster.pass(4_000);
  assert.ok(first.isPrimary && third.isPrimary);
  third.remember({ id: 'a', text: 'two' });
  cluster.pass(1_000);
  assert.is(second.text('a'), 'one');
  assert.ok((lagOf(second) as number) >= 4_000);
});

lag('while records of the primary are on their way is the age of its last report that is all here', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  cluster.pass(2_000);
  cluster.filter = ({ from, to, message }) => (to === second && from !== second && message.kind !== 'ping' ? 'drop' : 'pass');
  for (let round = 0; round < 6; round += 1) {
    first.remember({ id: 'a', text: `two ${round}` });
    cluster.pass(500);
    assert.is(second.text('a'), 'one');
    assert.ok((lagOf(second) as number) >= 500 * (round + 1), `round ${round}`);
    assert.ok((lagOf(second) as number) <= 500 * (round + 2), `round ${round}`);
    assert.ok((lagOf(third) as number) <= 500);
  }
  cluster.filter = null;
  cluster.pass(5_000);
  assert.is(second.text('a'), 'two 5');
  assert.ok((lagOf(second) as number) <= 500);
});

lag('is not known while a record is missing that its teller has from another: nobody says when that was acknowledged', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  cluster.isolate(third);
  cluster.pass(4_000);
  third.remember({ id: 'a', text: 'two' });
  cluster.filter = ({ to, message }) => (to === second && message.kind !== 'ping' ? 'drop' : 'pass');
  cluster.heal();
  cluster.pass(4_000);
  assert.is(first.text('a'), 'two');
  assert.is(second.text('a'), 'one');
  assert.is(lagOf(second), undefined);
});

/** The third copy has all but the latest record, which the two others have lost by then: they find it damaged when they read it. */
function lostByOthers(): { readonly cluster: Cluster; readonly acknowledgedMs: number } {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  first.remember({ id: 'b', text: 'another' });
  cluster.pass(2_000);
  cluster.filter = ({ to, message }) => (to === third && message.kind !== 'ping' ? 'drop' : 'pass');
  first.remember({ id: 'a', text: 'the second' }, { ack: AckLevel.ACK_QUORUM });
  const acknowledgedMs = cluster.now.monotonicMs;
  cluster.pass(1_000);
  for (const host of [first, second]) {
    assert.ok(host.rot('the second'));
    assert.is(host.text('a'), 'DATA_DAMAGED');
  }
  cluster.filter = null;
  cluster.pass(4_000);
  return { cluster, acknowledgedMs };
}

lag('goes on growing when the record that is missing is lost where it was acknowledged', () => {
  const { cluster, acknowledgedMs } = lostByOthers();
  const third = cluster.hosts[2];
  for (let round = 0; round < 3; round += 1) {
    assert.is(third.text('a'), 'one');
    const lagMs = lagOf(third) as number;
    const staleMs = cluster.now.monotonicMs - acknowledgedMs;
    assert.ok(lagMs >= staleMs && lagMs <= staleMs + 500, `${lagMs} ms, and the answer was ${staleMs} ms old`);
    cluster.pass(1_000);
  }
});

lag('is not known to a copy that lacks what it once held, be it the primary', () => {
  const { cluster } = lostByOthers();
  const [first, second] = cluster.hosts;
  assert.ok(first.isPrimary);
  for (const host of [first, second]) {
    assert.is(host.text('b'), 'another');
    assert.is(lagOf(host, 'b'), undefined);
  }
});

lag('is known again once what was damaged has been refilled', () => {
  const cluster = new Cluster(3);
  const [first] = cluster.hosts;
  first.remember({ id: 'a', text: 'the first' }, { ack: AckLevel.ACK_ALL });
  cluster.pass(1_000);
  assert.ok(first.rot('the first'));
  cluster.filter = ({ to, message }) => (to === first && message.kind !== 'ping' ? 'drop' : 'pass');
  assert.is(first.text('a'), 'DATA_DAMAGED');
  assert.is(lagOf(first, 'b'), undefined);
  cluster.filter = null;
  cluster.passUntil(() => first.text('a') === 'the first');
  assert.is(lagOf(first), 0);
});

lag('of a provisional primary that is cut off grows: others may have taken a term', () => {
  const cluster = new Cluster(3);
  const [first] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  cluster.pass(2_000);
  assert.is(lagOf(first), 0);
  cluster.isolate(first);
  cluster.pass(3_000);
  assert.ok(first.isPrimary);
  assert.ok((lagOf(first) as number) >= 3_000);
  cluster.heal();
  cluster.pass(5_000);
  assert.is(lagOf(first), 0);
});

lag.run();

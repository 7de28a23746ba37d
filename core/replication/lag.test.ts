/** How far a replica says it lags: never less than what a silent copy may have acknowledged since. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';

const lag = suite('lag');

/** What an answer of the host says, in milliseconds. */
function lagOf(host: Host): number | undefined {
  const handle = host.send({ $case: 'get', value: { id: 'a' } });
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

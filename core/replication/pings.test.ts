/** Pings: what they tell, what they need not tell again, and what they prove. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster, type Transmission } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';
import type { PeerMessage } from '../wire/peer-message.js';

const pings = suite('pings');
const pingIntervalMs = 250;

type Ping = Extract<PeerMessage, { kind: 'ping' }>;

/** The pings that go from one host to another while time passes. */
function pingsWhile(cluster: Cluster, link: { readonly from: Host; readonly to: Host }, ms: number): Ping[] {
  const seen: Ping[] = [];
  cluster.filter = ({ from, to, message }: Transmission) => {
    if (message.kind === 'ping' && from === link.from && to === link.to) seen.push(message);
    return 'pass';
  };
  cluster.pass(ms);
  cluster.filter = null;
  return seen;
}

/** What an answer of the host says of its lag, in milliseconds. */
function lagOf(host: Host): number | undefined {
  return host.replies.get(host.send({ $case: 'get', value: { id: 'a' } }))?.header?.lagMs;
}

pings('name a space again only after it has changed', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  const quiet = pingsWhile(cluster, { from: first, to: second }, 2_000);
  assert.is(quiet.length, 8);
  for (const { base, spaces, heard } of quiet) {
    assert.ok(base > 0 && heard !== null);
    assert.equal(spaces, []);
  }
  first.remember({ id: 'a', text: 'one' });
  const after = pingsWhile(cluster, { from: first, to: second }, 2_000).map(({ spaces }) => spaces.length);
  assert.is(after[0], 1);
  assert.is(after.at(-1), 0);
  assert.equal(first.versions(), second.versions());
});

pings('name it until one that did is known to have been heard', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  const lost: number[] = [];
  cluster.filter = ({ from, message }) => {
    if (message.kind !== 'ping' || from !== first || lost.length >= 3) return 'pass';
    lost.push(message.spaces.length);
    return 'drop';
  };
  cluster.pass(3 * pingIntervalMs);
  assert.equal(lost, [1, 1, 1]);
  const [next] = pingsWhile(cluster, { from: first, to: second }, pingIntervalMs);
  assert.is(next.spaces.length, 1);
  assert.equal(pingsWhile(cluster, { from: first, to: second }, 2_000).at(-1)?.spaces, []);
});

pings('tell all to who has started anew', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  second.crash();
  second.start();
  const told = pingsWhile(cluster, { from: first, to: second }, 2_000);
  assert.ok(told.some(({ base, spaces }) => base === 0 && spaces.length === 1));
  assert.ok((told.at(-1) as Ping).base > 0);
  // And who has started knows again how far it lags.
  first.remember({ id: 'a', text: 'one' });
  cluster.pass(1_000);
  assert.type(lagOf(second), 'number');
});

pings('of an earlier boot that come late say nothing any more', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  cluster.filter = ({ from, message }) => (message.kind === 'ping' && from === second ? 'hold' : 'pass');
  cluster.pass(pingIntervalMs);
  cluster.filter = null;
  const late = cluster.held.splice(0);
  assert.ok(late.length > 0);
  second.crash();
  second.start();
  cluster.pass(2_000);
  cluster.deliverHeld(late);
  const told = pingsWhile(cluster, { from: first, to: second }, 2_000);
  assert.ok(told.every(({ all, base, spaces }) => !all && base > 0 && spaces.length === 0));
});

pings('make no report younger than it is, however long it was on its way', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  first.remember({ id: 'a', text: 'one' });
  cluster.pass(1_000);
  cluster.latencyMs = 400;
  cluster.pass(3_000);
  const lagMs = lagOf(second) as number;
  assert.ok(lagMs >= 400, `a report that travelled for 400 ms was said to be ${lagMs} ms old`);
  assert.ok(lagMs <= 400 + 400 + 2 * pingIntervalMs, `it is at most two ways and two intervals old, and was said to be ${lagMs} ms`);
});

pings('prove a round trip once each: who is deaf goes on sending and is out of reach', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  cluster.filter = ({ from }) => (from === first ? 'drop' : 'pass');
  cluster.pass(3_000);
  // The second hears nobody and takes a term. The first hears it as before, and knows that it does not answer.
  assert.ok(second.isPrimary);
  const all = first.remember({ id: 'a', text: 'one' }, { ack: AckLevel.ACK_ALL });
  assert.is(first.outcome(all), 'ACK_OUT_OF_REACH');
});

pings.run();

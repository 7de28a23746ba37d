/** Nodes that cannot hear, cannot be heard, stand still, move, leave, are cut off, or are not who they say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { type TestMember, TestNetwork, testAddress } from './test-support/test-network.js';

const trouble = suite('membership in trouble');

const withinMs = 60_000;

function seesAllAlive(network: TestNetwork): () => boolean {
  return () => network.members.every((member) => member.count('alive') === network.members.length);
}

/** Suspicions and deaths of anybody but these, that were told to others. */
function falseAlarms(network: TestNetwork, sinceMs: number, except: readonly TestMember[]): number {
  const ids = except.map(({ id }) => id);
  const suspected = network.noted('member.suspected', sinceMs).filter(({ event }) => !ids.includes(event.node) && !event.isPrivate);
  const declared = network.noted('member.declared-dead', sinceMs).filter(({ event }) => !ids.includes(event.node) && !event.isPrivate);
  return suspected.length + declared.length;
}

trouble('a node that hears nobody is declared dead, and accuses nobody aloud', () => {
  const network = TestNetwork.formed(5);
  const [deaf, ...others] = network.members;
  const cutMs = network.nowMs;
  for (const other of others) network.cut(other, deaf);
  network.passUntil(() => others.every((other) => other.sees(deaf) === 'dead'), withinMs);
  network.pass(20_000);
  assert.is(falseAlarms(network, cutMs, [deaf]), 0);
  assert.is(deaf.membership.partitionState, 'partitioned');
  const link = others[0].membership.inspect().members.find(({ node }) => node === deaf.id);
  assert.equal([link?.inbound, link?.outbound], ['works', 'broken'], 'its own pings are heard: the link is seen as asymmetric');
  const healedMs = network.nowMs;
  network.heal();
  assert.ok(network.passUntil(seesAllAlive(network), withinMs) <= 10_000);
  network.pass(20_000);
  assert.is(falseAlarms(network, healedMs, []), 0);
});

trouble('a node that nobody hears is declared dead, and comes back', () => {
  const network = TestNetwork.formed(5);
  const [mute, ...others] = network.members;
  const cutMs = network.nowMs;
  for (const other of others) network.cut(mute, other);
  network.passUntil(() => others.every((other) => other.sees(mute) === 'dead'), withinMs);
  network.pass(20_000);
  assert.is(falseAlarms(network, cutMs, [mute]), 0);
  network.heal();
  assert.ok(network.passUntil(seesAllAlive(network), withinMs) <= 10_000);
});

trouble('one link that is cut in one direction makes no suspicion, and all learn of it and of its mending', () => {
  const network = TestNetwork.formed(5);
  const [from, to] = network.members;
  const cutMs = network.nowMs;
  network.cut(from, to);
  const isTold = (member: TestMember): boolean =>
    member.membership.inspect().brokenLinks.some((link) => link.from === from.id && link.to === to.id);
  network.passUntil(() => network.members.every(isTold), withinMs);
  network.pass(10_000);
  assert.is(falseAlarms(network, cutMs, []), 0);
  assert.ok(network.noted('link.broken', cutMs).every(({ event }) => event.from === from.id && event.to === to.id));
  network.heal();
  network.passUntil(() => !network.members.some(isTold), withinMs);
});

trouble('a node that stands still for a second lives, and blames nobody when it goes on', () => {
  for (let seed = 0; seed < 10; seed += 1) {
    const network = TestNetwork.formed(5, { seed: `pause ${seed}` });
    network.pass(130 * seed);
    const stoppedMs = network.nowMs;
    const [, paused] = network.members;
    paused.stopped = true;
    network.pass(1_000);
    paused.resume();
    network.pass(20_000);
    assert.is(network.noted('member.declared-dead', stoppedMs).length, 0);
    assert.is(falseAlarms(network, stoppedMs, [paused]), 0);
  }
});

trouble('a node that stands still for long is dead to others, blames nobody when it goes on, and is back at once', () => {
  const network = TestNetwork.formed(5);
  const [, paused, ...others] = network.members;
  const stoppedMs = network.nowMs;
  paused.stopped = true;
  network.pass(30_000);
  assert.ok(others.every((other) => other.sees(paused) === 'dead'));
  paused.resume();
  assert.ok(network.passUntil(seesAllAlive(network), withinMs) <= 5_000);
  network.pass(20_000);
  assert.is(network.noted('member.declared-dead', stoppedMs).filter(({ by }) => by === paused).length, 0);
  assert.is(network.noted('membership.paused', stoppedMs).filter(({ by }) => by === paused).length, 1);
  assert.is(falseAlarms(network, stoppedMs, [paused]), 0);
});

trouble('a node that leaves is not taken for dead, and may come back', () => {
  const network = TestNetwork.formed(5);
  const [first, leaving, ...others] = network.members;
  const leftMs = network.nowMs;
  leaving.deliver({ kind: 'leave' });
  network.passUntil(() => network.noted('membership.left', leftMs).length === 1, withinMs);
  leaving.kill();
  network.passUntil(() => [first, ...others].every((other) => other.sees(leaving) === 'left'), 5_000);
  network.pass(30_000);
  assert.is(network.noted('member.suspected', leftMs).length, 0);
  assert.is(first.membership.inspect().total, 4, 'it does not count any more');
  leaving.start([first]);
  network.passUntil(seesAllAlive(network), 5_000);
});

trouble('a node that restarts elsewhere is the same node at another address', () => {
  const network = TestNetwork.formed(5);
  const [first, moving] = network.members;
  moving.kill();
  network.passUntil(() => first.sees(moving) === 'dead', withinMs);
  moving.address = testAddress('elsewhere:7946');
  moving.start([first]);
  network.passUntil(seesAllAlive(network), 5_000);
  network.pass(10_000);
  const seen = first.membership.inspect();
  assert.is(seen.members.length, 5);
  assert.is(seen.members.find(({ node }) => node === moving.id)?.address, 'elsewhere:7946');
  assert.ok(network.noted('member.moved').some(({ event }) => event.to === 'elsewhere:7946'));
});

trouble('two halves take each other for dead, notice that they are cut, and find each other again, after a minute and after a day', () => {
  for (const cutMs of [60_000, 86_400_000]) {
    const network = TestNetwork.formed(4);
    const [left, right] = [network.members.slice(0, 2), network.members.slice(2)];
    network.split(left, right);
    network.passUntil(() => network.members.every(({ membership }) => membership.partitionState === 'partitioned'), 10_000);
    network.pass(cutMs);
    assert.ok(left.every((member) => right.every((other) => member.sees(other) === 'dead')));
    const healedMs = network.nowMs;
    network.heal();
    assert.ok(network.passUntil(seesAllAlive(network), withinMs) <= 10_000);
    network.passUntil(() => network.members.every(({ membership }) => membership.partitionState === 'connected'), withinMs);
    assert.ok(network.noted('partition.healing', healedMs).length >= 4);
    assert.is(
      network.noted('member.declared-dead', healedMs).length,
      0,
      'what one side says of the other is out of date, and kills nobody',
    );
  }
});

trouble('nodes of another cluster, without the key, or that send noise are not heard, and are counted', () => {
  const pure = testPureFunctions();
  const keys = [pure.utf8Encode('secret')];
  const network = TestNetwork.formed(3, { keys, damageShare: 0.1, lossShare: 0.02 });
  const [first, ...others] = network.members;
  network.pass(30_000);
  assert.is(network.noted('member.declared-dead').length, 0);
  const { rejected } = first.membership.inspect().counters;
  assert.ok(Object.values(rejected).reduce((sum, count) => sum + count, 0) > 0);
  for (const other of others) other.kill();
  others[0].keys = [pure.utf8Encode('another secret')];
  others[0].start([first]);
  others[1].keys = [];
  others[1].start([first]);
  network.pass(20_000);
  assert.ok(others.every((other) => other.count('alive') === 1));
  const counted = first.membership.inspect().counters.rejected;
  assert.ok(counted['unknown key'] > 0 && counted['not authenticated'] > 0);
});

trouble('packets that come twice count once', () => {
  const network = TestNetwork.formed(2);
  const [first, second] = network.members;
  const { packetsReceived } = first.membership.inspect().counters;
  const packets: Uint8Array[] = [];
  const { send } = network;
  network.send = (from, to, bytes) => {
    if (from === second) packets.push(bytes);
    send.call(network, from, to, bytes);
  };
  network.pass(5_000);
  for (const bytes of packets) first.deliver({ kind: 'datagram', from: second.address, bytes });
  const { rejected, packetsReceived: received } = first.membership.inspect().counters;
  assert.ok(packets.length > 5 && received >= packetsReceived + 2 * packets.length - 2);
  assert.is(rejected.replayed, packets.length);
});

trouble('whatever comes as packet, question or answer, nothing is thrown and everything is counted', () => {
  const network = TestNetwork.formed(2);
  const [first] = network.members;
  const random = network.pureFor('noise').random('noise');
  const noise = (): Uint8Array => Uint8Array.from({ length: random.uint32() % 200 }, () => random.uint32());
  for (let count = 0; count < 200; count += 1) {
    first.deliver({ kind: 'datagram', from: testAddress('x:1'), bytes: noise() });
    first.deliver({ kind: 'exchange', handle: -count, from: null, bytes: noise() });
    first.deliver({ kind: 'exchanged', ticket: count, bytes: noise() });
  }
  first.deliver({ kind: 'datagram', from: testAddress('x:1'), bytes: new Uint8Array(1_401) });
  const { rejected } = first.membership.inspect().counters;
  assert.is(rejected['too long'], 1);
  assert.ok(rejected['too short'] + rejected['not a packet'] >= 400);
  assert.ok(network.noted('packet.rejected').length < 40, 'told now and then, not each time');
});

trouble('two processes under one identity are told of', () => {
  const network = TestNetwork.formed(3);
  const [first, second, third] = network.members;
  third.kill();
  network.passUntil(() => first.sees(third) === 'dead', withinMs);
  // The directory of the second node was copied: same identity, same boot number, other random bits.
  third.id = second.id;
  third.boot = second.boot - 1;
  third.start([first], { bootRandom: 'f'.repeat(16) });
  network.pass(20_000);
  assert.ok(network.noted('member.conflict-seen').some(({ event }) => event.node === second.id));
});

trouble('metadata that change are known everywhere, and digests ride along', () => {
  const network = new TestNetwork(3);
  const received: string[] = [];
  for (const member of network.members) member.start([network.members[0]]);
  network.passUntil(seesAllAlive(network), 5_000);
  const [first, second, third] = network.members;
  for (const member of network.members) {
    member.membership.carry({
      name: 'placement',
      digest: () => Uint8Array.of(member.index),
      received: (from, digest) => received.push(`${member.index} got ${digest[0]} of ${from.slice(0, 4)}`),
    });
  }
  const metadata = first.membership.inspect().members.find(({ isSelf }) => isSelf)?.metadata;
  assert.ok(metadata);
  first.membership.describe({ ...metadata, loadPercent: 42 }, network.now);
  network.pass(5_000);
  for (const member of [second, third]) {
    assert.is(member.membership.inspect().members.find(({ node }) => node === first.id)?.metadata.loadPercent, 42);
  }
  assert.is(new Set(received).size, 6, 'each from each other');
});

trouble('load is told when it has changed by much, and not all the time', () => {
  const network = new TestNetwork(3);
  for (const member of network.members) member.start([network.members[0]]);
  network.passUntil(seesAllAlive(network), 5_000);
  const [first, second] = network.members;
  const seen = (): number | undefined => second.membership.inspect().members.find(({ node }) => node === first.id)?.metadata.loadPercent;
  const before = seen() ?? 0;
  const measured = (percent: number): void => {
    first.membership.handle({ kind: 'load', percent }, network.now);
    network.pass(3_000);
  };
  measured(before + 15);
  assert.is(seen(), before, 'hardly changed');
  measured(before + 60);
  assert.is(seen(), before + 60);
  measured(before);
  assert.is(seen(), before + 60, 'told a moment ago');
  network.pass(10_000);
  measured(1_000);
  assert.is(seen(), 255, 'no more fits into a byte');
});

trouble('a suspect whom few reach hears of it from those few, also when nobody pings it for that', () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const network = TestNetwork.formed(5, { seed: String(seed), parameters: { confirmingProbes: 0 } });
    const [one, two, three, witness, suspect] = network.members;
    for (const accuser of [one, two, three]) network.cut(accuser, suspect);
    network.cut(one, witness);
    for (const deaf of [two, three]) network.cut(witness, deaf);
    const cutMs = network.nowMs;
    network.pass(60_000);
    const hasty = network.noted('member.declared-dead', cutMs).filter(({ by, event }) => by === witness && event.node === suspect.id);
    assert.is(hasty.length, 0, `seed ${seed}`);
  }
});

trouble.run();

/** Histories that were thought out, or found by chance, to break what membership promises. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TestMember, TestNetwork, testAddress } from './test-support/test-network.js';

const hostile = suite('membership against hostile histories');

const withinMs = 60_000;

function allAlive(network: TestNetwork): boolean {
  return network.members.every((member) => member.count('alive') === network.members.length);
}

/** Whether anybody believes that some link does not work. */
function anyBrokenLink(network: TestNetwork): boolean {
  return network.members.some((member) => member.membership.inspect().brokenLinks.length > 0);
}

function tellsOf(teller: TestMember): (member: TestMember) => boolean {
  return (member) => member.membership.inspect().brokenLinks.some(({ toldBy }) => toldBy === teller.id);
}

hostile('what a node said of its links before it was started again holds no longer', () => {
  const network = TestNetwork.formed(4);
  const [first, second] = network.members;
  network.cut(second, first);
  network.passUntil(() => network.members.every(tellsOf(second)), withinMs);
  second.kill();
  network.heal();
  second.start([first]);
  network.passUntil(() => allAlive(network), withinMs);
  network.pass(withinMs);
  assert.not(anyBrokenLink(network));
});

hostile('a node that missed that a link works again learns it from a table', () => {
  const network = TestNetwork.formed(4);
  const [first, second, , last] = network.members;
  network.cut(second, first);
  network.passUntil(() => network.members.every(tellsOf(second)), withinMs);
  network.split([last], network.members.slice(0, 3));
  network.mend(second, first);
  const others = network.members.slice(0, 3);
  const isMended = (member: TestMember): boolean => !tellsOf(first)(member) && !tellsOf(second)(member);
  network.passUntil(() => others.every(isMended), withinMs);
  network.pass(20_000);
  network.heal();
  network.passUntil(() => allAlive(network) && !anyBrokenLink(network), withinMs);
});

hostile('a node that leaves while nobody hears it is seen to have left as soon as somebody asks it, over datagrams alone', () => {
  const network = TestNetwork.formed(5);
  const [leaving, ...others] = network.members;
  network.reliableWorks = false;
  network.split([leaving], others);
  leaving.deliver({ kind: 'leave' });
  network.pass(1_000);
  network.heal();
  network.passUntil(() => others.every((other) => other.sees(leaving) === 'left'), withinMs);
});

hostile('two halves find each other again over datagrams alone', () => {
  for (const nodes of [2, 3, 5, 7]) {
    const network = TestNetwork.formed(nodes);
    network.reliableWorks = false;
    network.split(network.members.slice(0, nodes >> 1), network.members.slice(nodes >> 1));
    network.pass(60_000);
    network.heal();
    network.passUntil(() => allAlive(network), 10_000);
  }
});

hostile('a node that was cut off learns soon after who died meanwhile', () => {
  for (const seed of ['1', '2', '3', '4', '5', '6', '7', '8']) {
    const network = TestNetwork.formed(5, { seed });
    const [cutOff, dying, ...others] = network.members;
    network.split([cutOff], [dying, ...others]);
    dying.kill();
    network.pass(10_000);
    network.heal();
    const tookMs = network.passUntil(() => [cutOff, ...others].every((member) => member.sees(dying) === 'dead'), withinMs);
    assert.ok(tookMs <= 10_000, `${tookMs} ms with seed ${seed}`);
  }
});

hostile("a node that comes up at a seed's address is found, though the node that was there lives elsewhere", () => {
  const network = new TestNetwork(4);
  const [seed, second, third, last] = network.members;
  for (const member of [seed, second, third]) member.start([seed]);
  network.passUntil(() => [seed, second, third].every((member) => member.count('alive') === 3), withinMs);
  const { address } = seed;
  seed.kill();
  seed.address = testAddress('elsewhere:7946');
  seed.start([second]);
  network.passUntil(() => [seed, second, third].every((member) => member.count('alive') === 3), withinMs);
  network.pass(20_000);
  last.address = address;
  last.start();
  network.passUntil(() => allAlive(network), 10_000);
});

hostile('many members that are gone for good do not keep two halves from each other', () => {
  const network = new TestNetwork(35);
  const [seed, ...others] = network.members;
  for (const member of network.members) member.start([seed]);
  network.pass(20_000);
  const living = others.slice(0, 4);
  for (const member of others.slice(4)) member.kill();
  network.passUntil(() => living.every((member) => member.count('dead') === 30), 600_000);
  seed.kill();
  network.pass(20_000);
  network.split(living.slice(0, 2), living.slice(2));
  network.pass(120_000);
  network.heal();
  network.passUntil(() => living.every((member) => member.count('alive') === 4), 10_000);
});

hostile.run();

/** Histories that were thought out, or found by chance, to break what membership promises. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TestMember, TestNetwork } from './test-support/test-network.js';

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

hostile.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lanMembership } from './options.js';
import { type TestMember, TestNetwork } from './test-support/test-network.js';

const cluster = suite('membership of a few nodes');

cluster('five nodes form a cluster through one seed', () => {
  const network = new TestNetwork(5);
  for (const member of network.members) member.start([network.members[0]]);
  const tookMs = network.passUntil(() => network.members.every((member) => member.count('alive') === 5), 30_000);
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
  network.pass(60_000);
  assert.is(network.noted('member.suspected').length, 0);
  assert.ok(network.members.every(({ membership }) => membership.partitionState === 'connected'));
});

cluster('a node that comes long after the others finds them, and they it', () => {
  const network = new TestNetwork(5);
  for (const member of network.members.slice(0, 4)) member.start([network.members[0]]);
  network.pass(60_000);
  network.members[4].start([network.members[2]]);
  network.passUntil(() => network.members.every((member) => member.count('alive') === 5), 5_000);
});

cluster('a crashed node is declared dead by all others, with reasons', () => {
  const network = TestNetwork.formed(5);
  const [, , third] = network.members;
  const crashedMs = network.nowMs;
  third.kill();
  const others = network.members.filter((member) => member !== third);
  const tookMs = network.passUntil(() => others.every((member) => member.sees(third) === 'dead'), 20_000);
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
  const [{ event }] = network.noted('member.suspected', crashedMs);
  assert.ok(event.paths !== null && event.paths.nacks.length === 3 && event.paths.indirect.length === 3);
  assert.not(event.isPrivate);
  const [declared] = network.noted('member.declared-dead', crashedMs);
  assert.ok(declared.event.confirmedBy.length >= 2, 'others have confirmed it');
  assert.is(network.noted('member.suspected', crashedMs).filter((note) => note.event.node !== third.id).length, 0);
});

cluster('a restarted node is back with its new boot, whatever was said of the old one', () => {
  const network = TestNetwork.formed(5);
  const [first, second] = network.members;
  second.kill();
  network.passUntil(() => first.sees(second) === 'dead', 20_000);
  second.start([first]);
  network.passUntil(() => network.members.every((member) => member.count('alive') === 5), 5_000);
  const inspected = first.membership.inspect().members.find(({ node }) => node === second.id);
  assert.is(inspected?.incarnation.boot.counter, 2);
  assert.is(inspected?.incarnation.refutation, 0);
});

cluster('a node that restarts before anybody has noticed is seen to have restarted', () => {
  const network = TestNetwork.formed(5);
  const [first, second] = network.members;
  second.kill();
  second.start([first]);
  network.pass(10_000);
  assert.is(network.noted('member.restarted').length, 4);
  assert.is(network.noted('member.declared-dead').length, 0);
});

/** Nothing that the others say gets to it, until the news are over; nor does it get any table after that. */
function missesNews(network: TestNetwork, missing: TestMember, happen: () => void): void {
  for (const other of network.members) network.cut(other, missing);
  happen();
  network.pass(1_500);
  network.reliableWorks = false;
  network.heal();
}

function incarnationSeen(by: TestMember, of: TestMember): readonly (number | undefined)[] {
  const seen = by.membership.inspect().members.find(({ node }) => node === of.id)?.incarnation;
  return [seen?.boot.counter, seen?.refutation];
}

cluster('who has missed the news of a refutation hears it from the member itself', () => {
  const network = TestNetwork.formed(5);
  const [first, second, third] = network.members;
  network.pass(lanMembership.pushPullIntervalMs);
  missesNews(network, first, () => {
    network.cut(third, second);
    network.cut(second, third);
    for (const helper of network.members.slice(3)) network.cut(helper, second);
    network.passUntil(() => third.sees(second) === 'suspect', 10_000);
    for (const helper of network.members.slice(2)) network.mend(helper, second);
    network.mend(second, third);
    network.passUntil(() => third.sees(second) === 'alive', 10_000);
  });
  // Cut off, it has become slow itself: its rounds are so much longer.
  network.pass(30_000);
  const own = incarnationSeen(second, second);
  assert.ok((own[1] ?? 0) > 0);
  for (const member of network.members) assert.equal(incarnationSeen(member, second), own);
});

cluster('who has missed the news of a restart hears it from the member itself', () => {
  const network = TestNetwork.formed(5);
  const [first, second, third] = network.members;
  missesNews(network, first, () => {
    second.kill();
    second.start([third]);
    network.passUntil(() => second.count('alive') === 5, 5_000);
  });
  assert.equal(incarnationSeen(first, second), [1, 0]);
  network.pass(5_000);
  assert.is(incarnationSeen(first, second)[0], 2);
});

cluster.run();

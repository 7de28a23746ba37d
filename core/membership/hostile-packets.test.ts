/** Packets that nobody in the cluster has sent, without keys: they may lie, but not make a node useless, nor a weapon against others. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Author, authorOf, nodeId } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import type { ByteWriter } from '../wire/bytes.js';
import { type Claim, refutationMax } from './claim.js';
import { ClaimWriter } from './claim-bytes.js';
import { Claims } from './claims.js';
import { writeNode } from './fields.js';
import type { MemberState } from './inspection.js';
import { messageKinds } from './messages.js';
import { PacketCodec } from './packet-codec.js';
import { loneServices, testDescription, testMetadata } from './test-support/lone-services.js';
import { type TestMember, TestNetwork, testAddress } from './test-support/test-network.js';

const hostile = suite('membership against hostile packets');

const pure = testPureFunctions('hostile');
const claimWriter = new ClaimWriter(pure);

/** Somebody outside who knows the cluster's name. */
class Attacker {
  readonly address = testAddress('elsewhere:1');
  readonly #codec = new PacketCodec({ self: testAuthor('ee'), clusterId: 'test', keys: [] }, pure);

  send(to: TestMember, write: (writer: ByteWriter) => void): number {
    write(this.#codec.begin('packet'));
    const bytes = this.#codec.finish();
    to.deliver({ kind: 'datagram', from: this.address, bytes });
    return bytes.length;
  }
}

function testAuthor(byte: string): Author {
  return authorOf(nodeId(byte.repeat(16)), { counter: 1, random: '0'.repeat(16) });
}

function authorIn(member: TestMember): Author {
  const self = member.membership.inspect().members.find(({ isSelf }) => isSelf);
  if (self === undefined) throw new Error('every node knows itself');
  return authorOf(self.node, self.incarnation.boot);
}

function claimOf(author: Author, refutation: number, state: MemberState): Claim {
  return { author, refutation, state, accusers: [], description: null };
}

hostile('a member that is said to die and return again and again takes no turn of the others', () => {
  const network = TestNetwork.formed(5);
  const [first, second] = network.members;
  const attacker = new Attacker();
  const victim = authorIn(second);
  for (let packet = 0; packet < 100; packet += 1) {
    attacker.send(first, (writer) => {
      for (let turn = 1; turn <= 13; turn += 1) {
        const refutation = packet * 13 + turn;
        writer.raw(claimWriter.encode(claimOf(victim, refutation, 'alive'))).raw(claimWriter.encode(claimOf(victim, refutation, 'dead')));
      }
    });
  }
  network.passUntil(() => network.members.every((member) => member.count('alive') === 5), 60_000);
  network.pass(60_000);
  assert.ok(first.membership.inspect().members.every(({ outbound }) => outbound === 'works'));
});

hostile('a packet full of requests to ping makes no more than one ping', () => {
  const network = TestNetwork.formed(3);
  const [first] = network.members;
  const attacker = new Attacker();
  const before = first.membership.inspect().counters.packetsSent;
  attacker.send(first, (writer) => {
    for (let number = 0; number < 30; number += 1) {
      writeNode(writer.u8(messageKinds.pingRequest).u32(number), nodeId('dd'.repeat(16)));
      claimWriter.address(writer, testAddress(`victim:${number + 1}`)).u48(number);
    }
  });
  assert.is(first.membership.inspect().counters.packetsSent - before, 1);
});

hostile('who is nobody known gets short answers, and no news are spent on him', () => {
  const network = TestNetwork.formed(3);
  const [first, second, third] = network.members;
  const attacker = new Attacker();
  third.kill();
  network.passUntil(() => first.sees(third) === 'dead' || second.sees(third) === 'dead', 20_000);
  const knowing = first.sees(third) === 'dead' ? first : second;
  const { counters: before } = knowing.membership.inspect();
  for (let count = 1; count <= 100; count += 1) {
    const { bytesSent } = knowing.membership.inspect().counters;
    const bytes = attacker.send(knowing, (writer) => writeNode(writer.u8(messageKinds.ping).u32(count), knowing.id));
    assert.ok(knowing.membership.inspect().counters.bytesSent - bytesSent <= bytes, 'no answer is longer than the question');
  }
  assert.is(knowing.membership.inspect().counters.packetsSent - before.packetsSent, 100);
});

hostile('refutations do not begin anew when they cannot grow any more', () => {
  const network = TestNetwork.formed(3);
  const [first, second, third] = network.members;
  new Attacker().send(first, (writer) => writer.raw(claimWriter.encode(claimOf(authorIn(first), refutationMax - 1, 'suspect'))));
  network.pass(5_000);
  first.membership.describe({ ...testMetadata, name: 'renamed' }, network.now);
  network.pass(60_000);
  for (const member of [first, second, third]) {
    const found = member.membership.inspect().members.find(({ node }) => node === first.id);
    assert.is(found?.incarnation.refutation, refutationMax);
    assert.is(found?.state, 'alive');
  }
});

hostile('a member that this node alone takes for dead is not forgotten for another', () => {
  const { services, notes } = loneServices({ membersMax: 2 });
  const owner = { becameLive: () => undefined, becameGone: () => undefined, suspicionHeard: () => undefined, reachesSomebody: () => false };
  const claims = new Claims(services, owner);
  const member = testAuthor('01');
  claims.take({ ...claimOf(member, 0, 'alive'), description: testDescription('n1:1') });
  const known = services.table.byAuthor(member);
  assert.ok(known);
  claims.foundUnreachable(known, { directMs: 1, indirect: [], nacks: [], reliable: 'not tried', localHealth: 0 }, { isPrivate: true });
  services.nowMs += 600_000;
  claims.expire();
  assert.equal([known.state, known.sharedState], ['dead', 'alive']);
  claims.take({ ...claimOf(testAuthor('02'), 0, 'alive'), description: testDescription('n2:1') });
  assert.not(notes.some(({ kind }) => kind === 'member.forgotten'));
  claims.dropPrivate();
  assert.equal([services.table.count('alive'), services.table.count('left'), services.table.live.length], [2, 0, 1]);
});

hostile.run();

/** A whole node with membership inside: what it does with it, and what it says of a cut in its answers. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OneNode } from '../test-support/one-node.js';
import { lanMembership, type MembershipOptions } from './options.js';
import { testMetadata } from './test-support/lone-services.js';
import { TestNetwork, testAddress } from './test-support/test-network.js';

const whole = suite('a whole node with membership');

const membership: MembershipOptions = { ...lanMembership, address: testAddress('solo:7946'), metadata: testMetadata, keys: [] };

function reasonsOf(node: OneNode): readonly string[] {
  const { body } = node.get('a');
  assert.is(body?.$case, 'got');
  return body?.$case === 'got' ? (body.value.memory?.confidence?.reasons ?? []) : [];
}

whole('takes part once its boot is on disk, and asks the seeds that it was told of before', () => {
  const node = new OneNode({ membership });
  node.deliver({ kind: 'seeds', addresses: [testAddress('peer:7946')] });
  assert.is(node.node.inspect().membership, null);
  node.start();
  const inspection = node.node.inspect().membership;
  assert.is(inspection?.members.length, 1);
  assert.equal(inspection?.seeds, ['peer:7946']);
  assert.is(node.questions.length, 1);
});

whole('says of a cut in its answers, and is silent about it when all is in reach', () => {
  const node = new OneNode({ membership }).start();
  node.remember({ id: 'a', text: 'here' });
  assert.equal(reasonsOf(node), []);
  // Another node joins by a table of its own, and is never heard of again.
  const network = new TestNetwork(2);
  const [other, stranger] = network.members;
  stranger.address = testAddress('solo:7946');
  const asked: Uint8Array[] = [];
  network.ask = (_from, _to, bytes) => asked.push(bytes);
  other.start([stranger]);
  node.deliver({ kind: 'exchange', handle: 1, from: null, bytes: asked[0] });
  assert.is(node.node.inspect().membership?.total, 2);
  node.pass(30_000);
  assert.is(node.node.inspect().membership?.partition, 'partitioned');
  assert.equal(reasonsOf(node), ['the cluster is partitioned: 1 of 2 members are in reach']);
});

whole('without membership knows of none', () => {
  const node = new OneNode().start();
  node.deliver({ kind: 'seeds', addresses: [testAddress('peer:7946')] });
  assert.is(node.node.inspect().membership, null);
  assert.is(node.questions.length, 0);
});

whole.run();

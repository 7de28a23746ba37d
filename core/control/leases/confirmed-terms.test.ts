/** Nodes with a control log of their own: writes are taken in the terms of committed rows, and by another copy once the primary is lost. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SpaceKey } from '../../identifiers.js';
import { Cluster } from '../../test-support/cluster.js';
import { founderIds, founders } from '../../test-support/founded-cluster.js';
import { type Host, testSpace as space } from '../../test-support/host.js';
import { AckLevel } from '../../wire/generated/engram/v1/service.js';
import { defaultControlLogOptions } from '../control-log-options.js';
import { defaultClusterSettings, type PartitionPolicy } from '../entries.js';

const terms = suite('confirmed terms');

function clusterOf(partitionPolicy: PartitionPolicy): Cluster {
  const founding = { clusterId: 'ab'.repeat(16), founders, settings: { ...defaultClusterSettings, partitionPolicy } };
  const view = { epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null };
  const cluster = new Cluster(3, { view, controlLog: { ...defaultControlLogOptions, founding } });
  const leader = cluster.hosts.find(({ node }) => node.inspectControl()?.raft?.role === 'leader') as Host;
  leader.deliver({ kind: 'propose', handle: 1, entry: { kind: 'space-created', name: 'default', generation: 0, copies: founderIds } });
  cluster.pass(4_000);
  return cluster;
}

/** The answer to a write that all copies, or as many as `ack` says, have synced: its text, and in what kind of term. */
function write(cluster: Cluster, host: Host, id: string, ack = AckLevel.ACK_ONE): string {
  const handle = host.remember({ id, text: `text of ${id}` }, { ack });
  cluster.pass(300);
  const header = host.replies.get(handle)?.header;
  return `${host.outcome(handle)}${header?.confirmed === true ? ', confirmed' : ''}`;
}

const termOf = (host: Host) => host.node.inspect().spaces.find((each) => each.space === space)?.term ?? null;

terms('the first copy of a committed row writes in the term of the row, confirmed', () => {
  const cluster = clusterOf('accept');
  const [first, second] = cluster.hosts as [Host, Host, Host];
  assert.is(write(cluster, first, 'a', AckLevel.ACK_ALL), 'written, confirmed');
  const row = first.node.inspectControl()?.state.rows[space];
  assert.equal(termOf(first), { ...row?.epoch, counter: 0 });
  assert.is(write(cluster, second, 'b'), 'NOT_PRIMARY');
});

terms('a lost primary is replaced by a confirmed one, which holds what was acknowledged; who comes back is a replica', () => {
  const cluster = clusterOf('accept');
  const [first, second, third] = cluster.hosts as [Host, Host, Host];
  write(cluster, first, 'a', AckLevel.ACK_ALL);
  first.crash();
  cluster.pass(3_000);
  assert.is(write(cluster, second, 'b'), 'written, confirmed');
  assert.equal([second.text('a'), termOf(third)], ['text of a', null]);
  first.start();
  cluster.pass(5_000);
  assert.equal([termOf(first), termOf(second)?.counter], [null, 0]);
  assert.is(first.text('b'), 'text of b');
});

terms('a primary that is cut off goes on provisionally under accept, and gives its term up after the heal', () => {
  const cluster = clusterOf('accept');
  const [first, second] = cluster.hosts as [Host, Host, Host];
  cluster.isolate(first);
  cluster.pass(3_000);
  assert.is(write(cluster, first, 'alone', AckLevel.ACK_LOCAL), 'written');
  assert.is(write(cluster, second, 'there'), 'written, confirmed');
  cluster.heal();
  cluster.pass(5_000);
  assert.equal([termOf(first), termOf(second)?.counter], [null, 0]);
  for (const host of cluster.hosts) assert.equal([host.text('alone'), host.text('there')], ['text of alone', 'text of there']);
});

terms('under reject a minority takes no writes, and still reads', () => {
  const cluster = clusterOf('reject');
  const [first, second] = cluster.hosts as [Host, Host, Host];
  assert.is(write(cluster, first, 'a', AckLevel.ACK_ALL), 'written, confirmed');
  cluster.isolate(first);
  cluster.pass(3_000);
  assert.is(write(cluster, first, 'alone', AckLevel.ACK_LOCAL), 'NOT_PRIMARY');
  assert.is(first.text('a'), 'text of a');
  assert.is(write(cluster, second, 'there'), 'written, confirmed');
});

terms('a space that does not exist is made when it is first written to, whoever is asked', () => {
  const cluster = clusterOf('accept');
  const follower = cluster.hosts.find(({ node }) => node.inspectControl()?.raft?.role !== 'leader') as Host;
  const ask = (): string => follower.outcome(follower.remember({ id: 'a', text: 'the first' }, { space: 'notes' }));
  assert.is(ask(), 'NOT_PRIMARY');
  cluster.pass(2_000);
  const rows = cluster.hosts.map(({ node }) => node.inspectControl()?.state.rows['notes#0' as SpaceKey]);
  assert.is(rows[0]?.copies.length, 3);
  assert.equal(new Set(rows.map((row) => row?.copies.join())).size, 1);
  const primary = cluster.hosts.find(({ id }) => id === rows[0]?.copies[0]) as Host;
  const handle = primary.remember({ id: 'a', text: 'the first' }, { space: 'notes' });
  cluster.pass(300);
  assert.equal([primary.outcome(handle), primary.replies.get(handle)?.header?.confirmed], ['written', true]);
});

terms('reading what does not exist makes nothing', () => {
  const cluster = clusterOf('accept');
  const host = cluster.hosts[0] as Host;
  assert.is(host.outcome(host.send({ $case: 'get', value: { id: 'a' } }, { space: 'notes' })), 'NOT_A_COPY');
  cluster.pass(1_000);
  assert.equal(Object.keys(host.node.inspectControl()?.state.rows ?? {}), ['default#0']);
});

terms.run();

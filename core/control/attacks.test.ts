/** Runs of events thought out to break a promise of the control log: two confirmed primaries at one instant, an epoch that is named twice. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId, type SpaceKey } from '../identifiers.js';
import { Cluster, type Transmission } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { partsOf } from './bundle.js';
import { defaultControlLogOptions } from './control-log-options.js';
import { defaultClusterSettings, type MemberDescription, type PartitionPolicy } from './entries.js';
import { type AuthorityMessage, decodeAuthorityMessage, isAuthorityMessage } from './leases/authority-messages.js';

const attacks = suite('attacks on the control log');
const space = 'default#0' as SpaceKey;

/** Nodes of one control log with one space, whose copies are these hosts; the others are members without a copy. */
function clusterOf(nodes: number, copiesAt: readonly number[], partitionPolicy: PartitionPolicy = 'accept'): Cluster {
  const founders = Array.from({ length: nodes }, (_, at): MemberDescription => {
    const id = nodeId(`${at + 1}${at + 1}`.repeat(16));
    return { id, name: `n${at + 1}`, zone: '', rack: '', address: '' };
  });
  const founding = { clusterId: 'ab'.repeat(16), founders, settings: { ...defaultClusterSettings, partitionPolicy } };
  const view = { epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null };
  const cluster = new Cluster(nodes, { view, controlLog: { ...defaultControlLogOptions, founding } });
  const copies = copiesAt.map((at) => founders[at].id);
  leaderOf(cluster).deliver({ kind: 'propose', handle: 1, entry: { kind: 'space-created', name: 'default', generation: 0, copies } });
  cluster.pass(4_000);
  return cluster;
}

const roleOf = (host: Host): string | undefined => host.node.inspectControl()?.raft?.role;
const leaderOf = (cluster: Cluster): Host => cluster.hosts.find((host) => host.up && roleOf(host) === 'leader') as Host;
const isConfirmed = (host: Host): boolean => host.node.inspect().spaces.find((each) => each.space === space)?.term?.counter === 0;

function said({ message }: Transmission): readonly AuthorityMessage[] {
  if (message.kind !== 'control') return [];
  const parts = (partsOf(message.bytes) ?? []).filter((part) => isAuthorityMessage(part));
  return parts.flatMap((part) => decodeAuthorityMessage(part) ?? []);
}

/** The leader of the control log is another host from now on. */
function leadElsewhere(cluster: Cluster, host: Host): void {
  if (roleOf(host) === 'leader') host.deliver({ kind: 'leave' });
  cluster.passUntil(() => cluster.hosts.some((other) => other !== host && roleOf(other) === 'leader'));
}

attacks('a lease that was granted to an earlier boot is none of this one', () => {
  const cluster = clusterOf(3, [0, 1, 2]);
  const [first, second] = cluster.hosts as [Host, Host, Host];
  leadElsewhere(cluster, first);
  // The network keeps one of the leader's grants back.
  let late: { readonly transmission: Transmission; readonly number: number } | null = null;
  cluster.filter = (transmission) => {
    const grant = transmission.to === first ? said(transmission).find((each) => each.kind === 'answer') : undefined;
    if (grant?.kind === 'answer' && grant.isOfLeader) late = { transmission, number: grant.number };
    return 'pass';
  };
  cluster.pass(6_000);
  const kept = late as unknown as { readonly transmission: Transmission; readonly number: number };
  cluster.filter = null;
  first.crash();
  first.start();
  cluster.passUntil(() => isConfirmed(first) || isConfirmed(second));
  cluster.pass(200);
  // Cut off, it asks on in vain, up to that number if it counts from the beginning.
  let asked = 0;
  cluster.filter = (transmission) => {
    for (const each of transmission.from === first ? said(transmission) : []) if (each.kind === 'ask') asked = each.number;
    return transmission.from === first || transmission.to === first ? 'drop' : 'pass';
  };
  while (asked < kept.number || !isConfirmed(second)) cluster.pass(1);
  assert.equal([isConfirmed(first), isConfirmed(second)], [false, true]);
  cluster.deliverHeld([kept.transmission]);
  cluster.pass(1);
  assert.equal([isConfirmed(first), isConfirmed(second)], [false, true]);
});

/** A process that stands still: no timer, message or sync of its own happens; then all of it at once, whatever `first` is done before. */
function standStill(cluster: Cluster, host: Host, ms: number): void {
  const timers = [...host.timers];
  host.timers.clear();
  cluster.filter = ({ to }) => (to === host ? 'hold' : 'pass');
  cluster.pass(ms);
  cluster.filter = null;
  for (const [name, atMs] of timers) host.timers.set(name, atMs);
}

/** What kind of answer has come, and whether the one who gave it called itself confirmed. */
const answerOf = (host: Host, handle: number): string =>
  `${host.outcome(handle)}${host.replies.get(handle)?.header?.confirmed === true ? ', confirmed' : ''}`;

for (const policy of ['accept', 'reject'] as const)
  attacks(`a primary that has stood still for ten seconds is not confirmed in the very event that wakes it, under ${policy}`, () => {
    for (const waking of ['read', 'write', 'sync'] as const) {
      const cluster = clusterOf(3, [0, 1, 2], policy);
      const [first, second] = cluster.hosts as [Host, Host, Host];
      leadElsewhere(cluster, first);
      cluster.passUntil(() => isConfirmed(first));
      first.holdSyncs = waking === 'sync';
      const before = waking === 'sync' ? first.remember({ id: 'before', text: 'on its way' }) : 0;
      standStill(cluster, first, 10_000);
      assert.ok(isConfirmed(second));
      const there = second.remember({ id: 'a', text: 'there' });
      cluster.settle();
      assert.is(answerOf(second, there), 'written, confirmed');
      let handle = before;
      if (waking === 'read') handle = first.send({ $case: 'get', value: { id: 'a' } });
      else if (waking === 'write') handle = first.remember({ id: 'b', text: 'beside' });
      else first.release();
      assert.not.ok(isConfirmed(first));
      assert.not.match(answerOf(first, handle), 'confirmed');
      cluster.deliverHeld();
      cluster.pass(5_000);
      assert.equal([isConfirmed(first), isConfirmed(second), first.digest()], [false, true, second.digest()]);
    }
  });

attacks.run();

/** Writes that come while a primary has paused for another to take its place wait for that, and no longer. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { partsOf } from '../control/bundle.js';
import { defaultControlLogOptions } from '../control/control-log-options.js';
import type { ControlRow } from '../control/control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../control/entries.js';
import { decodeMoveMessage } from '../control/moves/move-messages.js';
import { defaultRebalancingOptions } from '../control/moves/rebalancing-options.js';
import type { NodeId, SpaceKey } from '../identifiers.js';
import { Cluster } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';

const heldWrites = suite('writes held while a primary moves');
const space = 'alpha';
const key = 'alpha#0' as SpaceKey;

interface Paused {
  readonly cluster: Cluster;
  readonly source: Host;
  readonly target: Host;
}

function rowOf(cluster: Cluster): ControlRow {
  const leader = cluster.hosts.find(({ node }) => node.inspectControl()?.raft?.role === 'leader');
  return leader?.node.inspectControl()?.state.rows[key] as ControlRow;
}

/** The primary has paused for a fourth node, which holds no copy yet; what it says to the leader of the last word is held back. */
function paused(): Paused {
  const members = [1, 2, 3, 4].map((n) => ({
    ...{ id: `${n}${n}`.repeat(16) as NodeId, name: `n${n}` },
    ...{ zone: '', rack: '', address: '' },
  })) as MemberDescription[];
  const founding = { clusterId: 'ab'.repeat(16), founders: members, settings: defaultClusterSettings };
  const view = { epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null };
  const rebalancing = { ...defaultRebalancingOptions, isAutomatic: false };
  const cluster = new Cluster(4, { view, controlLog: { ...defaultControlLogOptions, rebalancing, founding } });
  const leader = cluster.hosts.find(({ node }) => node.inspectControl()?.raft?.role === 'leader') as Host;
  const propose = (entry: ControlEntry): void => leader.deliver({ kind: 'propose', handle: 1, entry });
  const others = cluster.hosts.filter((host) => host !== leader);
  const [source, target, third] = others as [Host, Host, Host];
  propose({ kind: 'space-created', name: space, generation: 0, copies: [source.id, third.id, leader.id] });
  cluster.passUntil(() => isWritten(cluster, source, 'before'));
  cluster.filter = ({ message }) => (message.kind === 'control' && isLastWord(message.bytes) ? 'hold' : 'pass');
  propose({
    kind: 'move-changed',
    space: key,
    basis: rowOf(cluster).revision,
    change: { kind: 'started', from: source.id, to: target.id },
  });
  cluster.passUntil(() => rowOf(cluster).move?.stage === 'paused' && cluster.held.length > 0);
  return { cluster, source, target };
}

function isWritten(cluster: Cluster, host: Host, id: string): boolean {
  const handle = host.remember({ id, text: id }, { space });
  cluster.pass(20);
  return host.outcome(handle) === 'written';
}

function isLastWord(bytes: Uint8Array): boolean {
  const messages = (partsOf(bytes) ?? []).map(decodeMoveMessage);
  return messages.some((message) => message?.kind === 'copied' && message.progress.heldMs === 0);
}

heldWrites('who has paused keeps a write until it can name the new primary, which carries out what has come to it early', () => {
  const { cluster, source, target } = paused();
  const atSource = source.remember({ id: 'at-source', text: 'late' }, { space });
  const atTarget = target.remember({ id: 'at-target', text: 'early' }, { space });
  cluster.pass(200);
  assert.not(source.replies.has(atSource));
  assert.not(target.replies.has(atTarget));
  // Reads go on all the time.
  assert.ok(source.replies.has(source.send({ $case: 'get', value: { id: 'before' } }, { space })));
  cluster.filter = null;
  cluster.deliverHeld();
  cluster.passUntil(() => source.replies.has(atSource) && target.replies.has(atTarget));
  assert.is(rowOf(cluster).copies[0], target.id);
  const refused = source.replies.get(atSource)?.body;
  assert.ok(refused?.$case === 'failure' && refused.value.code === 'NOT_A_COPY');
  assert.is(refused.value.redirectNodeId, target.id);
  assert.is(target.outcome(atTarget), 'written');
});

heldWrites('nobody waits beyond his deadline, and who has gone away is forgotten', () => {
  const { cluster, source, target } = paused();
  const impatient = source.remember({ id: 'impatient', text: 'soon' }, { space, deadlineMs: 100 });
  const gone = target.remember({ id: 'gone', text: 'never' }, { space });
  target.deliver({ kind: 'cancel', handle: gone });
  cluster.pass(200);
  const refused = source.replies.get(impatient)?.body;
  assert.ok(refused?.$case === 'failure' && refused.value.code === 'NOT_PRIMARY');
  cluster.filter = null;
  cluster.deliverHeld();
  cluster.passUntil(() => rowOf(cluster).copies[0] === target.id);
  cluster.pass(100);
  assert.not(target.replies.has(gone));
  const read = target.replies.get(target.send({ $case: 'get', value: { id: 'gone' } }, { space }))?.body;
  assert.ok(read?.$case === 'got' && read.value.memory === undefined);
});

heldWrites.run();

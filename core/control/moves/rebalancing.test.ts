/** Copies move on nodes that join, leave and die, while memories are written. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SpaceKey } from '../../identifiers.js';
import { Cluster } from '../../test-support/cluster.js';
import { founderIds, founders } from '../../test-support/founded-cluster.js';
import type { Host } from '../../test-support/host.js';
import { AckLevel } from '../../wire/generated/engram/v1/service.js';
import { partsOf } from '../bundle.js';
import { defaultControlLogOptions } from '../control-log-options.js';
import type { ControlRow, ControlState } from '../control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../entries.js';
import { decodeMoveMessage, encodeMoveMessage, type MoveMessage } from './move-messages.js';
import { defaultRebalancingOptions, type RebalancingOptions } from './rebalancing-options.js';

const moves = suite('moves');
const names = ['alpha', 'beta', 'gamma', 'delta'];

function memberOf(host: Host): MemberDescription {
  return { id: host.id, name: `n${host.index + 1}`, zone: '', rack: '', address: '' };
}

/** Nodes of which the first three have founded the cluster; four spaces of three copies. */
function clusterOf(nodes: number, options: Partial<RebalancingOptions> = {}): Cluster {
  const founding = { clusterId: 'ab'.repeat(16), founders, settings: defaultClusterSettings };
  const rebalancing = { ...defaultRebalancingOptions, graceMs: 3_000, settleMs: 500, stallMs: 3_000, ...options };
  const view = { epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null };
  const cluster = new Cluster(nodes, { view, controlLog: { ...defaultControlLogOptions, rebalancing, founding } });
  for (const [at, name] of names.entries()) {
    const copies = founderIds.map((_, shift) => founderIds[(at + shift) % 3]);
    propose(cluster, { kind: 'space-created', name, generation: 0, copies });
  }
  cluster.pass(4_000);
  return cluster;
}

function leaderOf(cluster: Cluster): Host {
  const leader = cluster.hosts.find(({ up, node }) => up && node.inspectControl()?.raft?.role === 'leader');
  if (leader === undefined) throw new Error('nobody leads');
  return leader;
}

function propose(cluster: Cluster, entry: ControlEntry): void {
  leaderOf(cluster).deliver({ kind: 'propose', handle: 1, entry });
}

function stateOf(cluster: Cluster): ControlState {
  const state = leaderOf(cluster).node.inspectControl()?.state;
  if (state === undefined) throw new Error('nobody knows the state');
  return state;
}

const rowsOf = (cluster: Cluster): readonly ControlRow[] => Object.values(stateOf(cluster).rows);
const isAtRest = (cluster: Cluster): boolean => rowsOf(cluster).every(({ move }) => move === null);

function copiesOn(cluster: Cluster, host: Host): number {
  return rowsOf(cluster).filter(({ copies }) => copies.includes(host.id)).length;
}

/** Writes to the space wherever its primary is by now; the text that was acknowledged. */
function write(cluster: Cluster, space: string, id: string, ack = AckLevel.ACK_ALL): string {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const primary = cluster.hosts.find(({ id: node, up }) => up && node === stateOf(cluster).rows[`${space}#0` as SpaceKey]?.copies[0]);
    const handle = primary?.remember({ id, text: `text of ${id}` }, { space, ack });
    cluster.pass(100);
    if (primary !== undefined && handle !== undefined && primary.outcome(handle) === 'written') return `text of ${id}`;
  }
  throw new Error(`${id} was not written to ${space} within 4 s`);
}

/** On how many live nodes of the row the memory can be read. */
function readable(cluster: Cluster, space: string, id: string): number {
  const row = stateOf(cluster).rows[`${space}#0` as SpaceKey];
  return cluster.hosts.filter((host) => {
    if (!host.up || row?.copies.includes(host.id) !== true) return false;
    const body = host.replies.get(host.send({ $case: 'get', value: { id } }, { space }))?.body;
    return body?.$case === 'got' && body.value.memory !== undefined;
  }).length;
}

function join(cluster: Cluster, host: Host): void {
  propose(cluster, { kind: 'node-added', member: memberOf(host) });
}

moves('who joins gets its share, with all that was written before and meanwhile', () => {
  const cluster = clusterOf(4);
  for (const name of names) write(cluster, name, `before-${name}`);
  const joined = cluster.hosts[3] as Host;
  join(cluster, joined);
  for (let count = 0; count < 30; count += 1) write(cluster, names[count % 4] as string, `during-${count}`);
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, joined) === 3);
  cluster.pass(1_000);
  for (const name of names) assert.is(readable(cluster, name, `before-${name}`), 3);
  for (let count = 0; count < 30; count += 1) assert.is(readable(cluster, names[count % 4] as string, `during-${count}`), 3);
  assert.ok(rowsOf(cluster).every(({ copies }) => new Set(copies).size === 3));
});

moves('while the primary moves, writes pause for less than 100 ms', () => {
  const cluster = clusterOf(4);
  cluster.latencyMs = 1;
  join(cluster, cluster.hosts[3] as Host);
  propose(cluster, { kind: 'node-changed', member: memberOf(cluster.hosts[0] as Host), isDraining: true });
  const pauses: number[] = [];
  const pausedAt = new Map<SpaceKey, number>();
  const seen = cluster.hosts.map(({ events }) => events.length);
  for (let waited = 0; waited < 15_000; waited += 1) {
    cluster.pass(1);
    cluster.hosts.forEach(({ events }, at) => {
      for (const event of events.slice(seen[at])) {
        if (event.kind === 'term.ended' && event.reason.includes('pause')) pausedAt.set(event.space, cluster.now.monotonicMs);
        const since = event.kind === 'term.taken' ? pausedAt.get(event.space) : undefined;
        if (event.kind !== 'term.taken' || since === undefined) continue;
        pauses.push(cluster.now.monotonicMs - since);
        pausedAt.delete(event.space);
      }
      seen[at] = events.length;
    });
  }
  assert.is(copiesOn(cluster, cluster.hosts[0] as Host), 0);
  assert.ok(pauses.length >= 1 && pausedAt.size === 0);
  assert.ok(Math.max(...pauses) < 100, `writes paused for ${pauses.join(', ')} ms`);
});

moves('who is drained gives up everything, and the cluster can do without it', () => {
  const cluster = clusterOf(4);
  join(cluster, cluster.hosts[3] as Host);
  for (const name of names) write(cluster, name, `of-${name}`);
  const leaving = cluster.hosts.find((host) => host !== leaderOf(cluster) && host.index < 3) as Host;
  propose(cluster, { kind: 'node-changed', member: memberOf(leaving), isDraining: true });
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, leaving) === 0);
  leaving.crash();
  // The last records may have been on their way to the new copies.
  cluster.pass(1_000);
  for (const name of names) assert.is(readable(cluster, name, `of-${name}`), 3);
});

moves('what a node held that is away for longer than the grace gets other places; for less it does not', () => {
  const cluster = clusterOf(4, { graceMs: 5_000 });
  join(cluster, cluster.hosts[3] as Host);
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, cluster.hosts[3] as Host) === 3);
  for (const name of names) write(cluster, name, `of-${name}`);
  const lost = cluster.hosts.find((host) => host !== leaderOf(cluster) && host.index < 3) as Host;
  const held = copiesOn(cluster, lost);
  lost.crash();
  cluster.pass(4_000);
  assert.is(copiesOn(cluster, lost), held);
  cluster.passUntil(() => copiesOn(cluster, lost) === 0 && isAtRest(cluster));
  for (const name of names) assert.is(readable(cluster, name, `of-${name}`), 3);
});

moves('another leader goes on with what was begun', () => {
  const cluster = clusterOf(4);
  for (const name of names) write(cluster, name, `of-${name}`);
  const joined = cluster.hosts[3] as Host;
  join(cluster, joined);
  cluster.passUntil(() => !isAtRest(cluster));
  const leader = leaderOf(cluster);
  leader.kill();
  cluster.pass(1_500);
  leader.start();
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, joined) === 3);
  // Who leads knows of the last row before the others do.
  cluster.pass(1_000);
  for (const name of names) assert.is(readable(cluster, name, `of-${name}`), 3);
});

moves('who takes over the lead keeps to what an operator has ordered, and gives it up at the next word only', () => {
  const cluster = clusterOf(4);
  for (const name of names) write(cluster, name, `of-${name}`);
  const joined = cluster.hosts[3] as Host;
  join(cluster, joined);
  cluster.passUntil(() => !isAtRest(cluster));
  const leader = leaderOf(cluster);
  const order = (said: 'hold' | 'apply'): void => propose(cluster, { kind: 'rebalancing-ordered', order: said, atMs: 0, by: leader.id });
  order('hold');
  cluster.passUntil(() => stateOf(cluster).order?.order === 'hold');
  assert.ok(isAtRest(cluster));
  const copies = copiesOn(cluster, joined);
  leader.kill();
  cluster.pass(4_000);
  assert.is.not(leaderOf(cluster), leader);
  leader.start();
  cluster.pass(4_000);
  assert.ok(isAtRest(cluster));
  assert.is(copiesOn(cluster, joined), copies);
  const second = leaderOf(cluster);
  order('apply');
  cluster.passUntil(() => stateOf(cluster).order?.order === 'apply');
  second.kill();
  cluster.pass(1_500);
  second.start();
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, joined) === 3);
  cluster.pass(1_000);
  for (const name of names) assert.is(readable(cluster, name, `of-${name}`), 3);
});

moves('nothing begins behind an order to hold that is still on its way', () => {
  /** What the leader has applied of moves and orders, and when it began the first move; the order comes so long after the fourth node. */
  const run = (holdAfterMs: number): { readonly applied: readonly string[]; readonly begunAfterMs: number } => {
    const cluster = clusterOf(4);
    cluster.latencyMs = 60;
    join(cluster, cluster.hosts[3] as Host);
    const leader = leaderOf(cluster);
    let begunAfterMs = Number.POSITIVE_INFINITY;
    for (let waitedMs = 0; waitedMs < 3_000; waitedMs += 1) {
      if (waitedMs === holdAfterMs) propose(cluster, { kind: 'rebalancing-ordered', order: 'hold', atMs: 0, by: leader.id });
      cluster.pass(1);
      if (leader.events.some(({ kind }) => kind === 'move.begun')) begunAfterMs = Math.min(begunAfterMs, waitedMs);
    }
    const applied = leader.events.flatMap((event) => {
      if (event.kind !== 'control.applied' || event.entry === null) return [];
      const { entry } = event;
      return entry.kind === 'move-changed' ? [entry.change.kind] : entry.kind === 'rebalancing-ordered' ? [entry.order] : [];
    });
    return { applied, begunAfterMs };
  };
  const { applied, begunAfterMs } = run(Number.POSITIVE_INFINITY);
  assert.is(applied[0], 'started');
  // It takes twice the latency until a leader knows that its entry is committed.
  assert.equal(run(begunAfterMs - 60).applied, ['hold']);
});

moves('an order to move copies counts where none would begin by themselves', () => {
  const cluster = clusterOf(4, { isAutomatic: false });
  const joined = cluster.hosts[3] as Host;
  join(cluster, joined);
  cluster.pass(4_000);
  assert.is(copiesOn(cluster, joined), 0);
  propose(cluster, { kind: 'rebalancing-ordered', order: 'apply', atMs: 0, by: joined.id });
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, joined) === 3);
});

moves('who leads knows how large the spaces are, also those that have not moved since it does', () => {
  const cluster = clusterOf(4, { isAutomatic: false });
  const sizes = (): number[] => {
    leaderOf(cluster).deliver({ kind: 'plan-moves' });
    cluster.pass(100);
    const { steps } = leaderOf(cluster).node.inspectControl()?.underway?.latest ?? { steps: [] };
    return steps.flatMap((step) => (step.kind === 'copy' ? step.bytes : []));
  };
  for (const space of names) {
    const primary = cluster.hosts.find(({ id }) => id === stateOf(cluster).rows[`${space}#0` as SpaceKey]?.copies[0]);
    for (let count = 0; count < 5; count += 1) {
      primary?.remember({ id: `large-${count}`, text: 'x'.repeat(500_000) }, { space });
      cluster.pass(500);
    }
  }
  join(cluster, cluster.hosts[3] as Host);
  cluster.pass(6_000);
  const isRight = (told: readonly number[]): boolean => told.length > 0 && told.every((bytes) => bytes > 2_500_000 && bytes < 2_600_000);
  const told = sizes();
  assert.ok(isRight(told), told.join(', '));
  const first = leaderOf(cluster);
  first.kill();
  cluster.pass(1_500);
  first.start();
  cluster.pass(8_000);
  assert.is.not(leaderOf(cluster), first);
  const toldAnew = sizes();
  assert.ok(isRight(toldAnew), toldAnew.join(', '));
});

moves('a target that is gone is given up, and writes go on where they were', () => {
  const cluster = clusterOf(4, { stallMs: 2_000 });
  const joined = cluster.hosts[3] as Host;
  join(cluster, joined);
  cluster.passUntil(() => !isAtRest(cluster));
  joined.crash();
  cluster.pass(8_000);
  assert.ok(isAtRest(cluster));
  for (const name of names) write(cluster, name, `after-${name}`);
});

moves('who has paused goes on where it was when nothing comes of the move', () => {
  const cluster = clusterOf(4);
  const joined = cluster.hosts[3] as Host;
  const isLastWord = (bytes: Uint8Array): boolean => {
    const messages = (partsOf(bytes) ?? []).map(decodeMoveMessage);
    return messages.some((message) => message?.kind === 'copied' && message.progress.heldMs === 0);
  };
  cluster.filter = ({ message }) => (message.kind === 'control' && isLastWord(message.bytes) ? 'drop' : 'pass');
  join(cluster, joined);
  cluster.passUntil(() => rowsOf(cluster).some(({ move }) => move?.stage === 'paused'));
  const paused = rowsOf(cluster).find(({ move }) => move?.stage === 'paused') as ControlRow;
  // Its primary leads the control log itself, or the last word is lost on its way to the leader.
  if (paused.copies[0] !== leaderOf(cluster).id) cluster.passUntil(() => stateOf(cluster).rows[paused.space]?.move === null);
  for (const name of names) write(cluster, name, `meanwhile-${name}`);
  cluster.filter = null;
  cluster.passUntil(() => isAtRest(cluster) && copiesOn(cluster, joined) === 3);
  cluster.pass(1_000);
  for (const name of names) assert.is(readable(cluster, name, `meanwhile-${name}`), 3);
});

moves('what is told of moves comes out as it went in, and what is cut short is refused', () => {
  const space = 'notes#3' as SpaceKey;
  const told: readonly MoveMessage[] = [
    { kind: 'copied', progress: { space, revision: 2 ** 40, heldMs: null, missing: 12, bytes: 2 ** 33 } },
    { kind: 'copied', progress: { space, revision: 5, heldMs: 0, missing: 0, bytes: 0 } },
    { kind: 'prepared', space, revision: 7 },
    { kind: 'sized', space, revision: 8, bytes: 2 ** 41 },
  ];
  for (const message of told) {
    const bytes = encodeMoveMessage(message);
    assert.equal(decodeMoveMessage(bytes), message);
    for (let length = 0; length < bytes.length; length += 1) assert.is(decodeMoveMessage(bytes.subarray(0, length)), null);
    assert.is(decodeMoveMessage(Uint8Array.from([...bytes, 0])), null);
  }
});

moves.run();

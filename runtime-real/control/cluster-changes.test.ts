/**
 * Real nodes that are given nothing but a seed and a secret: one makes the cluster, others come in and are taken out while it is written to; whoever is refused is told
 * why.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../core/wire/generated/engram/v1/service.js';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import { connectEngram, type Space } from '../index.js';
import { freePorts, type NodeProcess, startNode } from '../node-processes.js';
import { runCommand } from '../test-support/command-line.js';
import { equalCopies, withEachAlone } from '../test-support/equal-copies.js';

const deadlineMs = 25_000;
const secret = 'a-secret-of-the-cluster';

class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'engram-changes-'));
  readonly nodes: NodeProcess[] = [];
  #seed = '';

  async start(name: string, options: { directory?: string; secret?: string; until?: string } = {}): Promise<NodeProcess> {
    if (this.#seed === '') this.#seed = `127.0.0.1:${(await freePorts(1))[0]}`;
    const listens: Record<string, string> = this.nodes.length === 0 ? { ENGRAM_MEMBERSHIP_LISTEN: this.#seed } : {};
    const node = await startNode({
      name,
      dataDir: join(this.folder, options.directory ?? name),
      flags: ['--cluster-mode', 'cluster'],
      environment: { ...listens, ENGRAM_CLUSTER_SEEDS: this.#seed, ENGRAM_CLUSTER_SECRETS: options.secret ?? secret },
      until: options.until ?? 'node.listening',
    });
    this.nodes.push(node);
    return node;
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly committed: boolean;
  readonly removed: boolean;
}

const init = (node: NodeProcess) => askNode(node.address, { method: clusterService.init, request: {}, deadlineMs });
const add = (node: NodeProcess, name: string, address = '') =>
  askNode(node.address, { method: clusterService.addNode, request: { name, address }, deadlineMs });
const remove = (node: NodeProcess, nodeId: string, force = false) =>
  askNode(node.address, { method: clusterService.removeNode, request: { nodeId, force }, deadlineMs });
const control = (node: NodeProcess) =>
  askNode(node.address, { method: clusterService.getControl, request: { withoutRows: false }, deadlineMs });

function assertRefused({ failure }: { readonly failure: Failure | undefined }, code: string, message: RegExp, hint = /./): void {
  assert.is(failure?.code, code);
  assert.match(String(failure?.message), message);
  assert.match(String(failure?.hint), hint);
}

/** Asks until it is so: what is waited for comes by itself. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Writes one memory after the other until it is told to stop. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly #space: Space;
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(space: Space) {
    this.#space = space;
    this.#done = this.#write();
  }

  async #write(): Promise<void> {
    for (let count = 0; !this.#isStopped; count += 1) {
      const { id } = await this.#space.remember({ id: `m${count}`, text: `text of m${count}`, embed: false });
      this.acknowledged.push(id);
    }
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#done;
  }
}

const changes = suite('changes of a cluster');

changes('one node makes the cluster; others come in and go under load; nothing acknowledged is lost, and refusals say why', async () => {
  const fleet = new Fleet();
  try {
    const n1 = await fleet.start('n1');
    assert.match(String((await n1.logged('node.waiting')).reason), /belongs to no cluster: make one of it/);
    assertRefused(await add(n1, 'n2'), 'CLUSTER_REFUSED', /n1 belongs to no cluster/, /cluster init/);
    const { failure, clusterId } = await init(n1);
    assert.is(failure, undefined);
    await n1.logged('node.serving');
    assertRefused(await init(n1), 'CLUSTER_REFUSED', new RegExp(`already, made with the id ${clusterId}`));
    assertRefused(await remove(n1, 'n1'), 'CLUSTER_REFUSED', /n1 is the only voter/);

    // Whoever knows the secret is let in; who does not is not even heard.
    const [n2, n3, stranger] = await Promise.all([
      fleet.start('n2', { until: 'node.serving' }),
      fleet.start('n3', { until: 'node.serving' }),
      fleet.start('n8', { secret: 'not-that-secret-but-another' }),
    ]);
    assertRefused(await init(n2), 'CLUSTER_REFUSED', /belongs to a cluster already/);
    assertRefused(await add(n1, 'n8'), 'NOT_FOUND', /no node "n8" is known here/, /--address/);
    assertRefused(await add(n2, 'n8', stranger.address), 'NOT_FOUND', /knows a secret of the cluster/);
    await n2.logged('stream.refused', ({ member, reason }) => member === 'n8' && /does not know a secret/.test(String(reason)));
    await until(async () => (await control(n2)).members.filter(({ voter }) => voter).length === 3);

    const engram = await connectEngram({ servers: [n1.address, n2.address], deadlineMs: 60_000 });
    try {
      const writer = new Writer(engram.space('load'));
      await until(async () => writer.acknowledged.length >= 20);
      const n4 = await fleet.start('n4', { until: 'node.serving' });
      await until(async () => (await control(n4)).members.length === 4);

      const { copies } = (await control(n1)).rows.find(({ space }) => space === 'load') ?? { copies: [] as string[] };
      const victim = fleet.nodes.find(({ nodeId, name }) => name !== 'n1' && copies.includes(nodeId)) as NodeProcess;
      const others = [n2, n3, n4].filter((node) => node !== victim);
      assertRefused(await remove(n1, 'n33'), 'NOT_FOUND', /no member "n33"/, /did you mean/);
      assertRefused(await remove(n1, victim.name), 'CLUSTER_REFUSED', /holds copies of/, /--force/);
      const removed = await remove(others[0] as NodeProcess, victim.name, true);
      assert.equal([removed.failure?.message, removed.nodeId], [undefined, victim.nodeId]);
      const told = await victim.logged('cluster.removed');
      assert.is(told.clusterId, clusterId);
      assertRefused(await remove(n1, victim.nodeId), 'CLUSTER_REFUSED', /was removed already/);

      // The same directory is told again; an empty one is a new node, and is let in.
      await victim.stop();
      const back = await fleet.start(victim.name);
      await back.logged('cluster.removed');
      assert.match(String((await back.logged('node.waiting', ({ reason }) => /removed/.test(String(reason)))).reason), /empty directory/);
      assertRefused(await add(n1, back.nodeId), 'CLUSTER_REFUSED', /was removed by entry \d+/);
      await back.stop();
      const fresh = await fleet.start(victim.name, { directory: `${victim.name}-fresh`, until: 'node.serving' });
      assert.is.not(fresh.nodeId, victim.nodeId);

      const before = writer.acknowledged.length;
      await until(async () => writer.acknowledged.length > before + 20);
      await writer.stop();
      const space = engram.space('load');
      for (const id of writer.acknowledged) assert.is((await space.get(id))?.text, `text of ${id}`);
    } finally {
      await engram.close();
    }

    const settings = runCommand(['--json', '--server', n1.address, 'cluster', 'settings', '--replication-factor', '2']);
    assert.is(settings.lines()[0].replicationFactor, 2, settings.err);
    await until(async () => (await control(n4Of(fleet))).settings?.replicationFactor === 2);
    const listed = runCommand(['--json', '--server', n1.address, 'cluster', 'spaces']).lines()[0];
    assert.is(listed.clusterId, clusterId);
    const [load] = listed.spaces.filter(({ name }: { name: string }) => name === 'load');
    assert.equal([load.confirmed, load.writers.length], [true, 1]);
    const table = runCommand(['--server', n1.address, 'cluster', 'log']);
    assert.match(table.out, /generation 1, led by n\d; 2 copies/);
    assert.is(runCommand(['--server', n1.address, 'cluster', 'rows']).code, 0);
    const glance = runCommand(['--server', n1.address, 'cluster', 'status']);
    assert.match(glance.out, /1 spaces?: 1 with a confirmed primary, 0 provisional/);

    await movedAtAWord(n1);

    // One that leaves in good order: others take over what it holds, then it is no member.
    const plan = runCommand(['--json', '--server', n1.address, 'cluster', 'plan']);
    assert.equal([plan.code, plan.lines()[0].atWork, plan.lines()[0].order], [0, true, null], plan.out);
    // What an operator orders stands in the control log, whoever is asked for it.
    const held = runCommand(['--json', '--server', n1.address, 'cluster', 'abort']);
    assert.equal([held.lines()[0].atWork, held.lines()[0].order.order], [false, 'hold'], held.out + held.err);
    const resumed = runCommand(['--json', '--server', n1.address, 'cluster', 'apply']);
    assert.equal([resumed.lines()[0].atWork, resumed.lines()[0].order.order], [true, 'apply'], resumed.out + resumed.err);
    assert.match(runCommand(['--server', n1.address, 'cluster', 'plan']).out, /since engram cluster apply at n\d, .+Z \(entry \d+\)/);
    const left = runCommand(['--json', '--server', n1.address, 'cluster', 'decommission', 'n4']);
    assert.is(left.code, 0, left.out + left.err);
    assert.not((await control(n1)).rows.some(({ copies }) => copies.includes(left.lines()[0].nodeId)));
    await n4Of(fleet).logged('cluster.removed');
    saysWhoWasRemoved(n1, 'n4');
    const bad = runCommand(['--json', '--server', n1.address, 'cluster', 'recover']);
    assert.equal([bad.code, bad.lines()[0].error.field], [1, 'accept_risk']);
  } finally {
    await fleet.end();
  }
});

changes('what nodes held before there was a control log is kept where it is, and copied to whom the row names besides', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'engram-upgrade-'));
  const nodes: NodeProcess[] = [];
  const inDirectory = (name: string): string => join(folder, name);
  try {
    const alone = await startNode({ name: 'n2', dataDir: inDirectory('n2') });
    nodes.push(alone);
    const before = await connectEngram({ servers: [alone.address] });
    await before.space('old').remember({ id: 'kept', text: 'from before', embed: false });
    await before.close();
    await alone.stop();
    const members = (await freePorts(2)).map((port, at) => `n${at + 1}=127.0.0.1:${port}`);
    nodes.push(...(await Promise.all(['n1', 'n2'].map((name) => startNode({ name, members, dataDir: inDirectory(name) })))));
    const [n1, n2] = nodes.slice(1) as [NodeProcess, NodeProcess];
    assert.is(n2.nodeId, alone.nodeId);
    await n1.logged('cluster.made');
    const row = (await control(n1)).rows.find(({ space }) => space === 'old');
    assert.equal([...(row?.copies ?? [])].sort(), [n1.nodeId, n2.nodeId].sort());
    await withEachAlone([n1, n2], async (copies) => {
      await equalCopies(copies, { space: 'old' });
      for (const copy of copies) assert.is((await copy.space('old').get('kept'))?.text, 'from before');
    });
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The process of who was removed still runs, so membership hears it: the list says beside that what it is no more. */
function saysWhoWasRemoved({ address }: NodeProcess, name: string): void {
  const { members } = runCommand(['--json', '--server', address, 'cluster', 'members']).lines()[0] as { members: readonly Listed[] };
  const listed = members.filter((member) => member.name === name).map(({ state, committed, removed }) => [state, committed, removed]);
  assert.equal(listed, [['alive', false, true]]);
  assert.match(runCommand(['--server', address, 'cluster', 'members']).out, new RegExp(`${name} +│ alive .*│ removed +│`));
}

/** One copy goes elsewhere, because an operator wants it there. */
async function movedAtAWord(n1: NodeProcess): Promise<void> {
  const loaded = async () => (await control(n1)).rows.find(({ space }) => space === 'load');
  await until(async () => (await loaded())?.copies.length === 2 && (await loaded())?.move === undefined);
  const held = (await loaded())?.copies ?? [];
  const target = (await control(n1)).members.find(({ nodeId }) => !held.includes(nodeId));
  const post = async (body: object) => {
    const { http } = await n1.logged('node.listening');
    const answer = await fetch(`http://${http}/cluster/migrate`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return { status: answer.status, told: (await answer.json()) as { to?: string; hint?: string; error?: string } };
  };
  const unsaid = await post({ space: 'load', to: target?.name });
  assert.equal([unsaid.status, unsaid.told.hint], [409, 'say which of them goes: --from NODE']);
  const nowhere = await post({ space: 'load', to: 'n33' });
  assert.is(nowhere.status, 404);
  const moving = await post({ space: 'load', from: held[1], to: target?.name });
  assert.equal([moving.status, moving.told.to], [200, target?.name], moving.told.error);
  await until(async () => (await loaded())?.copies.includes(target?.nodeId as string) === true);
  const again = runCommand(['--json', '--server', n1.address, 'cluster', 'move', 'load', '--to', held[0] as string]);
  assert.equal([again.code, again.lines()[0].error.code], [1, 'CLUSTER_REFUSED'], again.out);
  assert.match(again.lines()[0].error.message, /is the primary of load already/);
}

function n4Of({ nodes }: Fleet): NodeProcess {
  return nodes.find(({ name }) => name === 'n4') as NodeProcess;
}

changes.run();

/**
 * Five real nodes find each other by one seed and see each other die, stand still, come back elsewhere and leave; all of it as `engram cluster watch` tells
 * it to whoever watches.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from './cli/cluster/node-questions.js';
import { clusterService } from './grpc/service-definitions.js';
import { connectEngram, type EngramError, type Space } from './index.js';
import { type NodeOptions, type NodeProcess, startNode } from './node-processes.js';
import { ClusterWatcher } from './test-support/cluster-watcher.js';
import { runCommand } from './test-support/command-line.js';

const stillMs = 10_000;

const clusterFlags = ['--cluster-mode', 'cluster'];

/** The address that others are told for datagrams. */
function seedOf(node: NodeProcess): string {
  return String(node.logs.find(({ msg }) => msg === 'node.listening')?.membership);
}

function joining(seeds: readonly string[], options: NodeOptions): NodeOptions {
  // Nobody lets them in: they are seen, and take no requests.
  const until = 'node.listening';
  return { ...options, until, flags: clusterFlags, environment: { ENGRAM_CLUSTER_SEEDS: seeds.join(','), ...options.environment } };
}

async function withFolder(test: (folder: string, nodes: NodeProcess[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'engram-membership-'));
  const nodes: NodeProcess[] = [];
  try {
    await test(folder, nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeSeeds(file: string, seeds: readonly string[]): void {
  writeFileSync(`${file}.draft`, `${seeds.join('\n')}\n`);
  renameSync(`${file}.draft`, file);
}

/** A stream that stands is not yet a copy that has answered: until then the level is refused as out of reach. */
async function rememberByAll(space: Space, id: string): Promise<void> {
  for (;;) {
    try {
      await space.remember({ id, text: `text of ${id}`, embed: false }, { ack: 'all' });
      return;
    } catch (error) {
      if ((error as EngramError).code !== 'ACK_OUT_OF_REACH') throw error;
      await wait(30);
    }
  }
}

/** Everybody has heard everybody, both ways: asked until it is so, for that takes a round of pings. */
async function matrixWithoutGaps(server: string): Promise<void> {
  for (;;) {
    const { code, lines } = runCommand(['--json', '--server', server, 'cluster', 'matrix']);
    assert.is(code, 0);
    const [{ links, nodes, silent }] = lines();
    assert.equal([links.length, nodes.length, silent], [20, 5, []]);
    if (links.every(({ state }: { state: string }) => state === 'works')) return;
  }
}

const membership = suite('membership of real nodes');

membership('five nodes join by one seed; a crash, a pause, a return elsewhere and a leave are seen as what they are', () =>
  withFolder(async (folder, nodes) => {
    const dirOf = (name: string): string => join(folder, name);
    const first = await startNode({ name: 'n1', dataDir: dirOf('n1'), flags: [...clusterFlags, '--member', 'n1'] });
    nodes.push(first);
    const watcher = new ClusterWatcher([first.address]);
    await watcher.member('n1', 'alive');
    const others = await Promise.all(
      ['n2', 'n3', 'n4', 'n5'].map((name) => startNode(joining([seedOf(first)], { name, dataDir: dirOf(name) }))),
    );
    nodes.push(...others);
    const [n2, n3, n4] = others as [NodeProcess, NodeProcess, NodeProcess];
    for (const node of others) {
      const seen = await watcher.member(node.name, 'alive');
      assert.equal([seen.address, seen.nodeId, seen.committed], [node.address, node.nodeId, false]);
    }

    await matrixWithoutGaps(first.address);
    const added = await ask(first.address, clusterService.addNode, { name: 'n6', address: '' });
    assert.equal([added.failure?.code, added.failure?.field], ['NOT_FOUND', 'name']);
    const removed = await ask(first.address, clusterService.removeNode, { nodeId: n2.nodeId, force: true });
    assert.equal([removed.failure?.code, removed.failure?.hint], ['NOT_FOUND', 'known are: n1']);

    let since = watcher.lines.length;
    n2.kill('SIGKILL');
    const dead = await watcher.member('n2', 'dead', since);
    assert.is(dead.nodeId, n2.nodeId);
    assert.ok(watcher.statesOf('n2', since).includes('suspect'), 'suspected before it was declared dead');
    assert.is.not(dead.reason, '');

    since = watcher.lines.length;
    const back = await startNode(joining([seedOf(first)], { name: 'n2', dataDir: n2.dataDir }));
    nodes.push(back);
    const returned = await watcher.member('n2', 'alive', since);
    assert.equal([returned.nodeId, returned.boot, returned.address], [n2.nodeId, 2, back.address]);
    assert.is.not(returned.membershipAddress, dead.membershipAddress);

    since = watcher.lines.length;
    n3.kill('SIGSTOP');
    const still = wait(stillMs);
    await watcher.member('n3', 'dead', since);
    await still;
    n3.kill('SIGCONT');
    await watcher.line((line) => line.kind === 'member' && line.name === 'n3' && line.state === 'alive', since);
    assert.equal(watcher.statesOf('n3', since).slice(0, 1), ['suspect']);
    assert.is(watcher.statesOf('n3', since).at(-1), 'alive');

    since = watcher.lines.length;
    n4.kill('SIGTERM');
    assert.is(await n4.exited, 0);
    await watcher.member('n4', 'left', since);
    assert.not(watcher.statesOf('n4', since).includes('dead'));

    assert.is(await watcher.interrupt(), 0);
    const listed = runCommand(['--json', '--server', first.address, 'cluster', 'members']);
    assert.is(listed.code, 0);
    const states = Object.fromEntries(listed.lines()[0].members.map(({ name, state }: { name: string; state: string }) => [name, state]));
    assert.equal(states, { n1: 'alive', n2: 'alive', n3: 'alive', n4: 'left', n5: 'alive' });
  }),
);

membership(
  'members that are only named are found by membership, replicate, and are found again at another address by peers and clients',
  () =>
    withFolder(async (folder, nodes) => {
      const names = ['n1', 'n2', 'n3'];
      const members = names.flatMap((name) => ['--member', name]);
      const seedsFile = join(folder, 'seeds');
      const start = async (name: string): Promise<NodeProcess> => {
        const node = await startNode({
          name,
          dataDir: join(folder, name),
          flags: [...clusterFlags, ...members],
          environment: { ENGRAM_CLUSTER_SEEDS_FILE: seedsFile },
          until: 'node.listening',
        });
        nodes.push(node);
        return node;
      };
      const [n1] = await Promise.all([start('n1')]);
      writeSeeds(seedsFile, [seedOf(n1)]);
      const [n2, n3] = await Promise.all([start('n2'), start('n3')]);
      await Promise.all([n1, n2, n3].map((node) => node.logged('node.serving')));
      const engram = await connectEngram({ servers: [n1.address], deadlineMs: 30_000 });
      try {
        const space = engram.space('named');
        await rememberByAll(space, 'a');
        n3.kill('SIGKILL');
        await n3.exited;
        const back = await start('n3');
        assert.is(back.nodeId, n3.nodeId);
        assert.is.not(back.address, n3.address);
        await n1.logged('stream.opened', ({ member, address }) => member === 'n3' && address === back.address);
        await n2.logged('stream.opened', ({ member, address }) => member === 'n3' && address === back.address);
        await rememberByAll(space, 'b');
        const watcher = new ClusterWatcher([n1.address]);
        await watcher.member('n3', 'alive');
        // Who knows n1 alone learns from it where the others are now.
        const late = await connectEngram({ servers: [n1.address], deadlineMs: 30_000 });
        try {
          n1.kill('SIGKILL');
          n2.kill('SIGKILL');
          await Promise.all([n1.exited, n2.exited]);
          assert.is((await late.space('named').get('b'))?.text, 'text of b');
        } finally {
          await late.close();
        }
        await watcher.line(({ kind, nodeName }) => kind === 'members' && nodeName === 'n3');
        assert.is(await watcher.interrupt(), 0);
      } finally {
        await engram.close();
      }
    }),
);

membership.run();

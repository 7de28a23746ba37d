/**
 * Half-open connections between client and node: what stood between them forgot the connection, and neither end hears a FIN or RST. The client notices by its
 * pings and tries again under the same request id, so that nothing is written twice; the node notices by its own and lets go of the connection.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectEngram, type Engram, type Space } from './index.js';
import { freePorts, type NodeProcess, startCluster, startNode } from './node-processes.js';
import { GarblingProxy, type Silence } from './test-support/garbling-proxy.js';

const halfOpen = suite('half-open connections');
/** Far more than it takes to notice a silent connection (three seconds) and to open another. */
const deadlineMs = 20_000;
const id = 'story';

/** Through a proxy for each node, and asking nobody else. */
async function withProxies(
  nodes: readonly NodeProcess[],
  use: (engram: Engram, proxies: readonly GarblingProxy[]) => Promise<void>,
): Promise<void> {
  const ports = await freePorts(nodes.length);
  const proxies = await Promise.all(nodes.map(({ address }, at) => GarblingProxy.open(ports[at] as number, address)));
  try {
    const engram = await connectEngram({ servers: ports.map((port) => `127.0.0.1:${port}`), learnMembers: false, deadlineMs });
    try {
      await use(engram, proxies);
    } finally {
      await engram.close();
    }
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
}

/** Resolves once a client that goes straight to the node reads that text there. */
async function readsAt(address: string, spaceName: string, text: string): Promise<void> {
  const straight = await connectEngram({ servers: [address], learnMembers: false });
  try {
    while ((await straight.space(spaceName).get(id))?.text !== text);
  } finally {
    await straight.close();
  }
}

/** Each write expects the version before it: one that happened twice would be a conflict with itself. */
async function writesAndReads(space: Space, from: string): Promise<{ readonly version: string; readonly duplicates: number }> {
  let version = from;
  let duplicates = 0;
  for (const text of ['two', 'three', 'four']) {
    const [written, ...read] = await Promise.all([
      space.update({ id, text, embed: false }, { expectedVersion: version }),
      space.get('other'),
      space.recall({ limit: 5 }),
    ]);
    assert.is(read.length, 2);
    version = written.version;
    duplicates += written.duplicate ? 1 : 0;
  }
  return { version, duplicates };
}

async function surviveSilence(way: Silence): Promise<void> {
  const node = await startNode();
  try {
    await withProxies([node], async (engram, [proxy]) => {
      const space = engram.space('silence');
      const first = await space.remember({ id, text: 'one', embed: false });
      await space.remember({ id: 'other', text: 'other', embed: false });
      const connectionsBefore = proxy.connections;
      assert.ok(proxy.goSilent(way) > 0);
      const { version, duplicates } = await writesAndReads(space, first.version);
      assert.ok(proxy.connections > connectionsBefore);
      // Where only answers were lost the first write had been carried out, and its second try said so.
      assert.is(duplicates, way === 'back' ? 1 : 0);
      const memory = await space.get(id);
      assert.equal([memory?.text, memory?.version, memory?.alternatesTotal], ['four', version, 0]);
      await proxy.targetLetGo();
    });
  } finally {
    assert.is(await node.stop(), 0);
  }
}

halfOpen(
  'bytes vanish without a word, either way or both: calls are answered over a new connection, and the node lets go of the old one',
  async () => {
    // Side by side: each waits fifteen seconds for its node to notice.
    await Promise.all((['there', 'back', 'both'] as const).map(surviveSilence));
  },
);

halfOpen('a write whose answer vanished with its primary is found by its request id at the next one', async () => {
  const nodes = await startCluster(3);
  try {
    await withProxies(nodes, async (engram, proxies) => {
      const space = engram.space('silence');
      const first = await space.remember({ id, text: 'one', embed: false }, { ack: 'all' });
      const primary = nodes.findIndex(({ nodeId }) => nodeId === first.answeredBy.nodeId);
      assert.ok(proxies[primary].goSilent('back') > 0);
      const update = space.update({ id, text: 'two', embed: false }, { expectedVersion: first.version });
      await Promise.all(nodes.map(({ address }) => readsAt(address, 'silence', 'two')));
      nodes[primary].kill('SIGSTOP');
      const { duplicate, version } = await update;
      assert.ok(duplicate);
      nodes[primary].kill('SIGCONT');
      const memory = await space.get(id);
      assert.equal([memory?.text, memory?.version, memory?.alternatesTotal], ['two', version, 0]);
    });
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
});

halfOpen.run();

/** The client and a cluster of three processes of which one dies, or only stops answering: nothing acknowledged is lost, and a client reads what it wrote. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectEngram, type Engram, EngramError, type EpisodeInput, type Space, type WriteResult } from './index.js';
import { type NodeProcess, startCluster, startNode } from './node-processes.js';

const failover = suite('client and failover');

interface Cluster {
  readonly nodes: readonly NodeProcess[];
  readonly engram: Engram;
  readonly space: Space;
  /** The node that takes the space's writes. */
  readonly primary: NodeProcess;
}

async function withCluster(test: (cluster: Cluster) => Promise<void>): Promise<void> {
  const nodes = await startCluster(3);
  try {
    // One server is enough: the others are learnt.
    const engram = await connectEngram({ servers: [nodes[0]?.address as string], deadlineMs: 30_000 });
    try {
      const space = engram.space('failover');
      const { answeredBy } = await rememberOnAll(space, { id: 'first', text: 'first', embed: false });
      const primary = nodes.find(({ nodeId }) => nodeId === answeredBy.nodeId) as NodeProcess;
      await test({ nodes, engram, space, primary });
    } finally {
      await engram.close();
    }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

const episode = (at: number): EpisodeInput & { id: string } => ({ id: `e${at}`, text: `text ${at}`, embed: false });

/** As soon as all copies can be reached: until then it is refused, and certainly not written. */
async function rememberOnAll(space: Space, one: EpisodeInput): Promise<Awaited<ReturnType<Space['remember']>>> {
  for (;;) {
    const written = await space.remember(one, { ack: 'all' }).catch((error) => {
      if (error instanceof EngramError && error.code === 'ACK_OUT_OF_REACH') return null;
      throw error;
    });
    if (written !== null) return written;
  }
}

failover('the primary is killed in the middle of writes: each is acknowledged once, and is read at once by who wrote it', () =>
  withCluster(async ({ space, primary }) => {
    const written: WriteResult[] = [];
    const write = async (from: number): Promise<void> => {
      for (let at = from; at < 200; at += 4) {
        // Two copies have it: the dead one is not the only one.
        written.push(await space.remember(episode(at), { ack: 'one' }));
        if (written.length === 60) primary.kill('SIGKILL');
        assert.is((await space.get(`e${at}`))?.text, `text ${at}`);
      }
    };
    await Promise.all([0, 1, 2, 3].map(write));
    assert.is(written.length, 200);
    assert.ok(written.some(({ answeredBy }) => answeredBy.nodeId !== primary.nodeId));
    for (let at = 0; at < 200; at += 1) {
      const memory = await space.get(`e${at}`);
      assert.is(memory?.text, `text ${at}`);
      assert.is(memory?.alternatesTotal, 0, `e${at} was written once`);
    }
  }),
);

failover('an import goes on through the death of the primary, with nothing left out', () =>
  withCluster(async ({ space, primary }) => {
    let acknowledged = 0;
    const source = Array.from({ length: 5_000 }, (_, at) => episode(at));
    const summary = await space.rememberBatch(source, {
      ack: 'one',
      episodesMax: 100,
      onAcknowledged: (some) => {
        acknowledged += some.length;
        if (acknowledged === 1_000) primary.kill('SIGKILL');
      },
    });
    assert.is(summary.refused, 0);
    assert.is(summary.written + summary.duplicates, 5_000);
    const found = await Promise.all(source.map(({ id }) => space.get(id)));
    assert.ok(found.every((memory, at) => memory?.text === `text ${at}`));
  }),
);

failover('a primary that is stopped and not dead is left for another, and comes back as a replica', () =>
  withCluster(async ({ space, primary }) => {
    primary.kill('SIGSTOP');
    const { answeredBy } = await space.remember(episode(1), { ack: 'one' });
    assert.is.not(answeredBy.nodeId, primary.nodeId);
    assert.is((await space.get('e1'))?.text, 'text 1');
    primary.kill('SIGCONT');
    await rememberOnAll(space, episode(2));
    assert.is((await space.get('e2'))?.text, 'text 2');
  }),
);

failover('a node that was killed and started again serves the same client, under the same identity', () =>
  withCluster(async ({ nodes, space, primary }) => {
    primary.kill('SIGKILL');
    await primary.exited;
    await space.remember(episode(1));
    const members = nodes.map(({ name, address }) => `${name}=${address}`);
    const again = await startNode({ name: primary.name, members, dataDir: primary.dataDir });
    try {
      assert.is(again.nodeId, primary.nodeId);
      await rememberOnAll(space, episode(2));
      const alone = await connectEngram({ servers: [again.address], learnMembers: false });
      assert.is((await alone.space('failover').get('e2'))?.text, 'text 2');
      await alone.close();
    } finally {
      await again.stop();
    }
  }),
);

failover.run();

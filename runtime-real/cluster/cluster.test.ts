/** Three real nodes: they find each other, replicate, and get over stopped members, new directories and networks that garble. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AckLevel } from '../../core/wire/generated/engram/v1/service.js';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import { freeMembers, freePorts, type LogLine, type NodeProcess, startCluster, startNode } from '../node-processes.js';
import { equalCopies, withEachAlone } from '../test-support/equal-copies.js';
import { GarblingProxy } from '../test-support/garbling-proxy.js';
import { type Body, batchBody, getBody, outcomeOf, RawClient, rememberBody, request } from '../test-support/raw-client.js';

const all = { ack: AckLevel.ACK_ALL, deadlineMs: 5_000 };
const passing = ['NOT_PRIMARY', 'NOT_A_COPY', 'ACK_OUT_OF_REACH', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'OVERLOADED'];

/** Sends the write to each of the nodes in turn until it is answered with more than "not now" or "not here". */
async function writeAnywhere(clients: readonly RawClient[], body: Body, header: object = all): Promise<string> {
  for (let turn = 0; ; turn += 1) {
    const outcome = await clients[turn % clients.length].unary(request(body, header)).then(outcomeOf, () => 'UNAVAILABLE');
    if (!passing.includes(outcome)) return outcome;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function withClients<Result>(
  nodes: readonly { readonly address: string }[],
  test: (clients: RawClient[]) => Promise<Result>,
): Promise<Result> {
  const clients = nodes.map((node) => new RawClient(node.address));
  try {
    return await test(clients);
  } finally {
    for (const client of clients) client.close();
  }
}

async function stopAll(nodes: readonly NodeProcess[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()));
}

/** Resolves once the node answers a read of the id with a memory. */
async function arrived(client: RawClient, id: string): Promise<void> {
  for (;;) {
    const { body } = await client.unary(request(getBody(id)));
    if (body?.$case === 'got' && body.value.memory !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at}`);
}

const cluster = suite('cluster');

cluster('three nodes find each other and hold what was acknowledged by all; one that was killed comes back and catches up', async () => {
  const nodes = await startCluster(3);
  try {
    await withClients(nodes, async (clients) => {
      assert.is(await writeAnywhere(clients, rememberBody('a')), 'written');
      for (const client of clients) await arrived(client, 'a');
      const health = await clients[0].clusterHealth();
      assert.equal(
        health.members.map(({ nodeId, reachable }) => [nodeId, reachable]),
        nodes.map(({ nodeId }) => [nodeId, true]),
      );
    });
    const [killed, ...others] = nodes;
    const { name, dataDir } = killed;
    killed.kill('SIGKILL');
    await killed.exited;
    await withClients(others, (clients) => writeAnywhere(clients, batchBody(ids('while-away-', 100)), { deadlineMs: 2_000 }));
    const listening = killed.logs.find(({ msg }) => msg === 'node.listening');
    const back = await startNode({ name, dataDir, members: listening?.members as string[] });
    nodes.push(back);
    // Known members are remembered: it needed to hear nobody to serve.
    assert.not(back.logs.some(({ msg }) => msg === 'member.learnt' || msg === 'node.waiting'));
    assert.is(back.nodeId, killed.nodeId);
    await withClients([back], ([client]) => arrived(client, 'while-away-99'));
    await withEachAlone([back, ...others], (alone) => equalCopies(alone, { space: 'default' }));
  } finally {
    await stopAll(nodes);
  }
});

cluster('until all members have been heard of requests are refused by name, and nothing is written', async () => {
  const members = await freeMembers(2);
  const first = await startNode({ name: 'n1', members, until: 'node.listening' });
  const client = new RawClient(first.address);
  try {
    const { body } = await client.unary(request(rememberBody('early')));
    assert.ok(body?.$case === 'failure' && body.value.code === 'UNAVAILABLE' && !body.value.outcomeUnknown);
    assert.match(body.value.message, `n2 (${members[1].slice(3)})`);
    assert.not((await client.clusterHealth()).complete);
    const second = await startNode({ name: 'n2', members });
    await first.logged('node.serving');
    await withClients([first, second], async (clients) => assert.is(await writeAnywhere(clients, rememberBody('now')), 'written'));
    await second.stop();
    // An empty directory under the same name and address is another node. The old one is half of the voters: an operator has to give it up.
    const renewed = await startNode({ name: 'n2', members, until: 'node.listening' });
    assert.is.not(renewed.nodeId, second.nodeId);
    const replaced = await first.logged('member.replaced');
    assert.equal([replaced.before, replaced.node], [second.nodeId, renewed.nodeId]);
    const question = { deadlineMs: 15_000 };
    const refusals = new Set<string>();
    for (let generation = 1; generation === 1; ) {
      const answer = await askNode(first.address, { ...question, method: clusterService.recover, request: { acceptRisk: true } });
      if (answer.failure !== undefined) refusals.add(answer.failure.code);
      else generation = answer.generation;
    }
    assert.ok(refusals.size === 0 || (refusals.size === 1 && refusals.has('CLUSTER_REFUSED')), 'until it misses the other voter');
    const removed = await askNode(first.address, {
      ...question,
      method: clusterService.removeNode,
      request: { nodeId: second.nodeId, force: true },
    });
    assert.is(removed.failure?.message, undefined);
    await renewed.logged('node.serving');
    await withClients([first, renewed], async (clients) => assert.is(await writeAnywhere(clients, rememberBody('later')), 'written'));
    await renewed.stop();
  } finally {
    client.close();
    await first.stop();
  }
});

cluster('a node of another cluster is refused, and both say why', async () => {
  const members = await freeMembers(2);
  const nodes = await Promise.all([
    startNode({ name: 'n1', members, until: 'node.listening' }),
    startNode({ name: 'n2', members, until: 'node.listening', environment: { ENGRAM_CLUSTER_NAME: 'other' } }),
  ]);
  try {
    for (const node of nodes) {
      const { reason } = await node.logged('stream.refused', (line) => /cluster/.test(String(line.reason)));
      assert.match(String(reason), /"other"/);
    }
  } finally {
    await stopAll(nodes);
  }
});

cluster('a stopped member costs the others nothing, and goes on where it was', async () => {
  const nodes = await startCluster(3);
  try {
    await withClients(nodes, async (clients) => {
      assert.is(await writeAnywhere(clients, rememberBody('before')), 'written');
      nodes[2].kill('SIGSTOP');
      await nodes[0].logged('stream.closed', ({ member }) => member === 'n3');
      for (const id of ids('meanwhile-', 20))
        assert.is(await writeAnywhere(clients.slice(0, 2), rememberBody(id), { deadlineMs: 2_000 }), 'written');
      nodes[2].kill('SIGCONT');
      await arrived(clients[2], 'meanwhile-19');
    });
    await withEachAlone(nodes, (alone) => equalCopies(alone, { space: 'default' }));
  } finally {
    await stopAll(nodes);
  }
});

cluster('frames that are cut, flipped or swallowed are noticed, and everything arrives all the same', async () => {
  const [own1, own2, between1, between2] = await freePorts(4);
  // Each reaches the other through a proxy; both listen elsewhere. What they advertise is the proxies too: membership would lead a node that dials again past them.
  const members = [`n1=127.0.0.1:${between1}`, `n2=127.0.0.1:${between2}`];
  const proxies = await Promise.all([GarblingProxy.open(between1, `127.0.0.1:${own1}`), GarblingProxy.open(between2, `127.0.0.1:${own2}`)]);
  const nodes = await Promise.all([own1, own2].map((port, at) => startNode({ name: `n${at + 1}`, members, listen: `127.0.0.1:${port}` })));
  const doors = [own1, own2].map((port) => ({ address: `127.0.0.1:${port}` }));
  let flipRounds = 0;
  try {
    await withClients(doors, async (clients) => {
      const write = async (prefix: string): Promise<void> => {
        const body = batchBody(ids(prefix, 200), 'y'.repeat(2_000));
        const outcome = await writeAnywhere(clients, body, { deadlineMs: 2_000 });
        assert.is(outcome, 'writtenBatch');
      };
      assert.is(await writeAnywhere(clients, rememberBody('sound')), 'written');
      for (const proxy of proxies) proxy.mischief = { kind: 'flip', chunkBytesMin: 20_000 };
      // Acknowledged by one copy, batches may pass the proxies later.
      const isFlipped = (): boolean => proxies[0].flipped + proxies[1].flipped > 0;
      for (; flipRounds < 5 || !isFlipped(); flipRounds += 1) await write(`flip-${flipRounds}-`);
      for (const proxy of proxies) proxy.mischief = { kind: 'cut', afterBytes: 100_000 };
      for (let round = 0; round < 3; round += 1) await write(`cut-${round}-`);
      for (const proxy of proxies) proxy.mischief = { kind: 'swallow' };
      await write('swallow-');
      const isSilence = ({ reason }: LogLine): boolean => /nothing was heard/.test(String(reason));
      // The stream stood, or was about to be opened again after the last cut.
      await Promise.all(nodes.map((node) => Promise.race(['stream.closed', 'stream.refused'].map((msg) => node.logged(msg, isSilence)))));
      for (const proxy of proxies) proxy.mischief = { kind: 'none' };
      for (const client of clients) {
        for (const id of ['flip-4-199', 'cut-2-199', 'swallow-199']) await arrived(client, id);
      }
      assert.is(await writeAnywhere(clients, rememberBody('healed')), 'written');
    });
    await withEachAlone(nodes, async (alone) => {
      const [{ memories }] = await equalCopies(alone, { space: 'default' });
      assert.is(memories, 2 + (flipRounds + 4) * 200);
    });
  } finally {
    await stopAll(nodes);
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
});

cluster.run();

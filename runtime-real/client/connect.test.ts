/** The client over gRPC against nodes that misbehave on cue: framing, redirects, retries, deadlines, bounds, close. */
import { execFileSync } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failure } from '../../core/errors.js';
import { type MemberHealth, MemberState } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Reply, Request } from '../../core/wire/generated/engram/v1/service.js';
import { errorOf } from '../test-support/error-of.js';
import { connectEngram } from './connect.js';
import type { ConnectOptions } from './connect-options.js';
import type { Engram } from './engram.js';
import { failed, replyHeader, type Script, type ScriptedNode, startScriptedNode, written } from './test-support/scripted-node.js';

const client = suite('client over gRPC');
const nodeA = 'a'.repeat(32);
const nodeB = 'b'.repeat(32);
const episode = (id: string) => ({ id, text: `text of ${id}`, embed: false });
const roleOfMember = { self: false, reachable: true, committed: true, removed: false, state: MemberState.ALIVE };
const aliveAt = ({ address }: ScriptedNode): MemberHealth => ({ nodeId: nodeB, name: 'b', address, ...roleOfMember });

/** Starts the nodes, connects, and takes all down again. */
async function withNodes(
  scripts: readonly Script[],
  options: Partial<ConnectOptions>,
  test: (engram: Engram, nodes: readonly ScriptedNode[]) => Promise<void>,
): Promise<void> {
  const nodes = await Promise.all(scripts.map(startScriptedNode));
  const engram = await connectEngram({ servers: nodes.map(({ address }) => address), ...options });
  try {
    await test(engram, nodes);
  } finally {
    await engram.close();
    for (const node of nodes) node.kill();
  }
}

/** Resolves once the condition holds; looked at after every turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

client('calls of one moment share a frame, single remembers of a space even a batch; each keeps its outcome', () => {
  const answer = (request: Request): Reply => {
    const reply = written(nodeA, request);
    if (reply.body?.$case === 'writtenBatch') {
      const value = failure('INVALID_ARGUMENT', { message: 'not this one', field: 'episode.id' });
      reply.body.value.outcomes[1] = { outcome: { $case: 'failure', value } };
    }
    return reply;
  };
  return withNodes([{ nodeId: nodeA, answer }], {}, async (engram, [node]) => {
    const space = engram.space('moment');
    const calls = [
      space.remember(episode('a')),
      space.remember(episode('b')),
      space.remember(episode('c')),
      space.forget('d'),
      space.remember(episode('e'), { ack: 'all' }),
      space.remember(episode('f'), { requestId: '0'.repeat(31).concat('1') }),
    ];
    const outcomes = await Promise.allSettled(calls);
    assert.equal(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.is((outcomes[1] as PromiseRejectedResult).reason.field, 'episode.id');
    assert.is(node?.frames.length, 1);
    assert.equal(node?.requests.map(({ body }) => body?.$case).sort(), ['forget', 'remember', 'remember', 'rememberBatch']);
    assert.ok(node?.requests.every(({ header }) => header?.requestId.length === 16));
    assert.is(node?.streams(), 1);
  });
});

client('follows a redirect to a member that it was not told of, and goes there directly from then on', async () => {
  const primary = await startScriptedNode({ nodeId: nodeB, answer: (request) => written(nodeB, request) });
  const members = [aliveAt(primary)];
  const answer = (): Reply => failed(nodeA, 'NOT_PRIMARY', { message: 'a replica', redirectNodeId: nodeB });
  await withNodes([{ nodeId: nodeA, answer, health: () => ({ members }) }], {}, async (engram, [replica]) => {
    const space = engram.space('redirected');
    assert.is((await space.remember(episode('a'))).answeredBy.nodeId, nodeB);
    await space.remember(episode('b'));
    assert.is(replica?.requests.length, 1);
    assert.is(primary.requests.length, 2);
    assert.equal(replica?.requests[0]?.header?.requestId, primary.requests[0]?.header?.requestId);
  });
  primary.kill();
});

client('a member that comes back at another address is found there: identity is not address', async () => {
  const primaryScript: Script = { nodeId: nodeB, answer: (request) => written(nodeB, request) };
  let primary = await startScriptedNode(primaryScript);
  const answer = (): Reply => failed(nodeA, 'NOT_PRIMARY', { message: 'a replica', redirectNodeId: nodeB });
  const health = () => ({ members: [aliveAt(primary)] });
  await withNodes([{ nodeId: nodeA, answer, health }], {}, async (engram) => {
    const space = engram.space('moved');
    await space.remember(episode('a'));
    primary.kill();
    primary = await startScriptedNode(primaryScript);
    assert.is((await space.remember(episode('b'))).answeredBy.nodeId, nodeB);
    assert.ok(primary.requests.length >= 1);
  });
  primary.kill();
});

client('a connection that breaks in the middle of a write: the same request id goes to the next member', async () => {
  const script: Script = { nodeId: nodeA, answer: () => null };
  await withNodes([script, { nodeId: nodeB, answer: (request) => written(nodeB, request) }], {}, async (engram, [dying, other]) => {
    const write = engram.space('broken').remember(episode('a'));
    await until(() => dying?.requests.length === 1);
    dying?.kill();
    assert.is((await write).answeredBy.nodeId, nodeB);
    assert.equal(dying?.requests[0]?.header?.requestId, other?.requests[0]?.header?.requestId);
  });
});

client('a failure after a try whose outcome is unknown does not claim that nothing happened', async () => {
  const conflict = (): Reply => failed(nodeB, 'CONFLICT', { message: 'another version' });
  const scripts = [
    { nodeId: nodeA, answer: () => null },
    { nodeId: nodeB, answer: conflict },
  ];
  await withNodes(scripts, {}, async (engram, [dying]) => {
    const write = errorOf(engram.space('unsure').forget('a'));
    await until(() => dying?.requests.length === 1);
    dying?.kill();
    const error = await write;
    assert.is(error.code, 'CONNECTION_LOST');
    assert.is(error.outcome, 'unknown');
    assert.match(error.message, 'CONFLICT');
  });
});

client('an overloaded node is asked again; a starting one too, until it has started', async () => {
  let asked = 0;
  const answer = (request: Request): Reply => {
    asked += 1;
    if (asked < 3) return failed(nodeA, asked === 1 ? 'OVERLOADED' : 'STARTING', { message: 'not yet' });
    return written(nodeA, request);
  };
  await withNodes([{ nodeId: nodeA, answer }], {}, async (engram) => {
    await engram.space('busy').remember(episode('a'));
    assert.is(asked, 3);
  });
});

client('only what an overloaded node turned away of a batch is sent again', async () => {
  let turnedAway = false;
  const answer = (request: Request): Reply => {
    const reply = written(nodeA, request);
    if (reply.body?.$case === 'writtenBatch' && !turnedAway) {
      turnedAway = true;
      const value = failure('OVERLOADED', { message: 'later' });
      reply.body.value.outcomes[0] = { outcome: { $case: 'failure', value } };
    }
    return reply;
  };
  await withNodes([{ nodeId: nodeA, answer }], {}, async (engram, [node]) => {
    const space = engram.space('busy');
    await Promise.all([space.remember(episode('a')), space.remember(episode('b'))]);
    assert.equal(
      node?.requests.map(({ body }) => body?.$case),
      ['rememberBatch', 'remember'],
    );
  });
});

client('when the time runs out in the middle of a batch, what was written is reported as written', async () => {
  const answer = (request: Request): Reply => {
    const reply = written(nodeA, request);
    const value = failure('NOT_PRIMARY', { message: 'it lost its term half-way' });
    if (reply.body?.$case === 'writtenBatch') reply.body.value.outcomes[1] = { outcome: { $case: 'failure', value } };
    return reply;
  };
  await withNodes([{ nodeId: nodeA, answer }], { deadlineMs: 150 }, async (engram, [node]) => {
    const space = engram.space('half');
    const [first, second] = [space.remember(episode('a')), space.remember(episode('b'))];
    assert.is((await first).id, 'a');
    assert.is((await errorOf(second)).code, 'NOT_PRIMARY');
    assert.ok((node?.requests.length ?? 0) > 1);
    assert.is(new Set(node?.requests.map(({ header }) => Buffer.from(header?.requestId ?? []).toString('hex'))).size, 1);
  });
});

client('a node that never answers: a write is unknown at its deadline, and what nobody waits for is cancelled there', async () => {
  await withNodes([{ nodeId: nodeA, answer: () => null }], { deadlineMs: 150 }, async (engram, [node]) => {
    const reading = errorOf(engram.space('silent').get('a'));
    const error = await errorOf(engram.space('silent').remember(episode('a')));
    assert.is((await reading).code, 'DEADLINE_EXCEEDED');
    assert.is(error.code, 'DEADLINE_EXCEEDED');
    assert.is(error.outcome, 'unknown');
    await until(() => node?.frames.some(({ calls }) => calls.some(({ cancel }) => cancel)) === true);
  });
});

client('an aborted call rejects with its reason at once and is cancelled at the node; one signal may be behind many calls', async () => {
  await withNodes([{ nodeId: nodeA, answer: () => null }], {}, async (engram, [node]) => {
    const abort = new AbortController();
    const space = engram.space('aborted');
    const calls = Array.from({ length: 30 }, (_, at) => space.get(`m${at}`, { signal: abort.signal }).catch((reason) => reason));
    await until(() => node?.requests.length === 30);
    abort.abort(new Error('enough'));
    for (const reason of await Promise.all(calls)) assert.is(reason.message, 'enough');
    await until(() => node?.frames.flatMap(({ calls: each }) => each).filter(({ cancel }) => cancel).length === 30);
    assert.is((await space.get('m', { signal: abort.signal }).catch((reason) => reason)).message, 'enough');
  });
});

client('no more calls are in flight than agreed; the rest waits here and is sent as answers come', async () => {
  let [open, most] = [0, 0];
  const answer = async (): Promise<Reply> => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return {
      header: replyHeader(nodeA),
      body: { $case: 'got', value: { alternates: [], alternatesTotal: 0, context: new Uint8Array(0) } },
    };
  };
  await withNodes([{ nodeId: nodeA, answer }], { callsInFlightMax: 4 }, async (engram, [node]) => {
    const space = engram.space('bounded');
    await Promise.all(Array.from({ length: 40 }, (_, at) => space.get(`m${at}`)));
    assert.is(node?.requests.length, 40);
    assert.ok(node?.frames.every(({ calls }) => calls.length <= 4));
    assert.ok(most <= 4);
  });
});

client('a node that comes back is connected to again; as long as it is away nothing is sent', async () => {
  const script: Script = { nodeId: nodeA, answer: (request) => written(nodeA, request) };
  await withNodes([script], {}, async (engram, [node]) => {
    const space = engram.space('again');
    await space.remember(episode('a'));
    node?.kill();
    // Sent or not, it cannot have been answered.
    await errorOf(space.remember(episode('b'), { deadlineMs: 300 }));
    const error = await errorOf(space.remember(episode('b'), { deadlineMs: 300 }));
    assert.is(error.code, 'UNAVAILABLE');
    assert.match(error.message, 'refused');
    const again = await startScriptedNode(script, Number(node?.address.split(':')[1]));
    await space.remember(episode('b'));
    assert.is(again.requests.length, 1);
    again.kill();
  });
});

client('where nothing listens: the error names each server and says how to start a node', async () => {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const { port } = free.address() as { port: number };
  await new Promise((resolve) => free.close(resolve));
  const error = await errorOf(connectEngram({ servers: [`127.0.0.1:${port}`], connectMs: 0 }));
  assert.is(error.code, 'UNAVAILABLE');
  assert.is(error.outcome, 'failed');
  assert.match(error.message, `nothing listens at 127.0.0.1:${port}`);
  assert.match(error.hint, 'engram-node');
});

client('something that accepts and never speaks is given up in time', async () => {
  const accepted: Socket[] = [];
  const silent = createServer((socket) => accepted.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const error = await errorOf(connectEngram({ servers: [`127.0.0.1:${port}`], connectMs: 0 }));
  assert.is(error.code, 'UNAVAILABLE');
  for (const socket of accepted) socket.destroy();
  silent.close();
});

client('wrong options are named', async () => {
  const field = async (options: unknown): Promise<string | undefined> => (await errorOf(connectEngram(options as ConnectOptions))).field;
  assert.is(await field({ servers: [] }), 'servers');
  assert.is(await field({ servers: 'localhost:1' }), 'servers');
  for (const server of ['localhost', 'localhost:0', 'localhost:70000', ':1', 'a b:1', 'http://localhost:1', 4, null])
    assert.is(await field({ servers: [server] }), 'servers[0]');
  assert.is(await field({ servers: ['localhost:1'], sever: 1 }), 'sever');
  assert.is(await field({ servers: ['localhost:1'], deadlineMs: 0 }), 'deadlineMs');
  assert.is(await field({ servers: ['localhost:1'], embedder: 4 }), 'embedder');
});

client('close waits for the answers that are due, refuses new calls, and lets the process end', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const answer = async (request: Request): Promise<Reply> => {
    await held;
    return written(nodeA, request);
  };
  const node = await startScriptedNode({ nodeId: nodeA, answer });
  const engram = await connectEngram({ servers: [node.address] });
  const write = engram.space('closing').remember(episode('a'));
  await until(() => node.requests.length === 1);
  const closing = engram.close();
  assert.is((await errorOf(engram.space('closing').get('a'))).code, 'CLOSED');
  release();
  assert.is((await write).id, 'a');
  await closing;
  await engram.close();
  node.kill();
});

client('a process whose only business was a closed client ends', async () => {
  const own = import.meta.url;
  const script = `
    const { connectEngram } = await import(${JSON.stringify(new URL('./connect.js', own).href)});
    const { startScriptedNode, written } = await import(${JSON.stringify(new URL('./test-support/scripted-node.js', own).href)});
    const node = await startScriptedNode({ nodeId: 'a'.repeat(32), answer: (request) => written('a'.repeat(32), request) });
    const engram = await connectEngram({ servers: [node.address] });
    await engram.space().remember({ text: 'one' });
    await engram.close();
    node.kill();
    console.log('done');
  `;
  const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script];
  assert.is(execFileSync(process.execPath, words, { encoding: 'utf8', timeout: 20_000 }).trim(), 'done');
});

client.run();

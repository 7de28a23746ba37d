/** One real node as a process: requests over gRPC, stopping, killing, what it refuses to start with. */
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EngramError } from '../../core/errors.js';
import { MemberState } from '../../core/wire/generated/engram/v1/cluster.js';
import { type DirectoryLock, lockDirectory } from '../disk/directory-lock.js';
import { type NodeOptions, type NodeProcess, runNodeToEnd, startNode } from '../node-processes.js';
import { inDirectory } from '../test-support/in-directory.js';
import { Answers, batchBody, getBody, outcomeOf, RawClient, rememberBody, request } from '../test-support/raw-client.js';

async function withNode(test: (node: NodeProcess, client: RawClient) => Promise<void>, options: NodeOptions = {}): Promise<void> {
  const node = await startNode(options);
  const client = new RawClient(node.address);
  try {
    await test(node, client);
  } finally {
    client.close();
    await node.stop();
  }
}

function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at}`);
}

const process_ = suite('engram-node');

process_('answers unary calls and streams, says who it is, and stops with 0 on SIGTERM', () =>
  withNode(async (node, client) => {
    assert.is(outcomeOf(await client.unary(request(rememberBody('a')))), 'written');
    const got = await client.unary(request(getBody('a')));
    assert.is(got.header?.nodeId, node.nodeId);
    assert.is(outcomeOf(got), 'got');
    assert.is(outcomeOf(await client.unary(request(getBody('a')), 'remember')), 'INVALID_ARGUMENT');

    const stream = client.stream();
    const answers = new Answers(stream);
    const metadata = new Promise<string>((resolve) => stream.on('metadata', (sent) => resolve(String(sent.get('x-engram-node-id')[0]))));
    for (let number = 1; number <= 20; number += 1) {
      stream.write({ calls: [{ number, request: request(batchBody(ids(`b${number}-`, 100))), cancel: false }] });
    }
    stream.write({ calls: [{ number: 21, request: request(getBody('nothing')), cancel: false }] });
    stream.end();
    assert.is((await answers.status).code, 0);
    assert.is(await metadata, node.nodeId);
    for (let number = 1; number <= 20; number += 1) assert.is(answers.outcome(number), 'writtenBatch');
    assert.is(answers.outcome(21), 'got');

    const health = await client.clusterHealth();
    assert.equal([health.nodeId, health.complete, health.members.length], [node.nodeId, true, 1]);
    const own = { nodeId: node.nodeId, name: 'n1', address: node.address, self: true, reachable: true, committed: true };
    assert.equal(health.members[0], { ...own, state: MemberState.ALIVE, removed: false });

    node.kill('SIGTERM');
    assert.is(await node.exited, 0);
    assert.is((await node.logged('node.stopped')).drained, true);
  }),
);

process_('what was asked for before SIGTERM is answered, what comes later is refused', () =>
  withNode(async (node, client) => {
    const stream = client.stream();
    const answers = new Answers(stream);
    stream.write({ calls: [{ number: 1, request: request(batchBody(ids('first', 500))), cancel: false }] });
    await answers.come(1);
    const many = Array.from({ length: 200 }, (_, at) => ({
      number: at + 2,
      request: request(batchBody(ids(`s${at}-`, 50))),
      cancel: false,
    }));
    stream.write({ calls: many });
    node.kill('SIGTERM');
    assert.is((await answers.status).code, 0);
    assert.is(await node.exited, 0);
    const outcomes = new Set(many.map(({ number }) => answers.outcome(number)));
    for (const outcome of outcomes) assert.ok(['writtenBatch', 'UNAVAILABLE', 'unanswered'].includes(outcome), outcome);
  }),
);

process_('killed with SIGKILL it comes back as the same node with all that it acknowledged', () =>
  inDirectory(async (dataDir) => {
    const node = await startNode({ dataDir });
    const client = new RawClient(node.address);
    const stream = client.stream();
    const answers = new Answers(stream);
    for (let number = 1; number <= 50; number += 1) {
      stream.write({ calls: [{ number, request: request(rememberBody(`k${number}`)), cancel: false }] });
    }
    await answers.come(10);
    node.kill('SIGKILL');
    assert.is(await node.exited, 'SIGKILL');
    await answers.status;
    client.close();
    await withNode(
      async (again, reader) => {
        assert.is(again.nodeId, node.nodeId);
        for (const number of answers.byNumber.keys()) {
          const { body } = await reader.unary(request(getBody(`k${number}`)));
          assert.ok(body?.$case === 'got' && body.value.memory !== undefined, `k${number} was acknowledged and is gone`);
        }
      },
      { dataDir },
    );
  }),
);

process_('a client that leaves in the middle of its stream harms nobody', () =>
  withNode(async (_node, client) => {
    for (let round = 0; round < 3; round += 1) {
      const leaver = client.stream();
      const answers = new Answers(leaver);
      const calls = Array.from({ length: 100 }, (_, at) => ({
        number: at + 1,
        request: request(batchBody(ids(`l${round}-${at}-`, 100))),
        cancel: false,
      }));
      leaver.write({ calls });
      await answers.come(1);
      leaver.cancel();
      await answers.status;
    }
    assert.is(outcomeOf(await client.unary(request(rememberBody('after')))), 'written');
  }),
);

process_('a client that does not read is held back, and costs others nothing', () =>
  withNode(async (node, client) => {
    const text = 'x'.repeat(100_000);
    assert.is(outcomeOf(await client.unary(request(rememberBody('large', text)))), 'written');
    const slow = new RawClient(node.address);
    const stream = slow.stream();
    stream.on('error', () => {});
    stream.pause();
    // Asks for 2 GB of answers and reads none of them.
    for (let frame = 0; frame < 200; frame += 1) {
      const calls = Array.from({ length: 100 }, (_, at) => ({
        number: frame * 100 + at + 1,
        request: request(getBody('large')),
        cancel: false,
      }));
      stream.write({ calls });
    }
    const before = await residentBytes(client, node);
    for (const id of ids('other', 200)) assert.is(outcomeOf(await client.unary(request(rememberBody(id)))), 'written');
    const grownBytes = (await residentBytes(client, node)) - before;
    assert.ok(grownBytes < 400e6, `${grownBytes} bytes were taken up for one slow reader`);
    stream.cancel();
    slow.close();
  }),
);

/** Of the node's process, once it has answered whatever came before. */
async function residentBytes(client: RawClient, node: NodeProcess): Promise<number> {
  await client.unary(request(getBody('large')));
  const { readFileSync } = await import('node:fs');
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}

process_('a port in use and a locked directory are named with who holds them, exit code 4', () =>
  withNode(async (node) => {
    await inDirectory(async (dataDir) => {
      const port = await runNodeToEnd(['--listen', node.address, '--data-dir', dataDir]);
      assert.is(port.exit, 4);
      assert.match(port.err, `cannot listen on ${node.address}: the port is in use by process ${node.pid}`);
      const directory = await runNodeToEnd(['--listen', '127.0.0.1:0', '--data-dir', node.dataDir]);
      assert.is(directory.exit, 4);
      assert.match(directory.err, `in use by process ${node.pid}`);
    });
  }),
);

process_('a wrong configuration is exit code 2, a checked one 0, and neither makes a directory', () =>
  inDirectory(async (directory) => {
    const file = join(directory, 'engram.toml');
    writeFileSync(file, '[node]\nname = "n1"\nlissten = "127.0.0.1:0"\n');
    const wrong = await runNodeToEnd(['--config', file]);
    assert.is(wrong.exit, 2);
    assert.match(wrong.err, `${file}: unknown key node.lissten`);
    assert.match(wrong.err, 'did you mean listen?');
    const flag = await runNodeToEnd(['--listne', 'x']);
    assert.equal([flag.exit, /listen/.test(flag.err)], [2, true]);
    const checked = await runNodeToEnd(['--check-config'], { ENGRAM_NODE_NAME: 'n7' });
    assert.is(checked.exit, 0);
    const printed = await runNodeToEnd(['--print-config', '--data-dir', join(directory, 'none')], { ENGRAM_NODE_NAME: 'n7' });
    assert.match(printed.out, 'name = "n7"');
    assert.is((await runNodeToEnd(['--version'])).exit, 0);
  }),
);

/** The node's last act is to let go of its directory. */
async function lockOnceFree(dataDir: string): Promise<DirectoryLock> {
  for (;;) {
    const lock = await lockDirectory(dataDir).catch((error) => {
      if (error instanceof EngramError && error.code === 'DATA_DIRECTORY_LOCKED') return null;
      throw error;
    });
    if (lock !== null) return lock;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

process_('it ends with whoever started it, also when that process is killed', () =>
  inDirectory(async (dataDir) => {
    const nodes = new URL('../node-processes.ts', import.meta.url).href;
    const script = `
      import { startNode } from ${JSON.stringify(nodes)};
      const node = await startNode({ dataDir: ${JSON.stringify(dataDir)} });
      console.log(node.address);
      await new Promise(() => setInterval(() => {}, 60_000));`;
    const parent = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]);
    const address = await new Promise<string>((resolve) => parent.stdout.once('data', (bytes) => resolve(String(bytes).trim())));
    // A stream of its own tells us when the node is gone: nobody else would.
    const client = new RawClient(address);
    const stream = client.stream();
    const answers = new Answers(stream);
    stream.write({ calls: [{ number: 1, request: request(rememberBody('a')), cancel: false }] });
    await answers.come(1);
    parent.kill('SIGKILL');
    await answers.status;
    client.close();
    (await lockOnceFree(dataDir)).release();
    await withNode(async (_, reader) => assert.is(outcomeOf(await reader.unary(request(getBody('a')))), 'got'), { dataDir });
  }),
);

process_('a second signal ends it at once', () =>
  withNode(async (node, client) => {
    // A call whose answer nobody reads keeps the stop waiting.
    const text = 'x'.repeat(1_000_000);
    assert.is(outcomeOf(await client.unary(request(rememberBody('large', text)))), 'written');
    const stream = client.stream();
    stream.on('error', () => {});
    stream.pause();
    for (let number = 1; number <= 200; number += 1)
      stream.write({ calls: [{ number, request: request(getBody('large')), cancel: false }] });
    await client.unary(request(getBody('large')));
    node.kill('SIGTERM');
    await node.logged('node.stopping');
    node.kill('SIGTERM');
    assert.is(await node.exited, 4);
  }),
);

process_('a node whose data directory goes away halts with 1 and says so', () =>
  inDirectory(async (directory) => {
    const dataDir = join(directory, 'data');
    const node = await startNode({ dataDir });
    renameSync(dataDir, join(directory, 'elsewhere'));
    assert.is(await node.exited, 1);
    assert.ok(
      node.logs.some((line) => JSON.stringify(line).includes('was removed')),
      JSON.stringify(node.logs),
    );
  }),
);

process_.run();

/**
 * The divergence ledger of three real nodes: a write that only its primary had is merged when that one comes back, and what became of it is told by the command line and over
 * HTTP, also after the node that merged it was started again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import { connectEngram } from '../index.js';
import { freeMembers, type NodeProcess, startNode } from '../node-processes.js';
import { runCommand } from '../test-support/command-line.js';

const spaceName = 'notes';
const deadlineMs = 25_000;

/** A client of these nodes alone, for one use. */
async function withClient<Result>(
  nodes: readonly NodeProcess[],
  use: (space: ReturnType<Awaited<ReturnType<typeof connectEngram>>['space']>) => Promise<Result>,
): Promise<Result> {
  const engram = await connectEngram({ servers: nodes.map(({ address }) => address), deadlineMs: 60_000 });
  try {
    return await use(engram.space(spaceName));
  } finally {
    await engram.close();
  }
}

async function receiptsOn(node: NodeProcess): Promise<number> {
  const { receipts } = await askNode(node.address, {
    method: clusterService.getReceipts,
    request: { space: '', after: 0, limit: 0 },
    deadlineMs,
  });
  return receipts.length;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const ledger = suite('engram space receipts');

ledger('a stranded write has a receipt that says what became of it, also after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'engram-receipts-'));
  const running = new Map<string, NodeProcess>();
  try {
    const members = await freeMembers(3);
    const start = async (name: string, until = 'node.serving'): Promise<NodeProcess> => {
      const node = await startNode({ name, members, dataDir: join(folder, name), until });
      running.set(name, node);
      return node;
    };
    const kill = async (node: NodeProcess): Promise<void> => {
      node.kill('SIGKILL');
      await node.exited;
    };
    const all = await Promise.all(['n1', 'n2', 'n3'].map((name) => start(name)));
    const { answeredBy } = await withClient(all, (space) => space.remember({ id: 'shared', text: 'of all', embed: false }));
    const primary = all.find(({ nodeId }) => nodeId === answeredBy.nodeId) as NodeProcess;
    const others = all.filter((node) => node !== primary);

    // The others are gone: what is acknowledged now is on one disk alone, and then that is gone as well.
    await Promise.all(others.map(kill));
    await withClient([primary], async (space) => {
      await space.remember({ id: 'stranded', text: 'of the first alone', embed: false });
      await space.remember({ id: 'shared', text: 'of the first alone', embed: false });
    });
    await kill(primary);
    const back = await Promise.all(others.map(({ name }) => start(name)));
    const heir = await withClient(back, (space) => space.remember({ id: 'shared', text: 'of the others', embed: false }));
    await start(primary.name);
    const merging = back.find(({ nodeId }) => nodeId === heir.answeredBy.nodeId) as NodeProcess;
    await until(async () => (await receiptsOn(merging)) === 2);

    const server = ['--server', merging.address];
    const told = runCommand(['--json', ...server, 'space', 'receipts', spaceName]).lines()[0];
    assert.equal([told.space, told.silent, told.dropped], [spaceName, [], []]);
    const [stranded, shared] = ['stranded', 'shared'].map((id) => told.receipts.find((each: { memoryId: string }) => each.memoryId === id));
    assert.equal([stranded.fate, stranded.writtenBy, stranded.mergedBy], ['readable', primary.name, merging.name]);
    assert.ok(['readable', 'alternate'].includes(shared.fate), shared.fate);
    assert.is(stranded.boot, 1);
    assert.not.equal(stranded.term, stranded.supersededBy);
    const table = runCommand([...server, 'space', 'receipts', spaceName]).out;
    assert.match(table, /space notes: 2 writes of other terms merged/);
    assert.match(table, /stranded +│ readable/);
    const nowhere = runCommand(['--json', ...server, 'space', 'receipts', 'nots']);
    assert.equal([nowhere.code, nowhere.lines()[0].error.code], [1, 'NOT_FOUND']);
    assert.match(nowhere.lines()[0].error.hint, /notes/);

    // Stopped in good order it keeps them; what is asked over HTTP is the same.
    await merging.stop();
    const again = await start(merging.name);
    const { http } = await again.logged('node.listening');
    const page = (await (await fetch(`http://${http}/cluster/spaces/${spaceName}/receipts`)).json()) as {
      nodeName: string;
      receipts: { memoryId: string }[];
    };
    assert.equal([page.nodeName, page.receipts.map(({ memoryId }) => memoryId).sort()], [merging.name, ['shared', 'stranded']]);
  } finally {
    await Promise.all([...running.values()].map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
});

ledger.run();

/** Real nodes on small media that fill up: writes are refused by name, reads go on, and when space returns so do writes, by themselves. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectEngram, EngramError, openEngram, type Space } from './index.js';
import { freeMembers, type NodeProcess, runNodeToEnd, startNode } from './node-processes.js';
import { assertNothingLost } from './test-support/equal-copies.js';
import { onSmallMedium } from './test-support/what-the-machine-offers.js';

const full = suite('full disk');
const oneMiB = 2 ** 20;
const text = 'x'.repeat(200_000);
/** Small segments, and a look for space ten times a second. */
const environment = { ENGRAM_STORAGE_SEGMENT_BYTES: String(oneMiB), ENGRAM_STORAGE_FULL_RETRY_MS: '100' };

/** Writes until the answer is STORAGE_FULL; what was acknowledged before is added. */
async function fillUp(space: Space, acknowledged: Map<string, string>): Promise<void> {
  for (let at = 0; at < 100; at += 1) {
    const id = `${space.name}-${at}`;
    const code = await space.remember({ id, text, embed: false }, { deadlineMs: 2_000 }).then(
      () => null,
      (error) => (error instanceof EngramError ? error.code : String(error)),
    );
    if (code === 'STORAGE_FULL') return;
    assert.is(code, null, 'until the disk is full all is well');
    acknowledged.set(id, text);
  }
  assert.unreachable('the disk did not fill up');
}

/** Repeats a write until it is taken. */
async function writtenOnceThereIsSpace(space: Space, id: string): Promise<void> {
  for (;;) {
    const written = await space.remember({ id, text: 'after', embed: false }, { ack: 'all', deadlineMs: 20_000 }).catch((error) => {
      if (error instanceof EngramError && ['STORAGE_FULL', 'ACK_OUT_OF_REACH'].includes(error.code)) return null;
      throw error;
    });
    if (written !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

full('a node alone refuses writes with STORAGE_FULL, serves reads, and takes writes again when space returns', () =>
  onSmallMedium(10 * oneMiB, async (medium) => {
    medium.fill(3.5 * oneMiB);
    const node = await startNode({ dataDir: join(medium.path, 'data'), environment });
    const engram = await connectEngram({ servers: [node.address] });
    try {
      const space = engram.space('full');
      const acknowledged = new Map<string, string>();
      await fillUp(space, acknowledged);
      assert.ok(acknowledged.size > 3, `${acknowledged.size} writes fitted`);
      await node.logged('storage.full');
      for (const id of acknowledged.keys()) assert.is((await space.get(id))?.text, text);
      const { writable, reason } = await engram.status();
      assert.equal([writable, reason === ''], [false, false]);
      medium.free();
      await node.logged('storage.space-returned');
      await writtenOnceThereIsSpace(space, 'after');
      assert.ok((await engram.status()).writable);
      acknowledged.set('after', 'after');
      await assertNothingLost([node], 'full', acknowledged);
    } finally {
      await engram.close();
      assert.is(await node.stop(), 0);
    }
  }),
);

full('a node that is killed while its disk is full starts again on the few bytes that are left; on none it says what is missing', () =>
  onSmallMedium(5 * oneMiB, async (medium) => {
    const dataDir = join(medium.path, 'data');
    const node = await startNode({ dataDir, environment });
    const acknowledged = new Map<string, string>();
    const engram = await connectEngram({ servers: [node.address] });
    try {
      await fillUp(engram.space('full'), acknowledged);
    } finally {
      await engram.close();
    }
    node.kill('SIGKILL');
    await node.exited;
    medium.fill(0);
    const { exit, err } = await runNodeToEnd(['--data-dir', dataDir, '--listen', '127.0.0.1:0'], environment);
    assert.is(exit, 4, err);
    assert.match(err, /ENOSPC.*what to do: free some space/s);
    medium.free();
    medium.fill(64 * 2 ** 10);
    const again = await startNode({ dataDir, environment });
    try {
      await assertNothingLost([again], 'full', acknowledged);
    } finally {
      await again.stop();
    }
  }),
);

full('in a cluster the full disk of one copy holds up nobody, and that copy is filled once it has space', () =>
  onSmallMedium(10 * oneMiB, async (medium) => {
    const members = await freeMembers(3);
    const nodes = await Promise.all(
      members.map((_, at) =>
        startNode({ name: `n${at + 1}`, members, environment, ...(at === 0 ? { dataDir: join(medium.path, 'data') } : {}) }),
      ),
    );
    const engram = await connectEngram({ servers: nodes.map(({ address }) => address), deadlineMs: 20_000 });
    try {
      const space = await spaceNotOf(nodes[0] as NodeProcess, (name) => engram.space(name));
      medium.fill(2 * oneMiB);
      const acknowledged = new Map<string, string>();
      for (let at = 0; at < 20; at += 1) {
        const id = `m${at}`;
        await space.remember({ id, text, embed: false }, { ack: 'one' });
        acknowledged.set(id, text);
      }
      await nodes[0]?.logged('storage.full');
      medium.free();
      await writtenOnceThereIsSpace(space, 'after');
      await assertNothingLost(nodes, space.name, acknowledged.set('after', 'after'));
    } finally {
      await engram.close();
      await Promise.all(nodes.map((node) => node.stop()));
    }
  }),
);

/** One of the first few spaces has its primary elsewhere. */
async function spaceNotOf({ nodeId }: NodeProcess, spaceOf: (name: string) => Space): Promise<Space> {
  for (let at = 0; ; at += 1) {
    const space = spaceOf(`space-${at}`);
    const { answeredBy } = await space.remember({ id: 'first', text: 'first', embed: false });
    if (answeredBy.nodeId !== nodeId) return space;
  }
}

full('embedded mode on a small medium refuses in the same words', () =>
  onSmallMedium(6 * oneMiB, async ({ path }) => {
    const engram = await openEngram({ dataDir: path, storage: { segmentBytes: oneMiB } });
    const acknowledged = new Map<string, string>();
    await fillUp(engram.space(), acknowledged);
    for (const id of acknowledged.keys()) assert.is((await engram.space().get(id))?.text, text);
    await engram.close();
  }),
);

full.run();

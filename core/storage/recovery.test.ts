/** What a start makes of the disk it finds: what is lost stays a hole however often it starts, and what it serves is durable. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster, smallSegments } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { type MemoryDisk, OneNode } from '../test-support/one-node.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const recovery = suite('recovery');
const kept = ['a', 'b', 'c', 'd'];

/** Two copies of a few memories; the log around them stays, so that each is found by reading it. */
function twoCopies(options: { readonly retainGarbageBytesMax: number }): {
  readonly cluster: Cluster;
  readonly first: Host;
  readonly second: Host;
} {
  const cluster = new Cluster(2, { storage: { ...smallSegments, ...options } });
  const [first, second] = cluster.hosts;
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  assert.is(second.coverage(), 'n1.1:1-64');
  return { cluster, first, second };
}

function assertWhole({ hosts }: Cluster): void {
  for (const host of hosts) {
    assert.is(host.coverage(), hosts[0].coverage());
    assert.equal(host.versions(), hosts[0].versions());
    for (const id of kept) assert.is(host.text(id), `precious ${id}`, `n${host.index + 1} holds ${id}`);
  }
}

function restartedAlone(cluster: Cluster, host: Host): string {
  host.start();
  cluster.pass(500);
  const coverage = host.coverage();
  host.crash();
  return coverage;
}

recovery('a hole that a snapshot left survives restarts, until it is refilled', () => {
  const cluster = new Cluster(3, { storage: smallSegments });
  const [first, second, third] = cluster.hosts;
  cluster.isolate(third);
  cluster.pass(2_000);
  for (const id of kept) first.remember({ id, text: `precious ${id}` }, { ack: AckLevel.ACK_QUORUM });
  cluster.rewrite(first, 60);
  cluster.pass(3_000);
  cluster.heal();
  cluster.isolate(second);
  assert.ok(first.rot('precious b'));
  assert.is(first.text('b'), 'DATA_DAMAGED');
  cluster.pass(3_000);
  assert.is(third.coverage(), 'n1.1:1-1,3-64');
  cluster.isolate(third);
  for (let restart = 0; restart < 2; restart += 1) {
    third.crash();
    assert.is(restartedAlone(cluster, third), 'n1.1:1-1,3-64');
  }
  third.start();
  cluster.heal();
  cluster.pass(10_000);
  assertWhole(cluster);
});

recovery('a record lost from the log is a hole at every start', () => {
  const { cluster, second } = twoCopies({ retainGarbageBytesMax: 1e9 });
  cluster.isolate(second);
  second.crash();
  assert.ok(second.rot('precious b'));
  for (let restart = 0; restart < 3; restart += 1) assert.ok(restartedAlone(cluster, second).startsWith('n1.1:1-1,3-'));
  second.start();
  cluster.heal();
  cluster.pass(10_000);
  assertWhole(cluster);
});

recovery('a record lost together with the newest checkpoint is a hole at every start', () => {
  const { cluster, second } = twoCopies({ retainGarbageBytesMax: 0 });
  cluster.isolate(second);
  second.crash();
  assert.ok(second.rot('precious b'));
  const [newest] = ['checkpoint-a', 'checkpoint-b'].sort(
    (left, right) => checkpointNumber(second.disk, right) - checkpointNumber(second.disk, left),
  );
  for (const files of [second.disk.written, second.disk.synced]) (files.get(newest) as Uint8Array)[12] ^= 0xff;
  for (let restart = 0; restart < 3; restart += 1) assert.ok(restartedAlone(cluster, second).startsWith('n1.1:1-1,3-'));
  second.start();
  cluster.heal();
  cluster.pass(10_000);
  assertWhole(cluster);
});

function checkpointNumber(disk: MemoryDisk, file: string): number {
  const bytes = disk.synced.get(file) ?? new Uint8Array(8);
  return bytes[6] + 256 * bytes[7];
}

recovery('a lost segment file stays a hole over two restarts', () => {
  const { cluster, second } = twoCopies({ retainGarbageBytesMax: 1e9 });
  cluster.isolate(second);
  second.crash();
  const file = second.fileWith('precious b');
  assert.ok(file);
  second.disk.written.delete(file as string);
  second.disk.synced.delete(file as string);
  const holed = restartedAlone(cluster, second);
  assert.is.not(holed, 'n1.1:1-64');
  assert.is(restartedAlone(cluster, second), holed);
  second.start();
  cluster.heal();
  cluster.pass(10_000);
  assertWhole(cluster);
});

recovery('an unsynced tail that is read back is made durable before it is served', () => {
  const before = new OneNode().start();
  before.remember({ id: 'first', text: 'one' });
  before.holdSyncs = true;
  before.send({ $case: 'remember', value: { episode: before.episode({ id: 'x', text: 'never synced' }), context: new Uint8Array(0) } });
  assert.not(textOnDisk(before.disk.synced, 'never synced'));
  // Only the process ends: what it wrote is still in the cache of the system.
  const killed = new OneNode({ disk: before.disk }).start();
  assert.is(found(killed, 'x'), true);
  assert.ok(textOnDisk(killed.disk.synced, 'never synced'));
  const afterPowerLoss = new OneNode({ disk: killed.disk.afterCrash() }).start();
  assert.is(found(afterPowerLoss, 'x'), true);
  assert.not(afterPowerLoss.events.some((event) => event.kind === 'log.damage-found'));
});

recovery('a bad sector takes with it what is in it, and nothing else', () => {
  const before = new OneNode().start();
  const ids = Array.from({ length: 12 }, (_, at) => `m${at}`);
  for (const id of ids) before.remember({ id, text: `text of ${id} ${'.'.repeat(1_500)}` });
  const disk = before.disk.afterCrash();
  const [file, bytes] = [...disk.synced].find(([, content]) => textOnDisk(new Map([['', content]]), 'text of m5')) as [string, Uint8Array];
  const textAt = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('text of m5');
  const sectorAt = Math.ceil(textAt / 512) * 512;
  disk.badSectors = { file, offset: sectorAt, end: sectorAt + 512 };
  const after = new OneNode({ disk }).start();
  assert.equal(
    ids.filter((id) => found(after, id)),
    ids.filter((id) => id !== 'm5'),
  );
});

recovery('what was durable is never at stake while the tail is made durable', () => {
  const before = new OneNode().start();
  before.remember({ id: 'x', text: 'acknowledged' });
  // No watermark says yet that the group was synced.
  const [segment] = before.writes;
  const killed = new OneNode({ disk: before.disk }).start();
  assert.is(found(killed, 'x'), true);
  assert.ok(segment?.startsWith('wal'));
  assert.not(killed.writes.includes(segment), 'a segment that holds acknowledged records is written over');
});

recovery('what was durable is not written over either where its segment has a bad sector', () => {
  const before = new OneNode().start();
  before.remember({ id: 'x', text: `acknowledged ${'.'.repeat(1_500)}` });
  before.remember({ id: 'y', text: 'acknowledged too, and no watermark says so' });
  const [segment] = before.writes;
  assert.ok(segment?.startsWith('wal'));
  before.disk.badSectors = { file: segment, offset: 512, end: 1_024 };
  const killed = new OneNode({ disk: before.disk }).start();
  assert.is(found(killed, 'y'), true);
  assert.not(killed.writes.includes(segment), 'a segment that holds acknowledged records is written over');
  const afterPowerLoss = new OneNode({ disk: killed.disk.afterCrash() }).start();
  assert.is(found(afterPowerLoss, 'y'), true);
});

/** Of a node that was killed before the last of two writes was synced. */
function diskWithUnsyncedTail(): MemoryDisk {
  const node = new OneNode().start();
  node.remember({ id: 'x', text: 'durable' });
  node.pass(3_000);
  node.holdSyncs = true;
  node.send({ $case: 'remember', value: { episode: node.episode({ id: 'y', text: 'never synced' }), context: new Uint8Array(0) } });
  return node.disk;
}

recovery('on a full disk the tail is made durable in the room of what was reserved and never used', () => {
  const disk = diskWithUnsyncedTail();
  disk.capacityBytes = disk.used();
  const killed = new OneNode({ disk }).start();
  killed.pass(3_000);
  assert.ok(textOnDisk(disk.synced, 'never synced'));
  assert.is(found(killed, 'y'), true);
});

recovery('where there is no room to write the tail anew it is synced where it stands before it is served', () => {
  const disk = diskWithUnsyncedTail();
  for (const [file, bytes] of [...disk.written]) if (bytes.every((byte) => byte === 0)) disk.written.delete(file);
  disk.capacityBytes = disk.used();
  const killed = new OneNode({ disk });
  killed.holdSyncs = true;
  killed.start();
  assert.is(found(killed, 'y'), false);
  killed.releaseSyncs();
  assert.is(found(killed, 'x'), true);
  assert.is(found(killed, 'y'), true);
  assert.ok(textOnDisk(disk.synced, 'never synced'));
  assert.is(killed.writes.length, 0);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  killed.pass(3_000);
  assert.is(killed.remember({ id: 'z', text: 'new' }).body?.$case, 'written');
  const afterPowerLoss = new OneNode({ disk: disk.afterCrash() }).start();
  for (const id of ['x', 'y', 'z']) assert.is(found(afterPowerLoss, id), true);
});

recovery('starts that fail before they write where the old segments end find everything again', () => {
  const before = new OneNode().start();
  for (let at = 0; at < 5; at += 1) before.remember({ id: `m${at}`, text: `text ${at}` });
  let { disk } = before;
  for (let start = 0; start < 4; start += 1) {
    const node = new OneNode({ disk });
    node.noRoomFor = 'checkpoint';
    node.start();
    ({ disk } = node);
  }
  const segments = [...disk.written.keys()].filter((file) => file.startsWith('wal'));
  assert.ok(segments.length <= 2 + 4 + 1, `each start adds one segment at most, not ${segments.join(', ')}`);
  const last = new OneNode({ disk }).start();
  for (let at = 0; at < 5; at += 1) assert.is(found(last, `m${at}`), true);
});

recovery('a copy that was killed acknowledges nothing before it is durable', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  second.holdSyncs = true;
  const handle = first.remember({ id: 'x', text: 'two copies' }, { ack: AckLevel.ACK_ALL, deadlineMs: 20_000 });
  second.kill();
  second.start();
  cluster.pass(500);
  // It waits for the sync of what it found, and says nothing meanwhile.
  assert.ok(second.heldCount > 0);
  assert.is(first.outcome(handle), 'unanswered');
  second.release();
  cluster.pass(2_000);
  assert.is(first.outcome(handle), 'written');
  first.crash();
  second.crash();
  second.start();
  cluster.pass(3_000);
  assert.is(second.text('x'), 'two copies');
});

recovery('a node whose disk has no room for a new boot serves reads, refuses writes, and goes on once there is room', () => {
  for (const roomBytes of [0, 40]) {
    const before = new OneNode().start();
    before.remember({ id: 'x', text: 'precious' });
    before.pass(3_000);
    const disk = before.disk.afterCrash();
    disk.capacityBytes = disk.used() + roomBytes;
    const node = new OneNode({ disk }).start();
    assert.is(found(node, 'x'), true, `${roomBytes} bytes left`);
    const refused = node.remember({ id: 'y', text: 'new' });
    assert.is(refused.body?.$case === 'failure' ? refused.body.value.code : refused.body?.$case, 'STORAGE_FULL');
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    node.pass(3_000);
    assert.is(node.remember({ id: 'y', text: 'new' }).body?.$case, 'written');
  }
});

function found(node: OneNode, id: string): boolean {
  const { body } = node.get(id);
  return body?.$case === 'got' && body.value.memory !== undefined;
}

function textOnDisk(files: ReadonlyMap<string, Uint8Array>, text: string): boolean {
  return [...files.values()].some((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text));
}

recovery.run();

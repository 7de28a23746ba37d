import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MemoryDisk, OneNode } from './test-support/one-node.js';
import { decodeEpisode } from './wire/episode.js';
import type { Reply } from './wire/generated/engram/v1/service.js';

const one = suite('one node');

type Bodies = { [Body in NonNullable<Reply['body']> as Body['$case']]: Body['value'] };

function bodyOf<Case extends keyof Bodies>(reply: Reply, expected: Case): Bodies[Case] {
  assert.is(reply.body?.$case, expected, JSON.stringify(reply.body));
  return reply.body?.value as Bodies[Case];
}

function textOf(node: OneNode, id: string): string | null {
  const { memory } = bodyOf(node.get(id), 'got');
  return memory === undefined ? null : (decodeEpisode(memory.episode, node.pure)?.text ?? null);
}

one('remembers, answers, updates and forgets', () => {
  const node = new OneNode().start();
  bodyOf(node.remember({ id: 'a', text: 'first' }), 'written');
  assert.is(textOf(node, 'a'), 'first');
  bodyOf(node.remember({ id: 'a', text: 'second' }), 'written');
  assert.is(textOf(node, 'a'), 'second');
  bodyOf(node.ask({ $case: 'forget', value: { id: 'a', context: new Uint8Array(0), expectedVersion: new Uint8Array(0) } }), 'written');
  assert.is(textOf(node, 'a'), null);
  bodyOf(node.remember({ id: 'a', text: 'third' }), 'written');
  assert.is(textOf(node, 'a'), 'third');
});

one('remembering the same content again writes nothing', () => {
  const node = new OneNode().start();
  const first = bodyOf(node.remember({ id: 'a', text: 'same' }), 'written');
  const again = bodyOf(node.remember({ id: 'a', text: 'same' }), 'written');
  assert.ok(again.duplicate);
  assert.equal(again.version, first.version);
});

one('a retry under its request id is recognised, also after another write and a restart', () => {
  const requestId = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
  const node = new OneNode().start();
  bodyOf(node.remember({ id: 'a', text: 'one' }, { requestId }), 'written');
  bodyOf(node.remember({ id: 'a', text: 'two' }), 'written');
  assert.ok(bodyOf(node.remember({ id: 'a', text: 'one' }, { requestId }), 'written').duplicate);
  assert.is(textOf(node, 'a'), 'two');
  const again = new OneNode({ disk: node.disk.afterCrash() }).start();
  assert.ok(bodyOf(again.remember({ id: 'a', text: 'one' }, { requestId }), 'written').duplicate);
  assert.is(textOf(again, 'a'), 'two');
});

one('no reply leaves before its sync has completed, and nobody reads what is not synced', () => {
  const node = new OneNode().start();
  node.holdSyncs = true;
  const handle = node.send({ $case: 'remember', value: { episode: node.episode({ id: 'a', text: 'held' }), context: new Uint8Array(0) } });
  node.pass(2_000);
  assert.not(node.replies.has(handle));
  assert.is(textOf(node, 'a'), null);
  node.releaseSyncs();
  assert.is(node.replies.get(handle)?.body?.$case, 'written');
  assert.is(textOf(node, 'a'), 'held');
});

one('what was acknowledged is there after a crash; what was not synced is not', () => {
  const node = new OneNode().start();
  for (let n = 0; n < 200; n += 1) bodyOf(node.remember({ id: `m${n}`, text: `text ${n}` }), 'written');
  node.holdSyncs = true;
  node.send({ $case: 'remember', value: { episode: node.episode({ id: 'late', text: 'late' }), context: new Uint8Array(0) } });
  const again = new OneNode({ disk: node.disk.afterCrash() }).start();
  assert.is(again.halted, null);
  for (let n = 0; n < 200; n += 1) assert.is(textOf(again, `m${n}`), `text ${n}`);
  assert.is(textOf(again, 'late'), null);
});

one('compaction gives up dominated records and keeps every memory, across restarts', () => {
  const node = new OneNode({ storage: { segmentBytes: 8_192, cacheBytesMax: 1_024 } }).start();
  for (let n = 0; n < 600; n += 1) bodyOf(node.remember({ id: `m${n % 10}`, text: `text ${n} ${'x'.repeat(100)}` }), 'written');
  assert.ok(node.events.some((event) => event.kind === 'log.segment-compacted'));
  assert.ok(node.disk.used() < 120_000, `log stays small: ${node.disk.used()}`);
  const again = new OneNode({ disk: node.disk.afterCrash(), storage: { segmentBytes: 8_192, cacheBytesMax: 1_024 } }).start();
  for (const where of [node, again]) {
    for (let n = 590; n < 600; n += 1) assert.ok(textOf(where, `m${n % 10}`)?.startsWith(`text ${n} `));
  }
  assert.not(again.events.some((event) => event.kind === 'hole.found' || event.kind === 'log.damage-found'));
});

one('damage below the watermark is reported and nothing behind it is lost', () => {
  const node = new OneNode().start();
  for (let n = 0; n < 20; n += 1) bodyOf(node.remember({ id: `m${n}`, text: `text ${n}` }), 'written');
  const disk = node.disk.afterCrash();
  const log = disk.written.get('wal-00000001');
  assert.ok(log);
  for (let at = 700; at < 760; at += 1) log[at] ^= 0x5a;
  const again = new OneNode({ disk }).start();
  assert.is(again.halted, null);
  assert.ok(again.events.some((event) => event.kind === 'log.damage-found'));
  assert.is(textOf(again, 'm0'), 'text 0');
  assert.is(textOf(again, 'm19'), 'text 19');
});

/** Damages every stored record that contains the text. */
function rot(disk: MemoryDisk, text: string): void {
  for (const files of [disk.written, disk.synced]) {
    for (const [file, bytes] of files) {
      const at = file.startsWith('wal') ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(text) : -1;
      if (at >= 0) bytes[at] ^= 0x5a;
    }
  }
}

one('a space of which all is lost is not taken for one that never was, also after a refused write', () => {
  const storage = { segmentBytes: 4_096 };
  const node = new OneNode({ storage }).start();
  bodyOf(node.remember({ id: 'a', text: 'precious' }), 'written');
  for (let n = 0; n < 40; n += 1) node.remember({ id: 'hot', text: `hot ${n} `.padEnd(300, 'x') }, { space: 'filler' });
  const disk = node.disk.afterCrash();
  rot(disk, 'precious');
  const again = new OneNode({ disk, storage }).start();
  assert.is(bodyOf(again.get('a'), 'failure').code, 'DATA_DAMAGED');
  const episode = again.episode({ id: 'b', text: 'never remembered' });
  const update = { episode, context: new Uint8Array(0), expectedVersion: new Uint8Array(0) };
  assert.is(bodyOf(again.ask({ $case: 'update', value: update }), 'failure').code, 'NOT_FOUND');
  assert.is(bodyOf(again.get('a'), 'failure').code, 'DATA_DAMAGED');
});

one('a segment with a record that cannot be read does not keep others from being compacted', () => {
  const storage = { segmentBytes: 4_096, retainGarbageBytesMax: 16_384, compactLiveShareMax: 0.6, cacheBytesMax: 0 };
  const node = new OneNode({ storage }).start();
  bodyOf(node.remember({ id: 'a', text: 'precious' }), 'written');
  for (let n = 0; n < 300; n += 1) {
    if (n === 14) rot(node.disk, 'precious');
    // Each segment keeps a little that is needed, the damaged one the least.
    if (n % 8 === 0) node.remember({ id: `kept ${n}`, text: `kept ${n} `.padEnd(300, 'x') });
    node.remember({ id: 'hot', text: `hot ${n} `.padEnd(300, 'x') });
  }
  assert.ok(node.disk.used() < 60_000, `log stays small: ${node.disk.used()}`);
  assert.is(bodyOf(node.get('a'), 'failure').code, 'DATA_DAMAGED');
});

one('a torn tail is cut and not taken for damage at the start after next', () => {
  const node = new OneNode().start();
  for (let n = 0; n < 20; n += 1) bodyOf(node.remember({ id: `m${n}`, text: `text ${n}` }), 'written');
  const disk = node.disk.afterCrash();
  const log = disk.written.get('wal-00000001');
  assert.ok(log);
  const end = log.findLastIndex((byte) => byte !== 0) + 1;
  log.fill(0xaa, end + 8, end + 200);
  const second = new OneNode({ disk }).start();
  assert.ok(second.events.some((event) => event.kind === 'log.tail-cut'));
  bodyOf(second.remember({ id: 'new', text: 'new' }), 'written');
  const third = new OneNode({ disk: second.disk.afterCrash() }).start();
  assert.not(third.events.some((event) => event.kind === 'log.damage-found'));
  assert.is(textOf(third, 'm19'), 'text 19');
  assert.is(textOf(third, 'new'), 'new');
});

one('a full disk refuses writes, serves reads and recovers by itself', () => {
  const node = new OneNode({ storage: { segmentBytes: 4_096 } }).start();
  bodyOf(node.remember({ id: 'a', text: 'before' }), 'written');
  node.disk.capacityBytes = node.disk.used();
  let refused = 0;
  for (let n = 0; n < 40; n += 1) {
    const handle = node.send({
      $case: 'remember',
      value: { episode: node.episode({ id: `f${n}`, text: 'y'.repeat(300) }), context: new Uint8Array(0) },
    });
    const reply = node.replies.get(handle);
    if (reply?.body?.$case === 'failure' && reply.body.value.code === 'STORAGE_FULL') refused += 1;
  }
  assert.ok(refused > 0, 'writes are refused');
  assert.is(textOf(node, 'a'), 'before');
  node.disk.capacityBytes = Number.POSITIVE_INFINITY;
  node.pass(3_000);
  bodyOf(node.remember({ id: 'after', text: 'after' }), 'written');
  assert.is(textOf(node, 'after'), 'after');
});

one('recalls by embedding, time and context', () => {
  const node = new OneNode().start();
  const at = (angle: number): Float32Array => Float32Array.of(1 - angle, angle);
  for (let n = 0; n <= 10; n += 1) {
    node.remember({
      id: `v${n}`,
      text: `${n}`,
      embedding: at(n / 10),
      occurredAtMs: n * 1_000,
      who: n % 2 === 0 ? 'ada' : 'bob',
      tags: [`t${n % 3}`],
    });
  }
  const recall = {
    embedding: [1, 0],
    embedder: '',
    limit: 3,
    occurredFromMs: undefined,
    occurredUntilMs: undefined,
    who: '',
    where: '',
    tags: [],
    confidenceMin: 0,
  };
  const ids = (reply: Reply): string[] =>
    bodyOf(reply, 'recalled').memories.map(({ episode }) => decodeEpisode(episode, node.pure)?.id ?? '');
  assert.equal(ids(node.ask({ $case: 'recall', value: recall })), ['v0', 'v1', 'v2']);
  assert.equal(ids(node.ask({ $case: 'recall', value: { ...recall, who: 'bob' } })), ['v1', 'v3', 'v5']);
  assert.equal(ids(node.ask({ $case: 'recall', value: { ...recall, tags: ['t0'], who: 'ada' } })), ['v0', 'v6']);
  assert.equal(ids(node.ask({ $case: 'recall', value: { ...recall, embedding: [], limit: 2 } })), ['v10', 'v9']);
  assert.equal(ids(node.ask({ $case: 'recall', value: { ...recall, occurredFromMs: 4_000, occurredUntilMs: 6_000 } })), ['v4', 'v5']);
  const wrong = bodyOf(node.ask({ $case: 'recall', value: { ...recall, embedding: [1, 0, 0] } }), 'failure');
  assert.is(wrong.code, 'DIMENSION_MISMATCH');
});

one('a refused write leaves no space behind, and a started node is writable', () => {
  const node = new OneNode().start();
  assert.ok(node.events.some((event) => event.kind === 'node.started'));
  for (let n = 0; n < 20; n += 1) {
    assert.is(bodyOf(node.remember({ id: 'a', confidence: 2 }, { space: `refused-${n}` }), 'failure').code, 'INVALID_ARGUMENT');
  }
  bodyOf(node.remember({ id: 'a' }, { space: 'taken' }), 'written');
  const status = bodyOf(node.ask({ $case: 'status', value: {} }), 'status');
  assert.ok(status.writable, status.reason);
  assert.equal(
    status.spaces.map(({ name }) => name),
    ['taken'],
  );
});

one.run();

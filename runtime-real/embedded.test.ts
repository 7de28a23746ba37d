/** Embedded mode against bad luck: a sync that does not end, a full disk, a killed process, a damaged log, a cache far too small. */
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importAndKill } from './cli/demo/crash.js';
import { readPassages } from './cli/demo/passages.js';
import { openEngram } from './client/open.js';
import { type FileCalls, systemFileCalls } from './disk/file-calls.js';
import { type DomainEvent, EngramError } from './index.js';

async function inDirectory(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'engram-embedded-'));
  try {
    await test(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function errorOf(promise: Promise<unknown>): Promise<EngramError> {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  assert.instance(error, EngramError);
  return error;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const oneMiB = 2 ** 20;
const small = { segmentBytes: oneMiB };

/** The log's segments, oldest first. */
function segmentsOf(dataDir: string): string[] {
  const files = readdirSync(dataDir, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ name }) => join(dataDir, name))
    .filter((path) => statSync(path).size >= oneMiB / 2)
    .sort();
}

function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

/** Where the text stands in the file, or -1. */
function find(path: string, text: string): number {
  return readFileSync(path).indexOf(text);
}

const embedded = suite('embedded');

embedded('no reply leaves before fdatasync has completed', () =>
  inDirectory(async (dataDir) => {
    let hold = false;
    const held: (() => void)[] = [];
    const fileCalls: FileCalls = {
      ...systemFileCalls,
      syncData: async (descriptor) => {
        if (hold) await new Promise<void>((resolve) => held.push(resolve));
        return systemFileCalls.syncData(descriptor);
      },
    };
    const engram = await openEngram({ dataDir }, { fileCalls });
    const space = engram.space();
    await space.remember({ id: 'before', text: 'before' });
    hold = true;
    const answered: string[] = [];
    const writes = [
      space.remember({ id: 'one', text: 'one' }).then(() => answered.push('remember')),
      space.rememberBatch([{ id: 'two', text: 'two' }]).then(() => answered.push('batch')),
      space.update({ id: 'before', text: 'after' }).then(() => answered.push('update')),
    ];
    await pause(150);
    assert.equal(answered, []);
    assert.ok(held.length > 0, 'a sync is in flight');
    // What is not synced is not visible either: a crash must not un-read it.
    assert.is((await space.get('before'))?.text, 'before');
    assert.is(await space.get('one'), null);
    hold = false;
    for (const release of held) release();
    await Promise.all(writes);
    assert.is(answered.length, 3);
    assert.is((await space.get('before'))?.text, 'after');
    await engram.close();
  }),
);

embedded('a failed sync stops the store: waiting writes are unknown, and nothing is acknowledged any more', () =>
  inDirectory(async (dataDir) => {
    let fail = false;
    const fileCalls: FileCalls = {
      ...systemFileCalls,
      syncData: (descriptor) =>
        fail
          ? Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
          : systemFileCalls.syncData(descriptor),
    };
    const engram = await openEngram({ dataDir }, { fileCalls });
    await engram.space().remember({ id: 'a', text: 'one' });
    fail = true;
    const error = await errorOf(engram.space().remember({ id: 'b', text: 'two' }));
    assert.is(error.outcome, 'unknown');
    assert.instance(await errorOf(engram.space().get('a')), EngramError);
    await engram.close();
    const again = await openEngram({ dataDir });
    assert.is((await again.space().get('a'))?.text, 'one');
    await again.close();
  }),
);

embedded('one process per directory: the second is told who has it', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const error = await errorOf(openEngram({ dataDir }));
    assert.is(error.code, 'DATA_DIRECTORY_LOCKED');
    assert.match(error.message, dataDir);
    assert.match(error.message, String(process.pid));
    await engram.close();
    await (await openEngram({ dataDir })).close();
  }),
);

embedded('after close everything is refused, and closing again is no error', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const last = engram.space().remember({ id: 'a', text: 'one' });
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([engram.close(), engram.close()]);
    assert.is((await last).id, 'a');
    assert.is((await errorOf(engram.space().get('a'))).code, 'CLOSED');
  }),
);

embedded('imports and recalls with a cache of 1 % of the data', () =>
  inDirectory(async (dataDir) => {
    const { all } = readPassages();
    const bytes = all.reduce((sum, { episode, vector }) => sum + episode.text.length + vector.byteLength, 0);
    const options = { dataDir, cacheBytesMax: Math.floor(bytes / 100), storage: small };
    const first = await openEngram(options);
    await first.space().rememberBatch(all.map(({ episode, vector }) => ({ ...episode, embedding: vector })));
    await first.close();
    const engram = await openEngram(options);
    for (const { episode } of all) assert.is((await engram.space().get(episode.id))?.text, episode.text);
    for (const { episode, vector } of all.filter((_, at) => at % 20 === 0)) {
      const { memories } = await engram.space().recall({ embedding: vector, limit: 5 });
      const best = memories.find(({ score }) => score > 0.9999);
      assert.ok(best !== undefined && memories.some(({ id }) => id === episode.id) && memories.length === 5);
    }
    await engram.close();
  }),
);

embedded('a process killed with SIGKILL in the middle of an import loses nothing that it acknowledged', () =>
  inDirectory(async (dataDir) => {
    const { all } = readPassages();
    const episodes = all.map(({ episode }) => episode);
    const texts = new Map(all.map(({ episode }) => [episode.id, episode.text]));
    for (const killAfter of [30, 200, 410]) {
      const { acknowledged } = await importAndKill({ dataDir, space: `killed-${killAfter}`, episodes, killAfter });
      assert.ok(acknowledged.length >= killAfter && acknowledged.length < episodes.length);
      const engram = await openEngram({ dataDir });
      for (const id of acknowledged) assert.is((await engram.space(`killed-${killAfter}`).get(id))?.text, texts.get(id));
      await engram.close();
    }
  }),
);

/** The system's calls on a medium with so many bytes left. */
function mediumWith(left: { bytes: number }): FileCalls {
  const take = (parts: readonly Uint8Array[], descriptor: number, offset: number, size: number): void => {
    const end = offset + parts.reduce((sum, part) => sum + part.length, 0);
    // Only what makes a file longer takes space: the rest was reserved.
    const more = Math.max(0, end - size);
    if (more > left.bytes) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    left.bytes -= more;
    assert.ok(descriptor >= 0);
  };
  const sizes = new Map<number, number>();
  const note = (descriptor: number, parts: readonly Uint8Array[], offset: number): void => {
    const size = sizes.get(descriptor) ?? 0;
    take(parts, descriptor, offset, size);
    sizes.set(descriptor, Math.max(size, offset + parts.reduce((sum, part) => sum + part.length, 0)));
  };
  return {
    ...systemFileCalls,
    sizeOf: async (descriptor) => {
      const size = await systemFileCalls.sizeOf(descriptor);
      sizes.set(descriptor, size);
      return size;
    },
    close: async (descriptor) => {
      sizes.delete(descriptor);
      return systemFileCalls.close(descriptor);
    },
    truncate: async (descriptor, bytes) => {
      left.bytes += Math.max(0, (sizes.get(descriptor) ?? 0) - bytes);
      sizes.set(descriptor, bytes);
      return systemFileCalls.truncate(descriptor, bytes);
    },
    write: async (descriptor, parts, offset) => {
      note(descriptor, parts, offset);
      return systemFileCalls.write(descriptor, parts, offset);
    },
    writeNow: (descriptor, parts, offset) => {
      note(descriptor, parts, offset);
      return systemFileCalls.writeNow(descriptor, parts, offset);
    },
  };
}

embedded('a full disk refuses writes, goes on serving reads, and takes writes again when space returns', () =>
  inDirectory(async (dataDir) => {
    const left = { bytes: 3.5 * oneMiB };
    const storage = { ...small, fullRetryMs: 50 };
    const engram = await openEngram({ dataDir, storage }, { fileCalls: mediumWith(left) });
    const space = engram.space();
    const text = 'x'.repeat(100_000);
    const kept: string[] = [];
    let refused: EngramError | null = null;
    for (let at = 0; at < 100 && refused === null; at += 1) {
      await space.remember({ id: `f${at}`, text, embed: false }, { deadlineMs: 2_000 }).then(
        ({ id }) => kept.push(id),
        (error) => {
          refused = error;
        },
      );
    }
    assert.is((refused as EngramError | null)?.code, 'STORAGE_FULL');
    assert.ok(kept.length > 5);
    for (const id of kept) assert.is((await space.get(id))?.text, text);
    assert.not.ok((await engram.status()).writable);
    left.bytes = 100 * oneMiB;
    await pause(300);
    await space.remember({ id: 'after', text });
    assert.ok((await engram.status()).writable);
    await engram.close();
    const again = await openEngram({ dataDir, storage });
    for (const id of kept) assert.is((await again.space().get(id))?.text, text);
    await again.close();
  }),
);

/** A directory with `count` memories over several segments, closed. */
async function filled(dataDir: string, count: number): Promise<void> {
  const engram = await openEngram({ dataDir, storage: small });
  for (let at = 0; at < count; at += 1)
    await engram.space().remember({ id: `d${at}`, text: `marker-${at}-${'y'.repeat(60_000)}`, embed: false });
  await engram.close();
}

embedded('a torn tail is cut: what was acknowledged stays, and writing goes on', () =>
  inDirectory(async (dataDir) => {
    await filled(dataDir, 10);
    const tail = segmentsOf(dataDir).find((path) => find(path, 'marker-9-') >= 0) as string;
    // As a crash in the middle of an append leaves it: bytes of a group that never became whole, behind the last whole one.
    overwrite(tail, find(tail, 'marker-9-') + 60_200, new Uint8Array(3_000).fill(0xa5));
    const engram = await openEngram({ dataDir, storage: small });
    for (let at = 0; at < 10; at += 1) assert.match((await engram.space().get(`d${at}`))?.text ?? '', `marker-${at}-`);
    await engram.space().remember({ id: 'next', text: 'goes on' });
    await engram.close();
    const again = await openEngram({ dataDir, storage: small });
    assert.is((await again.space().get('next'))?.text, 'goes on');
    await again.close();
  }),
);

embedded('damage in the middle is reported and costs only what it hit', () =>
  inDirectory(async (dataDir) => {
    await filled(dataDir, 40);
    const hit = segmentsOf(dataDir).find((path) => find(path, 'marker-5-') >= 0) as string;
    overwrite(hit, find(hit, 'marker-5-') + 100, new Uint8Array(64).fill(0));
    const events: DomainEvent[] = [];
    const engram = await openEngram({ dataDir, storage: small, onEvent: (event) => events.push(event) });
    const others = Array.from({ length: 40 }, (_, at) => at).filter((at) => at !== 5);
    const found = await Promise.all(others.map((at) => engram.space().get(`d${at}`)));
    for (const [position, at] of others.entries()) assert.match(found[position]?.text ?? '', `marker-${at}-`, `memory ${at}`);
    const answer = await engram
      .space()
      .get('d5')
      .catch((error) => error);
    assert.ok(answer === null || answer.code === 'DATA_DAMAGED', 'a damaged memory is never served');
    const reports = events.filter(({ kind }) => ['log.damage-found', 'record.damaged', 'hole.found'].includes(kind));
    assert.ok(reports.length > 0, events.map(({ kind }) => kind).join(' '));
    await engram.space().remember({ id: 'next', text: 'goes on' });
    await engram.close();
  }),
);

embedded('a checkpoint from a newer version is refused without touching it', () =>
  inDirectory(async (dataDir) => {
    await filled(dataDir, 40);
    const checkpoint = readdirSync(dataDir).find((name) => /checkpoint/.test(name)) as string;
    const path = join(dataDir, checkpoint);
    const copy = join(dataDir, '..', `${Date.now()}-copy`);
    const bytes = readFileSync(path);
    newerVersion(bytes);
    writeFileSync(path, bytes);
    copyFileSync(path, copy);
    const error = await errorOf(openEngram({ dataDir, storage: small }));
    assert.is(error.code, 'UNSUPPORTED_FORMAT', error.message);
    assert.ok(readFileSync(path).equals(readFileSync(copy)));
    rmSync(copy);
  }),
);

embedded('a truncated segment below what was synced is damage, not a torn tail', () =>
  inDirectory(async (dataDir) => {
    await filled(dataDir, 40);
    const [first] = segmentsOf(dataDir) as [string];
    truncateSync(first, Math.floor(statSync(first).size / 2));
    const events: DomainEvent[] = [];
    const engram = await openEngram({ dataDir, storage: small, onEvent: (event) => events.push(event) });
    assert.ok(
      events.some(({ kind }) => kind === 'log.damage-found' || kind === 'hole.found'),
      events.map(({ kind }) => kind).join(' '),
    );
    assert.match((await engram.space().get('d39'))?.text ?? '', 'marker-39-');
    await engram.close();
  }),
);

embedded('a large scan runs on a worker thread and answers the same', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const dimensions = 256;
    const vector = (seed: number): Float32Array =>
      Float32Array.from({ length: dimensions }, (_, at) => Math.sin(seed * 7.3 + at * (1 + (seed % 13))));
    await engram.space().rememberBatch(Array.from({ length: 6_000 }, (_, at) => ({ id: `w${at}`, embedding: vector(at) })));
    const { memories, coverage } = await engram.space().recall({ embedding: vector(4_321), limit: 3 });
    assert.is(coverage.searched, 6_000);
    assert.ok((memories[0]?.score ?? 0) > 0.999_9);
    assert.is(memories[0]?.id, 'w4321');
    await engram.close();
  }),
);

embedded('an open store that nobody uses does not keep the process alive', () =>
  inDirectory(async (dataDir) => {
    const index = new URL('./index.ts', import.meta.url).href;
    const script = `
      const { openEngram } = await import(${JSON.stringify(index)});
      const engram = await openEngram({ dataDir: process.argv[1] });
      await engram.space().remember({ text: 'one' });
      console.log('done');
    `;
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, dataDir];
    assert.is(execFileSync(process.execPath, words, { encoding: 'utf8', timeout: 10_000 }).trim(), 'done');
  }),
);

embedded('a small real medium that fills up behaves the same', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'engram-full-'));
  const mounted = await new Promise<boolean>((resolve) => {
    const child = spawn('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'engram-test', mount], { stdio: 'ignore' });
    child.once('error', () => resolve(false)).once('exit', (code) => resolve(code === 0));
  });
  try {
    if (!mounted) return;
    const engram = await openEngram({ dataDir: mount, storage: small });
    const kept: string[] = [];
    let code = '';
    for (let at = 0; at < 100 && code === ''; at += 1) {
      await engram
        .space()
        .remember({ id: `f${at}`, text: 'x'.repeat(200_000), embed: false }, { deadlineMs: 1_000 })
        .then(
          ({ id }) => kept.push(id),
          (error) => {
            code = error.code;
          },
        );
    }
    assert.is(code, 'STORAGE_FULL');
    for (const id of kept) assert.is((await engram.space().get(id))?.text.length, 200_000);
    await engram.close();
  } finally {
    if (mounted) execFileSync('umount', [mount]);
    rmSync(mount, { recursive: true, force: true });
  }
});

/** Raises the format version, which stands behind the four bytes that name the format, and seals the file anew. */
function newerVersion(bytes: Buffer): void {
  bytes.writeUInt16LE(200, 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
}

embedded.run();

/** Embedded mode on disks that are full, torn, damaged, or written by a later version: an error that says so, and nothing lost beyond what was hit. */
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngram } from './client/open.js';
import { type FileCalls, systemFileCalls } from './disk/file-calls.js';
import type { DomainEvent, EngramError } from './index.js';
import { errorOf } from './test-support/error-of.js';
import { inDirectory } from './test-support/in-directory.js';

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

const badDisk = suite('bad disk');

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

badDisk('a full disk refuses writes, goes on serving reads, and takes writes again when space returns', () =>
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
    while (!(await engram.status()).writable) await pause(10);
    await space.remember({ id: 'after', text });
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

badDisk('a torn tail is cut: what was acknowledged stays, and writing goes on', () =>
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

badDisk('damage in the middle is reported and costs only what it hit', () =>
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

badDisk('a checkpoint from a newer version is refused without touching it', () =>
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

badDisk('a truncated segment below what was synced is damage, not a torn tail', () =>
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

badDisk('a data directory that goes away while it is in use: calls fail and say so, instead of being acknowledged into nowhere', () =>
  inDirectory(async (folder) => {
    const dataDir = join(folder, 'data');
    const engram = await openEngram({ dataDir });
    const space = engram.space();
    const write = (id: string): Promise<unknown> => space.remember({ id, text: 'one', embed: false });
    await write('a');
    // Moved in one step: removing it file by file would race with the store's own.
    renameSync(dataDir, join(folder, 'elsewhere'));
    for (let goesOn = true; goesOn; ) {
      goesOn = await write('b').then(
        () => true,
        () => false,
      );
    }
    const error = await errorOf(write('c'));
    assert.is(error.code, 'DATA_DIRECTORY_UNUSABLE', error.message);
    assert.match(error.message, dataDir);
    await engram.close();
  }),
);

/** Raises the format version, which stands behind the four bytes that name the format, and seals the file anew. */
function newerVersion(bytes: Buffer): void {
  bytes.writeUInt16LE(200, 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
}

badDisk.run();

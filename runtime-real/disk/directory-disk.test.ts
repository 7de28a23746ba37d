/** The real disk: order, durability calls, errors as the core knows them, and nothing left behind by what failed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiskResult } from '../../core/events.js';
import { type DirectoryDisk, openDirectoryDisk } from './directory-disk.js';
import { type FileCalls, systemFileCalls } from './file-calls.js';

interface Bench {
  readonly directory: string;
  readonly disk: DirectoryDisk;
  /** Runs an operation and resolves with its report. */
  do(operate: (disk: DirectoryDisk, ticket: number) => void): Promise<DiskResult>;
  readonly reported: number[];
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const codeOf = (result: DiskResult): string => (result.kind === 'failed' ? result.code : result.kind);

async function withDisk(test: (bench: Bench) => Promise<void>, calls: FileCalls = systemFileCalls): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'engram-disk-'));
  const waiting = new Map<number, (result: DiskResult) => void>();
  const reported: number[] = [];
  let tickets = 0;
  const report = (ticket: number, result: DiskResult): void => {
    reported.push(ticket);
    waiting.get(ticket)?.(result);
  };
  const disk = await openDirectoryDisk(directory, report, calls);
  const run: Bench['do'] = (operate) => {
    tickets += 1;
    const ticket = tickets;
    return new Promise((resolve) => {
      waiting.set(ticket, resolve);
      operate(disk, ticket);
    });
  };
  try {
    await test({ directory, disk, do: run, reported });
  } finally {
    await disk.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The system's calls, with the writes of a medium on which `bytesMax` more bytes fit. */
function fullAfter(bytesMax: number): FileCalls {
  let left = bytesMax;
  const take = (parts: readonly Uint8Array[]): Uint8Array[] => {
    const wanted = parts.reduce((sum, part) => sum + part.length, 0);
    if (left === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const fitting = Buffer.concat(parts).subarray(0, Math.min(left, wanted));
    left -= fitting.length;
    return [fitting];
  };
  return {
    ...systemFileCalls,
    write: async (descriptor, parts, offset) => systemFileCalls.write(descriptor, take(parts), offset),
    writeNow: (descriptor, parts, offset) => systemFileCalls.writeNow(descriptor, take(parts), offset),
  };
}

const disk = suite('directory disk');

disk('reads back what was written, and fewer bytes past the end', () =>
  withDisk(async (bench) => {
    assert.is(codeOf(await bench.do((d, t) => d.reserve('log', 100, t))), 'done');
    assert.is(codeOf(await bench.do((d, t) => d.write('log', 10, [bytes('ab'), bytes(''), bytes('cde')], t))), 'done');
    const read = await bench.do((d, t) => d.read('log', { offset: 8, length: 10 }, t));
    assert.equal(read, { kind: 'read', bytes: new Uint8Array([0, 0, ...bytes('abcde'), 0, 0, 0]) });
    const end = await bench.do((d, t) => d.read('log', { offset: 95, length: 10 }, t));
    assert.is(end.kind === 'read' ? end.bytes.length : -1, 5);
  }),
);

disk('a large write of many parts arrives whole', () =>
  withDisk(async (bench) => {
    const parts = Array.from({ length: 3_000 }, (_, at) => new Uint8Array(1_000).fill(at));
    await bench.do((d, t) => d.reserve('log', 4_000_000, t));
    await bench.do((d, t) => d.write('log', 123, parts, t));
    assert.ok(Buffer.concat(parts).equals(readFileSync(join(bench.directory, 'log')).subarray(123, 3_000_123)));
  }),
);

disk('a missing file cannot be read, written or synced', () =>
  withDisk(async (bench) => {
    assert.is(codeOf(await bench.do((d, t) => d.read('log', { offset: 0, length: 1 }, t))), 'ENOENT');
    assert.is(codeOf(await bench.do((d, t) => d.write('log', 0, [bytes('a')], t))), 'ENOENT');
    assert.is(codeOf(await bench.do((d, t) => d.sync('log', t))), 'ENOENT');
  }),
);

disk('lists files by name with their sizes, and neither folders nor interrupted replacements', () =>
  withDisk(async (bench) => {
    for (const name of ['b', 'a', 'c']) await bench.do((d, t) => d.reserve(name, 10, t));
    writeFileSync(join(bench.directory, 'a.replacement'), 'half');
    const listed = await bench.do((d, t) => d.list(t));
    assert.equal(listed, { kind: 'listed', files: ['a', 'b', 'c'].map((name) => ({ name, bytes: 10 })) });
  }),
);

disk('operations on one file end in the order of the calls', () =>
  withDisk(async (bench) => {
    const all = [
      bench.do((d, t) => d.reserve('log', 3_000_000, t)),
      bench.do((d, t) => d.write('log', 0, [bytes('first')], t)),
      bench.do((d, t) => d.write('log', 0, [bytes('later')], t)),
      bench.do((d, t) => d.sync('log', t)),
      bench.do((d, t) => d.replace('log', bytes('replaced'), t)),
      bench.do((d, t) => d.read('log', { offset: 0, length: 100 }, t)),
      bench.do((d, t) => d.remove('log', t)),
    ];
    const results = await Promise.all(all);
    assert.equal(bench.reported, [1, 2, 3, 4, 5, 6, 7]);
    assert.equal(results[5], { kind: 'read', bytes: bytes('replaced') });
    assert.equal(readdirSync(bench.directory), []);
  }),
);

disk('removing a missing file succeeds', () =>
  withDisk(async (bench) => assert.is(codeOf(await bench.do((d, t) => d.remove('log', t))), 'done')),
);

disk('a reservation never shrinks a file', () =>
  withDisk(async (bench) => {
    await bench.do((d, t) => d.reserve('log', 100, t));
    await bench.do((d, t) => d.reserve('log', 10, t));
    assert.is(statSync(join(bench.directory, 'log')).size, 100);
  }),
);

disk('a refused reservation leaves nothing behind', () =>
  withDisk(async (bench) => {
    assert.is(codeOf(await bench.do((d, t) => d.reserve('log', 3_000_000, t))), 'ENOSPC');
    assert.equal(readdirSync(bench.directory), []);
  }, fullAfter(1_500_000)),
);

disk('a refused extension leaves the file as long as it was', () =>
  withDisk(async (bench) => {
    assert.is(codeOf(await bench.do((d, t) => d.reserve('log', 1_000_000, t))), 'done');
    assert.is(codeOf(await bench.do((d, t) => d.reserve('log', 3_000_000, t))), 'ENOSPC');
    assert.is(statSync(join(bench.directory, 'log')).size, 1_000_000);
  }, fullAfter(1_500_000)),
);

disk('a refused replacement leaves the old file', () =>
  withDisk(async (bench) => {
    await bench.do((d, t) => d.replace('meta', bytes('old'), t));
    assert.is(codeOf(await bench.do((d, t) => d.replace('meta', bytes('newer'), t))), 'ENOSPC');
    assert.is(readFileSync(join(bench.directory, 'meta'), 'utf8'), 'old');
    assert.equal(readdirSync(bench.directory), ['meta']);
  }, fullAfter(5)),
);

disk('a real medium that is full reads as ENOSPC', async () => {
  await withDisk(async (bench) => {
    const full = systemFileCalls.open('/dev/full', 2);
    const written = await systemFileCalls.write(await full, [bytes('a')], 0).catch((error) => error.code);
    assert.is(written, 'ENOSPC');
    await systemFileCalls.close(await full);
    assert.ok(bench);
  });
});

disk('reads and writes go on while a sync is in flight; the next sync waits for it', async () => {
  const held: (() => void)[] = [];
  const calls: FileCalls = { ...systemFileCalls, syncData: () => new Promise((resolve) => held.push(resolve)) };
  await withDisk(async (bench) => {
    await bench.do((d, t) => d.reserve('log', 100, t));
    const syncs = [bench.do((d, t) => d.sync('log', t)), bench.do((d, t) => d.sync('log', t))];
    await bench.do((d, t) => d.write('log', 0, [bytes('gathered')], t));
    await bench.do((d, t) => d.read('log', { offset: 0, length: 8 }, t));
    assert.is(held.length, 1);
    assert.not.ok(bench.reported.includes(2));
    held.shift()?.();
    await syncs[0];
    await new Promise((resolve) => setImmediate(resolve));
    held.shift()?.();
    await syncs[1];
  }, calls);
});

disk.run();

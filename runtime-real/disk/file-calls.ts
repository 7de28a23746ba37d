/**
 * The calls that the disk makes on the operating system: Node's own, behind an interface so that tests can hold back a sync or fill a disk.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { DiskFailure, DiskResult } from '../../core/events.js';

/** The part of node:fs that the disk uses. */
export interface FileCalls {
  open(path: string, flags: number): Promise<number>;
  close(descriptor: number): Promise<void>;
  /** Bytes read, at most the buffer's length. */
  read(descriptor: number, into: Uint8Array, offset: number): Promise<number>;
  /** Bytes written; fewer than given when the disk fills up in the middle. */
  write(descriptor: number, parts: readonly Uint8Array[], offset: number): Promise<number>;
  writeNow(descriptor: number, parts: readonly Uint8Array[], offset: number): number;
  sizeOf(descriptor: number): Promise<number>;
  truncate(descriptor: number, bytes: number): Promise<void>;
  /** fdatasync: the bytes and the file's length. */
  syncData(descriptor: number): Promise<void>;
  /** fsync: as syncData; for a directory, its entries. */
  syncAll(descriptor: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  list(directory: string): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);
const stat = promisify(fs.stat);
const readdir = promisify(fs.readdir);

/** What Node offers, over its thread pool, except `writeNow`. */
export const systemFileCalls: FileCalls = {
  open: (path, flags) => open(path, flags, 0o600),
  close,
  read: (descriptor, into, offset) =>
    new Promise((resolve, reject) => {
      fs.read(descriptor, into, 0, into.length, offset, (error, count) => (error === null ? resolve(count) : reject(error)));
    }),
  write: (descriptor, parts, offset) =>
    new Promise((resolve, reject) => {
      fs.writev(descriptor, parts, offset, (error, count) => (error === null ? resolve(count) : reject(error)));
    }),
  writeNow: (descriptor, parts, offset) => fs.writevSync(descriptor, parts, offset),
  sizeOf: async (descriptor) => (await fstat(descriptor)).size,
  truncate: promisify(fs.ftruncate),
  syncData: promisify(fs.fdatasync),
  syncAll: promisify(fs.fsync),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  list: async (directory) => {
    const entries = await readdir(directory, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    return Promise.all(files.map(async (name) => ({ name, bytes: (await stat(`${directory}/${name}`)).size })));
  },
};

const failures: Readonly<Record<string, DiskFailure>> = { EIO: 'EIO', ENOSPC: 'ENOSPC', EDQUOT: 'ENOSPC', ENOENT: 'ENOENT' };

/** What the core hears of a failed call. */
export function failureOf(error: unknown): Extract<DiskResult, { kind: 'failed' }> {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  return { kind: 'failed', code: failures[code] ?? 'EOTHER', message: error instanceof Error ? error.message : String(error) };
}

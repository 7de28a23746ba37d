/**
 * The disk of the real runtime: the files of one data directory, by name. Implements core/effects.ts `Disk`.
 *
 * What is reported as done is as durable as the interface says: `sync` is fdatasync; creating, replacing and removing a file ends with an fsync of
 * the directory. Never retries a failed sync (law 5): a second fdatasync may report success for pages that the first has dropped.
 */
import { constants } from 'node:fs';
import { basename, join } from 'node:path';
import type { Disk, Ticket } from '../../core/effects.js';
import type { DiskResult } from '../../core/events.js';
import { compareText } from '../../core/identifiers.js';
import { invariant } from '../../core/invariant.js';
import { type FileCalls, failureOf, systemFileCalls } from './file-calls.js';
import { FileLane, type OperationKind } from './file-lane.js';

/** Written at once on this thread: copying 256 KiB into the page cache takes 20 µs, a round trip through the thread pool 60 µs. */
const writeNowBytesMax = 256 * 2 ** 10;
const zeros = new Uint8Array(2 ** 20);
/** Idle files are closed beyond this many. */
const filesOpenMax = 256;
const replacementSuffix = '.replacement';

export interface DirectoryDisk extends Disk {
  /** Waits for the operations under way and closes the files. */
  close(): Promise<void>;
}

class FileState {
  readonly lane = new FileLane();
  descriptor: Promise<number> | null = null;
}

class RealDirectoryDisk implements DirectoryDisk {
  readonly #files = new Map<string, FileState>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(
    readonly directory: string,
    readonly directoryDescriptor: number,
    readonly report: (ticket: Ticket, result: DiskResult) => void,
    readonly calls: FileCalls,
  ) {}

  list(ticket: Ticket): void {
    this.#run(ticket, async () => {
      const files = [...(await this.calls.list(this.directory))].filter(({ name }) => !name.endsWith(replacementSuffix));
      return { kind: 'listed', files: files.sort((left, right) => compareText(left.name, right.name)) };
    });
  }

  read(file: string, span: { readonly offset: number; readonly length: number }, ticket: Ticket): void {
    this.#enter(file, 'read', ticket, async (state) => {
      const descriptor = await this.#descriptor(file, state);
      const bytes = new Uint8Array(span.length);
      let got = 0;
      while (got < span.length) {
        const count = await this.calls.read(descriptor, bytes.subarray(got), span.offset + got);
        if (count === 0) break;
        got += count;
      }
      return { kind: 'read', bytes: got === span.length ? bytes : bytes.slice(0, got) };
    });
  }

  reserve(file: string, bytes: number, ticket: Ticket): void {
    this.#enter(file, 'shape', ticket, async (state) => {
      const created = await this.#openOrCreate(file, state);
      const descriptor = await this.#descriptor(file, state);
      const before = await this.calls.sizeOf(descriptor);
      try {
        for (let at = before; at < bytes; at += zeros.length) {
          await this.#writeAll(descriptor, at, [zeros.subarray(0, Math.min(zeros.length, bytes - at))]);
        }
        if (before < bytes) await this.calls.syncAll(descriptor);
        if (created) await this.calls.syncAll(this.directoryDescriptor);
      } catch (error) {
        await this.#undoReserve(file, state, created ? null : before);
        throw error;
      }
      return { kind: 'done' };
    });
  }

  write(file: string, offset: number, parts: readonly Uint8Array[], ticket: Ticket): void {
    this.#enter(file, 'write', ticket, async (state) => {
      await this.#writeAll(await this.#descriptor(file, state), offset, parts);
      return { kind: 'done' };
    });
  }

  sync(file: string, ticket: Ticket): void {
    this.#enter(file, 'sync', ticket, async (state) => {
      await this.calls.syncData(await this.#descriptor(file, state));
      return { kind: 'done' };
    });
  }

  replace(file: string, bytes: Uint8Array, ticket: Ticket): void {
    this.#enter(file, 'shape', ticket, async (state) => {
      const path = this.#path(`${file}${replacementSuffix}`);
      try {
        const descriptor = await this.calls.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC);
        try {
          await this.#writeAll(descriptor, 0, [bytes]);
          await this.calls.syncData(descriptor);
        } finally {
          await this.calls.close(descriptor);
        }
        await this.calls.rename(path, this.#path(file));
      } catch (error) {
        await this.calls.unlink(path).catch(() => {});
        throw error;
      }
      await this.#forgetDescriptor(state);
      await this.calls.syncAll(this.directoryDescriptor);
      return { kind: 'done' };
    });
  }

  remove(file: string, ticket: Ticket): void {
    this.#enter(file, 'shape', ticket, async (state) => {
      await this.#forgetDescriptor(state);
      await this.calls.unlink(this.#path(file)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await this.calls.syncAll(this.directoryDescriptor);
      return { kind: 'done' };
    });
  }

  async close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    for (const state of this.#files.values()) await this.#forgetDescriptor(state);
    this.#files.clear();
    await this.calls.close(this.directoryDescriptor);
  }

  /** Removes what an interrupted `replace` left behind: never named by anyone. */
  async sweep(): Promise<void> {
    for (const { name } of await this.calls.list(this.directory)) {
      if (name.endsWith(replacementSuffix)) await this.calls.unlink(join(this.directory, name));
    }
  }

  #path(file: string): string {
    invariant(file === basename(file) && file !== '' && file !== '.' && file !== '..', `a file is named without a path, got ${file}`);
    return join(this.directory, file);
  }

  #enter(file: string, kind: OperationKind, ticket: Ticket, operate: (state: FileState) => Promise<DiskResult>): void {
    const state = this.#files.get(file) ?? new FileState();
    this.#files.set(file, state);
    state.lane.enter(kind, () => this.#run(ticket, () => operate(state)));
  }

  #run(ticket: Ticket, operate: () => Promise<DiskResult>): Promise<void> {
    const ended = operate()
      .catch(failureOf)
      .then((result) => {
        this.#underWay.delete(ended);
        this.report(ticket, result);
      });
    this.#underWay.add(ended);
    return ended;
  }

  async #writeAll(descriptor: number, offset: number, parts: readonly Uint8Array[]): Promise<void> {
    let rest = parts.filter((part) => part.length > 0);
    let at = offset;
    let bytes = rest.reduce((sum, part) => sum + part.length, 0);
    while (bytes > 0) {
      const now = bytes <= writeNowBytesMax;
      const written = now ? this.calls.writeNow(descriptor, rest, at) : await this.calls.write(descriptor, rest, at);
      at += written;
      bytes -= written;
      if (bytes > 0) rest = after(rest, written);
    }
  }

  #descriptor(file: string, state: FileState): Promise<number> {
    if (state.descriptor === null) {
      this.#closeIdle();
      state.descriptor = this.calls.open(this.#path(file), constants.O_RDWR);
      state.descriptor.catch(() => {
        state.descriptor = null;
      });
    }
    return state.descriptor;
  }

  async #openOrCreate(file: string, state: FileState): Promise<boolean> {
    try {
      await this.#descriptor(file, state);
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const descriptor = this.calls.open(this.#path(file), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
    await descriptor;
    state.descriptor = descriptor;
    return true;
  }

  /** Gives back what a failed reservation took: the file as long as before, or gone (`before` null). */
  async #undoReserve(file: string, state: FileState, before: number | null): Promise<void> {
    if (before !== null) return this.calls.truncate(await this.#descriptor(file, state), before).catch(() => {});
    await this.#forgetDescriptor(state);
    await this.calls.unlink(this.#path(file)).catch(() => {});
  }

  async #forgetDescriptor(state: FileState): Promise<void> {
    const descriptor = state.descriptor;
    state.descriptor = null;
    if (descriptor !== null) await this.calls.close(await descriptor).catch(() => {});
  }

  #closeIdle(): void {
    if (this.#files.size < filesOpenMax) return;
    for (const [name, state] of this.#files) {
      if (!state.lane.idle) continue;
      this.#files.delete(name);
      void this.#forgetDescriptor(state);
    }
  }
}

/** The parts without their first `written` bytes. */
function after(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = written;
  for (const part of parts) {
    if (skip < part.length) rest.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return rest;
}

/** Opens the disk of an existing directory. `report` hears of each operation's end exactly once, never from within the call that asked for it. */
export async function openDirectoryDisk(
  directory: string,
  report: (ticket: Ticket, result: DiskResult) => void,
  calls: FileCalls = systemFileCalls,
): Promise<DirectoryDisk> {
  const descriptor = await calls.open(directory, constants.O_RDONLY);
  const disk = new RealDirectoryDisk(directory, descriptor, report, calls);
  await disk.sweep();
  return disk;
}

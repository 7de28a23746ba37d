/**
 * A node's disk: files by name, operations that take time, and what becomes of all that when the power goes.
 *
 * Operations on one file take effect one after another, each when its time is up. Making, replacing and removing a file is durable with its
 * completion; one in flight at a crash may or may not have happened. A write in flight may have reached any of its sectors.
 */
import type { DiskFailure, DiskResult } from '../core/events.js';
import type { DiskOperation } from '../scenarios/fault-plan.js';
import { Draws, type Seed } from '../scenarios/random-streams.js';
import type { DiskRates } from '../scenarios/run-plan.js';
import { type CrashProfile, crashProfiles, DiskFile, type Extent } from './disk-file.js';
import { crc32 } from './pure-functions.js';

export type DiskRequestKind = 'list' | 'read' | 'reserve' | 'write' | 'sync' | 'replace' | 'remove';

/** One operation under way. `offset` and `length` mean what the kind makes of them. */
export interface DiskRequest {
  readonly kind: DiskRequestKind;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly parts: readonly Uint8Array[];
  readonly ticket: number;
}

export interface DurableWrite extends Extent {
  readonly atUs: number;
  readonly file: DiskFile;
}

const done: DiskResult = { kind: 'done' };

function failed(code: DiskFailure, message: string): DiskResult {
  return { kind: 'failed', code, message };
}

export class DiskModel {
  readonly #seed: Seed;
  readonly #node: string;
  readonly #rates: DiskRates;
  readonly #latency: Draws;
  readonly #files = new Map<string, DiskFile>();
  readonly #freeAtUs = new Map<string, number>();
  #inFlight: DiskRequest[] = [];
  /** When anything happened to it last. */
  #nowUs = 0;
  readonly #errorsUntilUs: Record<DiskOperation, number> = { read: 0, write: 0, sync: 0 };
  /** Nothing completes before. */
  stalledUntilUs = 0;
  /** Sum of file sizes that fits; null is unlimited. */
  capacityBytes: number | null = null;
  /** Whether any file has sectors that cannot be read. */
  badSectors = false;
  /** Operations that a fault delayed or failed. */
  disturbed = 0;
  /** Every write that ever became durable, in the order in which it did; files that are gone among them. */
  readonly durableWrites: DurableWrite[] = [];

  constructor(options: { readonly seed: Seed; readonly node: string; readonly rates: DiskRates }) {
    this.#seed = options.seed;
    this.#node = options.node;
    this.#rates = options.rates;
    this.#latency = new Draws(options.seed, `disk.latency/${options.node}`);
  }

  /** Files in the order of their names. */
  get files(): DiskFile[] {
    return [...this.#files.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  file(name: string): DiskFile | null {
    return this.#files.get(name) ?? null;
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  failUntil(operation: DiskOperation, untilUs: number): void {
    this.#errorsUntilUs[operation] = untilUs;
  }

  /** Lifts stalls, errors and bounds. */
  mend(): void {
    this.stalledUntilUs = 0;
    this.capacityBytes = null;
    this.failUntil('read', 0);
    this.failUntil('write', 0);
    this.failUntil('sync', 0);
  }

  /** Takes a request and returns the time at which to complete it. */
  submit(request: DiskRequest, nowUs: number): number {
    this.#inFlight.push(request);
    const startUs = Math.max(nowUs, this.#freeAtUs.get(request.file) ?? 0);
    const endUs = startUs + this.#latencyUs(request);
    this.#freeAtUs.set(request.file, endUs);
    return endUs;
  }

  /** The request takes effect. */
  complete(request: DiskRequest, nowUs: number): DiskResult {
    this.#nowUs = nowUs;
    const at = this.#inFlight.indexOf(request);
    this.#inFlight.splice(at, 1);
    if (request.kind === 'read' || request.kind === 'write' || request.kind === 'sync') {
      if (nowUs < this.#errorsUntilUs[request.kind]) return this.#failWithError(request);
      if (this.badSectors && request.kind === 'read' && this.#isRefused(request, nowUs)) return this.#failWithError(request);
    }
    return this.#perform(request);
  }

  /**
   * Loses power. What survives is in the files afterwards, drawn for the moment of the crash: what an earlier crash drew leaves it as it was. Returns
   * the number of sectors that were at stake.
   */
  crash(atUs: number): number {
    this.#nowUs = atUs;
    const draws = new Draws(this.#seed, `disk.crash/${this.#node}/${atUs}`);
    const profile = draws.pick(crashProfiles);
    const pending = this.#inFlight;
    this.#inFlight = [];
    this.#freeAtUs.clear();
    for (const request of pending) this.#halfPerform(request, draws);
    let sectors = 0;
    for (const file of this.files) sectors += this.#crashFile(file, profile, draws);
    return sectors;
  }

  /**
   * The process ends and the machine goes on: of what is under way on a file a first part happens whole, the rest not at all. What was written and not synced
   * stays for readers, and power loss may still take it. Returns whether there is any.
   */
  kill(atUs: number): boolean {
    this.#nowUs = atUs;
    const draws = new Draws(this.#seed, `disk.kill/${this.#node}/${atUs}`);
    const pending = this.#inFlight;
    this.#inFlight = [];
    this.#freeAtUs.clear();
    const stopped = new Set<string>();
    for (const request of pending) {
      if (request.kind === 'list' || request.kind === 'read' || stopped.has(request.file)) continue;
      if (draws.chance(0.7)) this.#perform(request);
      else stopped.add(request.file);
    }
    return this.files.some((file) => file.unsyncedIn(0, file.size));
  }

  #crashFile(file: DiskFile, profile: CrashProfile, draws: Draws): number {
    const { sectors, survivors } = file.crash(profile, draws);
    this.#becameDurable(file, survivors);
    return sectors;
  }

  #becameDurable(file: DiskFile, extents: readonly Extent[]): void {
    for (const { offset, length } of extents) this.durableWrites.push({ file, offset, length, atUs: this.#nowUs });
  }

  /** In flight when the power went. */
  #halfPerform(request: DiskRequest, draws: Draws): void {
    switch (request.kind) {
      case 'write':
        // The sectors that it reached are drawn with those of the other unsynced writes.
        if (this.#files.has(request.file)) this.#perform(request);
        return;
      case 'reserve':
      case 'replace':
      case 'remove':
      case 'sync':
        if (draws.chance(0.5)) this.#perform(request);
        return;
      default:
    }
  }

  #isRefused({ file, offset, length }: DiskRequest, nowUs: number): boolean {
    return this.#files.get(file)?.refuses(offset, offset + length, nowUs) === true;
  }

  #failWithError(request: DiskRequest): DiskResult {
    this.disturbed += 1;
    const file = this.#files.get(request.file);
    if (file !== undefined && request.kind === 'write') file.write(request.offset, request.parts);
    if (file !== undefined && request.kind !== 'read') file.syncFailed();
    return failed('EIO', `${request.kind} of ${request.file} failed`);
  }

  #perform(request: DiskRequest): DiskResult {
    const file = this.#files.get(request.file);
    switch (request.kind) {
      case 'list':
        return { kind: 'listed', files: this.files.map(({ name, size }) => ({ name, bytes: size })) };
      case 'read':
        if (file === undefined) return failed('ENOENT', `there is no file ${request.file}`);
        return { kind: 'read', bytes: file.read(request.offset, request.length) };
      case 'reserve':
        return this.#reserve(request);
      case 'write':
        if (file === undefined) return failed('ENOENT', `there is no file ${request.file}`);
        if (!this.#fits(file, request.offset + request.length)) return failed('ENOSPC', 'no space left on the medium');
        file.write(request.offset, request.parts);
        return done;
      case 'sync':
        if (file === undefined) return failed('ENOENT', `there is no file ${request.file}`);
        this.#becameDurable(file, file.sync());
        return done;
      case 'replace':
        return this.#replace(request);
      case 'remove':
        this.#files.delete(request.file);
        return done;
    }
  }

  #reserve(request: DiskRequest): DiskResult {
    const file = this.#files.get(request.file) ?? new DiskFile(request.file);
    if (!this.#fits(file, request.length)) return failed('ENOSPC', 'no space left on the medium');
    this.#files.set(request.file, file);
    file.size = Math.max(file.size, request.length);
    return done;
  }

  #replace(request: DiskRequest): DiskResult {
    const file = new DiskFile(request.file);
    if (!this.#fits(this.#files.get(request.file) ?? file, request.length)) return failed('ENOSPC', 'no space left on the medium');
    file.write(0, request.parts);
    this.#becameDurable(file, file.sync());
    this.#files.set(request.file, file);
    return done;
  }

  #fits(file: DiskFile, size: number): boolean {
    if (this.capacityBytes === null || size <= file.size) return true;
    let used = 0;
    for (const other of this.#files.values()) used += other.size;
    if (used - (this.#files.has(file.name) ? file.size : 0) + size <= this.capacityBytes) return true;
    this.disturbed += 1;
    return false;
  }

  #latencyUs(request: DiskRequest): number {
    const [least, most] = this.#span(request.kind);
    let latencyUs = least + Math.floor(this.#latency.fraction() * (most - least));
    // 160 MB/s to 4 GB/s by kind of medium: about the length over a gigabyte a second on top.
    latencyUs += Math.floor(request.length / 1_000);
    if (this.#rates.slow > 0 && this.#latency.fraction() < this.#rates.slow) latencyUs *= 20;
    return latencyUs;
  }

  #span(kind: DiskRequestKind): readonly [number, number] {
    switch (kind) {
      case 'read':
      case 'list':
        return this.#rates.readUs;
      case 'write':
        return this.#rates.writeUs;
      default:
        return this.#rates.syncUs;
    }
  }
}

/** A number that depends on what a disk operation did. */
export function detailOf(request: DiskRequest, result: DiskResult): number {
  let detail = Math.imul(request.offset, 31) + request.kind.length;
  if (request.kind === 'write' || request.kind === 'replace') for (const part of request.parts) detail = crc32(part, detail >>> 0);
  else if (result.kind === 'read') detail = crc32(result.bytes, detail >>> 0);
  return result.kind === 'failed' ? ~detail : detail;
}

/**
 * One file of a simulated disk: the bytes that readers see, and what of them would not survive a loss of power.
 *
 * Fault model of a crash. Bytes that were synced stay as they are. Of bytes written and not yet synced, each 512-byte sector is on its own: it holds
 * the old bytes, the new ones, zeros, garbage, or is torn within (new up to some byte, old from there). Sectors that a write shares with synced
 * bytes keep those; but synced bytes that are written over are at stake like all others until the next sync.
 */
import type { Draws } from '../scenarios/random-streams.js';

export const sectorBytes = 512;

export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** A write that no sync has covered yet. */
interface Unsynced extends Extent {
  /** What stood there before; null where nothing had ever been written: zeros. */
  readonly before: Uint8Array | null;
  /** A sync that should have covered it failed: no later sync will. */
  lost: boolean;
}

/** What becomes of a sector that was written and not synced. */
export type Fate = 'old' | 'new' | 'zero' | 'garbage' | 'torn';

/** How likely each fate of a sector is, in one crash. */
export type CrashProfile = readonly (readonly [Fate, number])[];

/** Mild and wild crashes alike: reordered sectors mostly, or a whole tail gone, or a mess. */
export const crashProfiles: readonly CrashProfile[] = [
  [['old', 1]],
  [['new', 1]],
  [
    ['new', 0.45],
    ['old', 0.45],
    ['torn', 0.1],
  ],
  [
    ['new', 0.3],
    ['old', 0.2],
    ['zero', 0.2],
    ['torn', 0.15],
    ['garbage', 0.15],
  ],
  [
    ['new', 0.85],
    ['old', 0.05],
    ['zero', 0.04],
    ['torn', 0.03],
    ['garbage', 0.03],
  ],
];

export class DiskFile {
  readonly name: string;
  /** Length that readers see. */
  size = 0;
  /** Bytes up to the last one ever written; zeros follow up to `size`. */
  bytes = new Uint8Array(0);
  /** End of what was ever written. */
  writtenEnd = 0;
  #unsynced: Unsynced[] = [];
  /** Bytes that rotted, as they were: newest last. */
  readonly #rotted: { readonly offset: number; readonly before: Uint8Array }[] = [];

  /** Sectors that the medium does not give. */
  readonly #refused: { readonly offset: number; readonly end: number; readonly untilUs: number }[] = [];

  constructor(name: string) {
    this.name = name;
  }

  write(offset: number, parts: readonly Uint8Array[]): number {
    let length = 0;
    for (const part of parts) length += part.length;
    this.#makeRoom(offset + length);
    const before = offset < this.writtenEnd ? this.bytes.slice(offset, offset + length) : null;
    let at = offset;
    for (const part of parts) {
      this.bytes.set(part, at);
      at += part.length;
    }
    this.writtenEnd = Math.max(this.writtenEnd, at);
    this.size = Math.max(this.size, at);
    this.#unsynced.push({ offset, length, before, lost: false });
    return length;
  }

  /** A copy: readers may keep it. */
  read(offset: number, length: number): Uint8Array {
    const end = Math.min(this.size, offset + length);
    if (end <= this.writtenEnd) return this.bytes.slice(offset, end);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    if (offset < this.writtenEnd) bytes.set(this.bytes.subarray(offset, Math.min(end, this.writtenEnd)));
    return bytes;
  }

  /** Returns what has become durable by it, in the order of the writes. */
  sync(): readonly Extent[] {
    const covered = this.#unsynced;
    this.#unsynced = [];
    if (!covered.some((write) => write.lost)) return covered;
    this.#unsynced = covered.filter((write) => write.lost);
    return covered.filter((write) => !write.lost);
  }

  /** A sync failed: the system drops the pages as if they were clean, and a later sync says nothing about them. */
  syncFailed(): void {
    for (const write of this.#unsynced) write.lost = true;
  }

  /** Whether any byte of the range could be lost by a crash now. */
  unsyncedIn(offset: number, end: number): boolean {
    return this.#unsynced.some((write) => write.offset < end && offset < write.offset + write.length);
  }

  /**
   * Power is lost. Later writes meet their fate first: a sector that goes back may go back twice. Returns the number of sectors at stake and the
   * writes that survived whole with all before them: those are as good as synced, whatever follows them is a torn tail.
   */
  crash(profile: CrashProfile, draws: Draws): { readonly sectors: number; readonly survivors: readonly Extent[] } {
    const writes = this.#unsynced;
    this.#unsynced = [];
    let sectors = 0;
    let intact = writes.length;
    for (let at = writes.length - 1; at >= 0; at -= 1) {
      const { offset, length, before } = writes[at];
      for (let from = offset; from < offset + length; ) {
        const to = Math.min(offset + length, from - (from % sectorBytes) + sectorBytes);
        const old = before === null ? null : before.subarray(from - offset, to - offset);
        if (!this.#meet(draws.weighted(profile), { from, to, old }, draws)) intact = at;
        sectors += 1;
        from = to;
      }
    }
    return { sectors, survivors: writes.slice(0, intact) };
  }

  /** Bits flip and stay flipped. */
  rot(offset: number, length: number, draws: Draws): void {
    const end = Math.min(offset + length, this.writtenEnd);
    this.#rotted.push({ offset, before: this.bytes.slice(offset, end) });
    for (let at = offset; at < end; at += 1) this.bytes[at] ^= draws.integer({ min: 1, max: 255 });
  }

  /** Other bytes stand there from now on, whatever was written. */
  overwrite(offset: number, bytes: Uint8Array): void {
    this.#rotted.push({ offset, before: this.bytes.slice(offset, offset + bytes.length) });
    this.bytes.set(bytes, offset);
  }

  /** Reads that touch these bytes fail until then. */
  refuse(offset: number, length: number, untilUs: number): void {
    this.#refused.push({ offset, end: offset + length, untilUs });
  }

  /** Whether a read of the range fails at this time. */
  refuses(offset: number, end: number, nowUs: number): boolean {
    return this.#refused.some((bad) => bad.offset < end && offset < bad.end && nowUs < bad.untilUs);
  }

  /** The bytes as they were before any of them rotted. */
  pristine(): Uint8Array {
    if (this.#rotted.length === 0) return this.bytes;
    const bytes = this.bytes.slice();
    for (const { offset, before } of this.#rotted.toReversed()) bytes.set(before, offset);
    return bytes;
  }

  /** True when the sector holds what was written. */
  #meet(fate: Fate, part: { readonly from: number; readonly to: number; readonly old: Uint8Array | null }, draws: Draws): boolean {
    const { from, to, old } = part;
    if (fate === 'old') this.#putBack(from, to, old, 0);
    else if (fate === 'zero') this.bytes.fill(0, from, to);
    else if (fate === 'torn') this.#putBack(from, to, old, draws.integer({ min: 0, max: to - from - 1 }));
    else if (fate === 'garbage') for (let at = from; at < to; at += 1) this.bytes[at] = draws.uint32();
    return fate === 'new';
  }

  /** The old bytes from `kept` on. */
  #putBack(from: number, to: number, before: Uint8Array | null, kept: number): void {
    if (before === null) this.bytes.fill(0, from + kept, to);
    else this.bytes.set(before.subarray(kept), from + kept);
  }

  #makeRoom(end: number): void {
    if (end <= this.bytes.length) return;
    // Room for more only where more is reserved: a file that is replaced whole gets what it holds.
    const wider = new Uint8Array(Math.max(end, Math.min(this.size, Math.max(this.bytes.length * 4, 16_384))));
    wider.set(this.bytes.subarray(0, this.writtenEnd));
    this.bytes = wider;
  }
}

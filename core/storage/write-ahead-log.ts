/**
 * The write-ahead log: gathers records into groups, appends and syncs one group at a time, and says when each is durable. It is also the store:
 * whoever keeps a position may read the record back from it.
 *
 * Group commit: everything that arrives while a sync is in flight forms the next group. Space on the medium is reserved before a record is accepted,
 * so that an accepted record never fails for want of space. A failed append or sync halts the node: after it nothing is known about the file.
 *
 * Faults survived: a crash at any point (torn, reordered, garbage sectors above the watermark); a full disk (refused, never half-written).
 */
import type { StorageOptions } from '../configuration.js';
import type { Effects } from '../effects.js';
import type { DiskResult, Now } from '../events.js';
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { readU32 } from '../wire/bytes.js';
import type { DiskCalls } from './disk-calls.js';
import { GatherPause } from './gather-pause.js';
import { foldRecord, groupAlignment, groupHeaderBytes, type LogPosition, paddedGroupBytes, sealGroup } from './group.js';
import { newSegment, type Segment, segmentFile } from './segment.js';

/** `wait`: come back at the next `roomChanged`. `full`: the disk has no space. */
export type Room = 'yes' | 'wait' | 'full';

/** A group on its way to the disk; `attachments[i]` belongs to record i. */
export interface Group<Attachment> {
  readonly segment: Segment;
  /** Offset of the group in its segment. */
  readonly offset: number;
  /** Header, records, padding. Records begin at `groupHeaderBytes`. Valid until the owner returns from `groupSynced`. */
  readonly bytes: Uint8Array;
  readonly recordBytes: number;
  readonly attachments: readonly Attachment[];
}

export interface LogOwner<Attachment> {
  /** The group is on its way to the disk; nothing about it is promised yet. */
  groupSent(group: Group<Attachment>, now: Now): void;
  /** All records of the group are durable. */
  groupSynced(group: Group<Attachment>, now: Now): void;
  /** A segment is complete: all of it is durable and nothing will be added. */
  segmentSealed(segment: Segment, now: Now): void;
  /** There may be room for what was told to wait. */
  roomChanged(now: Now): void;
}

const gatherBytesAtFirst = 64 * 1_024;
const watermarkTimer = 'log.watermark';
const reserveTimer = 'log.reserve';
const gatherTimer = 'log.gather';
/** Records of so many bytes are worth a sync of their own. */
const groupBytesEnough = 256 * 1_024;

export class WriteAheadLog<Attachment> {
  readonly #options: StorageOptions;
  readonly #effects: Effects;
  readonly #disk: DiskCalls;
  readonly #pure: PureFunctions;
  readonly #owner: LogOwner<Attachment>;
  readonly segments = new Map<number, Segment>();

  #current: Segment | null = null;
  #spare: Segment | null = null;
  #reserving = false;
  #full = false;
  /** From the first reservation that failed until one succeeds: both ends are told. */
  #fullTold = false;
  #nextNumber = 1;

  #gather: Uint8Array = new Uint8Array(gatherBytesAtFirst);
  #gatherRecordBytes = 0;
  readonly #gatherPause: GatherPause;
  /** When the timer for it is armed; 0 when it is not. */
  #waitingUntilMs = 0;
  #gatherFold = 0;
  #attachments: Attachment[] = [];
  #inFlight: Group<Attachment> | null = null;
  /** Buffers whose group is synced, for the next gathering. */
  #idleBuffer: Uint8Array | null = null;

  /** Everything before is durable. */
  #durable: LogPosition = { segment: 0, offset: 0 };
  /** Whether a group with records has become durable that no watermark on disk covers yet. */
  #watermarkBehind = false;

  constructor(options: StorageOptions, effects: Effects, disk: DiskCalls, pure: PureFunctions, owner: LogOwner<Attachment>) {
    this.#options = options;
    this.#effects = effects;
    this.#disk = disk;
    this.#pure = pure;
    this.#owner = owner;
    const bytesEnough = Math.min(groupBytesEnough, options.groupBytesMax / 2);
    this.#gatherPause = new GatherPause({ msMax: options.gatherPauseMsMax, bytesEnough });
  }

  /** Opens a fresh segment for this boot behind the recovered ones. Writes are accepted once `roomChanged` is called. */
  open(recovered: Iterable<Segment>, nextNumber: number): void {
    for (const segment of recovered) this.segments.set(segment.number, segment);
    this.#nextNumber = nextNumber;
    this.#growSpare();
  }

  get writable(): boolean {
    return this.#current !== null && !this.#full;
  }

  /** How far the segment being written is durable. */
  durableEndOf(number: number): number {
    return this.#durable.segment === number ? this.#durable.offset : 0;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Where the next group will stand, or behind; null while there is no segment to write to. */
  get end(): LogPosition | null {
    return this.#current === null ? null : { segment: this.#current.number, offset: this.#current.endBytes };
  }

  get currentSegment(): number {
    return this.#current === null ? 0 : this.#current.number;
  }

  /** Record bytes accepted and not yet durable. */
  get unsyncedBytes(): number {
    return this.#gatherRecordBytes + (this.#inFlight?.recordBytes ?? 0);
  }

  /** Whether a record of `bytes` can be accepted now. */
  room(bytes: number): Room {
    if (this.#current === null) return this.#full ? 'full' : 'wait';
    const needed = this.#gatherRecordBytes + bytes;
    if (this.#gatherRecordBytes > 0 && needed > this.#options.groupBytesMax) return 'wait';
    const group = paddedGroupBytes(needed);
    if (this.#current.endBytes + group <= this.#current.reservedBytes) return 'yes';
    if (this.#spareIsWhole && group <= (this.#spare?.reservedBytes ?? 0)) return 'yes';
    // What is gathered already must go out before the spare may be grown for the newcomer alone.
    if (this.#gatherRecordBytes > 0) return this.#full ? 'full' : 'wait';
    if (!this.#full) this.#reserveSpare(Math.max(this.#options.segmentBytes, group));
    return this.#full ? 'full' : 'wait';
  }

  /** A segment that is shorter than it should be does not come into use. */
  get #spareIsWhole(): boolean {
    return this.#spare !== null && this.#spare.reservedBytes >= this.#options.segmentBytes;
  }

  /**
   * Accepts a record for which `room` said yes: `write` puts exactly `bytes` at the offset given to it. Where it stands is known when its group has been
   * synced.
   */
  append(bytes: number, attachment: Attachment, write: (target: Uint8Array, at: number) => void): void {
    const at = this.#placeFor(bytes);
    write(this.#gather, at);
    this.#enter(at, bytes, attachment);
  }

  /** Accepts a record that is written already, for which `room` said yes. */
  appendRecord(record: Uint8Array, attachment: Attachment): void {
    const at = this.#placeFor(record.length);
    this.#gather.set(record, at);
    this.#enter(at, record.length, attachment);
  }

  #placeFor(bytes: number): number {
    const at = groupHeaderBytes + this.#gatherRecordBytes;
    const end = at + bytes + groupAlignment;
    if (end > this.#gather.length) {
      const wider = new Uint8Array(Math.max(this.#gather.length * 2, end));
      wider.set(this.#gather.subarray(0, at));
      this.#gather = wider;
    }
    return at;
  }

  #enter(at: number, bytes: number, attachment: Attachment): void {
    // A record's checksum is its second word.
    this.#gatherFold = foldRecord(this.#gatherFold, bytes, readU32(this.#gather, at + 4) | 0);
    this.#gatherRecordBytes += bytes;
    this.#attachments.push(attachment);
  }

  /** Sends the gathered group on its way when the one before has been synced. Called once at the end of every event. */
  flush(now: Now): void {
    if (this.#inFlight !== null || this.#gatherRecordBytes === 0 || this.#current === null) return;
    const waitsUntilMs = this.#gatherPause.waitsUntilMs(this.#gatherRecordBytes, now.monotonicMs);
    if (waitsUntilMs !== null) return this.#waitUntil(waitsUntilMs);
    this.#waitingUntilMs = 0;
    const length = paddedGroupBytes(this.#gatherRecordBytes);
    if (this.#current.endBytes + length > this.#current.reservedBytes) this.#rotate(now);
    this.#send(now);
  }

  #waitUntil(atMs: number): void {
    if (this.#waitingUntilMs === atMs) return;
    this.#waitingUntilMs = atMs;
    this.#effects.timers.arm(gatherTimer, atMs);
  }

  #send(now: Now): void {
    const segment = this.#current;
    invariant(segment !== null, 'a group has a segment to go to');
    const bytes = this.#gather;
    const length = paddedGroupBytes(this.#gatherRecordBytes);
    const offset = segment.endBytes;
    invariant(offset + length <= segment.reservedBytes, 'a group fits into the space reserved for it');
    const header = {
      recordBytes: this.#gatherRecordBytes,
      records: this.#attachments.length,
      watermark: this.#durable,
      fold: this.#gatherFold,
    };
    sealGroup(bytes, { segment: segment.number, offset }, header, this.#pure);
    const group: Group<Attachment> = { segment, offset, bytes, recordBytes: this.#gatherRecordBytes, attachments: this.#attachments };
    this.#gatherPause.sent({ bytes: group.recordBytes, records: group.attachments.length });
    segment.endBytes += length;
    segment.recordBytes += this.#gatherRecordBytes;
    this.#inFlight = group;
    this.#watermarkBehind = group.recordBytes > 0;
    this.#gather = this.#idleBuffer ?? new Uint8Array(gatherBytesAtFirst);
    this.#idleBuffer = null;
    this.#gatherRecordBytes = 0;
    this.#gatherFold = 0;
    this.#attachments = [];
    this.#disk.write(segment.file, offset, [bytes.subarray(0, length)], (result) => this.#mustSucceed(result, 'append to', segment));
    this.#disk.sync(segment.file, (result, then) => this.#synced(result, group, then));
    this.#owner.groupSent(group, now);
    this.#growSpare();
  }

  /** Durability cannot be judged after a failed append or sync: stop, and let recovery read what is there. */
  #mustSucceed(result: DiskResult, what: string, segment: Segment): boolean {
    if (result.kind !== 'failed') return true;
    const reason = `INTERNAL: cannot ${what} ${segment.file}: ${result.message}; stopping, because what is durable is not known any more`;
    this.#effects.journal.note({ kind: 'node.halted', reason });
    this.#effects.lifecycle.halt(reason);
    return false;
  }

  #synced(result: DiskResult, group: Group<Attachment>, now: Now): void {
    if (!this.#mustSucceed(result, 'sync', group.segment)) return;
    this.#inFlight = null;
    this.#durable = { segment: group.segment.number, offset: group.offset + paddedGroupBytes(group.recordBytes) };
    this.#owner.groupSynced(group, now);
    // One buffer is kept for reuse; an unusually large one is given back.
    if (group.bytes.length <= Math.max(gatherBytesAtFirst, 2 * this.#options.groupBytesMax)) this.#idleBuffer = group.bytes;
    if (this.#watermarkBehind) this.#effects.timers.arm(watermarkTimer, now.monotonicMs + this.#options.watermarkAfterQuietMs);
    this.#owner.roomChanged(now);
  }

  /** Timers of the log; false when the name is not one of them. */
  timer(name: string, now: Now): boolean {
    if (name === reserveTimer) {
      this.#reserveDue();
      // Full until it is known not to be; nothing is tried when only one large record did not fit.
      if (!this.#reserving) this.#full = false;
      this.#owner.roomChanged(now);
      return true;
    }
    // What was gathered goes at the end of this event.
    if (name === gatherTimer) return true;
    if (name !== watermarkTimer) return false;
    const current = this.#current;
    const quiet = this.#inFlight === null && this.#gatherRecordBytes === 0;
    if (quiet && this.#watermarkBehind && current !== null && current.endBytes + groupHeaderBytes <= current.reservedBytes) {
      this.#send(now);
    }
    return true;
  }

  #rotate(now: Now): void {
    const sealed = this.#current;
    const next = this.#spare;
    invariant(sealed !== null && next !== null, 'a spare segment stands ready when the current one is full');
    sealed.sealed = true;
    this.#current = next;
    this.#spare = null;
    this.segments.set(next.number, next);
    this.#effects.journal.note({ kind: 'log.segment-sealed', segment: sealed.number, bytes: sealed.endBytes });
    this.#growSpare();
    this.#owner.segmentSealed(sealed, now);
  }

  /** What is full is tried again by its timer alone. */
  #growSpare(): void {
    if (!this.#full) this.#reserveDue();
  }

  /**
   * Reserves the next part of the spare when it is due: twice as far as the current segment is used. All at once would be one long write that every sync
   * on the same medium waits for; in steps none waits for more than one of them, and the spare is whole when the current segment is half full. Without
   * a current segment nothing waits, and the first is reserved at once.
   */
  #reserveDue(): void {
    const { segmentBytes, reserveStepBytes } = this.#options;
    if (this.#current === null) return this.#reserveSpare(segmentBytes);
    const reserved = this.#spare?.reservedBytes ?? 0;
    if (reserved <= 2 * this.#current.endBytes) this.#reserveSpare(Math.min(segmentBytes, reserved + reserveStepBytes));
  }

  #reserveSpare(bytes: number): void {
    if (this.#reserving) return;
    const number = this.#spare?.number ?? this.#nextNumber;
    if (this.#spare !== null && this.#spare.reservedBytes >= bytes) return;
    this.#reserving = true;
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    this.#disk.reserve(segmentFile(number), bytes, (result, now) => this.#reserved(result, number, bytes, now));
  }

  #reserved(result: DiskResult, number: number, bytes: number, now: Now): void {
    this.#reserving = false;
    if (result.kind === 'failed') {
      // Nothing was damaged: refuse what does not fit, try again, and go on by itself once space returns.
      this.#full = true;
      if (this.#spare === null && !this.segments.has(number)) this.#nextNumber = Math.min(this.#nextNumber, number);
      // Once, however often it is tried in vain.
      if (!this.#fullTold) this.#effects.journal.note({ kind: 'storage.full', file: segmentFile(number) });
      this.#fullTold = true;
      this.#effects.timers.arm(reserveTimer, now.monotonicMs + this.#options.fullRetryMs);
      this.#owner.roomChanged(now);
      return;
    }
    this.#full = false;
    if (this.#fullTold) this.#effects.journal.note({ kind: 'storage.space-returned' });
    this.#fullTold = false;
    const used = this.segments.get(number);
    if (used !== undefined) {
      // The spare was to grow, and has come into use meanwhile: it is not a second segment of that number.
      used.reservedBytes = Math.max(used.reservedBytes, bytes);
      this.#growSpare();
      this.#owner.roomChanged(now);
      return;
    }
    if (this.#spare !== null) this.#spare.reservedBytes = bytes;
    else this.#spare = newSegment(number, bytes);
    if (this.#current === null) {
      this.#current = this.#spare;
      this.#spare = null;
      this.segments.set(this.#current.number, this.#current);
    }
    this.#growSpare();
    this.#owner.roomChanged(now);
  }

  /** Forgets a segment whose records live elsewhere now; the caller removes its file. */
  drop(segment: Segment): void {
    invariant(segment.sealed, 'only a sealed segment is dropped');
    this.segments.delete(segment.number);
  }

  /** Bytes of all segments in use, and of what in them is still needed. */
  usage(): { readonly bytes: number; readonly liveBytes: number } {
    let bytes = 0;
    let liveBytes = 0;
    for (const segment of this.segments.values()) {
      bytes += segment.endBytes;
      liveBytes += segment.liveBytes;
    }
    return { bytes, liveBytes };
  }
}

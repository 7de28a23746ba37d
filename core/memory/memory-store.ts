/**
 * The durable store of one node: log, index, cache and their upkeep, behind one interface for writes, reads and replication. Knows nothing of
 * terms, peers or requests.
 */
import { compareTimestamps, type HlcTimestamp } from '../clock/hybrid-logical-clock.js';
import type { VersionVector } from '../clock/version-vector.js';
import type { NodeConfiguration } from '../configuration.js';
import { type ControlRecords, controlSpace, isControlRecord } from '../control/control-records.js';
import type { Epoch } from '../control/entries.js';
import { rowOf } from '../control/members-and-rows.js';
import type { Effects } from '../effects.js';
import type { Now } from '../events.js';
import { type Author, authorOf, type Dot, type NodeId, type SpaceKey } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { Checkpointer } from '../storage/checkpointer.js';
import { Compaction } from '../storage/compaction.js';
import { DiskCalls } from '../storage/disk-calls.js';
import type { RecordPlace } from '../storage/dot-positions.js';
import { noteDot } from '../storage/dots-by-space.js';
import { groupHeaderBytes } from '../storage/group.js';
import type { VersionRow } from '../storage/record-index.js';
import type { Recovered } from '../storage/recovered.js';
import { Recovery, recoveryRetryTimer } from '../storage/recovery.js';
import type { Segment } from '../storage/segment.js';
import { ValueCache } from '../storage/value-cache.js';
import { type Group, type Room, WriteAheadLog } from '../storage/write-ahead-log.js';
import { hexToBytes } from '../wire/hex.js';
import { type RecordDraft, RecordView, recordLength, writeRecord } from '../wire/record.js';
import type { Appended } from './appended.js';
import { checkpointContent } from './checkpoint-content.js';
import { CompactionRules } from './compaction-rules.js';
import { DroppedSpaces } from './dropped-spaces.js';
import { LogReader, type PayloadReader } from './log-reader.js';
import { SpaceStore } from './space-store.js';

export interface MemoryStoreOwner {
  /** Recovery has finished: the store can be read, and soon written. */
  storeOpened(recovered: Recovered, now: Now): void;
  /** The disk is too full to begin a boot: what was recovered can be read, nothing written, until space returns. */
  storeBlocked(readable: Recovered, now: Now): void;
  groupSent(group: Group<Appended>, now: Now): void;
  /** All records of a group are durable and visible. */
  groupDurable(now: Now): void;
  /** There may be room for writes that were told to wait. */
  roomChanged(now: Now): void;
  /** Whether every other copy is known to hold the space's dots up to here: what they may still fetch is not compacted early. */
  heldByCopies(space: SpaceKey, author: Author, sequence: number, now: Now): boolean;
  /** What is to be kept in checkpoints beside what the log says, and what the last one has kept: bytes that nothing here looks into. */
  ledger(): Uint8Array;
  ledgerRecovered(bytes: Uint8Array): void;
}

export class MemoryStore {
  readonly #configuration: NodeConfiguration;
  readonly #effects: Effects;
  readonly #pure: PureFunctions;
  readonly #owner: MemoryStoreOwner;
  readonly disk: DiskCalls;
  readonly log: WriteAheadLog<Appended>;
  readonly #checkpointer: Checkpointer;
  readonly #compaction: Compaction;
  readonly #cache: ValueCache;
  readonly #reader: LogReader;
  readonly #spaces = new Map<SpaceKey, SpaceStore>();
  /** Numbers spaces for the cache; a number is not given twice. */
  #spacesMade = 0;
  readonly #view: RecordView;
  #recovery: Recovery | null = null;
  #recovered: Recovered | null = null;
  /** What may be lost of the control log, and has not been forgiven. */
  #lostOfControl: VersionVector | null = null;
  /** Null: no control log is kept here. */
  #control: ControlRecords | null = null;
  /** Segments found at recovery: places may be retained in them before the log is open. */
  readonly #recoveredSegments = new Map<number, Segment>();
  /** Our own author of this boot. */
  #author = '' as Author;
  #authorBytes: Uint8Array = new Uint8Array(0);
  #compactionDue = false;
  readonly #dropped = new DroppedSpaces();
  /** The disk was too full at the start to begin to write. */
  #blocked = false;
  /** The latest logical time of each author's records, as recovery found them. */
  readonly #timesFound = new Map<Author, HlcTimestamp>();
  /** The greatest generation, and the greatest index, in the terms of all records that recovery has found. */
  termsReached: Epoch = { generation: 0, index: 0 };

  constructor(configuration: NodeConfiguration, effects: Effects, pure: PureFunctions, owner: MemoryStoreOwner) {
    this.#configuration = configuration;
    this.#effects = effects;
    this.#pure = pure;
    this.#owner = owner;
    this.#view = new RecordView(pure);
    this.#cache = new ValueCache(configuration.storage.cacheBytesMax);
    this.disk = new DiskCalls(effects.disk);
    this.log = new WriteAheadLog(configuration.storage, effects, this.disk, pure, {
      groupSent: (group, now) => owner.groupSent(group, now),
      groupSynced: (group, now) => this.#groupSynced(group, now),
      segmentSealed: () => this.#checkpointer.write(() => undefined),
      roomChanged: (now) => this.#roomChanged(now),
    });
    this.#reader = new LogReader(this.log, this.disk, this.#cache, pure);
    this.#checkpointer = new Checkpointer(effects, this.disk, pure, () =>
      checkpointContent({
        log: this.log,
        spaces: this.#spaces,
        dropped: this.#dropped,
        lostOfControl: this.#lostOfControl,
        ledger: owner.ledger(),
      }),
    );
    const ports = { journal: effects.journal, disk: this.disk, checkpointer: this.#checkpointer, pure };
    this.#compaction = new Compaction(
      configuration.storage,
      ports,
      new CompactionRules(configuration.storage, this.log, {
        space: (key) => this.#spaces.get(key),
        spaces: () => this.#spaces.values(),
        heldByCopies: (dots, now) => owner.heldByCopies(dots.space, dots.author, dots.sequence, now),
        room: (bytes) => this.room(bytes),
        isDropped: (key) => this.#dropped.has(key),
        control: () => this.#control,
      }),
    );
  }

  get author(): Author {
    return this.#author;
  }

  get authorBytes(): Uint8Array {
    return this.#authorBytes;
  }

  /** The disk is too full to write anything at all. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get recovered(): Recovered | null {
    return this.#recovered;
  }

  /** All spaces that anything is held of, in order of their first use. */
  spaces(): Iterable<SpaceStore> {
    return this.#spaces.values();
  }

  spaceIfHeld(key: SpaceKey): SpaceStore | undefined {
    return this.#spaces.get(key);
  }

  space(key: SpaceKey): SpaceStore {
    let space = this.#spaces.get(key);
    if (space === undefined) {
      const { memory: options } = this.#configuration;
      const places = {
        retain: (place: RecordPlace): void => {
          made.retainedBytes += place.length;
          this.retain(place);
        },
        release: (place: RecordPlace): void => {
          made.retainedBytes -= place.length;
          this.release(place);
        },
      };
      const world = { options, pure: this.#pure, journal: this.#effects.journal, cache: this.#cache, places };
      const made = new SpaceStore(key, this.#spacesMade, world, this.#dropped.changesOf(key) + (this.#dropped.has(key) ? 1 : 0));
      space = made;
      this.#spacesMade += 1;
      this.#spaces.set(key, space);
    }
    return space;
  }

  /** Gives a space up that was made for a write which was then refused. */
  forgetIfEmpty(space: SpaceStore): boolean {
    return space.isUntouched() && this.#spaces.delete(space.key);
  }

  /**
   * Lets go of all that is held of a space which others hold. Returns how many records that were; null when not now: records of it are on their way to the disk,
   * or to another place on it. Durable with the next checkpoint; a crash before that brings them back.
   */
  dropSpace(key: SpaceKey): number | null {
    const space = this.#spaces.get(key);
    const { end } = this.log;
    if (space === undefined || end === null || !space.inFlight.isEmpty() || this.#compaction.isWorking) return null;
    const records = space.letGo();
    this.#spaces.delete(key);
    for (const segment of this.log.segments.values()) segment.dots.delete(key);
    this.#dropped.add(key, end, space.coverageChanges);
    this.writeCheckpoint();
    this.#compactionDue = true;
    return records;
  }

  timesFound(): ReadonlyMap<Author, HlcTimestamp> {
    return this.#timesFound;
  }

  #noteTime(view: RecordView): void {
    const { term } = view;
    const { generation, index } = this.termsReached;
    if (term.generation > generation || term.index > index)
      this.termsReached = { generation: Math.max(term.generation, generation), index: Math.max(term.index, index) };
    const known = this.#timesFound.get(view.author);
    const time = { ms: view.timeMs, logical: view.timeLogical };
    if (known === undefined || compareTimestamps(known, time) < 0) this.#timesFound.set(view.author, time);
  }

  start(candidate: NodeId): void {
    const options = { candidate, retryMs: this.#configuration.storage.fullRetryMs, keepsControlLog: this.#control !== null };
    this.#recovery = new Recovery(options, this.#effects, this.disk, this.#pure, {
      horizonsRead: (horizons) => {
        for (const [key, horizon] of horizons) for (const [author, sequence] of horizon) this.space(key).horizon.set(author, sequence);
      },
      recovered: (view, segment, offset) => {
        this.#recoveredSegments.set(segment.number, segment);
        const place = { segment: segment.number, offset, length: view.length };
        if (isControlRecord(view)) return this.#control?.recovered(view, place);
        this.#noteTime(view);
        this.space(view.space).merge(view, place);
      },
      finished: (recovered, now) => this.#opened(recovered, now),
      blocked: (_file, readable, now) => {
        this.#blocked = true;
        this.#makeReadable(readable);
        this.#owner.storeBlocked(readable, now);
      },
    });
    this.#recovery.start();
  }

  /** Horizons and holes as recovery found them; the segments are there to be read. */
  #makeReadable(recovered: Recovered): void {
    const control = this.#configuration.control(recovered.nodeId);
    for (const [key, horizon] of recovered.horizons) {
      const space = this.space(key);
      // With nobody to ask, doubting all that is absent would only bury what is known to be lost. Who the others are may not be known yet.
      const doubtful = recovered.absentDoubtful && rowOf(control, key, this.#pure)?.copies.length !== 1;
      space.adoptHorizon(new Map(horizon), doubtful ? space.holesBelow(horizon) : (recovered.holes.get(key) ?? null));
    }
    for (const [key, holes] of recovered.holes) if (key !== controlSpace) this.space(key).noteHoles(holes);
    for (const [key, settled] of recovered.settled) this.space(key).recoverSettled(settled);
    for (const segment of recovered.segments) if (segment.endBytes > 0) this.log.segments.set(segment.number, segment);
    for (const space of this.spaces()) space.updates.servingBegins();
  }

  #opened(recovered: Recovered, now: Now): void {
    this.#recovered = recovered;
    this.#lostOfControl = recovered.holes.get(controlSpace) ?? null;
    this.#blocked = false;
    this.#author = authorOf(recovered.nodeId, recovered.boot);
    this.#authorBytes = hexToBytes(this.#author);
    this.#dropped.recovered(recovered.dropped);
    this.#checkpointer.continueFrom(recovered.checkpointNumber);
    this.#owner.ledgerRecovered(recovered.ledger);
    this.#makeReadable(recovered);
    this.#openLog(recovered);
    this.#owner.storeOpened(recovered, now);
  }

  /** Where the old segments end must be durable before this boot writes: later watermarks would call their cut tails damage. */
  #openLog(recovered: Recovered): void {
    this.#checkpointer.write((written, now) => {
      this.#blocked = !written;
      if (!written) {
        this.#effects.timers.arm(recoveryRetryTimer, now.monotonicMs + this.#configuration.storage.fullRetryMs);
        return this.#owner.roomChanged(now);
      }
      // Segments that were reserved and never used.
      for (const segment of recovered.segments) if (segment.endBytes === 0) this.disk.remove(segment.file, () => undefined);
      this.log.open([], recovered.nextSegment);
    });
  }

  timer(name: string, now: Now): boolean {
    if (name !== recoveryRetryTimer) return this.log.timer(name, now);
    if (this.#recovered === null) this.#recovery?.timer(now);
    else this.#openLog(this.#recovered);
    return true;
  }

  /** What a checkpoint says has changed: to be written soon, nothing waits for it. */
  writeCheckpoint(): void {
    this.#checkpointer.write(() => undefined);
  }

  /** Whether a record of so many bytes can be appended now. */
  room(bytes: number): Room {
    if (this.#blocked) return 'full';
    if (this.#recovered === null) return 'wait';
    return this.log.room(bytes);
  }

  /** Ends an event: what was gathered goes to the disk, and upkeep goes on. */
  endTurn(now: Now): void {
    if (this.#compactionDue) {
      this.#compactionDue = false;
      this.#compaction.proceed(now);
    }
    this.log.flush(now);
  }

  /** See `LogReader`. */
  readPayload(space: SpaceStore, version: VersionRow, then: PayloadReader, now: Now): void {
    this.#reader.readPayload(space, version, then, now);
  }

  readStretch(stretch: RecordPlace, then: (bytes: Uint8Array | null, now: Now) => void): void {
    this.#reader.readStretch(stretch, then);
  }

  #groupSynced(group: Group<Appended>, now: Now): void {
    const end = groupHeaderBytes + group.recordBytes;
    let at = groupHeaderBytes;
    for (const { kind, space, dot, version, durable } of group.attachments) {
      const moved = this.#view.moveTo(group.bytes, at, end);
      invariant(moved, 'a group holds the records that were put into it');
      const view = this.#view;
      const place = { segment: group.segment.number, offset: group.offset + at, length: view.length };
      noteDot(group.segment.dots, view.space, view);
      at += view.length;
      if (space === null) this.#settleElsewhere(kind, view, place, now);
      else {
        space.inFlight.remove({ author: dot.author, from: dot.sequence, to: dot.sequence });
        if (kind === 'own') space.settlePending(version, place, view);
        else space.merge(view, place);
      }
      durable?.(dot, now);
    }
    if (group.recordBytes === 0) return;
    this.#compactionDue = true;
    this.#owner.groupDurable(now);
  }

  /** A record that moves, or one of the control log. */
  #settleElsewhere(kind: Appended['kind'], view: RecordView, place: RecordPlace, now: Now): void {
    const dot = { author: view.author, sequence: view.sequence };
    if (kind === 'control') this.#control?.durable(dot, place, now);
    else if (isControlRecord(view)) this.#control?.moved(dot, place);
    else this.space(view.space).move(view, place);
  }

  #roomChanged(now: Now): void {
    this.#compactionDue = true;
    this.#owner.roomChanged(now);
  }

  #segment(number: number): Segment | undefined {
    return this.log.segments.get(number) ?? this.#recoveredSegments.get(number);
  }

  /** Told before recovery: who keeps the control log's records. */
  keepControl(control: ControlRecords): void {
    this.#control = control;
  }

  /** Appends a record of the control log. `room` has said yes. */
  appendControl(draft: RecordDraft, dot: Dot): void {
    const write = (target: Uint8Array, at: number): number => writeRecord(draft, target, at, this.#pure);
    this.log.append(recordLength(draft), { kind: 'control', space: null, dot, version: -1, durable: null }, write);
  }

  /** What was lost of the control log is of no account any more: `then` is told once a checkpoint says so, or that none could be written. */
  forgiveControlLoss(then: (written: boolean, now: Now) => void): void {
    const lost = this.#lostOfControl;
    this.#lostOfControl = null;
    this.#checkpointer.write((written, now) => {
      if (!written) this.#lostOfControl = lost;
      then(written, now);
    });
  }

  /** A record in its place is needed. */
  retain(place: RecordPlace): void {
    const segment = this.#segment(place.segment);
    if (segment !== undefined) segment.liveBytes += place.length;
  }

  release(place: RecordPlace): void {
    const segment = this.#segment(place.segment);
    if (segment !== undefined) segment.liveBytes -= place.length;
  }

  /** Appends a record of another author as it stands. `room` has said yes. */
  appendArrival(record: Uint8Array, space: SpaceStore, dot: Dot, durable: (dot: Dot, now: Now) => void): void {
    space.awaitArrival(dot);
    this.log.appendRecord(record, { kind: 'arrival', space, dot, version: -1, durable });
  }

  /** Appends a record of this node, whose version is pending until it is durable. `room` has said yes. */
  appendOwn(bytes: number, version: VersionRow, space: SpaceStore, dot: Dot, write: (target: Uint8Array, at: number) => void): void {
    space.inFlight.add({ author: dot.author, from: dot.sequence, to: dot.sequence });
    this.log.append(bytes, { kind: 'own', space, dot, version, durable: null }, write);
  }
}

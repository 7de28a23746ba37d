/**
 * What compaction may give up: answers its questions from the spaces' indexes and from what the other copies are known to hold.
 */
import type { StorageOptions } from '../configuration.js';
import { type ControlRecords, controlSpace, isControlRecord } from '../control/control-records.js';
import type { Now } from '../events.js';
import type { Author, Dot, SpaceKey } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { CompactionOwner } from '../storage/compaction.js';
import { versionFlags } from '../storage/record-index.js';
import type { Segment } from '../storage/segment.js';
import type { Room, WriteAheadLog } from '../storage/write-ahead-log.js';
import type { RecordView } from '../wire/record.js';
import type { Appended } from './appended.js';
import type { SpaceStore } from './space-store.js';

export interface CompactedStore {
  space(key: SpaceKey): SpaceStore | undefined;
  spaces(): Iterable<SpaceStore>;
  /** Whether every other copy is known to hold the author's dots up to this one. */
  heldByCopies(dots: { readonly space: SpaceKey; readonly author: Author; readonly sequence: number }, now: Now): boolean;
  room(bytes: number): Room;
  /** Whether the space was handed over: nothing of it that is not held is needed. */
  isDropped(space: SpaceKey): boolean;
  /** Null: no control log is kept here, and what is found of one stays. */
  control(): ControlRecords | null;
}

export class CompactionRules implements CompactionOwner {
  readonly #options: StorageOptions;
  readonly #log: WriteAheadLog<Appended>;
  readonly #store: CompactedStore;

  constructor(options: StorageOptions, log: WriteAheadLog<Appended>, store: CompactedStore) {
    this.#options = options;
    this.#log = log;
    this.#store = store;
  }

  sealedSegments(): Iterable<Segment> {
    return [...this.#log.segments.values()].filter((segment) => segment.sealed);
  }

  dropSegment(segment: Segment): void {
    this.#log.drop(segment);
  }

  mayRaiseHorizon(segment: Segment, now: Now): boolean {
    const { bytes, liveBytes } = this.#log.usage();
    const crowded = bytes - liveBytes > this.#options.retainGarbageBytesMax;
    for (const [key, dots] of segment.dots) {
      // What is still needed of the control log moves; nobody fetches it from here.
      if (key === controlSpace) continue;
      const space = this.#store.space(key);
      if (space === undefined) return false;
      for (const author of dots.authors()) {
        const last = dots.max(author);
        if (!crowded && space.coverage.prefix(author) < last) return false;
        if (!crowded && last > (space.horizon.get(author) ?? 0) && !this.#store.heldByCopies({ space: key, author, sequence: last }, now))
          return false;
      }
    }
    return true;
  }

  isNeeded(view: RecordView, place: { readonly segment: number; readonly offset: number }): boolean {
    if (isControlRecord(view)) return this.#store.control()?.isNeeded({ author: view.author, sequence: view.sequence }, place) ?? true;
    const space = this.#store.space(view.space);
    if (space === undefined) return !this.#store.isDropped(view.space);
    const memory = space.index.find(view.bytes, view.idOffset, view.idLength);
    if (memory < 0) return false;
    const version = space.index.versionOf(memory, view.author, view.sequence);
    return version >= 0 && space.index.isAt(version, place);
  }

  moveRecord(view: RecordView, durable: (now: Now) => void): boolean {
    if (this.#store.room(view.length) !== 'yes') return false;
    const record = view.bytes.subarray(view.at, view.at + view.length);
    const dot = { author: view.author, sequence: view.sequence };
    this.#log.appendRecord(
      record,
      moved(dot, (_dot, now) => durable(now)),
    );
    return true;
  }

  markUnreadable(segment: Segment): void {
    segment.damaged = true;
    for (const space of this.#store.spaces()) {
      const { index } = space;
      for (let version = 0; version < index.versionRows; version += 1) {
        if (index.columns.segment[version] !== segment.number || index.columns.length[version] === 0) continue;
        if (!index.has(version, versionFlags.free | versionFlags.pending)) space.markDamaged(version);
      }
    }
  }

  raiseHorizon(segment: Segment): void {
    for (const [key, dots] of segment.dots) {
      if (key === controlSpace) continue;
      const space = this.#store.space(key);
      invariant(space !== undefined, 'a segment holds dots of spaces that are held');
      const raised = new Map<Author, number>();
      for (const author of dots.authors()) {
        if (dots.max(author) > (space.horizon.get(author) ?? 0)) raised.set(author, dots.max(author));
      }
      if (raised.size > 0) space.adoptHorizon(raised, space.holesBelow(raised));
    }
  }
}

function moved(dot: Dot, durable: NonNullable<Appended['durable']>): Appended {
  return { kind: 'moved', space: null, dot, version: -1, durable };
}

/**
 * Reads records back from the log by their place, and checks what comes: from a disk that rots, tears and writes in the wrong place.
 */
import type { Now } from '../events.js';
import type { Author, SpaceKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import type { DiskCalls } from '../storage/disk-calls.js';
import type { RecordPlace } from '../storage/dot-positions.js';
import { type VersionRow, versionFlags } from '../storage/record-index.js';
import { segmentFile, unpin } from '../storage/segment.js';
import type { ValueCache } from '../storage/value-cache.js';
import type { WriteAheadLog } from '../storage/write-ahead-log.js';
import { RecordView } from '../wire/record.js';
import type { Appended } from './appended.js';
import type { SpaceStore } from './space-store.js';

export type PayloadReader = (payload: Uint8Array | null, now: Now) => void;

export class LogReader {
  readonly #log: WriteAheadLog<Appended>;
  readonly #disk: DiskCalls;
  readonly #cache: ValueCache;
  readonly #view: RecordView;

  constructor(log: WriteAheadLog<Appended>, disk: DiskCalls, cache: ValueCache, pure: PureFunctions) {
    this.#log = log;
    this.#disk = disk;
    this.#cache = cache;
    this.#view = new RecordView(pure);
  }

  /**
   * Reads the payload of a durable version: at once from the cache, else from the disk. `null` when its bytes are damaged, which makes it a hole.
   */
  readPayload(space: SpaceStore, version: VersionRow, then: PayloadReader, now: Now): void {
    const key = space.cacheKey(version);
    const cached = this.#cache.get(key);
    if (cached !== undefined) return then(cached, now);
    if (space.index.has(version, versionFlags.damaged)) return then(null, now);
    const author = space.index.authorOf(version);
    const sequence = space.index.columns.sequence[version];
    const memory = space.index.memoryOf(version);
    this.readRecord(space.index.place(version), { space: space.key, author, sequence }, (view, later) => {
      const still = space.index.versionOf(memory, author, sequence) === version;
      if (view === null) {
        if (still) space.markDamaged(version);
        return then(null, later);
      }
      const payload = view.bytes.slice(view.payloadOffset, view.payloadOffset + view.payloadLength);
      if (still) this.#cache.set(key, payload);
      then(payload, later);
    });
  }

  /**
   * Reads a record back by its place and checks that it is the one that was asked for: a write that a disk has carried out in the wrong place leaves whole
   * records where others were, and sequences are counted anew in each space. The view is valid during the call only.
   */
  readRecord(
    place: RecordPlace,
    dot: { readonly space: SpaceKey; readonly author: Author; readonly sequence: number },
    then: (view: RecordView | null, now: Now) => void,
  ): void {
    const segment = this.#log.segments.get(place.segment);
    // Of a space that has been handed over the segment may be gone, and its file with it.
    const file = segment?.file ?? segmentFile(place.segment);
    if (segment !== undefined) segment.pins += 1;
    this.#disk.read(file, { offset: place.offset, length: place.length }, (result, now) => {
      if (segment !== undefined) unpin(segment);
      if (result.kind !== 'read') return then(null, now);
      const view = this.#view;
      const whole = view.moveTo(result.bytes, 0, result.bytes.length) && view.intact();
      const right = whole && view.sequence === dot.sequence && view.author === dot.author && view.space === dot.space;
      then(right ? view : null, now);
    });
  }

  /** Reads a stretch of a segment in which several records stand; null when it cannot be read whole. */
  readStretch(stretch: RecordPlace, then: (bytes: Uint8Array | null, now: Now) => void): void {
    const segment = this.#log.segments.get(stretch.segment);
    const file = segment?.file ?? segmentFile(stretch.segment);
    if (segment !== undefined) segment.pins += 1;
    this.#disk.read(file, { offset: stretch.offset, length: stretch.length }, (result, now) => {
      if (segment !== undefined) unpin(segment);
      then(result.kind === 'read' && result.bytes.length === stretch.length ? result.bytes : null, now);
    });
  }
}

/**
 * What is served must be on the disk: a node that was killed before its sync finds its last groups again, and power loss would take them back.
 *
 * Their records move into a segment of their own, as compaction moves records. Written anew, not only synced, since a sync that failed once may have
 * dropped what it failed on (Rebello et al., "Can Applications Recover from fsync Failures?", 2020); elsewhere, since what was durable after all would be
 * at stake while it is written over; and only they, since a segment with bad sectors cannot be written out as a whole.
 *
 * Where a full disk has no room for them they are synced where they stand, which puts nothing at stake, and cannot tell what an earlier failed sync has dropped.
 */
import type { PureFunctions } from '../pure-functions.js';
import type { RecordView } from '../wire/record.js';
import { foldRecord, groupHeaderBytes, paddedGroupBytes, sealGroup } from './group.js';
import type { Segment } from './segment.js';

export interface RewrittenTail {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** Where each record stands in it, in the order in which they were added. */
  readonly offsets: readonly number[];
}

export class UnsyncedTail {
  readonly records: Uint8Array[] = [];
  /** Where each of them was found. */
  readonly places: { readonly segment: Segment; readonly offset: number }[] = [];
  /** Where the tails end, by the segments that have one. */
  readonly ends = new Map<Segment, number>();
  #recordBytes = 0;
  #fold = 0;

  /** Keeps a copy of the record. */
  add(view: RecordView, segment: Segment, offset: number): void {
    this.places.push({ segment, offset });
    this.records.push(view.bytes.slice(view.at, view.at + view.length));
    this.#recordBytes += view.length;
    this.#fold = foldRecord(this.#fold, view.length, view.checksum);
  }

  /** As the one group of a segment, which calls itself durable to its end: a file that takes its place as a whole is there whole or not at all. */
  asSegment(number: number, pure: PureFunctions): RewrittenTail {
    const bytes = new Uint8Array(paddedGroupBytes(this.#recordBytes));
    const offsets: number[] = [];
    let at = groupHeaderBytes;
    for (const record of this.records) {
      bytes.set(record, at);
      offsets.push(at);
      at += record.length;
    }
    const header = {
      recordBytes: this.#recordBytes,
      records: this.records.length,
      watermark: { segment: number, offset: bytes.length },
      fold: this.#fold,
    };
    sealGroup(bytes, { segment: number, offset: 0 }, header, pure);
    return { bytes, offsets };
  }
}

/**
 * A segment: one file of the log. Written from front to back by one boot, never appended to by another, given up whole by compaction.
 */
import type { VersionVector } from '../clock/version-vector.js';
import type { SpaceKey } from '../identifiers.js';

export interface Segment {
  readonly number: number;
  readonly file: string;
  /** Space guaranteed on the medium. */
  reservedBytes: number;
  /** End of the last group. Invariant: endBytes <= reservedBytes. */
  endBytes: number;
  recordBytes: number;
  /** Bytes of records that the index still points at. Invariant: liveBytes <= recordBytes. */
  liveBytes: number;
  sealed: boolean;
  /** Reads and snapshots that need the file to stay. */
  pins: number;
  /** Every dot that was ever written into it: what is lost if it becomes unreadable. */
  readonly dots: Map<SpaceKey, VersionVector>;
  /** Bytes that were once synced and cannot be read any more were found in it. */
  damaged: boolean;
  /** What was still needed of it when compaction could not read that; -1 when there was no such time. While no less is needed it is left alone. */
  unreadableBytes: number;
  /** Called when the last pin goes. */
  whenUnread: (() => void) | null;
}

const filePattern = /^wal-(\d{8,10})$/;

export function segmentFile(number: number): string {
  return `wal-${number.toString().padStart(8, '0')}`;
}

/** The number of a segment's file, or null for any other file. */
export function segmentNumber(file: string): number | null {
  const match = filePattern.exec(file);
  return match === null ? null : Number(match[1]);
}

export function newSegment(number: number, reservedBytes: number): Segment {
  return {
    number,
    file: segmentFile(number),
    reservedBytes,
    endBytes: 0,
    recordBytes: 0,
    liveBytes: 0,
    sealed: false,
    pins: 0,
    dots: new Map(),
    damaged: false,
    unreadableBytes: -1,
    whenUnread: null,
  };
}

export function unpin(segment: Segment): void {
  segment.pins -= 1;
  if (segment.pins > 0 || segment.whenUnread === null) return;
  const then = segment.whenUnread;
  segment.whenUnread = null;
  then();
}

/**
 * Reads one segment's bytes: which groups are whole, which records in them are intact, and where something else stands.
 *
 * Below `trustedEnd` everything was once synced: what cannot be read there is damage, and the search goes on behind it. From `trustedEnd` on the first
 * thing that is not a whole group is the end: a torn tail, cut.
 */
import type { PureFunctions } from '../pure-functions.js';
import type { RecordView } from '../wire/record.js';
import {
  foldRecord,
  groupFormatVersion,
  groupHeaderBytes,
  groupVersion,
  type LogPosition,
  nextGroupCandidate,
  paddedGroupBytes,
  readGroupHeader,
} from './group.js';

export interface SegmentScan {
  /** End of the last group that counts. */
  readonly endBytes: number;
  /** Ranges below the trusted end that cannot be read. */
  readonly damage: readonly { readonly offset: number; readonly bytes: number }[];
  /** Bytes above the trusted end that are neither a whole group nor unused. */
  readonly tornBytes: number;
  /** A group written by a later version of Engram, if one was met. */
  readonly newerVersion: number | null;
}

export interface SegmentVisitor {
  /** A whole group's header. */
  group?(header: { readonly watermark: LogPosition }): void;
  /** An intact record. The view is moved on after the call. */
  record?(view: RecordView, offset: number): void;
}

/** Whether lengths and checksums of the group's records are those that its header was sealed with. */
function foldMatches(
  bytes: Uint8Array,
  offset: number,
  header: { recordBytes: number; records: number; fold: number },
  view: RecordView,
): boolean {
  const end = offset + groupHeaderBytes + header.recordBytes;
  let at = offset + groupHeaderBytes;
  let fold = 0;
  let count = 0;
  while (at < end && view.moveTo(bytes, at, end)) {
    fold = foldRecord(fold, view.length, view.checksum);
    at += view.length;
    count += 1;
  }
  return at === end && count === header.records && fold === header.fold;
}

function isUnused(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] !== 0) return false;
  }
  return true;
}

/** Walks a segment. `trustedEnd` is the greatest offset of this segment that is known to have been synced. */
export function scanSegment(
  segment: { readonly number: number; readonly bytes: Uint8Array; readonly trustedEnd: number },
  view: RecordView,
  pure: PureFunctions,
  visitor: SegmentVisitor,
): SegmentScan {
  const { number, bytes, trustedEnd } = segment;
  const damage: { offset: number; bytes: number }[] = [];
  let at = 0;
  let endBytes = 0;
  let newerVersion: number | null = null;
  while (at < bytes.length) {
    const header = readGroupHeader(bytes, { segment: number, offset: at }, pure);
    const trusted = at < trustedEnd;
    if (header === null) {
      const version = groupVersion(bytes, at, pure);
      if (version !== null && version > groupFormatVersion) newerVersion = version;
      if (!trusted) break;
      const next = Math.min(nextGroupCandidate(bytes, at + groupHeaderBytes), trustedEnd);
      damage.push({ offset: at, bytes: next - at });
      at = next;
      endBytes = at;
      continue;
    }
    const length = paddedGroupBytes(header.recordBytes);
    const ofOnePiece = foldMatches(bytes, at, header, view);
    if (!trusted && !(ofOnePiece && allIntact(bytes, at, header.recordBytes, view))) break;
    visitor.group?.(header);
    visitRecords({ bytes, at, recordBytes: header.recordBytes }, view, visitor, damage);
    at += length;
    endBytes = at;
  }
  const tornBytes = at < bytes.length && !isUnused(bytes, at) ? bytes.length - at : 0;
  return { endBytes, damage, tornBytes, newerVersion };
}

function allIntact(bytes: Uint8Array, offset: number, recordBytes: number, view: RecordView): boolean {
  const end = offset + groupHeaderBytes + recordBytes;
  let at = offset + groupHeaderBytes;
  while (at < end && view.moveTo(bytes, at, end)) {
    if (!view.intact()) return false;
    at += view.length;
  }
  return at === end;
}

/** Hands over the intact records of a group; from a record that cannot even be walked past, the rest of the group is damage. */
function visitRecords(
  group: { readonly bytes: Uint8Array; readonly at: number; readonly recordBytes: number },
  view: RecordView,
  visitor: SegmentVisitor,
  damage: { offset: number; bytes: number }[],
): void {
  const end = group.at + groupHeaderBytes + group.recordBytes;
  let at = group.at + groupHeaderBytes;
  while (at < end) {
    if (!view.moveTo(group.bytes, at, end)) {
      damage.push({ offset: at, bytes: end - at });
      return;
    }
    const length = view.length;
    if (view.intact()) visitor.record?.(view, at);
    else damage.push({ offset: at, bytes: length });
    at += length;
  }
}

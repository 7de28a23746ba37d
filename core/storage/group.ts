/**
 * The group: the records of one append, which one sync makes durable. Its header says where it stands and up to where the log was already
 * durable when it was written: below such a watermark damage is corruption, above it a torn tail.
 *
 *   offset  bytes  field (little endian)
 *        0      4  magic
 *        4      4  CRC-32 of the rest of the header
 *        8      4  bytes of records
 *       12      4  number of records
 *       16      4  segment that this group stands in
 *       20      4  offset that it stands at
 *       24      4  watermark: segment
 *       28      4  watermark: offset
 *       32      4  fold of the records' lengths and checksums, in order
 *       36      4  format version
 *       40         records, then zeros up to a multiple of 8
 *
 * Segment and offset under the checksum make an old group in a recycled place no group. The fold ties records to their group without hashing
 * their bytes a second time.
 */
import type { PureFunctions } from '../pure-functions.js';
import { readU32, writeU32 } from '../wire/bytes.js';
import { rangeCrc32 } from '../wire/short-crc32.js';

export const groupHeaderBytes = 40;
export const groupFormatVersion = 1;
export const groupAlignment = 8;
const magic = 0x50_52_47_45;

/** A place in the log. */
export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

export interface GroupHeader {
  readonly recordBytes: number;
  readonly records: number;
  readonly watermark: LogPosition;
  readonly fold: number;
}

export function paddedGroupBytes(recordBytes: number): number {
  return Math.ceil((groupHeaderBytes + recordBytes) / groupAlignment) * groupAlignment;
}

/** Continues the fold with one record. */
export function foldRecord(fold: number, length: number, checksum: number): number {
  return (Math.imul(fold ^ checksum, 0x85_eb_ca_6b) + Math.imul(length, 0xc2_b2_ae_35)) >>> 0;
}

/** Writes the header in front of the records that already stand at `groupHeaderBytes`, and the padding behind them. */
export function sealGroup(group: Uint8Array, at: LogPosition, header: GroupHeader, pure: PureFunctions): void {
  writeU32(group, 0, magic);
  writeU32(group, 8, header.recordBytes);
  writeU32(group, 12, header.records);
  writeU32(group, 16, at.segment);
  writeU32(group, 20, at.offset);
  writeU32(group, 24, header.watermark.segment);
  writeU32(group, 28, header.watermark.offset);
  writeU32(group, 32, header.fold);
  writeU32(group, 36, groupFormatVersion);
  writeU32(group, 4, rangeCrc32(group, 8, groupHeaderBytes, pure));
  group.fill(0, groupHeaderBytes + header.recordBytes, paddedGroupBytes(header.recordBytes));
}

/** The header of the group that stands at `offset` of a segment's bytes, or null when none does. Its records are not yet checked. */
export function readGroupHeader(segmentBytes: Uint8Array, at: LogPosition, pure: PureFunctions): GroupHeader | null {
  const { offset } = at;
  if (offset + groupHeaderBytes > segmentBytes.length || readU32(segmentBytes, offset) !== magic) return null;
  if (groupVersion(segmentBytes, offset, pure) !== groupFormatVersion) return null;
  if (readU32(segmentBytes, offset + 16) !== at.segment || readU32(segmentBytes, offset + 20) !== offset) return null;
  const recordBytes = readU32(segmentBytes, offset + 8);
  if (offset + groupHeaderBytes + recordBytes > segmentBytes.length) return null;
  return {
    recordBytes,
    records: readU32(segmentBytes, offset + 12),
    watermark: { segment: readU32(segmentBytes, offset + 24), offset: readU32(segmentBytes, offset + 28) },
    fold: readU32(segmentBytes, offset + 32),
  };
}

/**
 * The format version of the group header that stands there, if its checksum holds: what is torn or damaged claims nothing. Checksum and version keep
 * their places in every format.
 */
export function groupVersion(segmentBytes: Uint8Array, offset: number, pure: PureFunctions): number | null {
  if (offset + groupHeaderBytes > segmentBytes.length || readU32(segmentBytes, offset) !== magic) return null;
  if (readU32(segmentBytes, offset + 4) !== rangeCrc32(segmentBytes, offset + 8, offset + groupHeaderBytes, pure)) return null;
  return readU32(segmentBytes, offset + 36);
}

/** The next offset at or after `from` where a group header could stand; the length of the segment when none could. */
export function nextGroupCandidate(segmentBytes: Uint8Array, from: number): number {
  let at = Math.ceil(from / groupAlignment) * groupAlignment;
  while (at + groupHeaderBytes <= segmentBytes.length && readU32(segmentBytes, at) !== magic) at += groupAlignment;
  return at + groupHeaderBytes <= segmentBytes.length ? at : segmentBytes.length;
}

/** Total order of log positions. */
export function comparePositions(left: LogPosition, right: LogPosition): number {
  return left.segment - right.segment || left.offset - right.offset;
}

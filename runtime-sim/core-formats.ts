/**
 * The one place of the simulator that reads the core's own formats: records in a log, and the tokens in replies. Checkers are given what the bytes
 * say, never what a node says of itself.
 */

import type { LoggedRecord } from '../checker/history.js';
import { type Author, type SpaceKey, spaceKey } from '../core/identifiers.js';
import { groupHeaderBytes, paddedGroupBytes, readGroupHeader } from '../core/storage/group.js';
import { segmentNumber } from '../core/storage/segment.js';
import { readU48 } from '../core/wire/bytes.js';
import { Episode } from '../core/wire/generated/engram/v1/service.js';
import { bytesToHex } from '../core/wire/hex.js';
import { type RecordType, RecordView, recordTypes } from '../core/wire/record.js';
import type { DurableWrite } from './disk-model.js';
import { simulatedPureFunctions } from './pure-functions.js';

const pure = simulatedPureFunctions('core-formats', 'none');
const dotBytes = 34;

/** The space that a request names, until the control log gives generations. */
export function spaceOf(name: string): SpaceKey {
  return spaceKey({ name, generation: 0 });
}

/** Number of a log segment by its file's name; null for other files. */
export const segmentOf = segmentNumber;

/** A record of a group, with its place. */
export interface PlacedRecord {
  readonly dot: string;
  readonly groupOffset: number;
  readonly groupBytes: number;
}

/** `sequence@author` of the version token in an answer; null for none. Tokens are a dot, with or without a format byte in front. */
export function versionText(token: Uint8Array): string | null {
  if (token.length < dotBytes) return null;
  const at = token.length - dotBytes;
  return `${readU48(token, at + 28)}@${bytesToHex(token, at, 28)}`;
}

/** The unique value of a simulated episode: the text up to the first space. */
export function valueOfEpisode(bytes: Uint8Array): string {
  const { text } = Episode.decode(bytes);
  const end = text.indexOf(' ');
  return end < 0 ? text : text.slice(0, end);
}

export function episodeText(value: string, paddingBytes: number): string {
  return paddingBytes > 0 ? `${value} ${'.'.repeat(paddingBytes)}` : value;
}

/** The records of a log, in the order in which they first became durable, from what was written to its segments. */
export function loggedRecords(writes: readonly DurableWrite[]): LoggedRecord[] {
  const view = new RecordView(pure);
  const seen = new Set<string>();
  const records: LoggedRecord[] = [];
  const pristine = new Map<unknown, Uint8Array>();
  for (const { file, offset, length } of writes) {
    const segment = segmentOf(file.name);
    if (segment === null) continue;
    let bytes = pristine.get(file);
    if (bytes === undefined) {
      bytes = file.pristine();
      pristine.set(file, bytes);
    }
    eachRecord(view, { bytes, segment, from: offset, end: offset + length }, () => {
      const key = `${view.space} ${view.sequence}@${view.author}`;
      if (seen.has(key)) return;
      seen.add(key);
      records.push(loggedRecord(view));
    });
  }
  return records;
}

/** The records that can be read between two offsets of a segment's bytes now, each with its group. */
export function placedRecords(bytes: Uint8Array, segment: number, span: { readonly from: number; readonly end: number }): PlacedRecord[] {
  const view = new RecordView(pure);
  const found: PlacedRecord[] = [];
  eachRecord(view, { bytes, segment, ...span }, (groupOffset, groupBytes) => {
    found.push({ dot: `${view.space} ${view.sequence}@${view.author}`, groupOffset, groupBytes });
  });
  return found;
}

interface SegmentSpan {
  readonly bytes: Uint8Array;
  readonly segment: number;
  readonly from: number;
  readonly end: number;
}

function eachRecord(view: RecordView, span: SegmentSpan, visit: (groupOffset: number, groupBytes: number) => void): void {
  const { bytes, segment, end } = span;
  for (let offset = span.from; offset < end; ) {
    const header = readGroupHeader(bytes, { segment, offset }, pure);
    if (header === null) return;
    const groupBytes = paddedGroupBytes(header.recordBytes);
    const recordsEnd = offset + groupHeaderBytes + header.recordBytes;
    for (let at = offset + groupHeaderBytes; at < recordsEnd; at += view.length) {
      if (!view.moveTo(bytes, at, recordsEnd)) break;
      if (view.intact()) visit(offset, groupBytes);
    }
    offset += groupBytes;
  }
}

const kindOfType: Partial<Record<RecordType, LoggedRecord['kind']>> = {
  [recordTypes.episode]: 'episode',
  [recordTypes.update]: 'update',
  [recordTypes.tombstone]: 'tombstone',
};

function loggedRecord(view: RecordView): LoggedRecord {
  const kind = kindOfType[view.type] ?? 'other';
  const { authors, sequences } = view.context();
  const context: Record<Author, number> = {};
  for (let index = 0; index < authors.length; index += 1) context[authors[index]] = sequences[index];
  const holdsEpisode = kind === 'episode' || kind === 'update';
  return {
    space: view.space,
    author: view.author,
    sequence: view.sequence,
    kind,
    id: pure.utf8Decode(view.bytes.subarray(view.idOffset, view.idOffset + view.idLength)),
    contentHash: hexadecimal(view.hashHigh) + hexadecimal(view.hashLow),
    context,
    requestId: view.requestId ?? '',
    value: holdsEpisode ? valueOfEpisode(view.bytes.subarray(view.payloadOffset, view.payloadOffset + view.payloadLength)) : null,
  };
}

function hexadecimal(half: number): string {
  return half.toString(16).padStart(8, '0');
}

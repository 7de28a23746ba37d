/**
 * The one place of the simulator that reads the core's own formats: records in a log, and the tokens in replies. Checkers are given what the bytes
 * say, never what a node says of itself.
 */

import type { LoggedRecord } from '../checker/history.js';
import { type Author, authorBytes, type SpaceKey, spaceKey } from '../core/identifiers.js';
import { type Checkpoint, checkpointFiles, decodeCheckpoint } from '../core/storage/checkpoint.js';
import { groupHeaderBytes, nextGroupCandidate, paddedGroupBytes, readGroupHeader } from '../core/storage/group.js';
import { segmentNumber } from '../core/storage/segment.js';
import { readAuthor } from '../core/wire/author-bytes.js';
import { readU32, readU48 } from '../core/wire/bytes.js';
import { hexOfU32 } from '../core/wire/hex.js';
import { InternedText } from '../core/wire/interned-text.js';
import { isAcknowledgement, peerHeaderBytes } from '../core/wire/peer-message.js';
import { type RecordType, RecordView, recordTypes } from '../core/wire/record.js';
import type { DiskFile } from './disk-file.js';
import type { DurableWrite } from './disk-model.js';
import { simulatedPureFunctions } from './pure-functions.js';

const pure = simulatedPureFunctions('core-formats', 'none');
const dotBytes = authorBytes + 6;
const spacesMax = 4_096;
const spaces = new InternedText((bytes) => pure.utf8Decode(bytes), spacesMax);

/** The space that a request names, until the control log gives generations. */
export function spaceOf(name: string): SpaceKey {
  return spaceKey({ name, generation: 0 });
}

/** Number of a log segment by its file's name; null for other files. */
export const segmentOf = segmentNumber;

/** What the newest whole one of these checkpoints says of the log. */
export function toldByCheckpoint(checkpoints: readonly Uint8Array[]): {
  /** Spaces handed over, and where the log stood then. */
  readonly dropped: Checkpoint['dropped'];
  /** Where sealed segments end: what stands behind was cut by a recovery. */
  readonly ends: ReadonlyMap<number, number>;
  /** How far it lists what is in each segment. */
  readonly listed: ReadonlyMap<number, number>;
} {
  let newest: Checkpoint | null = null;
  for (const bytes of checkpoints) {
    const reading = decodeCheckpoint(bytes, pure);
    if (reading.kind === 'whole' && reading.checkpoint.number > (newest?.number ?? 0)) newest = reading.checkpoint;
  }
  const segments = newest?.segments ?? [];
  const endsOf = (some: typeof segments): ReadonlyMap<number, number> => new Map(some.map(({ number, endBytes }) => [number, endBytes]));
  return { dropped: newest?.dropped ?? new Map(), ends: endsOf(segments.filter(({ sealed }) => sealed)), listed: endsOf(segments) };
}

/** Whether a file is a checkpoint, by its name. */
export function isCheckpoint(name: string): boolean {
  return (checkpointFiles as readonly string[]).includes(name);
}

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
  return `${readU48(token, at + authorBytes)}@${readAuthor(token, at)}`;
}

/** What a message between nodes promises: that its sender has synced the records of an author up to this dot. Null for a message that promises nothing. */
export function promisedDot(message: Uint8Array): { readonly space: SpaceKey; readonly version: string } | null {
  if (!isAcknowledgement(message)) return null;
  const length = readU32(message, peerHeaderBytes);
  const spaceAt = peerHeaderBytes + 4;
  const authorAt = spaceAt + length;
  const space = spaces.at(message, spaceAt, length) as SpaceKey;
  return { space, version: `${readU48(message, authorAt + authorBytes)}@${readAuthor(message, authorAt)}` };
}

/**
 * The unique value of a simulated episode: its text (field 2) up to the first space. Read in place: histories hold thousands, and the values are ASCII.
 */
export function valueOfEpisode(bytes: Uint8Array, from = 0, end: number = bytes.length): string {
  for (let at = from; at < end; ) {
    const tag = bytes[at++];
    if ((tag & 7) === 0) while (bytes[at++] > 127);
    else if ((tag & 7) === 1) at += 8;
    else if ((tag & 7) === 5) at += 4;
    else {
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++];
        length |= (byte & 127) << shift;
        if (byte < 128) break;
      }
      if (tag === 0x12) return firstWord(bytes, at, at + length);
      at += length;
    }
  }
  return '';
}

function firstWord(bytes: Uint8Array, from: number, end: number): string {
  let word = '';
  for (let at = from; at < end && bytes[at] !== 0x20; at += 1) word += String.fromCharCode(bytes[at]);
  return word;
}

export function episodeText(value: string, paddingBytes: number): string {
  return paddingBytes > 0 ? `${value} ${'.'.repeat(paddingBytes)}` : value;
}

/**
 * Reads logs from what became durable on disks. A record is the same bytes on every copy: it is decoded once, and all logs share the result, which also lets
 * checkers tell equal records by identity.
 */
export class LogReader {
  readonly #view = new RecordView(pure);
  readonly #known = new Map<string, KnownRecord[]>();
  /** Runs of one author in one space are the rule: the last list is kept at hand. */
  #lastSpace = '';
  #lastAuthor = '';
  #lastKnown: KnownRecord[] = [];

  /**
   * The records of one node's log, in the order in which they first became durable. `madeBy`, when given, is filled with the number of the write that made each
   * durable.
   */
  read(writes: readonly DurableWrite[], madeBy: number[] = []): LoggedRecord[] {
    const view = this.#view;
    const records = new Set<LoggedRecord>();
    const pristine = new Map<DiskFile, Uint8Array>();
    for (const [number, { file, offset, length }] of writes.entries()) {
      const segment = segmentOf(file.name);
      if (segment === null) continue;
      let bytes = pristine.get(file);
      if (bytes === undefined) {
        bytes = file.pristine();
        pristine.set(file, bytes);
      }
      eachRecord(view, { bytes, segment, from: offset, end: offset + length }, () => {
        const record = this.#recordAt(view);
        if (record === null || records.has(record)) return;
        records.add(record);
        madeBy.push(number);
      });
    }
    return [...records];
  }

  #recordAt(view: RecordView): LoggedRecord | null {
    const { checksum, sequence } = view;
    const known = this.#knownOf(view.space, view.author);
    const before = known[sequence];
    if (before !== undefined && before.checksum === checksum) return before.record;
    if (!view.intact()) return null;
    const record = loggedRecord(view);
    known[sequence] = { checksum, record };
    return record;
  }

  #knownOf(space: SpaceKey, author: Author): KnownRecord[] {
    if (space === this.#lastSpace && author === this.#lastAuthor) return this.#lastKnown;
    const key = space + author;
    const known = this.#known.get(key) ?? [];
    this.#known.set(key, known);
    this.#lastSpace = space;
    this.#lastAuthor = author;
    this.#lastKnown = known;
    return known;
  }
}

interface KnownRecord {
  readonly checksum: number;
  readonly record: LoggedRecord;
}

/** The records that can be read between two offsets of a segment's bytes now, each with its group. */
export function placedRecords(bytes: Uint8Array, segment: number, span: { readonly from: number; readonly end: number }): PlacedRecord[] {
  const view = new RecordView(pure);
  const found: PlacedRecord[] = [];
  eachRecord(view, { bytes, segment, ...span }, (groupOffset, groupBytes) => {
    if (view.intact()) found.push({ dot: `${view.space} ${view.sequence}@${view.author}`, groupOffset, groupBytes });
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
    if (header === null) {
      // Damage that was copied with the rest, when the file was replaced: what stands behind it counts all the same.
      offset = nextGroupCandidate(bytes, offset + 1);
      continue;
    }
    const groupBytes = paddedGroupBytes(header.recordBytes);
    const recordsEnd = offset + groupHeaderBytes + header.recordBytes;
    for (let at = offset + groupHeaderBytes; at < recordsEnd; at += view.length) {
      if (!view.moveTo(bytes, at, recordsEnd)) break;
      visit(offset, groupBytes);
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
    contentHash: hexOfU32(view.hashHigh) + hexOfU32(view.hashLow),
    context,
    requestId: view.requestId ?? '',
    value: holdsEpisode ? valueOfEpisode(view.bytes, view.payloadOffset, view.payloadOffset + view.payloadLength) : null,
  };
}

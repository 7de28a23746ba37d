/**
 * What a voter must not forget, as records of the node's own log: its ballot, its entries, its snapshots. They stand among the records of all spaces and become
 * durable with them, by the same syncs.
 *
 * They are of no space: a reserved name, which no space can have, stands in its place. Their dots are gapless per boot like all others, so a checkpoint knows
 * of each one that it was there, and in what order they were written is known wherever compaction has moved them.
 *
 *   record type   payload (little endian)
 *   vote          version 1 · term 6 · 0, or 1 and the node 16
 *   control entry version 1 · 0 · term of the entry before 6 · entry, as in messages
 *   control entry version 1 · 1 · snapshot's index 6, term 6, configuration · part 2 · parts 2 · bytes
 *   control entry version 2 · 2 · index 6, term 6 of the last entry that is known to be committed
 *   control entry version 2 · 3 · term 6 · votes from 6
 *   control entry version 3 · 4 · as 1, of a snapshot with which a voter begins anew
 *   control entry version 3 · 5 · term 6 · votes from 6 · parts 2
 */
import { emptyContext } from '../clock/causal-context.js';
import type { Now } from '../events.js';
import { type Author, authorBytes, type Dot, type NodeId, nodeIdBytes, type SpaceKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import type { RecordPlace } from '../storage/dot-positions.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../wire/hex.js';
import { type RecordDraft, type RecordView, recordTypes } from '../wire/record.js';
import { readConfiguration, readEntry, writeConfiguration, writeEntry } from './raft/message-codec.js';
import type { Ballot, Entry, EntryAt, Snapshot } from './raft/vocabulary.js';

const reservedName = '.control';
/** In the place of a space's key. */
export const controlSpace = `${reservedName}#0` as SpaceKey;
/** Stands for records of the control log that may have been lost, nobody knows how many. */
export const lostControlDot = { author: '0'.repeat(2 * authorBytes) as Author, from: 1, to: 1 };
export const controlRecordVersion = 3;
/** A snapshot is kept in parts of at most this size. */
export const snapshotPartBytesMax = 64 * 1_024;

export type ControlRecord =
  | { readonly kind: 'ballot'; readonly ballot: Ballot }
  /** `previousTerm` ties it to the entry before it. */
  | { readonly kind: 'entry'; readonly previousTerm: number; readonly entry: Entry }
  | {
      readonly kind: 'snapshot-part';
      readonly of: Omit<Snapshot, 'state'>;
      readonly part: number;
      readonly parts: number;
      readonly bytes: Uint8Array;
      /** Of a snapshot with which a voter begins anew: it counts only if the record that says so stands right behind its last part. */
      readonly isBeginning: boolean;
    }
  /** All up to there is committed: a node that starts without a leader goes by it. */
  | { readonly kind: 'committed'; readonly upTo: EntryAt }
  /**
   * This voter may have forgotten something, and begins anew: what was written before is of no account, and its loss is none. It has no vote to give in that term, and no voice before its
   * log reaches `votesFrom`. So many snapshot parts right before this record are not given up with the rest: it begins with them.
   */
  | { readonly kind: 'begun-anew'; readonly term: number; readonly votesFrom: number; readonly parts: number };

/** Who is told of the control log's records in the node's log. */
export interface ControlRecords {
  /** Found at recovery, intact; the same dot may come again from a later place, which then counts. */
  recovered(view: RecordView, place: RecordPlace): void;
  /** One that was appended is durable. */
  durable(dot: Dot, place: RecordPlace, now: Now): void;
  /** Compaction has put it into another place. */
  moved(dot: Dot, place: RecordPlace): void;
  /** Whether compaction must keep what stands there. */
  isNeeded(dot: Dot, place: { readonly segment: number; readonly offset: number }): boolean;
}

/** Whether a record is the control log's. */
export function isControlRecord({ type }: RecordView): boolean {
  return type === recordTypes.vote || type === recordTypes.controlEntry;
}

export function snapshotParts({ state, ...of }: Snapshot, { isBeginning } = { isBeginning: false }): readonly ControlRecord[] {
  const parts = Math.max(1, Math.ceil(state.length / snapshotPartBytesMax));
  return Array.from({ length: parts }, (_, part) => {
    const from = part * snapshotPartBytesMax;
    return { kind: 'snapshot-part', of, part, parts, bytes: state.subarray(from, from + snapshotPartBytesMax), isBeginning };
  });
}

/** The record as it goes to the log. */
export function draftOf(
  record: ControlRecord,
  dot: { readonly author: Author; readonly authorBytes: Uint8Array; readonly sequence: number },
  pure: PureFunctions,
): RecordDraft {
  return {
    type: record.kind === 'ballot' ? recordTypes.vote : recordTypes.controlEntry,
    term: { generation: 0, index: 0, counter: 0 },
    timeMs: 0,
    timeLogical: 0,
    author: dot.author,
    authorBytes: dot.authorBytes,
    sequence: dot.sequence,
    request: null,
    requestHigh: 0,
    requestLow: 0,
    hashHigh: 0,
    hashLow: 0,
    confidence: 0,
    spaceGeneration: 0,
    spaceName: pure.utf8Encode(reservedName),
    idSource: new Uint8Array(0),
    idOffset: 0,
    idLength: 0,
    context: emptyContext,
    superseded: [],
    payload: encodePayload(record),
  };
}

/** The first version that can say it: what an earlier one reads as well is written as before. */
function versionOf(record: ControlRecord): number {
  if (record.kind === 'snapshot-part') return record.isBeginning ? 3 : 1;
  if (record.kind === 'begun-anew') return record.parts > 0 ? 3 : 2;
  return record.kind === 'committed' ? 2 : 1;
}

function encodePayload(record: ControlRecord): Uint8Array {
  const writer = new ByteWriter(128).u8(versionOf(record));
  switch (record.kind) {
    case 'ballot':
      writer.u48(record.ballot.term).u8(record.ballot.vote === null ? 0 : 1);
      if (record.ballot.vote !== null) writer.raw(hexToBytes(record.ballot.vote));
      break;
    case 'entry':
      writer.u8(0).u48(record.previousTerm);
      writeEntry(writer, record.entry);
      break;
    case 'committed':
      writer.u8(2).u48(record.upTo.index).u48(record.upTo.term);
      break;
    case 'snapshot-part':
      writer
        .u8(record.isBeginning ? 4 : 1)
        .u48(record.of.index)
        .u48(record.of.term);
      writeConfiguration(writer, record.of.configuration);
      writer.u16(record.part).u16(record.parts).block(record.bytes);
      break;
    case 'begun-anew':
      writer
        .u8(record.parts > 0 ? 5 : 3)
        .u48(record.term)
        .u48(record.votesFrom);
      if (record.parts > 0) writer.u16(record.parts);
  }
  return writer.finish();
}

export type ControlRecordReading =
  | { readonly kind: 'record'; readonly record: ControlRecord }
  | { readonly kind: 'damaged' }
  /** Written by a later version of Engram. */
  | { readonly kind: 'newer'; readonly version: number };

/** Reads an intact record of the control log; its bytes are copied. */
export function readControlRecord(view: RecordView): ControlRecordReading {
  const reader = new ByteReader(view.bytes.slice(view.payloadOffset, view.payloadOffset + view.payloadLength));
  const version = reader.u8();
  if (version > controlRecordVersion) return { kind: 'newer', version };
  const record = view.type === recordTypes.vote ? readBallot(reader) : readLogRecord(reader);
  const isWhole = record !== null && !reader.failed && reader.remaining === 0;
  return isWhole ? { kind: 'record', record } : { kind: 'damaged' };
}

function readBallot(reader: ByteReader): ControlRecord {
  const term = reader.u48();
  const hasVoted = reader.u8() === 1;
  const at = hasVoted ? reader.skip(nodeIdBytes) : -1;
  const vote = at < 0 ? null : (bytesToHex(reader.bytes, at, nodeIdBytes) as NodeId);
  return { kind: 'ballot', ballot: { term, vote } };
}

function readLogRecord(reader: ByteReader): ControlRecord | null {
  const kind = reader.u8();
  if (kind === 0) {
    const previousTerm = reader.u48();
    const entry = readEntry(reader);
    return entry === null ? null : { kind: 'entry', previousTerm, entry };
  }
  if (kind === 2) return { kind: 'committed', upTo: { index: reader.u48(), term: reader.u48() } };
  if (kind === 3) return { kind: 'begun-anew', term: reader.u48(), votesFrom: reader.u48(), parts: 0 };
  if (kind === 5) return { kind: 'begun-anew', term: reader.u48(), votesFrom: reader.u48(), parts: reader.u16() };
  const [index, term] = [reader.u48(), reader.u48()];
  const configuration = readConfiguration(reader);
  const [part, parts, bytes] = [reader.u16(), reader.u16(), reader.block()];
  if (configuration === null || part >= parts) return null;
  return { kind: 'snapshot-part', of: { index, term, configuration }, part, parts, bytes, isBeginning: kind === 4 };
}

/**
 * The record: one durable entry of a node's log, the same bytes on every copy's disk and on the wire between them. It carries its own checksum,
 * its dot and everything that merging needs, so that the readable state is a function of the set of records and of nothing else.
 *
 *   offset  bytes  field (little endian)
 *        0      4  length of the whole record
 *        4      4  CRC-32 of everything after this field
 *        8      1  type
 *        9      1  format version
 *       10      2  offset of the payload
 *       12      4  term: control-log generation
 *       16      6  term: index of the entry
 *       22      4  term: provisional counter, 0 when committed
 *       26      6  hybrid logical time: milliseconds
 *       32      2  hybrid logical time: logical part
 *       34     28  author: node, boot counter (big endian), boot random
 *       62      6  sequence
 *       68     16  request id, zeros for none
 *       84      8  content hash: low half, high half
 *       92      8  stored confidence, IEEE 754
 *      100      4  space generation
 *      104      1  length of the space name
 *      105      1  number of superseded requests
 *      106      2  number of context entries
 *      108      2  length of the memory id
 *      110         space name · memory id · context entries (author 28, sequence 6) · superseded requests (first 8 bytes of the id, milliseconds 6) · payload
 */

import { type CausalContext, contextEntriesMax, emptyContext } from '../clock/causal-context.js';
import { type Author, authorBytes, type RequestId, requestIdBytes, type SpaceKey, type Term } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { readAuthor, writeAuthor } from './author-bytes.js';
import { readF64, readU16, readU32, readU48, writeF64, writeU16, writeU32, writeU48 } from './bytes.js';
import { bytesToHex } from './hex.js';
import { InternedText } from './interned-text.js';
import { rangeCrc32 } from './short-crc32.js';

/** Reserved from the first day; this version writes the first three. */
export const recordTypes = {
  episode: 1,
  update: 2,
  tombstone: 3,
  pattern: 4,
  hint: 5,
  vote: 6,
  controlEntry: 7,
  checkpointMark: 8,
} as const;
export type RecordType = (typeof recordTypes)[keyof typeof recordTypes];

export const recordFormatVersion = 1;
const fixedBytes = 110;
const contextEntryBytes = authorBytes + 6;
const supersededEntryBytes = 8 + 6;

/** A request that a version took the place of, by the first 64 bits of its id, with the time of its write: carried for the retry window. */
export interface SupersededRequest {
  readonly high: number;
  readonly low: number;
  readonly ms: number;
}

export interface RecordDraft {
  readonly type: RecordType;
  readonly term: Term;
  /** Hybrid logical time: given last, because a time once taken is not given back. */
  timeMs: number;
  timeLogical: number;
  readonly author: Author;
  /** The author's 28 bytes. */
  readonly authorBytes: Uint8Array;
  readonly sequence: number;
  /** The request id's 16 bytes; null for none. */
  readonly request: Uint8Array | null;
  /** Its first 64 bits as two little-endian words: of a batch entry they are not those of the request. */
  readonly requestHigh: number;
  readonly requestLow: number;
  readonly hashHigh: number;
  readonly hashLow: number;
  readonly confidence: number;
  readonly spaceGeneration: number;
  readonly spaceName: Uint8Array;
  /** Where the id's bytes stand. */
  readonly idSource: Uint8Array;
  readonly idOffset: number;
  readonly idLength: number;
  /** Without an entry of the author itself: its earlier versions of the id are included by rule. */
  readonly context: CausalContext;
  readonly superseded: readonly SupersededRequest[];
  readonly payload: Uint8Array;
}

/** Authors that a view converts once. */
const spacesRememberedMax = 256;
const noSuperseded: readonly SupersededRequest[] = [];

export function recordLength(draft: RecordDraft): number {
  return (
    fixedBytes +
    draft.spaceName.length +
    draft.idLength +
    draft.context.authors.length * contextEntryBytes +
    draft.superseded.length * supersededEntryBytes +
    draft.payload.length
  );
}

/** Writes the record at `at`; the array has room for `recordLength(draft)` bytes. Returns that length. */
export function writeRecord(draft: RecordDraft, target: Uint8Array, at: number, pure: PureFunctions): number {
  const length = recordLength(draft);
  const contextCount = draft.context.authors.length;
  invariant(contextCount <= contextEntriesMax && draft.superseded.length < 256, 'contexts and superseded requests are bounded');
  writeU32(target, at, length);
  target[at + 8] = draft.type;
  target[at + 9] = recordFormatVersion;
  writeU16(target, at + 10, length - draft.payload.length);
  writeU32(target, at + 12, draft.term.generation);
  writeU48(target, at + 16, draft.term.index);
  writeU32(target, at + 22, draft.term.counter);
  writeU48(target, at + 26, draft.timeMs);
  writeU16(target, at + 32, draft.timeLogical);
  target.set(draft.authorBytes, at + 34);
  writeU48(target, at + 62, draft.sequence);
  if (draft.request === null) target.fill(0, at + 68, at + 84);
  else {
    writeU32(target, at + 68, draft.requestHigh);
    writeU32(target, at + 72, draft.requestLow);
    for (let index = 8; index < requestIdBytes; index += 1) target[at + 68 + index] = draft.request[index];
  }
  writeU32(target, at + 84, draft.hashLow);
  writeU32(target, at + 88, draft.hashHigh);
  writeF64(target, at + 92, draft.confidence);
  writeU32(target, at + 100, draft.spaceGeneration);
  target[at + 104] = draft.spaceName.length;
  target[at + 105] = draft.superseded.length;
  writeU16(target, at + 106, contextCount);
  writeU16(target, at + 108, draft.idLength);
  let end = at + fixedBytes;
  target.set(draft.spaceName, end);
  end += draft.spaceName.length;
  for (let index = 0; index < draft.idLength; index += 1) target[end + index] = draft.idSource[draft.idOffset + index];
  end += draft.idLength;
  for (let index = 0; index < contextCount; index += 1) {
    writeAuthor(target, end, draft.context.authors[index]);
    writeU48(target, end + authorBytes, draft.context.sequences[index]);
    end += contextEntryBytes;
  }
  for (const superseded of draft.superseded) {
    writeU32(target, end, superseded.high);
    writeU32(target, end + 4, superseded.low);
    writeU48(target, end + 8, superseded.ms);
    end += supersededEntryBytes;
  }
  target.set(draft.payload, end);
  writeU32(target, at + 4, rangeCrc32(target, at + 8, at + length, pure));
  return length;
}

/** The length of the record that is known to stand at `at`. */
export function recordLengthAt(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at);
}

/** A record in place. One view is moved over many records; nothing is copied but what a caller asks for. */
export class RecordView {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  length = 0;
  /** Of the record that the view stands at; null until somebody asks. */
  #author: Author | null = null;
  readonly #spaces: InternedText;
  readonly #pure: PureFunctions;

  constructor(pure: PureFunctions) {
    this.#pure = pure;
    this.#spaces = new InternedText((name, generation) => `${pure.utf8Decode(name)}#${generation}`, spacesRememberedMax);
  }

  /** Moves to the record at `at` without checking its checksum. False when no whole record of a known format can stand there before `end`. */
  moveTo(bytes: Uint8Array, at: number, end: number): boolean {
    if (at + fixedBytes > end) return false;
    const length = readU32(bytes, at);
    const payloadOffset = readU16(bytes, at + 10);
    if (length < payloadOffset || at + length > end || bytes[at + 9] !== recordFormatVersion) return false;
    const variable =
      bytes[at + 104] + readU16(bytes, at + 108) + readU16(bytes, at + 106) * contextEntryBytes + bytes[at + 105] * supersededEntryBytes;
    if (payloadOffset !== fixedBytes + variable) return false;
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    this.#author = null;
    return true;
  }

  /** Whether the bytes are those that were written. */
  intact(): boolean {
    return this.checksum === rangeCrc32(this.bytes, this.at + 8, this.at + this.length, this.#pure);
  }

  get checksum(): number {
    return readU32(this.bytes, this.at + 4);
  }

  get type(): RecordType {
    return this.bytes[this.at + 8] as RecordType;
  }

  get isTombstone(): boolean {
    return this.bytes[this.at + 8] === recordTypes.tombstone;
  }

  get term(): Term {
    return {
      generation: readU32(this.bytes, this.at + 12),
      index: readU48(this.bytes, this.at + 16),
      counter: readU32(this.bytes, this.at + 22),
    };
  }

  get timeMs(): number {
    return readU48(this.bytes, this.at + 26);
  }

  get timeLogical(): number {
    return readU16(this.bytes, this.at + 32);
  }

  get author(): Author {
    this.#author ??= readAuthor(this.bytes, this.at + 34);
    return this.#author;
  }

  get sequence(): number {
    return readU48(this.bytes, this.at + 62);
  }

  /** The first 64 bits of the request id, as two halves; both 0 when there is none. */
  get requestHigh(): number {
    return readU32(this.bytes, this.at + 68);
  }

  get requestLow(): number {
    return readU32(this.bytes, this.at + 72);
  }

  get requestId(): RequestId | null {
    for (let index = 0; index < requestIdBytes; index += 1) {
      if (this.bytes[this.at + 68 + index] !== 0) return bytesToHex(this.bytes, this.at + 68, requestIdBytes) as RequestId;
    }
    return null;
  }

  get hashLow(): number {
    return readU32(this.bytes, this.at + 84);
  }

  get hashHigh(): number {
    return readU32(this.bytes, this.at + 88);
  }

  get confidence(): number {
    return readF64(this.bytes, this.at + 92);
  }

  get space(): SpaceKey {
    const { bytes, at } = this;
    return this.#spaces.at(bytes, at + fixedBytes, bytes[at + 104], readU32(bytes, at + 100)) as SpaceKey;
  }

  get idOffset(): number {
    return this.at + fixedBytes + this.bytes[this.at + 104];
  }

  get idLength(): number {
    return readU16(this.bytes, this.at + 108);
  }

  get contextCount(): number {
    return readU16(this.bytes, this.at + 106);
  }

  context(): CausalContext {
    const count = this.contextCount;
    if (count === 0) return emptyContext;
    const authors: Author[] = [];
    const sequences: number[] = [];
    let at = this.idOffset + this.idLength;
    for (let index = 0; index < count; index += 1) {
      authors.push(readAuthor(this.bytes, at));
      sequences.push(readU48(this.bytes, at + authorBytes));
      at += contextEntryBytes;
    }
    return { authors, sequences };
  }

  superseded(): readonly SupersededRequest[] {
    const count = this.bytes[this.at + 105];
    if (count === 0) return noSuperseded;
    const list: SupersededRequest[] = [];
    let at = this.idOffset + this.idLength + this.contextCount * contextEntryBytes;
    for (let index = 0; index < count; index += 1) {
      list.push({ high: readU32(this.bytes, at), low: readU32(this.bytes, at + 4), ms: readU48(this.bytes, at + 8) });
      at += supersededEntryBytes;
    }
    return list;
  }

  get payloadOffset(): number {
    return this.at + readU16(this.bytes, this.at + 10);
  }

  get payloadLength(): number {
    return this.length - readU16(this.bytes, this.at + 10);
  }
}

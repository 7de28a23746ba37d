/**
 * What nodes say to each other: raw bytes under a checksum, every message complete in itself, so that any of them may be lost, doubled or come late.
 *
 *   offset  bytes  field (little endian)
 *        0      4  magic
 *        4      4  CRC-32 of everything after this field
 *        8      1  format version
 *        9      1  kind
 *       10      8  xxHash64 of the cluster id
 *       18     28  who sends: node and boot
 *       46         body
 */
import { type Author, authorBytes, type SpaceKey, type Term } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { readAuthor, writeAuthor } from './author-bytes.js';
import { ByteReader, ByteWriter, readU32, writeU32 } from './bytes.js';
import { InternedText } from './interned-text.js';
import { rangeCrc32 } from './short-crc32.js';

/** Numbers start over at each boot: only with the boot they name a fetch. A late answer to an earlier boot is no answer to this one. */
export interface FetchName {
  readonly asker: Author;
  readonly number: number;
}

export interface SpaceReport {
  readonly space: SpaceKey;
  /** The term that the sender acknowledges writes in; null when it does not. */
  readonly term: Term | null;
  /** The row, as the sender knows it, does not name it: it only hands over what it holds. */
  readonly isOutside: boolean;
  /** An encoded VersionVector: what is synced on the sender's disk, and what the sender has settled (`replication/settled-holes.ts`). */
  readonly coverage: Uint8Array;
  /** An encoded VersionVector: what was there, or should be by its horizon, and is not to be had from it; what is covered all the same
   * was settled. No bytes: nothing. */
  readonly lost: Uint8Array;
}

/** The last ping that was heard of the node and boot that this is said to, and how long ago by the sender's clock. */
export interface HeardPing {
  readonly asker: Author;
  readonly number: number;
  readonly heldMs: number;
}

export type PeerMessage =
  /** Answers the receiver's pings, asks to be answered, and says what the sender holds of the spaces that both have copies of. */
  | {
      readonly kind: 'ping';
      readonly number: number;
      /** Null before any was heard. */
      readonly heard: HeardPing | null;
      /** Whether the sender wants to be told of all spaces, not only of those that have changed. */
      readonly all: boolean;
      /** What is not named is as the ping of this number left it. 0: what is not named is not held. */
      readonly base: number;
      readonly spaces: readonly SpaceReport[];
    }
  /** Records of one (space, author) in ascending sequence. Pushed as they are appended, or in answer to a fetch. */
  | {
      readonly kind: 'run';
      readonly space: SpaceKey;
      readonly author: Author;
      /** The fetch that it answers, and the node and boot that asked; null when pushed. */
      readonly answers: FetchName | null;
      readonly records: Uint8Array;
    }
  /** Cumulative: all sequences of the author up to `end` are synced here. */
  | { readonly kind: 'acknowledge'; readonly space: SpaceKey; readonly author: Author; readonly end: number }
  /** Asks for records that the sender lacks, at most `credit` bytes of them. */
  | {
      readonly kind: 'fetch';
      readonly number: number;
      readonly space: SpaceKey;
      readonly credit: number;
      /** Where a snapshot goes on; 0 at its beginning. */
      readonly cursor: number;
      readonly coverage: Uint8Array;
    }
  /** The end of the answer to a fetch from the log: `runs` run messages were sent. */
  | { readonly kind: 'fetched'; readonly answers: FetchName; readonly space: SpaceKey; readonly runs: number }
  /**
   * The answer to a fetch that reaches below the horizon: retained records of any author, in index order. Once all are synced up to the last, what is
   * absent below the horizon is known to be dominated, except in the holes.
   */
  | {
      readonly kind: 'snapshot';
      readonly answers: FetchName;
      readonly space: SpaceKey;
      readonly cursor: number;
      /** 0 at the end. */
      readonly next: number;
      readonly horizon: ReadonlyMap<Author, number>;
      /** An encoded VersionVector. */
      readonly holes: Uint8Array;
      readonly records: Uint8Array;
    }
  /** Between the control logs of two nodes, which need not share a space: what it says is theirs to read. */
  | { readonly kind: 'control'; readonly bytes: Uint8Array };

export const peerFormatVersion = 1;
export const peerHeaderBytes = 46;
const magic = 0x50_4d_47_45;
/** Small messages share memory in pieces of this size. */
const messagesTogetherBytes = 16 * 1_024;
/** Spaces that are remembered in either form, at most. */
const rememberedMax = 4_096;
const kinds = ['ping', 'run', 'acknowledge', 'fetch', 'fetched', 'snapshot', 'control'] as const;
const acknowledgementKind = kinds.indexOf('acknowledge');
const controlKind = kinds.indexOf('control');

/** The checksum that a message carries: as good as one of our own over it, for telling messages apart. */
export function messageChecksum(bytes: Uint8Array): number {
  return readU32(bytes, 4);
}

/** Whether a message is an acknowledgement between copies, by its kind alone. */
export function isAcknowledgement(bytes: Uint8Array): boolean {
  return bytes[9] === acknowledgementKind;
}

/** Whether a message is from one control log to another, by its kind alone. */
export function isControlMessage(bytes: Uint8Array): boolean {
  return bytes[9] === controlKind;
}

/** What such a message carries. It is taken for whole: nothing else of it is looked at. */
export function controlBytesOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(peerHeaderBytes + 4);
}

export interface Envelope {
  readonly from: Author;
  readonly message: PeerMessage;
}

export type EnvelopeFault = 'too short' | 'not a message' | 'checksum' | 'format version' | 'another cluster' | 'malformed';

/** Writes and reads messages of one cluster. */
export class PeerCodec {
  readonly #pure: PureFunctions;
  readonly #cluster = new Uint32Array(2);
  readonly #writer = new ByteWriter(messagesTogetherBytes);
  readonly #spaceBytes = new Map<SpaceKey, Uint8Array>();
  readonly #spaces: InternedText;

  constructor(clusterId: string, pure: PureFunctions) {
    this.#pure = pure;
    this.#spaces = new InternedText((bytes) => pure.utf8Decode(bytes), rememberedMax);
    pure.hash64(pure.utf8Encode(clusterId), this.#cluster);
  }

  encode(from: Author, message: PeerMessage): Uint8Array {
    const writer = this.#writer;
    writer.u32(magic).u32(0).u8(peerFormatVersion).u8(kinds.indexOf(message.kind));
    writer.u32(this.#cluster[0]).u32(this.#cluster[1]);
    this.#author(writer, from);
    this.#body(writer, message);
    const bytes = writer.finish();
    writeU32(bytes, 4, rangeCrc32(bytes, 8, bytes.length, this.#pure));
    return bytes;
  }

  #space(writer: ByteWriter, space: SpaceKey): ByteWriter {
    let bytes = this.#spaceBytes.get(space);
    if (bytes === undefined) {
      bytes = this.#pure.utf8Encode(space);
      if (this.#spaceBytes.size < rememberedMax) this.#spaceBytes.set(space, bytes);
    }
    return writer.block(bytes);
  }

  #author(writer: ByteWriter, author: Author): ByteWriter {
    const at = writer.skip(authorBytes);
    writeAuthor(writer.bytes, at, author);
    return writer;
  }

  #heardPing(writer: ByteWriter, heard: HeardPing | null): void {
    writer.u8(heard === null ? 0 : 1);
    if (heard !== null) this.#author(writer, heard.asker).u48(heard.number).u48(heard.heldMs);
  }

  #readHeardPing(reader: ByteReader): HeardPing | null {
    return reader.u8() === 0 ? null : { asker: this.#readAuthor(reader), number: reader.u48(), heldMs: reader.u48() };
  }

  #fetchName(writer: ByteWriter, name: FetchName | null): ByteWriter {
    writer.u8(name === null ? 0 : 1);
    return name === null ? writer : this.#author(writer, name.asker).u32(name.number);
  }

  #readFetchName(reader: ByteReader): FetchName | null {
    return reader.u8() === 0 ? null : { asker: this.#readAuthor(reader), number: reader.u32() };
  }

  #body(writer: ByteWriter, message: PeerMessage): void {
    switch (message.kind) {
      case 'ping':
        this.#heardPing(writer.u48(message.number), message.heard);
        writer
          .u8(message.all ? 1 : 0)
          .u48(message.base)
          .u16(message.spaces.length);
        for (const { space, term, isOutside, coverage, lost } of message.spaces) {
          this.#space(writer, space).u8((term === null ? 0 : 1) | (isOutside ? 2 : 0));
          if (term !== null) writer.u32(term.generation).u48(term.index).u32(term.counter);
          writer.block(coverage).block(lost);
        }
        return;
      case 'run':
        this.#author(this.#space(writer, message.space), message.author);
        this.#fetchName(writer, message.answers).block(message.records);
        return;
      case 'acknowledge':
        this.#author(this.#space(writer, message.space), message.author).u48(message.end);
        return;
      case 'fetch':
        this.#space(writer, message.space).u32(message.number).u32(message.credit).u32(message.cursor).block(message.coverage);
        return;
      case 'fetched':
        this.#fetchName(this.#space(writer, message.space), message.answers).u32(message.runs);
        return;
      case 'snapshot':
        this.#fetchName(this.#space(writer, message.space), message.answers)
          .u32(message.cursor)
          .u32(message.next)
          .u32(message.horizon.size);
        for (const [author, sequence] of message.horizon) this.#author(writer, author).u48(sequence);
        writer.block(message.holes).block(message.records);
        return;
      case 'control':
        writer.block(message.bytes);
        return;
    }
  }

  /** The message, or what is wrong with the bytes. Never throws. */
  decode(bytes: Uint8Array): Envelope | EnvelopeFault {
    if (bytes.length < peerHeaderBytes) return 'too short';
    if (readU32(bytes, 0) !== magic) return 'not a message';
    if (readU32(bytes, 4) !== rangeCrc32(bytes, 8, bytes.length, this.#pure)) return 'checksum';
    if (bytes[8] !== peerFormatVersion) return 'format version';
    if (readU32(bytes, 10) !== this.#cluster[0] || readU32(bytes, 14) !== this.#cluster[1]) return 'another cluster';
    const from = readAuthor(bytes, 18);
    const reader = new ByteReader(bytes, peerHeaderBytes);
    const message = this.#read(reader, kinds[bytes[9]]);
    return message === null || reader.failed || reader.remaining > 0 ? 'malformed' : { from, message };
  }

  #readSpace(reader: ByteReader): SpaceKey {
    const length = reader.u32();
    const at = reader.skip(length);
    return (at < 0 ? '' : this.#spaces.at(reader.bytes, at, length)) as SpaceKey;
  }

  #readAuthor(reader: ByteReader): Author {
    const at = reader.skip(authorBytes);
    return at < 0 ? ('' as Author) : readAuthor(reader.bytes, at);
  }

  #read(reader: ByteReader, kind: PeerMessage['kind'] | undefined): PeerMessage | null {
    switch (kind) {
      case 'ping':
        return this.#readPing(reader);
      case 'run':
        return {
          kind,
          space: this.#readSpace(reader),
          author: this.#readAuthor(reader),
          answers: this.#readFetchName(reader),
          records: reader.block(),
        };
      case 'acknowledge':
        return { kind, space: this.#readSpace(reader), author: this.#readAuthor(reader), end: reader.u48() };
      case 'fetch':
        return {
          kind,
          space: this.#readSpace(reader),
          number: reader.u32(),
          credit: reader.u32(),
          cursor: reader.u32(),
          coverage: reader.block(),
        };
      case 'fetched':
        return this.#readFetched(reader);
      case 'snapshot':
        return this.#readSnapshot(reader);
      case 'control':
        return { kind, bytes: reader.block() };
      case undefined:
        return null;
    }
  }

  #readPing(reader: ByteReader): PeerMessage {
    const number = reader.u48();
    const heard = this.#readHeardPing(reader);
    const all = reader.u8() === 1;
    const base = reader.u48();
    const count = reader.u16();
    const spaces: SpaceReport[] = [];
    for (let index = 0; index < count && !reader.failed; index += 1) {
      const space = this.#readSpace(reader);
      const flags = reader.u8();
      const term = (flags & 1) === 0 ? null : { generation: reader.u32(), index: reader.u48(), counter: reader.u32() };
      spaces.push({ space, term, isOutside: (flags & 2) !== 0, coverage: reader.block(), lost: reader.block() });
    }
    return { kind: 'ping', number, heard, all, base, spaces };
  }

  #readFetched(reader: ByteReader): PeerMessage | null {
    const space = this.#readSpace(reader);
    const answers = this.#readFetchName(reader);
    return answers === null ? null : { kind: 'fetched', space, answers, runs: reader.u32() };
  }

  #readSnapshot(reader: ByteReader): PeerMessage | null {
    const space = this.#readSpace(reader);
    const answers = this.#readFetchName(reader);
    if (answers === null) return null;
    const cursor = reader.u32();
    const next = reader.u32();
    const horizon = new Map<Author, number>();
    const count = reader.u32();
    for (let index = 0; index < count && !reader.failed; index += 1) horizon.set(this.#readAuthor(reader), reader.u48());
    return { kind: 'snapshot', answers, space, cursor, next, horizon, holes: reader.block(), records: reader.block() };
  }
}

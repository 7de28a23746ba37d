/**
 * The index of one space: from memory id to its retained versions and where each stands in the log. Open addressing over typed arrays; a memory
 * costs about 45 bytes and its id, a version about 75, against 109 for a Map entry alone.
 *
 * Which versions are retained is decided by the merge (memory/merge.ts); this file only keeps them. Rows of both tables are plain numbers, stable
 * until freed.
 */
import type { Author } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { RecordPlace } from './dot-positions.js';

/** Row of a memory; -1 for none. */
export type MemoryRow = number;
/** Row of a version; -1 for none. */
export type VersionRow = number;

export const versionFlags = {
  tombstone: 1,
  /** Appended, not yet synced: counts for the next write of this id, is invisible to readers. */
  pending: 2,
  /** A tombstone that a later version includes: kept, since it still beats versions that do not include it. */
  dominated: 4,
  /** Its bytes on this disk are damaged: to be fetched again from a peer. */
  damaged: 8,
  free: 16,
} as const;

export interface VersionFields {
  readonly author: Author;
  readonly sequence: number;
  readonly timeMs: number;
  readonly timeLogical: number;
  readonly confidence: number;
  readonly hashHigh: number;
  readonly hashLow: number;
  readonly requestHigh: number;
  readonly requestLow: number;
}

const rowsAtFirst = 64;
const idArenaAtFirst = 1_024;

type Column =
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

function wider<Kind extends Column>(column: Kind, capacity: number): Kind {
  const grown = new (column.constructor as new (length: number) => Kind)(capacity);
  grown.set(column as never);
  return grown;
}

/** 32-bit FNV-1a with a final mix; the table compares whole ids, so the hash decides speed only. */
export function hashId(bytes: Uint8Array, offset: number, length: number): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < length; index += 1) hash = Math.imul(hash ^ bytes[offset + index], 0x01_00_01_93);
  return mix(hash) >>> 0;
}

function hashText(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01_00_01_93);
  return mix(hash);
}

/** The final mix of MurmurHash3 (Appleby, 2011). */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return hash ^ (hash >>> 16);
}

export class RecordIndex {
  /** Open addressing: memory row + 1, or 0. Length is a power of two, at most half full. */
  #slots = new Int32Array(rowsAtFirst * 2);
  #memoryCount = 0;
  #hash = new Uint32Array(rowsAtFirst);
  #idOffset = new Float64Array(rowsAtFirst);
  #idLength = new Uint16Array(rowsAtFirst);
  #head = new Int32Array(rowsAtFirst).fill(-1);
  #ids = new Uint8Array(idArenaAtFirst);
  #idsUsed = 0;

  readonly #authors: Author[] = [];
  readonly #authorRows = new Map<Author, number>();
  readonly #authorHashes: number[] = [];

  #versionCount = 0;
  /** Durable versions, and the tombstones among them. */
  #durable = 0;
  #tombstones = 0;
  /** Sums over the durable versions, so that neither their order nor what came and went matters. */
  #digestHigh = 0;
  #digestLow = 0;
  #freeVersion = -1;
  next = new Int32Array(rowsAtFirst);
  #memory = new Int32Array(rowsAtFirst);
  #author = new Uint32Array(rowsAtFirst);
  readonly columns = {
    sequence: new Float64Array(rowsAtFirst),
    timeMs: new Float64Array(rowsAtFirst),
    timeLogical: new Uint16Array(rowsAtFirst),
    confidence: new Float64Array(rowsAtFirst),
    hashHigh: new Uint32Array(rowsAtFirst),
    hashLow: new Uint32Array(rowsAtFirst),
    requestHigh: new Uint32Array(rowsAtFirst),
    requestLow: new Uint32Array(rowsAtFirst),
    segment: new Uint32Array(rowsAtFirst),
    offset: new Uint32Array(rowsAtFirst),
    length: new Uint32Array(rowsAtFirst),
    flags: new Uint8Array(rowsAtFirst),
    /** Row in the vector table, or -1. */
    vector: new Int32Array(rowsAtFirst),
  };

  get memoryCount(): number {
    return this.#memoryCount;
  }

  /** Durable versions that are retained. */
  get durableVersions(): number {
    return this.#durable;
  }

  /** Durable tombstones that are retained. */
  get tombstones(): number {
    return this.#tombstones;
  }

  /** Over the durable versions: 16 hexadecimal digits, equal for equal sets. */
  get digest(): string {
    return (this.#digestHigh >>> 0).toString(16).padStart(8, '0') + (this.#digestLow >>> 0).toString(16).padStart(8, '0');
  }

  /** Upper bound of version rows, free ones among them. */
  get versionRows(): number {
    return this.#versionCount;
  }

  find(bytes: Uint8Array, offset: number, length: number): MemoryRow {
    return this.#find(hashId(bytes, offset, length), bytes, offset, length);
  }

  #find(hash: number, bytes: Uint8Array, offset: number, length: number): MemoryRow {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] - 1;
      if (row < 0) return -1;
      if (this.#hash[row] === hash && this.#sameId(row, bytes, offset, length)) return row;
    }
  }

  findOrAdd(bytes: Uint8Array, offset: number, length: number): MemoryRow {
    const hash = hashId(bytes, offset, length);
    const known = this.#find(hash, bytes, offset, length);
    return known >= 0 ? known : this.#add(hash, bytes, offset, length);
  }

  /** Adds an id that `find` has just not found. */
  addAbsent(bytes: Uint8Array, offset: number, length: number): MemoryRow {
    return this.#add(hashId(bytes, offset, length), bytes, offset, length);
  }

  #add(hash: number, bytes: Uint8Array, offset: number, length: number): MemoryRow {
    if (this.#memoryCount === this.#hash.length) this.#growMemories();
    if ((this.#memoryCount + 1) * 2 > this.#slots.length) this.#rehash();
    const row = this.#memoryCount;
    this.#memoryCount += 1;
    if (this.#idsUsed + length > this.#ids.length) this.#ids = wider(this.#ids, Math.max(this.#ids.length * 2, this.#idsUsed + length));
    for (let index = 0; index < length; index += 1) this.#ids[this.#idsUsed + index] = bytes[offset + index];
    this.#hash[row] = hash;
    this.#idOffset[row] = this.#idsUsed;
    this.#idLength[row] = length;
    this.#head[row] = -1;
    this.#idsUsed += length;
    this.#place(row);
    return row;
  }

  /** The id's bytes, a view valid until the next memory is added. */
  idOf(row: MemoryRow): Uint8Array {
    return this.#ids.subarray(this.#idOffset[row], this.#idOffset[row] + this.#idLength[row]);
  }

  /** First of the memory's versions, newest addition first; go on with `next`. */
  headOf(row: MemoryRow): VersionRow {
    return this.#head[row];
  }

  memoryOf(version: VersionRow): MemoryRow {
    return this.#memory[version];
  }

  authorOf(version: VersionRow): Author {
    return this.#authors[this.#author[version]];
  }

  /** The version of that dot among the memory's versions, or -1. */
  versionOf(memory: MemoryRow, author: Author, sequence: number): VersionRow {
    const authorRow = this.#authorRows.get(author);
    if (authorRow === undefined) return -1;
    for (let version = this.#head[memory]; version >= 0; version = this.next[version]) {
      if (this.#author[version] === authorRow && this.columns.sequence[version] === sequence) return version;
    }
    return -1;
  }

  add(memory: MemoryRow, fields: VersionFields, flags: number): VersionRow {
    let version = this.#freeVersion;
    if (version >= 0) this.#freeVersion = this.next[version];
    else {
      if (this.#versionCount === this.next.length) this.#growVersions();
      version = this.#versionCount;
      this.#versionCount += 1;
    }
    const { columns } = this;
    this.#memory[version] = memory;
    this.#author[version] = this.#authorRow(fields.author);
    columns.sequence[version] = fields.sequence;
    columns.timeMs[version] = fields.timeMs;
    columns.timeLogical[version] = fields.timeLogical;
    columns.confidence[version] = fields.confidence;
    columns.hashHigh[version] = fields.hashHigh;
    columns.hashLow[version] = fields.hashLow;
    columns.requestHigh[version] = fields.requestHigh;
    columns.requestLow[version] = fields.requestLow;
    columns.flags[version] = flags;
    if ((flags & versionFlags.pending) === 0) this.#count(version, 1);
    columns.length[version] = 0;
    columns.vector[version] = -1;
    this.next[version] = this.#head[memory];
    this.#head[memory] = version;
    return version;
  }

  setPlace(version: VersionRow, place: RecordPlace): void {
    this.columns.segment[version] = place.segment;
    this.columns.offset[version] = place.offset;
    this.columns.length[version] = place.length;
  }

  place(version: VersionRow): RecordPlace {
    return { segment: this.columns.segment[version], offset: this.columns.offset[version], length: this.columns.length[version] };
  }

  isAt(version: VersionRow, place: { readonly segment: number; readonly offset: number }): boolean {
    return (
      this.columns.segment[version] === place.segment && this.columns.offset[version] === place.offset && this.columns.length[version] > 0
    );
  }

  /** Takes a version out of its memory's list and frees the row. */
  remove(version: VersionRow): void {
    const memory = this.#memory[version];
    if (this.#head[memory] === version) this.#head[memory] = this.next[version];
    else {
      let before = this.#head[memory];
      while (before >= 0 && this.next[before] !== version) before = this.next[before];
      invariant(before >= 0, 'a version is in the list of its memory');
      this.next[before] = this.next[version];
    }
    if (!this.has(version, versionFlags.pending)) this.#count(version, -1);
    this.columns.flags[version] = versionFlags.free;
    this.columns.length[version] = 0;
    this.next[version] = this.#freeVersion;
    this.#freeVersion = version;
  }

  /** A pending version has become durable. */
  settle(version: VersionRow): void {
    invariant(this.has(version, versionFlags.pending), 'only a pending version becomes durable');
    this.clearFlag(version, versionFlags.pending);
    this.#count(version, 1);
  }

  #count(version: VersionRow, change: 1 | -1): void {
    const { columns } = this;
    this.#durable += change;
    if (this.has(version, versionFlags.tombstone)) this.#tombstones += change;
    const author = this.#authorHashes[this.#author[version]];
    const dot = mix(author ^ mix(columns.sequence[version] >>> 0) ^ Math.floor(columns.sequence[version] / 0x1_0000_0000));
    const content = mix(this.#hash[this.#memory[version]] ^ columns.hashHigh[version]) ^ columns.hashLow[version];
    this.#digestHigh = (this.#digestHigh + change * mix(dot ^ content)) | 0;
    this.#digestLow = (this.#digestLow + change * mix(dot + Math.imul(content, 0x9e_37_79_b1))) | 0;
  }

  has(version: VersionRow, flag: number): boolean {
    return (this.columns.flags[version] & flag) !== 0;
  }

  setFlag(version: VersionRow, flag: number): void {
    this.columns.flags[version] |= flag;
  }

  clearFlag(version: VersionRow, flag: number): void {
    this.columns.flags[version] &= ~flag;
  }

  /** Bytes of all columns: what the index costs in memory. */
  get memoryBytes(): number {
    let bytes =
      this.#slots.byteLength + this.#hash.byteLength + this.#idOffset.byteLength + this.#idLength.byteLength + this.#head.byteLength;
    bytes += this.#ids.byteLength + this.next.byteLength + this.#memory.byteLength + this.#author.byteLength;
    for (const column of Object.values(this.columns)) bytes += column.byteLength;
    return bytes;
  }

  #authorRow(author: Author): number {
    let row = this.#authorRows.get(author);
    if (row === undefined) {
      row = this.#authors.length;
      this.#authors.push(author);
      this.#authorHashes.push(hashText(author));
      this.#authorRows.set(author, row);
    }
    return row;
  }

  #sameId(row: MemoryRow, bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#idLength[row] !== length) return false;
    const at = this.#idOffset[row];
    for (let index = 0; index < length; index += 1) {
      if (this.#ids[at + index] !== bytes[offset + index]) return false;
    }
    return true;
  }

  #place(row: MemoryRow): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hash[row] & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let row = 0; row < this.#memoryCount; row += 1) this.#place(row);
  }

  #growMemories(): void {
    const capacity = this.#hash.length * 2;
    this.#hash = wider(this.#hash, capacity);
    this.#idOffset = wider(this.#idOffset, capacity);
    this.#idLength = wider(this.#idLength, capacity);
    this.#head = wider(this.#head, capacity);
  }

  #growVersions(): void {
    const capacity = this.next.length * 2;
    const { columns } = this;
    this.next = wider(this.next, capacity);
    this.#memory = wider(this.#memory, capacity);
    this.#author = wider(this.#author, capacity);
    columns.sequence = wider(columns.sequence, capacity);
    columns.timeMs = wider(columns.timeMs, capacity);
    columns.timeLogical = wider(columns.timeLogical, capacity);
    columns.confidence = wider(columns.confidence, capacity);
    columns.hashHigh = wider(columns.hashHigh, capacity);
    columns.hashLow = wider(columns.hashLow, capacity);
    columns.requestHigh = wider(columns.requestHigh, capacity);
    columns.requestLow = wider(columns.requestLow, capacity);
    columns.segment = wider(columns.segment, capacity);
    columns.offset = wider(columns.offset, capacity);
    columns.length = wider(columns.length, capacity);
    columns.flags = wider(columns.flags, capacity);
    columns.vector = wider(columns.vector, capacity);
  }
}

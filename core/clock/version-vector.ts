/**
 * What one disk holds of one space: for each author the sequences that are verified here, holes included. Not the usual vector of one number
 * per author: a record found damaged leaves a hole below later ones, and a hole must never be claimed.
 *
 * Also its encoded forms: the whole vector, for peers; and prefixes alone (one number per author), for session tokens.
 */
import { type Author, authorBytes, compareText, type Dot, sequenceMax } from '../identifiers.js';
import { invariant } from '../invariant.js';
import { readAuthor, writeAuthor } from '../wire/author-bytes.js';
import { readU16, readU32, readU48, writeU16, writeU32, writeU48 } from '../wire/bytes.js';
import { decodeAuthorSequences, encodeAuthorSequences } from './author-sequences.js';
import { SequenceRanges } from './sequence-ranges.js';

/** A run of one author's sequences; both ends belong to it. */
export interface AuthorRange {
  readonly author: Author;
  readonly from: number;
  readonly to: number;
}

/** What two bytes can count. */
export const vectorAuthorsMax = 65_535;
/** Ranges that a peer is told of; a longer vector claims less (`withinRanges`). */
export const vectorRangesMax = 4_096;

const formatVersion = 1;
const headBytes = 1 + 2;
const authorHeadBytes = authorBytes + 4;
const rangeBytes = 6 + 6;

/** Mutable; owned by whoever keeps a copy's coverage. */
export class VersionVector {
  /** Invariant: no author's ranges are empty. */
  readonly #ranges = new Map<Author, SequenceRanges>();
  /** The authors in order, or null since one came or went: their order is asked for far more often than it changes. */
  #sorted: Author[] | null = [];

  /** The author's ranges for reading; undefined when nothing of it is here. Change them through this vector only. */
  of(author: Author): SequenceRanges | undefined {
    return this.#ranges.get(author);
  }

  /** Adds a run; returns how many of its sequences were new. */
  add({ author, from, to }: AuthorRange): number {
    return this.#rangesFor(author).add(from, to);
  }

  /** Takes a run out, as damage does; returns how many of its sequences were there. */
  remove({ author, from, to }: AuthorRange): number {
    const ranges = this.#ranges.get(author);
    if (ranges === undefined) return 0;
    const removed = ranges.remove(from, to);
    if (ranges.isEmpty()) {
      this.#ranges.delete(author);
      this.#sorted = null;
    }
    return removed;
  }

  /** Takes all of `other` out. */
  removeAll(other: VersionVector): void {
    for (const author of other.#authorsInOrder())
      for (const [from, to] of other.of(author)?.ranges() ?? []) this.remove({ author, from, to });
  }

  has(dot: Dot): boolean {
    return this.#ranges.get(dot.author)?.has(dot.sequence) ?? false;
  }

  /** By code unit. A copy. */
  authors(): Author[] {
    return this.#authorsInOrder().slice();
  }

  /** The greatest n such that the author's 1 to n are all here; 0 without its first. */
  prefix(author: Author): number {
    return this.#ranges.get(author)?.prefixEnd() ?? 0;
  }

  /** The author's greatest sequence here; 0 without any. */
  max(author: Author): number {
    return this.#ranges.get(author)?.max() ?? 0;
  }

  /** What `other` has and this vector lacks: by author, then ascending. */
  missingFrom(other: VersionVector): AuthorRange[] {
    const missing: AuthorRange[] = [];
    if (this.includesAll(other)) return missing;
    for (const author of other.#authorsInOrder()) {
      const theirs = other.#ranges.get(author) as SequenceRanges;
      const ours = this.#ranges.get(author) ?? nothing;
      for (const [from, to] of ours.missingFrom(theirs)) missing.push({ author, from, to });
    }
    return missing;
  }

  /** Whether everything in `other` is here: `missingFrom` without the answer's garbage. */
  includesAll(other: VersionVector): boolean {
    for (const [author, theirs] of other.#ranges) {
      const ours = this.#ranges.get(author);
      if (ours === undefined || !ours.includesAll(theirs)) return false;
    }
    return true;
  }

  isEmpty(): boolean {
    return this.#ranges.size === 0;
  }

  clone(): VersionVector {
    const copy = new VersionVector();
    copy.unionWith(this);
    return copy;
  }

  equals(other: VersionVector): boolean {
    if (this.#ranges.size !== other.#ranges.size) return false;
    for (const [author, ranges] of this.#ranges) {
      const theirs = other.#ranges.get(author);
      if (theirs === undefined || !ranges.equals(theirs)) return false;
    }
    return true;
  }

  /** Adds all of `other`; returns how many sequences were new. */
  unionWith(other: VersionVector): number {
    let added = 0;
    for (const author of other.#authorsInOrder()) {
      const theirs = other.#ranges.get(author) as SequenceRanges;
      added += this.#rangesFor(author).unionWith(theirs);
    }
    return added;
  }

  /** Each author's prefix, in author order, those that have one. */
  prefixes(): Map<Author, number> {
    const prefixes = new Map<Author, number>();
    for (const author of this.#authorsInOrder()) {
      const end = this.prefix(author);
      if (end > 0) prefixes.set(author, end);
    }
    return prefixes;
  }

  /** True when each named author's prefix reaches the number asked for: a session that saw those sees them here. */
  dominates(prefixes: ReadonlyMap<Author, number>): boolean {
    for (const [author, end] of prefixes) if (this.prefix(author) < end) return false;
    return true;
  }

  /** Sequences that are not here though later ones of their author are. */
  missingCount(): number {
    let missing = 0;
    for (const ranges of this.#ranges.values()) if (ranges.prefixEnd() < ranges.max()) missing += ranges.max() - ranges.count();
    return missing;
  }

  /** Runs of missing sequences below some author's greatest. */
  holeCount(): number {
    let holes = 0;
    for (const ranges of this.#ranges.values()) holes += ranges.rangeCount() - (ranges.has(1) ? 1 : 0);
    return holes;
  }

  /** Runs that are here, over all authors: what the vector costs encoded. */
  rangeCount(): number {
    let count = 0;
    for (const ranges of this.#ranges.values()) count += ranges.rangeCount();
    return count;
  }

  #rangesFor(author: Author): SequenceRanges {
    const known = this.#ranges.get(author);
    if (known !== undefined) return known;
    const made = new SequenceRanges();
    this.#ranges.set(author, made);
    // Whoever reads an encoded vector adds its authors in order.
    const sorted = this.#sorted;
    if (sorted !== null && (sorted.length === 0 || sorted[sorted.length - 1] < author)) sorted.push(author);
    else this.#sorted = null;
    return made;
  }

  #authorsInOrder(): readonly Author[] {
    this.#sorted ??= [...this.#ranges.keys()].sort(compareText);
    return this.#sorted;
  }
}

const nothing = new SequenceRanges();

/** What either vector has. */
export function united(left: VersionVector, right: VersionVector): VersionVector {
  const both = left.clone();
  both.unionWith(right);
  return both;
}

/** What both vectors have. */
export function commonTo(left: VersionVector, right: VersionVector): VersionVector {
  const common = left.clone();
  for (const range of right.missingFrom(left)) common.remove(range);
  return common;
}

/**
 * The vector as bytes, the same for equal vectors: version (1), authors (2), then by author in order its bytes (28), ranges (4) and those as
 * from (6) and to (6).
 */
export function encodeVersionVector(vector: VersionVector): Uint8Array {
  const authors = vector.authors();
  const rangesAll = vector.rangeCount();
  invariant(authors.length <= vectorAuthorsMax, 'fewer boots have ever written to a space than a vector can name');
  const bytes = new Uint8Array(headBytes + authors.length * authorHeadBytes + rangesAll * rangeBytes);
  bytes[0] = formatVersion;
  writeU16(bytes, 1, authors.length);
  let at = headBytes;
  for (const author of authors) {
    const ranges = (vector.of(author) as SequenceRanges).ranges();
    writeAuthor(bytes, at, author);
    writeU32(bytes, at + authorBytes, ranges.length);
    at += authorHeadBytes;
    for (const [from, to] of ranges) {
      writeU48(bytes, at, from);
      writeU48(bytes, at + 6, to);
      at += rangeBytes;
    }
  }
  return bytes;
}

/**
 * The vector with at most `rangesMax` ranges, the earliest of each author first: for telling a peer what is held. To claim less than one holds is always
 * safe; the peer sends some of it again.
 */
export function withinRanges(vector: VersionVector, rangesMax: number): VersionVector {
  if (vector.rangeCount() <= rangesMax) return vector;
  const claimed = new VersionVector();
  const authors = vector.authors();
  const each = Math.max(1, Math.floor(rangesMax / authors.length));
  for (const author of authors.slice(0, rangesMax)) {
    for (const [from, to] of (vector.of(author)?.ranges() ?? []).slice(0, each)) claimed.add({ author, from, to });
  }
  return claimed;
}

/** The vector that `encodeVersionVector` wrote; null for any other bytes, whoever sent them. Never throws. */
export function decodeVersionVector(bytes: Uint8Array): VersionVector | null {
  if (bytes.length < headBytes || bytes[0] !== formatVersion) return null;
  const authors = readU16(bytes, 1);
  const vector = new VersionVector();
  let at = headBytes;
  let before = '';
  for (let count = 0; count < authors; count += 1) {
    if (at + authorHeadBytes > bytes.length) return null;
    const author = readAuthor(bytes, at);
    const ranges = readU32(bytes, at + authorBytes);
    at += authorHeadBytes;
    if (author <= before || ranges === 0 || at + ranges * rangeBytes > bytes.length) return null;
    if (!decodeRanges(bytes, at, ranges, author, vector)) return null;
    at += ranges * rangeBytes;
    before = author;
  }
  return at === bytes.length ? vector : null;
}

/** Reads one author's ranges into `vector`; false unless they ascend without touching. */
function decodeRanges(bytes: Uint8Array, offset: number, count: number, author: Author, vector: VersionVector): boolean {
  // No sequence is 0, so that the first range is held to start at 1 or later.
  let end = -1;
  for (let at = offset; at < offset + count * rangeBytes; at += rangeBytes) {
    const from = readU48(bytes, at);
    const to = readU48(bytes, at + 6);
    if (from <= end + 1 || to < from) return false;
    vector.add({ author, from, to });
    end = to;
  }
  return true;
}

/** Prefixes as bytes, in author order, the same for equal prefixes; a prefix of 0 says nothing and is left out. Without any: no bytes. */
export function encodePrefixes(prefixes: ReadonlyMap<Author, number>): Uint8Array {
  const authors = [...prefixes.keys()].filter((author) => prefixes.get(author) !== 0).sort(compareText);
  invariant(authors.length <= vectorAuthorsMax, 'a session token stays within its bound');
  const sequences = authors.map((author) => prefixes.get(author) as number);
  invariant(
    sequences.every((sequence) => Number.isInteger(sequence) && sequence > 0 && sequence <= sequenceMax),
    'a prefix ends at a sequence',
  );
  return encodeAuthorSequences({ authors, sequences });
}

/** The prefixes that `encodePrefixes` wrote; null for any other bytes, whoever sent them. Never throws. No bytes are no prefixes. */
export function decodePrefixes(bytes: Uint8Array): Map<Author, number> | null {
  const decoded = decodeAuthorSequences(bytes, vectorAuthorsMax);
  return decoded === null ? null : new Map(decoded.authors.map((author, at) => [author, decoded.sequences[at]]));
}

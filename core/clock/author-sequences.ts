/**
 * One sequence for each of some authors, as bytes: the shape that session tokens and causal contexts share on their way to clients and back.
 * A format version (1), then by author in order its bytes (28) and the sequence (6, little endian). None at all is no bytes: an absent field.
 */
import { type Author, authorBytes } from '../identifiers.js';
import { readAuthor, writeAuthor } from '../wire/author-bytes.js';
import { readU48, writeU48 } from '../wire/bytes.js';

/** Invariant: as many sequences as authors; authors ascend by code unit, none twice; sequences are above 0. */
export interface AuthorSequences {
  readonly authors: readonly Author[];
  readonly sequences: readonly number[];
}

const formatVersion = 1;
const entryBytes = authorBytes + 6;

export function encodeAuthorSequences({ authors, sequences }: AuthorSequences): Uint8Array {
  if (authors.length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(1 + authors.length * entryBytes);
  bytes[0] = formatVersion;
  for (let index = 0; index < authors.length; index += 1) {
    writeAuthor(bytes, 1 + index * entryBytes, authors[index]);
    writeU48(bytes, 1 + index * entryBytes + authorBytes, sequences[index]);
  }
  return bytes;
}

/** `encodeAuthorSequences` of a single one. */
export function encodeAuthorSequence(author: Author, sequence: number): Uint8Array {
  const bytes = new Uint8Array(1 + entryBytes);
  bytes[0] = formatVersion;
  writeAuthor(bytes, 1, author);
  writeU48(bytes, 1 + authorBytes, sequence);
  return bytes;
}

/** What `encodeAuthorSequences` wrote, if it has at most `entriesMax` entries; null for any other bytes. Never throws. */
export function decodeAuthorSequences(bytes: Uint8Array, entriesMax: number): AuthorSequences | null {
  if (bytes.length === 0) return { authors: [], sequences: [] };
  const entries = (bytes.length - 1) / entryBytes;
  if (bytes[0] !== formatVersion || !Number.isInteger(entries) || entries > entriesMax) return null;
  const authors: Author[] = [];
  const sequences: number[] = [];
  for (let at = 1; at < bytes.length; at += entryBytes) {
    const author = readAuthor(bytes, at);
    const sequence = readU48(bytes, at + authorBytes);
    if (sequence === 0 || (authors.length > 0 && author <= authors[authors.length - 1])) return null;
    authors.push(author);
    sequences.push(sequence);
  }
  return { authors, sequences };
}

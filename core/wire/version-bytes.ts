/**
 * A version as clients hold it: its dot in 34 opaque bytes (author 28, sequence 6, little endian).
 */
import { authorBytes, type Dot } from '../identifiers.js';
import { readAuthor, writeAuthor } from './author-bytes.js';
import { readU48, writeU48 } from './bytes.js';

export const versionBytes = authorBytes + 6;

export function encodeVersion(dot: Dot): Uint8Array {
  const bytes = new Uint8Array(versionBytes);
  writeAuthor(bytes, 0, dot.author);
  writeU48(bytes, authorBytes, dot.sequence);
  return bytes;
}

/** The dot, or null for anything that is not a version. */
export function decodeVersion(bytes: Uint8Array): Dot | null {
  if (bytes.length !== versionBytes) return null;
  const sequence = readU48(bytes, authorBytes);
  return sequence < 1 ? null : { author: readAuthor(bytes, 0), sequence };
}

/**
 * A version as clients hold it: its dot in 34 opaque bytes (author 28, sequence 6, little endian).
 */
import { type Author, authorBytes, type Dot } from '../identifiers.js';
import { readU48, writeU48 } from './bytes.js';
import { bytesToHex, hexToBytes } from './hex.js';

export const versionBytes = authorBytes + 6;

export function encodeVersion(dot: Dot): Uint8Array {
  const bytes = new Uint8Array(versionBytes);
  hexToBytes(dot.author, bytes, 0);
  writeU48(bytes, authorBytes, dot.sequence);
  return bytes;
}

/** The dot, or null for anything that is not a version. */
export function decodeVersion(bytes: Uint8Array): Dot | null {
  if (bytes.length !== versionBytes) return null;
  const sequence = readU48(bytes, authorBytes);
  return sequence < 1 ? null : { author: bytesToHex(bytes, 0, authorBytes) as Author, sequence };
}

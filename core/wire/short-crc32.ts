/**
 * CRC-32 (IEEE 802.3) of short messages by table, eight bytes a step: the call into the platform's zlib costs more than the loop until a message is a few
 * hundred bytes long, and most are shorter. Both runtimes take it below `shortBytesMax` and zlib above.
 *
 * Follows Kounavis and Berry: "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation" (2008), slicing by eight.
 */
import type { PureFunctions } from '../pure-functions.js';

/** Measured: about where the two take equally long. */
export const shortBytesMax = 256;

/** Eight tables of 256: table n tells what a byte does to the remainder when n more bytes follow. */
const tables = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte += 1) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  tables[byte] = remainder;
}
for (let at = 256; at < tables.length; at += 1) tables[at] = (tables[at - 256] >>> 8) ^ tables[tables[at - 256] & 255];

/** The checksum of the bytes from `from` to before `to`: short ones need no view of them. */
export function rangeCrc32(bytes: Uint8Array, from: number, to: number, pure: PureFunctions): number {
  return to - from <= shortBytesMax ? shortCrc32(bytes, 0, from, to) : pure.crc32(bytes.subarray(from, to));
}

/** The same as zlib's, continuing from `seed`; of all bytes unless a range is given. */
export function shortCrc32(bytes: Uint8Array, seed = 0, from = 0, to: number = bytes.length): number {
  let crc = ~seed;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc =
      tables[1_792 + (crc & 255)] ^
      tables[1_536 + ((crc >>> 8) & 255)] ^
      tables[1_280 + ((crc >>> 16) & 255)] ^
      tables[1_024 + (crc >>> 24)] ^
      tables[768 + bytes[at + 4]] ^
      tables[512 + bytes[at + 5]] ^
      tables[256 + bytes[at + 6]] ^
      tables[bytes[at + 7]];
  }
  for (; at < to; at += 1) crc = tables[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

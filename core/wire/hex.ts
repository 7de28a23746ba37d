/**
 * Hexadecimal text and bytes, both ways, by table: identifiers are lower-case text in memory and raw bytes on the wire and on disk, and every
 * record passes through here.
 */
import { invariant } from '../invariant.js';

const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Marks what is no lower-case hexadecimal digit; a value no digit has, and one that survives an OR with any digit. */
const noDigit = 128;

const digits: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return value < 0 ? noDigit : value;
});

/**
 * The bytes that lower-case hexadecimal `text` spells: written into `into` from `offset` on, or into a new array. Returns the array written.
 * Text comes from identifiers, which are checked where they enter: anything else is a bug and stops.
 */
export function hexToBytes(text: string, into?: Uint8Array, offset = 0): Uint8Array {
  const length = text.length >>> 1;
  const target = into ?? new Uint8Array(offset + length);
  invariant(text.length % 2 === 0 && offset + length <= target.length, 'hexadecimal text has whole bytes and fits its target');
  let seen = 0;
  for (let at = 0; at < length; at += 1) {
    const high = digits[text.charCodeAt(2 * at)] ?? noDigit;
    const low = digits[text.charCodeAt(2 * at + 1)] ?? noDigit;
    seen |= high | low;
    target[offset + at] = (high << 4) | low;
  }
  // The claim is put into words only when it fails: every record passes here.
  if (seen >= noDigit) invariant(false, `identifiers are lower-case hexadecimal, got ${JSON.stringify(text)}`);
  return target;
}

/** The 8 digits of a number of 32 bits. */
export function hexOfU32(value: number): string {
  return pairs[value >>> 24] + pairs[(value >>> 16) & 255] + pairs[(value >>> 8) & 255] + pairs[value & 255];
}

/** Lower-case hexadecimal text of `length` bytes from `offset` on; of all the rest when no length is given. */
export function bytesToHex(bytes: Uint8Array, offset = 0, length: number = bytes.length - offset): string {
  invariant(offset >= 0 && length >= 0 && offset + length <= bytes.length, 'the bytes to spell are there');
  let text = '';
  for (let at = offset; at < offset + length; at += 1) text += pairs[bytes[at]];
  return text;
}

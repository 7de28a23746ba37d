/**
 * Text that comes again and again as the same few bytes (authors, space names): converted once, found again by its bytes.
 */
import { readU32, sameBytes } from './bytes.js';

interface Entry {
  readonly bytes: Uint8Array;
  readonly tag: number;
  readonly text: string;
}

export class InternedText {
  readonly #convert: (bytes: Uint8Array, tag: number) => string;
  readonly #entriesMax: number;
  readonly #entries = new Map<number, Entry>();

  /** `convert` is pure. Beyond `entriesMax` different texts the oldest are forgotten all at once. */
  constructor(convert: (bytes: Uint8Array, tag: number) => string, entriesMax: number) {
    this.#convert = convert;
    this.#entriesMax = entriesMax;
  }

  /** The text of `length` bytes at `at`, and of the number `tag` where equal bytes may mean different texts. */
  at(bytes: Uint8Array, at: number, length: number, tag = 0): string {
    const hash = hashOf(bytes, at, length, tag);
    const known = this.#entries.get(hash);
    if (known !== undefined && known.tag === tag && known.bytes.length === length && sameBytes(known.bytes, 0, bytes, at, length))
      return known.text;
    const own = bytes.slice(at, at + length);
    const text = this.#convert(own, tag);
    if (this.#entries.size >= this.#entriesMax) this.#entries.clear();
    this.#entries.set(hash, { bytes: own, tag, text });
    return text;
  }
}

/** FNV-1a (Fowler, Noll, Vo) over the tag, over words of four bytes, then over the bytes that are left. */
function hashOf(bytes: Uint8Array, at: number, length: number, tag: number): number {
  let hash = Math.imul(0x81_1c_9d_c5 ^ tag, 0x01_00_01_93);
  let index = at;
  for (const end = at + length - 3; index < end; index += 4) hash = Math.imul(hash ^ readU32(bytes, index), 0x01_00_01_93);
  for (const end = at + length; index < end; index += 1) hash = Math.imul(hash ^ bytes[index], 0x01_00_01_93);
  return hash;
}

/**
 * Writes the fields of an Episode one after another into memory that many episodes share: an array of its own for each would cost more than writing it.
 */
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { writeF64 } from './bytes.js';
import { wireTypes } from './protobuf-cursor.js';

/** Beyond this an int64 cannot be said. */
export const int64Limit = 2 ** 63;

/** Episodes up to a quarter of this share a slab; whoever keeps one of them keeps the slab. */
const slabBytes = 256 * 1_024;
/** Up to here a loop over the characters beats a call into the platform. */
const asciiLengthMax = 128;
/** Bytes of floats in the message are little endian; so is nearly every machine, where copying them is writing them. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export class EpisodeWriter {
  #bytes = new Uint8Array(0);
  #start = 0;
  #at = 0;
  #sharesSlab = false;
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  /** Begins a message of at most so many bytes. */
  begin(bytesMax: number): this {
    this.#sharesSlab = bytesMax <= slabBytes / 4;
    if (!this.#sharesSlab) {
      this.#bytes = new Uint8Array(bytesMax);
      this.#start = 0;
    } else {
      if (this.#slabUsed + bytesMax > this.#slab.length) {
        this.#slab = new Uint8Array(slabBytes);
        this.#slabUsed = 0;
      }
      this.#bytes = this.#slab;
      this.#start = this.#slabUsed;
    }
    this.#at = this.#start;
    return this;
  }

  /** The message. Its memory is not written again. */
  end(): Uint8Array {
    const bytes = this.#bytes;
    this.#bytes = this.#slab;
    // The most it could have taken is three times what it takes: a large one gives the rest back.
    if (!this.#sharesSlab) return bytes.slice(0, this.#at);
    this.#slabUsed = this.#at;
    return bytes.subarray(this.#start, this.#at);
  }

  /** A string field, left out when empty unless it is one of a list. */
  text(field: number, text: string, pure: PureFunctions, ofList = false): void {
    if (text === '' && !ofList) return;
    this.#bytes[this.#at] = (field << 3) | wireTypes.bytes;
    this.#at += 1;
    if (text.length <= asciiLengthMax && this.#ascii(text)) return;
    const encoded = pure.utf8Encode(text);
    this.#varint(encoded.length, 0);
    this.#bytes.set(encoded, this.#at);
    this.#at += encoded.length;
  }

  /** Length and characters of a text that is ASCII alone; false, and nothing written, when it is not. */
  #ascii(text: string): boolean {
    const before = this.#at;
    this.#varint(text.length, 0);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#at = before;
        return false;
      }
      bytes[at] = code;
      at += 1;
    }
    this.#at = at;
    return true;
  }

  /** A packed field of 32-bit floats. */
  floats(field: number, floats: Float32Array): void {
    const length = floats.length * 4;
    this.#bytes[this.#at] = (field << 3) | wireTypes.bytes;
    this.#at += 1;
    this.#varint(length, 0);
    if (littleEndian) this.#bytes.set(new Uint8Array(floats.buffer, floats.byteOffset, length), this.#at);
    else {
      const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, length);
      for (let index = 0; index < floats.length; index += 1) view.setFloat32(index * 4, floats[index], true);
    }
    this.#at += length;
  }

  double(field: number, value: number): void {
    this.#bytes[this.#at] = (field << 3) | wireTypes.fixed64;
    writeF64(this.#bytes, this.#at + 1, value);
    this.#at += 9;
  }

  /** A negative one has its uppermost bit set and takes all ten bytes. */
  int64(field: number, value: number): void {
    invariant(Math.abs(value) <= int64Limit, 'an int64 has 64 bits');
    this.#bytes[this.#at] = (field << 3) | wireTypes.varint;
    this.#at += 1;
    this.#varint(value >>> 0, Math.floor(value / 0x1_0000_0000) >>> 0);
  }

  #varint(lowBits: number, highBits: number): void {
    let low = lowBits;
    let high = highBits;
    let at = this.#at;
    while (high !== 0 || low >= 0x80) {
      this.#bytes[at] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
      at += 1;
    }
    this.#bytes[at] = low;
    this.#at = at + 1;
  }
}

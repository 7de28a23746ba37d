/**
 * Writes protobuf fields one after another into memory that many messages share: the messages between simulated clients and nodes are small and many, and memory
 * of its own for each costs more than writing it. What the fields are is in service-encoding.ts.
 */
import { invariant } from '../core/invariant.js';

/** What one message is expected to take; a longer one gets memory of its own. */
const roomBytes = 16_384;
const slabBytes = 16 * roomBytes;
const encoder = new TextEncoder();
const float = new Float32Array(1);
const floatBytes = new Uint8Array(float.buffer);
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

export class MessageWriter {
  #bytes = new Uint8Array(slabBytes);
  #start = 0;
  #at = 0;

  /** The message that has been written since the one before. Its memory is not written again. */
  finish(): Uint8Array {
    const message = this.#bytes.subarray(this.#start, this.#at);
    if (this.#at + roomBytes > this.#bytes.length) {
      this.#bytes = new Uint8Array(slabBytes);
      this.#at = 0;
    }
    this.#start = this.#at;
    return message;
  }

  /** Begins a message within the message, or a packed field; `close` takes what this returns. */
  open(field: number): number {
    this.#reserve(2);
    this.#bytes[this.#at] = (field << 3) | 2;
    this.#at += 2;
    return this.#at;
  }

  /** Ends what began at `begun`: its length stands before it, and is one byte as a rule. */
  close(begun: number): void {
    const length = this.#at - begun;
    if (length < 0x80) {
      this.#bytes[begun - 1] = length;
      return;
    }
    const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : 3;
    this.#reserve(more);
    this.#bytes.copyWithin(begun + more, begun, this.#at);
    const end = this.#at + more;
    this.#at = begun - 1;
    this.#varint(length);
    this.#at = end;
  }

  /** Left out when empty. */
  text(field: number, text: string): void {
    if (text !== '') this.element(field, text);
  }

  /** One of a repeated field of texts, which may be empty. */
  element(field: number, text: string): void {
    const { length } = text;
    this.#reserve(length + 6);
    this.#bytes[this.#at] = (field << 3) | 2;
    const before = this.#at;
    this.#at += 1;
    this.#varint(length);
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#at = before;
        this.#bytesOf(field, encoder.encode(text));
        return;
      }
      this.#bytes[this.#at + index] = code;
    }
    this.#at += length;
  }

  /** Left out when empty. */
  bytes(field: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#bytesOf(field, bytes);
  }

  /** A whole number from 0 to 2^53, left out when it is 0. */
  number(field: number, value: number): void {
    if (value !== 0) this.present(field, value);
  }

  /** A whole number from 0 to 2^53 of an optional field. */
  present(field: number, value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a number in a message is whole and not negative');
    this.#reserve(11);
    this.#bytes[this.#at] = field << 3;
    this.#at += 1;
    this.#varint(value);
  }

  flag(field: number, value: boolean): void {
    if (value) this.present(field, 1);
  }

  /** Left out when it is 0. */
  double(field: number, value: number): void {
    if (value !== 0) this.presentDouble(field, value);
  }

  /** Of an optional field. */
  presentDouble(field: number, value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at] = (field << 3) | 1;
    double[0] = value;
    for (let index = 0; index < 8; index += 1) this.#bytes[this.#at + 1 + index] = doubleBytes[index];
    this.#at += 9;
  }

  /** A packed field, left out when empty. */
  floats(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.#reserve(4 * values.length + 6);
    this.#bytes[this.#at] = (field << 3) | 2;
    this.#at += 1;
    this.#varint(4 * values.length);
    for (const value of values) {
      float[0] = value;
      for (let index = 0; index < 4; index += 1) this.#bytes[this.#at + index] = floatBytes[index];
      this.#at += 4;
    }
  }

  #bytesOf(field: number, bytes: Uint8Array): void {
    this.#reserve(bytes.length + 6);
    this.#bytes[this.#at] = (field << 3) | 2;
    this.#at += 1;
    this.#varint(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #varint(value: number): void {
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) {
      this.#bytes[this.#at] = (left & 0x7f) | 0x80;
      this.#at += 1;
    }
    this.#bytes[this.#at] = left;
    this.#at += 1;
  }

  /** Makes room. Places within a message hold: memory that is too small is replaced by more, in which everything stands where it stood. */
  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const wider = new Uint8Array(2 * (this.#at + count));
    wider.set(this.#bytes.subarray(this.#start, this.#at), this.#start);
    this.#bytes = wider;
  }
}

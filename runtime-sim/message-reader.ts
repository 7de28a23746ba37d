/**
 * Reads protobuf fields of a message and of the messages within it, one after another, without an object for each. What the fields are is in service-decoding.ts.
 */
import { readF64 } from '../core/wire/bytes.js';
import { InternedText } from '../core/wire/interned-text.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Names of spaces and nodes, ids, codes: the same few come again and again. Longer text is read anew. */
const knownLengthMax = 64;
const knownMax = 4_096;
const known = new InternedText((bytes) => decoder.decode(bytes), knownMax);
const floatBytes = new Uint8Array(4);
const float = new Float32Array(floatBytes.buffer);

export class MessageReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Begins a message; returns where it ends. */
  start(bytes: Uint8Array): number {
    this.#bytes = bytes;
    this.#at = 0;
    return bytes.length;
  }

  /** The tag of the next field, `number << 3 | wire type`; 0 at the end of the message that ends there. */
  tag(end: number): number {
    return this.#at < end ? this.number() : 0;
  }

  /** Begins the message that the field holds; returns where it ends. */
  open(): number {
    const length = this.number();
    return this.#at + length;
  }

  number(): number {
    const first = this.#bytes[this.#at];
    this.#at += 1;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let scale = 0x80; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at];
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      // Beyond the end of a damaged message there is nothing, which ends the number too.
      if (!(byte >= 0x80)) return value;
    }
  }

  double(): number {
    const value = readF64(this.#bytes, this.#at);
    this.#at += 8;
    return value;
  }

  /** A view of the message's own memory. */
  bytes(): Uint8Array {
    const end = this.open();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  text(): string {
    const end = this.open();
    const at = this.#at;
    this.#at = end;
    if (end - at <= knownLengthMax) return known.at(this.#bytes, at, end - at);
    return decoder.decode(this.#bytes.subarray(at, end));
  }

  /** A packed field. */
  floats(): number[] {
    const values: number[] = [];
    for (const end = this.open(); this.#at < end; this.#at += 4) {
      for (let index = 0; index < 4; index += 1) floatBytes[index] = this.#bytes[this.#at + index];
      values.push(float[0]);
    }
    return values;
  }

  /** Passes over the field's value. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === 0) this.number();
    else if (wireType === 1) this.#at += 8;
    else if (wireType === 5) this.#at += 4;
    else this.#at = this.open();
  }
}

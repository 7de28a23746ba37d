/**
 * Walks over the fields of an encoded protobuf message without allocating: one cursor serves any number of messages. For the few messages whose
 * bytes are looked at in place; all others use the generated codecs.
 *
 * Never throws: what is no protobuf sets `failed`, and the walk ends.
 */

/** How a field's value is laid out. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

/** As deep as other implementations go. */
const groupDepthMax = 100;
const varintBytesMax = 10;

export class ProtobufCursor {
  bytes: Uint8Array = new Uint8Array(0);
  /** The next byte to read; after a failure, where it was noticed. */
  at = 0;
  failed = false;
  /** Number of the current field. */
  field = 0;
  wireType = 0;
  /** Where the current field's value stands, without its length. */
  valueOffset = 0;
  valueLength = 0;
  /** The current varint's value: unsigned halves of 64 bits. */
  low = 0;
  high = 0;

  start(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
    this.failed = false;
  }

  /** Moves to the next field. False at the end, and when the bytes are no protobuf (`failed`). */
  next(): boolean {
    if (this.at === this.bytes.length || !this.#tag()) return false;
    return this.#value(0);
  }

  /** The current varint as an int64; exact up to 2^53, and never taken for a smaller number beyond. */
  int64(): number {
    return (this.high | 0) * 0x1_0000_0000 + this.low;
  }

  #tag(): boolean {
    if (!this.#varint()) return false;
    this.field = this.low >>> 3;
    this.wireType = this.low & 7;
    return (this.high === 0 && this.field !== 0) || this.#fail();
  }

  #value(depth: number): boolean {
    switch (this.wireType) {
      case wireTypes.varint:
        return this.#varint();
      case wireTypes.fixed64:
        return this.#span(8);
      case wireTypes.fixed32:
        return this.#span(4);
      case wireTypes.bytes:
        return this.#varint() && (this.high === 0 || this.#fail()) && this.#span(this.low);
      case wireTypes.groupStart:
        return this.#group(this.field, depth + 1);
      default:
        return this.#fail();
    }
  }

  /** Skips a group; no message of ours has one, a newer one's unknown fields may. Leaves the cursor standing on the group as its field. */
  #group(field: number, depth: number): boolean {
    if (depth > groupDepthMax) return this.#fail();
    while (this.#tag()) {
      if (this.wireType === wireTypes.groupEnd) {
        if (this.field !== field) return this.#fail();
        this.wireType = wireTypes.groupStart;
        return true;
      }
      if (!this.#value(depth)) return false;
    }
    return false;
  }

  #span(length: number): boolean {
    if (length > this.bytes.length - this.at) return this.#fail();
    this.valueOffset = this.at;
    this.valueLength = length;
    this.at += length;
    return true;
  }

  #varint(): boolean {
    const first = this.bytes[this.at];
    if (first < 0x80) {
      this.at += 1;
      this.low = first;
      this.high = 0;
      return true;
    }
    let low = 0;
    let high = 0;
    for (let count = 0; count < varintBytesMax; count += 1) {
      if (this.at === this.bytes.length) return this.#fail();
      const byte = this.bytes[this.at];
      const seven = byte & 0x7f;
      const shift = 7 * count;
      this.at += 1;
      if (shift < 32) low |= seven << shift;
      if (shift >= 32) high |= seven << (shift - 32);
      else if (shift > 25) high |= seven >>> (32 - shift);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return true;
      }
    }
    return this.#fail();
  }

  #fail(): false {
    this.failed = true;
    return false;
  }
}

function isAscii8(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at] | bytes[at + 1] | bytes[at + 2] | bytes[at + 3];
  return (first | bytes[at + 4] | bytes[at + 5] | bytes[at + 6] | bytes[at + 7]) < 0x80;
}

/** Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing beyond U+10FFFF. */
export function isUtf8(bytes: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length;
  let at = offset;
  while (at < end) {
    // Most text is ASCII: eight bytes at a time are looked at together.
    while (at + 8 <= end && isAscii8(bytes, at)) at += 8;
    if (at === end) return true;
    const lead = bytes[at];
    at += 1;
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const following = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (end - at < following) return false;
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (bytes[at] < lowest || bytes[at] > highest) return false;
    for (let more = 1; more < following; more += 1) if ((bytes[at + more] & 0xc0) !== 0x80) return false;
    at += following;
  }
  return true;
}

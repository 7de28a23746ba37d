/**
 * Little-endian numbers in byte arrays. 48-bit numbers carry sequences, indexes and milliseconds: exact in a double, two bytes shorter than 64.
 */
const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

export function readU48(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) + readU16(bytes, at + 4) * 0x1_0000_0000;
}

export function readF64(bytes: Uint8Array, at: number): number {
  for (let index = 0; index < 8; index += 1) doubleBytes[index] = bytes[at + index];
  return doubles[0];
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function writeU48(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value >>> 0);
  writeU16(bytes, at + 4, Math.floor(value / 0x1_0000_0000));
}

export function writeF64(bytes: Uint8Array, at: number, value: number): void {
  doubles[0] = value;
  bytes.set(doubleBytes, at);
}

/** Whether `length` bytes of two arrays are the same. */
export function sameBytes(left: Uint8Array, leftAt: number, right: Uint8Array, rightAt: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) {
    if (left[leftAt + index] !== right[rightAt + index]) return false;
  }
  return true;
}

/** A growing byte array for messages and small files. Copies what it is given. */
export class ByteWriter {
  readonly #capacity: number;
  #bytes: Uint8Array;
  /** Where what is being written begins: behind what was cut off before. */
  #start = 0;
  #end = 0;
  /** The memory that is shared, while what is being written has outgrown it and has memory of its own. */
  #shared: { readonly bytes: Uint8Array; readonly start: number } | null = null;

  constructor(capacity = 256) {
    this.#capacity = capacity;
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** The memory in which the writer writes now. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Makes room for `count` bytes that the caller fills in, and returns where in `bytes` it is: both hold until the next call. */
  skip(count: number): number {
    if (this.#end + count > this.#bytes.length) this.#grow(count);
    const at = this.#end;
    this.#end = at + count;
    return at;
  }

  /** Moves to fresh memory: what was cut off keeps the old. */
  #grow(count: number): void {
    const { length } = this;
    const needed = length + count;
    if (needed > this.#capacity) this.#shared ??= { bytes: this.#bytes, start: this.#start };
    const wider = new Uint8Array(needed <= this.#capacity ? this.#capacity : Math.max(length * 2, needed));
    wider.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = wider;
    this.#start = 0;
    this.#end = length;
  }

  u8(value: number): this {
    const at = this.skip(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.skip(2);
    writeU16(this.#bytes, at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.skip(4);
    writeU32(this.#bytes, at, value);
    return this;
  }

  u48(value: number): this {
    const at = this.skip(6);
    writeU48(this.#bytes, at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.skip(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A 32-bit length, then the bytes. */
  block(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /**
   * What was written, without a copy: the writer goes on behind it and starts over. Many small messages share one piece of memory in this way, which
   * lives as long as any of them; getting memory of its own for each costs more than writing it. What is larger than the piece has memory of its own.
   */
  finish(): Uint8Array {
    const bytes = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    if (this.#shared === null) return bytes;
    this.#bytes = this.#shared.bytes;
    this.#start = this.#shared.start;
    this.#end = this.#start;
    this.#shared = null;
    return bytes;
  }
}

/** Reads what ByteWriter wrote. Never throws: a read past the end gives zeros and sets `failed`, which the caller checks once at the end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  failed = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  /** Where the next `count` bytes stand; -1 when there are not as many. */
  skip(count: number): number {
    if (this.failed || count > this.bytes.length - this.at) {
      this.failed = true;
      return -1;
    }
    const at = this.at;
    this.at += count;
    return at;
  }

  u8(): number {
    const at = this.skip(1);
    return at < 0 ? 0 : this.bytes[at];
  }

  u16(): number {
    const at = this.skip(2);
    return at < 0 ? 0 : readU16(this.bytes, at);
  }

  u32(): number {
    const at = this.skip(4);
    return at < 0 ? 0 : readU32(this.bytes, at);
  }

  u48(): number {
    const at = this.skip(6);
    return at < 0 ? 0 : readU48(this.bytes, at);
  }

  /** A view of the next bytes, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.skip(length);
    return at < 0 ? new Uint8Array(0) : this.bytes.subarray(at, at + length);
  }

  block(): Uint8Array {
    return this.raw(this.u32());
  }
}

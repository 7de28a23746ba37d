/**
 * Functions that the platform does better than the core could, injected and the same in both runtimes: equal inputs, equal results, on every machine.
 */

/** A named random stream. Streams of different names are independent: using one never shifts another. */
export interface RandomStream {
  /** In [0, 1). */
  fraction(): number;
  /** An unsigned 32-bit number. */
  uint32(): number;
}

export interface PureFunctions {
  /** CRC-32 (IEEE 802.3) of the bytes, continuing from `seed`. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** xxHash64 of the bytes, as two unsigned 32-bit halves: out[0] high, out[1] low. */
  hash64(bytes: Uint8Array, out: Uint32Array): void;
  /** HMAC-SHA-256 (RFC 2104) of the bytes: 32 bytes. */
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  utf8Encode(text: string): Uint8Array;
  /** Malformed sequences become U+FFFD. */
  utf8Decode(bytes: Uint8Array): string;
  /** The stream of that name, always in the state in which it was left. */
  random(stream: string): RandomStream;
}

/** What work beside a node's turns may use: it may be done on another thread. */
export type KernelFunctions = Pick<PureFunctions, 'hash64' | 'utf8Encode'>;

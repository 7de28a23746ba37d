/**
 * The pure functions that the platform does for the core: CRC-32 by zlib, xxHash64 by WebAssembly, UTF-8 by the encoder. The same results as in
 * the production runtime; only the random streams differ: here they come from the seed.
 */
import { createHmac } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import xxhash from 'xxhash-wasm';
import type { PureFunctions, RandomStream } from '../core/pure-functions.js';
import { shortBytesMax, shortCrc32 } from '../core/wire/short-crc32.js';
import { Draws, type Seed } from '../scenarios/random-streams.js';

const { h64Raw } = await xxhash();
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function crc32(bytes: Uint8Array, seed = 0): number {
  return bytes.length <= shortBytesMax ? shortCrc32(bytes, seed) : zlibCrc32(bytes, seed);
}

/** The pure functions of one process: its random streams are fresh, named by `purpose` and by the stream's own name. */
export function simulatedPureFunctions(seed: Seed, purpose: string): PureFunctions {
  const streams = new Map<string, RandomStream>();
  return {
    crc32,
    hash64(bytes, out) {
      const hash = h64Raw(bytes);
      out[0] = Number(hash >> 32n);
      out[1] = Number(hash & 0xffff_ffffn);
    },
    hmacSha256: (key, bytes) => new Uint8Array(createHmac('sha256', key).update(bytes).digest()),
    utf8Encode: (text) => encoder.encode(text),
    utf8Decode: (bytes) => decoder.decode(bytes),
    random(name) {
      let stream = streams.get(name);
      if (stream === undefined) {
        stream = new Draws(seed, `${purpose}/${name}`);
        streams.set(name, stream);
      }
      return stream;
    },
  };
}

/** xxHash64 of a text, as 16 hexadecimal digits: for seed files. */
export function textHash(text: string): string {
  return h64Raw(encoder.encode(text)).toString(16).padStart(16, '0');
}

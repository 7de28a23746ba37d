/**
 * The pure functions of the real runtime: zlib's crc32, xxHash64 in WebAssembly, the platform's UTF-8. Equal results to the simulator's on every
 * machine, except for `random`, whose streams are seeded by the operating system here.
 */
import { createHmac, randomFillSync } from 'node:crypto';
import { crc32 } from 'node:zlib';
import xxhash from 'xxhash-wasm';
import type { PureFunctions, RandomStream } from '../core/pure-functions.js';
import { shortBytesMax, shortCrc32 } from '../core/wire/short-crc32.js';

const wordsDrawnAtOnce = 256;
/** Up to here a loop over the characters beats the call into the platform. */
const shortLength = 48;

/** Null when the text is not ASCII alone. */
function asciiBytes(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return null;
    bytes[at] = code;
  }
  return bytes;
}

/** Numbers of the operating system's generator, drawn in blocks: a call of its own for each would cost a microsecond. */
function systemRandomStream(): RandomStream {
  const words = new Uint32Array(wordsDrawnAtOnce);
  let used = wordsDrawnAtOnce;
  const uint32 = (): number => {
    if (used === wordsDrawnAtOnce) {
      randomFillSync(words);
      used = 0;
    }
    return words[used++] as number;
  };
  return { uint32, fraction: () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53 };
}

/** Resolves once the hash function's WebAssembly is compiled. */
export async function createPureFunctions(): Promise<PureFunctions> {
  const { h64Raw } = await xxhash();
  const encoder = new TextEncoder();
  // ignoreBOM: a byte order mark is part of the text, so that decode and encode are inverse to each other.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const streams = new Map<string, RandomStream>();
  return {
    crc32: (bytes, seed) => (bytes.length <= shortBytesMax ? shortCrc32(bytes, seed) : crc32(bytes, seed)),
    hash64: (bytes, out) => {
      const hash = h64Raw(bytes);
      out[0] = Number(hash >> 32n);
      out[1] = Number(hash & 0xffff_ffffn);
    },
    hmacSha256: (key, bytes) => new Uint8Array(createHmac('sha256', key).update(bytes).digest()),
    utf8Encode: (text) => (text.length <= shortLength ? (asciiBytes(text) ?? encoder.encode(text)) : encoder.encode(text)),
    utf8Decode: (bytes) => decoder.decode(bytes),
    random: (name) => {
      const known = streams.get(name);
      if (known !== undefined) return known;
      const stream = systemRandomStream();
      streams.set(name, stream);
      return stream;
    },
  };
}

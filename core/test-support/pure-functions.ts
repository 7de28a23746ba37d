/**
 * A platform for core's unit tests: the pure functions, written out so that this file obeys core's own laws (it imports nothing of Node). Slow and
 * simple; its test holds it against zlib, xxhash-wasm, TextEncoder and seedrandom. Only tests import it.
 */
import type { PureFunctions, RandomStream } from '../pure-functions.js';

/** All functions of a platform; random streams depend on `seed` and on their name alone. Each call makes a platform with fresh streams. */
export function testPureFunctions(seed = 'test'): PureFunctions {
  const streams = new Map<string, RandomStream>();
  return {
    crc32,
    hash64,
    hmacSha256,
    utf8Encode,
    utf8Decode,
    random(name) {
      const known = streams.get(name);
      if (known !== undefined) return known;
      const stream = aleaStream(`${seed}/${name}`);
      streams.set(name, stream);
      return stream;
    },
  };
}

const crcTable: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

function crc32(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  for (let at = 0; at < bytes.length; at += 1) crc = crcTable[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

const [prime1, prime2, prime3, prime4, prime5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => wrap(value << by) | (value >> (64n - by));
const round = (lane: bigint, word: bigint): bigint => wrap(rotate(wrap(lane + word * prime2), 31n) * prime1);

/** xxHash64 with seed 0, after its specification (Collet). */
function hash64(bytes: Uint8Array, out: Uint32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: bigint = prime5;
  if (bytes.length >= 32) {
    const lanes = [wrap(prime1 + prime2), prime2, 0n, wrap(-prime1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane += 1) lanes[lane] = round(lanes[lane], view.getBigUint64(at + 8 * lane, true));
    }
    hash = wrap(rotate(lanes[0], 1n) + rotate(lanes[1], 7n) + rotate(lanes[2], 12n) + rotate(lanes[3], 18n));
    for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * prime1 + prime4);
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) hash = wrap(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * prime1 + prime4);
  for (; at + 4 <= bytes.length; at += 4)
    hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint32(at, true)) * prime1), 23n) * prime2 + prime3);
  for (; at < bytes.length; at += 1) hash = wrap(rotate(hash ^ wrap(BigInt(bytes[at]) * prime5), 11n) * prime1);
  hash = wrap((hash ^ (hash >> 33n)) * prime2);
  hash = wrap((hash ^ (hash >> 29n)) * prime3);
  hash ^= hash >> 32n;
  out[0] = Number(hash >> 32n);
  out[1] = Number(hash & 0xffffffffn);
}

const sha256Constants: Uint32Array = fractionsOfPrimes({ count: 64, root: 3 });

/** The first 32 bits behind the point of the square or cube roots of the first primes (FIPS 180-4), by whole numbers alone. */
function fractionsOfPrimes({ count, root }: { readonly count: number; readonly root: 2 | 3 }): Uint32Array {
  const primes: bigint[] = [];
  for (let candidate = 2n; primes.length < count; candidate += 1n)
    if (primes.every((prime) => candidate % prime !== 0n)) primes.push(candidate);
  return Uint32Array.from(primes, (prime) => {
    // floor(root(prime) * 2^32), bit by bit.
    const power = (value: bigint): bigint => (root === 2 ? value * value : value * value * value);
    let found = 0n;
    for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if (power(found + bit) <= prime << BigInt(32 * root)) found += bit;
    return Number(found & 0xffffffffn);
  });
}

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

function sha256(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setUint32(padded.length - 4, message.length * 8);
  const state = fractionsOfPrimes({ count: 8, root: 2 });
  const words = new Uint32Array(64);
  const view = new DataView(padded.buffer);
  for (let block = 0; block < padded.length; block += 64) {
    for (let at = 0; at < 16; at += 1) words[at] = view.getUint32(block + 4 * at);
    for (let at = 16; at < 64; at += 1) {
      const [early, late] = [words[at - 15], words[at - 2]];
      const small = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      words[at] = words[at - 16] + small + words[at - 7] + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let at = 0; at < 64; at += 1) {
      const choice = (e & f) ^ (~e & g);
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + sha256Constants[at] + words[at]) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at] += word;
  }
  const digest = new Uint8Array(32);
  for (let at = 0; at < 8; at += 1) new DataView(digest.buffer).setUint32(4 * at, state[at]);
  return digest;
}

function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const keyed = (mask: number, rest: Uint8Array): Uint8Array => {
    const joined = new Uint8Array(64 + rest.length);
    for (let at = 0; at < 64; at += 1) joined[at] = block[at] ^ mask;
    joined.set(rest, 64);
    return sha256(joined);
  };
  return keyed(0x5c, keyed(0x36, bytes));
}

function utf8Encode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const read = character.codePointAt(0)!;
    const point = read >= 0xd800 && read <= 0xdfff ? 0xfffd : read;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
  return Uint8Array.from(bytes);
}

/** Follows the decoder of the Encoding standard: one U+FFFD for each maximal part of an ill-formed sequence. Keeps a leading U+FEFF. */
function utf8Decode(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at];
    at += 1;
    const following = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    let point = following === 0 ? lead : following < 0 ? 0xfffd : lead & (0x3f >> following);
    let lower = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let upper = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    for (let left = following; left > 0; left -= 1) {
      const next = bytes[at];
      if (next === undefined || next < lower || next > upper) {
        point = 0xfffd;
        break;
      }
      point = (point << 6) | (next & 63);
      at += 1;
      [lower, upper] = [0x80, 0xbf];
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

/** Alea (Baagøe), as seedrandom implements it. */
function aleaStream(seed: string): RandomStream {
  let n = 0xefc8249d;
  const mash = (text: string): number => {
    for (let at = 0; at < text.length; at += 1) {
      n += text.charCodeAt(at);
      let h = 0.02519603282416938 * n;
      n = h >>> 0;
      h -= n;
      h *= n;
      n = h >>> 0;
      h -= n;
      n += h * 0x100000000;
    }
    return (n >>> 0) * 2.3283064365386963e-10;
  };
  const state = [mash(' '), mash(' '), mash(' ')];
  for (let at = 0; at < 3; at += 1) {
    state[at] -= mash(seed);
    if (state[at] < 0) state[at] += 1;
  }
  let [s0, s1, s2] = state as [number, number, number];
  let carry = 1;
  const fraction = (): number => {
    const t = 2091639 * s0 + carry * 2.3283064365386963e-10;
    s0 = s1;
    s1 = s2;
    carry = t | 0;
    s2 = t - carry;
    return s2;
  };
  return { fraction, uint32: () => (fraction() * 0x100000000) >>> 0 };
}

import { createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import xxhash from 'xxhash-wasm';
import { testPureFunctions } from './pure-functions.js';

const pureFunctions = suite('pure functions for tests');
const { h64Raw } = await xxhash();
const pure = testPureFunctions();

pureFunctions('hash and checksum as zlib and xxhash do', () => {
  const out = new Uint32Array(2);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), fc.nat(), (bytes, seed) => {
      assert.is(pure.crc32(bytes), crc32(bytes));
      assert.is(pure.crc32(bytes, seed), crc32(bytes, seed));
      pure.hash64(bytes, out);
      assert.is((BigInt(out[0]) << 32n) | BigInt(out[1]), h64Raw(bytes));
    }),
  );
});

pureFunctions('authenticate as node:crypto does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), fc.uint8Array({ maxLength: 200 }), (key, bytes) => {
      assert.equal(pure.hmacSha256(key, bytes), new Uint8Array(createHmac('sha256', key).update(bytes).digest()));
    }),
  );
});

pureFunctions('encode and decode UTF-8 as the platform does, ill-formed sequences included', () => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const troublesome = fc.array(
    fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xf0, 0x90, 0xf4, 0x8f, 0xf5, 0xef, 0xbb),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }), troublesome, (text, codes) => {
      assert.equal(pure.utf8Encode(text), new TextEncoder().encode(text));
      assert.is(pure.utf8Decode(Uint8Array.from(codes)), decoder.decode(Uint8Array.from(codes)));
      assert.is(pure.utf8Decode(pure.utf8Encode(text)), decoder.decode(new TextEncoder().encode(text)));
    }),
  );
});

pureFunctions('draw as seedrandom does, each stream for itself', () => {
  const expected = seedrandom.alea('seed/a');
  const drawn = testPureFunctions('seed');
  for (let count = 0; count < 100; count += 1) {
    assert.is(drawn.random('a').fraction(), expected());
    drawn.random('b').uint32();
    assert.is(drawn.random('a').uint32(), expected.int32() >>> 0);
  }
});

pureFunctions.run();

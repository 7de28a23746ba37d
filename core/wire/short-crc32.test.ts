import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { shortBytesMax, shortCrc32 } from './short-crc32.js';

const test = suite('short-crc32');
const { crc32 } = testPureFunctions();

test('any bytes have the checksum that the plain table gives, whatever came before them', () => {
  const bytes = fc.uint8Array({ maxLength: 2 * shortBytesMax });
  fc.assert(
    fc.property(bytes, fc.nat(0xffff_ffff), (some, seed) => {
      assert.is(shortCrc32(some, seed), crc32(some, seed));
    }),
  );
});

test('the check value of the algorithm is that of its definition', () => {
  assert.is(shortCrc32(new TextEncoder().encode('123456789')), 0xcbf43926);
});

test.run();

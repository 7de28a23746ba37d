import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesToHex, hexToBytes } from './hex.js';

const hex = suite('hexadecimal text');

hex('spells bytes as every other tool does, and reads them back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = bytesToHex(bytes);
      assert.is(text, Buffer.from(bytes).toString('hex'));
      assert.equal(hexToBytes(text), bytes);
    }),
  );
});

hex('reads and writes in the middle of a larger array', () => {
  const target = new Uint8Array(6).fill(9);
  assert.is(hexToBytes('00ff10', target, 2), target);
  assert.equal([...target], [9, 9, 0, 255, 16, 9]);
  assert.is(bytesToHex(target, 3, 2), 'ff10');
});

hex('stops at what no identifier can be', () => {
  for (const text of ['f', 'zz', 'AB', '0 ', '١٢', '4\u0130']) assert.throws(() => hexToBytes(text));
  assert.throws(() => hexToBytes('0102', new Uint8Array(3), 2));
  assert.throws(() => bytesToHex(new Uint8Array(3), 2, 2));
});

hex.run();

/**
 * The ledger's bytes: whatever goes in comes out, and what is cut short or of a later version is refused.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, nodeId, spaceKey } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import type { Receipt } from './receipt.js';
import { decodeLedger, encodeLedger } from './receipt-codec.js';

const codec = suite('receipt codec');
const pure = testPureFunctions();

const term = fc.record({ generation: fc.nat(), index: fc.nat(), counter: fc.nat() });
const receipt = fc.record({
  number: fc.nat(),
  space: fc.constantFrom('default', 'notes', 'work').map((name) => spaceKey({ name, generation: 0 })),
  dot: fc.record({
    author: fc
      .integer({ min: 1, max: 9 })
      .map((digit) => authorOf(nodeId(String(digit).repeat(32)), { counter: digit, random: '0123456789abcdef' })),
    sequence: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  }),
  id: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  writtenMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  mergedMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  term,
  supersededBy: term,
  fate: fc.constantFrom<Receipt['fate']>('readable', 'alternate', 'superseded', 'deleted', 'delete'),
});

codec('a ledger comes out as it went in', () => {
  fc.assert(
    fc.property(fc.array(receipt, { maxLength: 20 }), fc.nat(), (receipts, dropped) => {
      assert.is(JSON.stringify(decodeLedger(encodeLedger({ receipts, dropped }, pure), pure)), JSON.stringify({ receipts, dropped }));
    }),
  );
});

codec('what ends early or is of a later version is refused', () => {
  const receipts = fc.sample(receipt, { numRuns: 3, seed: 1 });
  const bytes = encodeLedger({ receipts, dropped: 2 }, pure);
  for (let length = 0; length < bytes.length; length += 1) assert.is(decodeLedger(bytes.subarray(0, length), pure), null, `${length}`);
  const later = bytes.slice();
  later[0] = 2;
  assert.is(decodeLedger(later, pure), null);
});

codec.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Author, type Dot, sequenceMax } from '../identifiers.js';
import {
  type CausalContext,
  contextEntriesMax,
  contextIncludes,
  contextSize,
  contextWith,
  decodeContext,
  emptyContext,
  encodeContext,
  joinContexts,
} from './causal-context.js';

const causalContext = suite('causal context');

const authors = ['3a', '00', 'ff', '10', '9c'].map((byte) => byte.repeat(28) as Author);
const dotArbitrary: fc.Arbitrary<Dot> = fc.record({ author: fc.constantFrom(...authors), sequence: fc.integer({ min: 1, max: 6 }) });
const dotsArbitrary = fc.array(dotArbitrary, { maxLength: 8 });

function contextOf(dots: readonly Dot[]): CausalContext {
  return dots.reduce(contextWith, emptyContext);
}

causalContext('joining is commutative, associative and idempotent, and the empty context changes nothing', () => {
  fc.assert(
    fc.property(dotsArbitrary, dotsArbitrary, dotsArbitrary, (first, second, third) => {
      const [a, b, c] = [contextOf(first), contextOf(second), contextOf(third)];
      assert.equal(joinContexts(a, b), joinContexts(b, a));
      assert.equal(joinContexts(a, joinContexts(b, c)), joinContexts(joinContexts(a, b), c));
      assert.equal(joinContexts(a, a), a);
      assert.equal(joinContexts(a, emptyContext), a);
      assert.equal(joinContexts(a, b), contextOf([...first, ...second]));
    }),
  );
});

causalContext('includes what was put in and what the author wrote before it, and nothing is ever taken out', () => {
  fc.assert(
    fc.property(dotsArbitrary, dotsArbitrary, dotArbitrary, (first, second, asked) => {
      const context = contextOf(first);
      const expected = first.some(({ author, sequence }) => author === asked.author && sequence >= asked.sequence);
      assert.is(contextIncludes(context, asked), expected);
      assert.ok(contextIncludes(contextWith(context, asked), asked));
      if (expected) {
        assert.ok(contextIncludes(joinContexts(context, contextOf(second)), asked));
        assert.is(contextWith(context, asked), context);
      }
    }),
  );
});

causalContext('is a value: whatever is made from it leaves it as it was', () => {
  const context = contextOf([{ author: authors[0], sequence: 2 }]);
  contextWith(context, { author: authors[1], sequence: 1 });
  contextWith(context, { author: authors[0], sequence: 9 });
  joinContexts(context, contextOf([{ author: authors[4], sequence: 1 }]));
  assert.equal(context, { authors: [authors[0]], sequences: [2] });
  assert.is(contextSize(context), 1);
  assert.is(contextSize(emptyContext), 0);
});

causalContext('travels to a client and back', () => {
  fc.assert(
    fc.property(dotsArbitrary, (dots) => {
      const context = contextOf(dots);
      const bytes = encodeContext(context);
      assert.equal(decodeContext(bytes), { ...context });
      assert.is(bytes.length, dots.length === 0 ? 0 : 1 + 34 * contextSize(context));
    }),
  );
  const greatest = contextOf([{ author: authors[2], sequence: sequenceMax }]);
  assert.equal(decodeContext(encodeContext(greatest)), greatest);
});

causalContext('whatever else a client sends is refused, never thrown at', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => void decodeContext(bytes)));
  fc.assert(
    fc.property(dotsArbitrary, fc.nat(), fc.nat(255), (dots, where, value) => {
      const bytes = encodeContext(contextOf(dots));
      if (bytes.length === 0) return;
      const cut = bytes.length - 1 - (where % 33);
      if (cut > 0) assert.is(decodeContext(bytes.subarray(0, cut)), null);
      bytes[where % bytes.length] = value;
      const decoded = decodeContext(bytes);
      if (decoded !== null) assert.equal(encodeContext(decoded), bytes);
    }),
  );
});

causalContext('takes as many authors as its bound, and no more', () => {
  const many: CausalContext = {
    authors: Array.from({ length: contextEntriesMax + 1 }, (_, n) => n.toString(16).padStart(56, '0') as Author),
    sequences: Array.from({ length: contextEntriesMax + 1 }, () => 1),
  };
  const most: CausalContext = { authors: many.authors.slice(0, -1), sequences: many.sequences.slice(0, -1) };
  const bytes = encodeContext(most);
  assert.equal(decodeContext(bytes), most);
  assert.is(encodeContext(many).length, 0);
  assert.is(decodeContext(Uint8Array.from([...bytes, ...new Uint8Array(28).fill(255), 1, 0, 0, 0, 0, 0])), null);
});

causalContext.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Author, sequenceMax } from '../identifiers.js';
import {
  type AuthorRange,
  decodePrefixes,
  decodeVersionVector,
  encodePrefixes,
  encodeVersionVector,
  VersionVector,
  vectorRangesMax,
  withinRanges,
} from './version-vector.js';

const versionVector = suite('version vector');

const authors = ['3a', '00', 'ff', '10'].map((byte) => byte.repeat(28) as Author);
const rangeArbitrary = fc
  .tuple(fc.constantFrom(...authors), fc.integer({ min: 1, max: 20 }), fc.nat(6))
  .map(([author, from, more]): AuthorRange => ({ author, from, to: from + more }));
const rangesArbitrary = fc.array(rangeArbitrary, { maxLength: 15 });

function vectorOf(ranges: readonly AuthorRange[]): VersionVector {
  const vector = new VersionVector();
  for (const range of ranges) vector.add(range);
  return vector;
}

/** The same as a plain set of `author:sequence`, in no order. */
function dots(ranges: readonly AuthorRange[]): Set<string> {
  return new Set(ranges.flatMap(({ author, from, to }) => Array.from({ length: to - from + 1 }, (_, at) => `${author}:${from + at}`)));
}

versionVector('joins and subtracts as sets of dots do', () => {
  fc.assert(
    fc.property(rangesArbitrary, rangesArbitrary, (left, right) => {
      const [a, b] = [vectorOf(left), vectorOf(right)];
      const [inA, inB] = [dots(left), dots(right)];
      const missing = a.missingFrom(b);
      assert.equal(dots(missing), new Set([...inB].filter((dot) => !inA.has(dot))));
      assert.equal(
        missing.map(({ author }) => author),
        missing.map(({ author }) => author).sort(),
      );
      const joined = a.clone();
      assert.is(joined.unionWith(b), dots(missing).size);
      assert.ok(joined.equals(vectorOf([...right, ...left])));
      assert.is(a.equals(b), inA.size === inB.size && missing.length === 0);
      assert.ok(a.equals(vectorOf(left)), 'the original stays as it was');
    }),
  );
});

versionVector('answers for each author', () => {
  const vector = vectorOf([
    { author: authors[0], from: 1, to: 5 },
    { author: authors[0], from: 8, to: 9 },
    { author: authors[2], from: 2, to: 3 },
  ]);
  assert.equal(vector.authors(), [authors[0], authors[2]]);
  assert.ok(vector.has({ author: authors[0], sequence: 8 }));
  assert.not(vector.has({ author: authors[0], sequence: 7 }));
  assert.not(vector.has({ author: authors[1], sequence: 1 }));
  assert.is(vector.prefix(authors[0]), 5);
  assert.is(vector.max(authors[0]), 9);
  assert.is(vector.prefix(authors[2]), 0);
  assert.is(vector.max(authors[1]), 0);
  assert.is(vector.holeCount(), 2);
  assert.equal(vector.prefixes(), new Map([[authors[0], 5]]));
  assert.ok(vector.dominates(new Map([[authors[0], 5]])));
  assert.ok(vector.dominates(new Map()));
  assert.not(vector.dominates(new Map([[authors[0], 6]])));
  assert.not(vector.dominates(new Map([[authors[2], 1]])));
});

versionVector('damage leaves an explicit hole, and an author without records is no author', () => {
  const vector = vectorOf([{ author: authors[1], from: 1, to: 9 }]);
  assert.is(vector.remove({ author: authors[1], from: 4, to: 5 }), 2);
  assert.is(vector.prefix(authors[1]), 3);
  assert.is(vector.remove({ author: authors[3], from: 1, to: 9 }), 0);
  assert.is(vector.remove({ author: authors[1], from: 1, to: 20 }), 7);
  assert.ok(vector.isEmpty());
  assert.equal(vector.authors(), []);
  assert.ok(vector.equals(new VersionVector()));
});

versionVector('travels as bytes, one spelling for equal vectors', () => {
  fc.assert(
    fc.property(rangesArbitrary, (ranges) => {
      const bytes = encodeVersionVector(vectorOf(ranges));
      assert.ok(decodeVersionVector(bytes)?.equals(vectorOf(ranges)));
      assert.equal(encodeVersionVector(vectorOf([...ranges].reverse())), bytes);
    }),
  );
  const widest = vectorOf([{ author: authors[0], from: 1, to: sequenceMax }]);
  assert.ok(decodeVersionVector(encodeVersionVector(widest))?.equals(widest));
});

versionVector('whatever else arrives is refused, never thrown at', () => {
  fc.assert(
    fc.property(rangesArbitrary, fc.nat(), fc.nat(255), (ranges, where, value) => {
      const bytes = encodeVersionVector(vectorOf(ranges));
      assert.is(decodeVersionVector(bytes.subarray(0, where % bytes.length)), null);
      assert.is(decodeVersionVector(Uint8Array.from([...bytes, 0])), null);
      bytes[where % bytes.length] = value;
      const decoded = decodeVersionVector(bytes);
      if (decoded !== null) assert.equal(encodeVersionVector(decoded), bytes);
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void [decodeVersionVector(bytes), decodePrefixes(bytes)]));
});

versionVector('is encoded whatever its size, and told to peers within a bound that claims less, never more', () => {
  const wide = new VersionVector();
  for (let n = 1; n <= 70_000; n += 1) wide.add({ author: authors[0], from: 2 * n, to: 2 * n });
  wide.add({ author: authors[1], from: 1, to: 9 });
  assert.ok(decodeVersionVector(encodeVersionVector(wide))?.equals(wide));
  const told = withinRanges(wide, vectorRangesMax);
  assert.ok(told.rangeCount() <= vectorRangesMax);
  assert.is(wide.missingFrom(told).length, 0);
  assert.ok(told.has({ author: authors[1], sequence: 9 }) && told.has({ author: authors[0], sequence: 2 }));
});

versionVector('prefixes travel as bytes; none at all is an absent token', () => {
  const prefixesArbitrary = fc.uniqueArray(fc.tuple(fc.constantFrom(...authors), fc.integer({ min: 1, max: sequenceMax })), {
    selector: ([author]) => author,
  });
  fc.assert(
    fc.property(prefixesArbitrary, fc.nat(), (entries, cut) => {
      const bytes = encodePrefixes(new Map(entries));
      assert.equal(decodePrefixes(bytes), new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1))));
      assert.equal(encodePrefixes(new Map([...entries].reverse())), bytes);
      if (bytes.length > 0) assert.is(bytes[0], 1);
      if ((cut % 34) + 1 < 34 && bytes.length > 1) assert.is(decodePrefixes(bytes.subarray(0, bytes.length - 1 - (cut % 32))), null);
    }),
  );
  assert.is(encodePrefixes(new Map([[authors[0], 0]])).length, 0);
  assert.equal(decodePrefixes(new Uint8Array(0)), new Map());
  assert.is(decodePrefixes(Uint8Array.from([2, ...new Uint8Array(34).fill(1)])), null);
});

versionVector.run();

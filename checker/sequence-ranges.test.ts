import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { notCovered, type Range, rangesOf } from './sequence-ranges.js';

const ranges = suite('sequence ranges');

const sequencesArbitrary = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 });
const rangesArbitrary: fc.Arbitrary<Range[]> = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(5)).map(([first, more]) => [first, first + more]),
  { maxLength: 6 },
);
const listed = (some: readonly Range[]): number[] =>
  some.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));

ranges('hold exactly the sequences they were made of, none touching the next', () => {
  fc.assert(
    fc.property(sequencesArbitrary, (sequences) => {
      const made = rangesOf(sequences);
      assert.equal(
        listed(made),
        [...new Set(sequences)].sort((left, right) => left - right),
      );
      for (const [at, [first]] of made.entries()) assert.ok(at === 0 || first > made[at - 1]![1] + 1);
    }),
  );
});

ranges('what is not covered is what a set would say, however the coverage is ordered', () => {
  fc.assert(
    fc.property(sequencesArbitrary, rangesArbitrary, (sequences, held) => {
      const covered = new Set(listed(held));
      const needed = rangesOf(sequences);
      assert.equal(
        notCovered(needed, held),
        listed(needed).filter((sequence) => !covered.has(sequence)),
      );
    }),
  );
});

ranges.run();

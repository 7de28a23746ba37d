import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { countOf, covers, joined, notCovered, type Range, rangesOf, sequencesIn } from './sequence-ranges.js';

const ranges = suite('sequence ranges');

const sequencesArbitrary = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 });
const rangesArbitrary: fc.Arbitrary<Range[]> = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(5)).map(([first, more]) => [first, first + more]),
  { maxLength: 6 },
);
const listed = (some: readonly Range[]): number[] => [...sequencesIn(some)];

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
        listed(notCovered(needed, held)),
        listed(needed).filter((sequence) => !covered.has(sequence)),
      );
    }),
  );
});

ranges('joined they hold what they held, each sequence once', () => {
  fc.assert(
    fc.property(rangesArbitrary, (some) => {
      const all = [...new Set(listed(some))].sort((left, right) => left - right);
      assert.equal(listed(joined(some)), all);
      assert.is(countOf(joined(some)), all.length);
      for (let sequence = 0; sequence <= 40; sequence += 1) assert.is(covers(some, sequence), all.includes(sequence));
    }),
  );
});

ranges('an absurdly long one costs no more than a short one', () => {
  const absurd: Range[] = [[1, Number.MAX_SAFE_INTEGER]];
  assert.equal(notCovered(absurd, [[3, 4]]), [
    [1, 2],
    [5, Number.MAX_SAFE_INTEGER],
  ]);
  assert.equal(notCovered([[3, 4]], absurd), []);
});

ranges.run();

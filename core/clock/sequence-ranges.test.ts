import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SequenceRange, SequenceRanges } from './sequence-ranges.js';

const sequenceRanges = suite('sequence ranges');

const rangeArbitrary = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(12)).map(([from, more]): SequenceRange => [from, from + more]);
const rangesArbitrary = fc.array(rangeArbitrary, { maxLength: 12 });
const upTo = 55;

function numbers([from, to]: SequenceRange): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function modelOf(ranges: readonly SequenceRange[]): Set<number> {
  return new Set(ranges.flatMap(numbers));
}

/** Everything observable agrees with a plain set of numbers. */
function agree(ranges: SequenceRanges, model: ReadonlySet<number>): void {
  const sorted = [...model].sort((a, b) => a - b);
  assert.equal(ranges.ranges().flatMap(numbers), sorted);
  assert.is(ranges.count(), model.size);
  assert.is(ranges.isEmpty(), model.size === 0);
  assert.is(ranges.max(), sorted.at(-1) ?? 0);
  let prefix = 0;
  while (model.has(prefix + 1)) prefix += 1;
  assert.is(ranges.prefixEnd(), prefix);
  for (let n = 0; n <= upTo; n += 1) assert.is(ranges.has(n), model.has(n), `has ${n}`);
  assert.equal(
    ranges.gaps().flatMap(numbers),
    numbers([1, ranges.max()]).filter((n) => !model.has(n)),
  );
  const apart = ranges.ranges();
  assert.is(ranges.rangeCount(), apart.length);
  for (let at = 1; at < apart.length; at += 1) assert.ok(apart[at][0] > apart[at - 1][1] + 1, 'two ranges touch');
}

sequenceRanges('a history of additions and removals leaves what it would leave in a set', () => {
  const step = fc.record({ add: fc.boolean(), range: rangeArbitrary });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ranges = new SequenceRanges();
      const model = new Set<number>();
      for (const { add, range } of steps) {
        const before = model.size;
        for (const n of numbers(range)) {
          if (add) model.add(n);
          else model.delete(n);
        }
        const changed = add ? ranges.add(...range) : ranges.remove(...range);
        assert.is(changed, Math.abs(model.size - before));
        agree(ranges, model);
      }
    }),
  );
});

sequenceRanges('compares, joins and subtracts as sets do', () => {
  fc.assert(
    fc.property(rangesArbitrary, rangesArbitrary, (left, right) => {
      const [a, b] = [SequenceRanges.of(...left), SequenceRanges.of(...right)];
      const [inA, inB] = [modelOf(left), modelOf(right)];
      assert.equal(
        a.missingFrom(b).flatMap(numbers),
        [...inB].filter((n) => !inA.has(n)).sort((x, y) => x - y),
      );
      assert.is(a.equals(b), inA.size === inB.size && [...inA].every((n) => inB.has(n)));
      const joined = a.clone();
      assert.is(joined.unionWith(b), new Set([...inA, ...inB]).size - inA.size);
      agree(joined, new Set([...inA, ...inB]));
      agree(a, inA);
      agree(b, inB);
    }),
  );
});

sequenceRanges('knows which ranges it includes and which it meets', () => {
  fc.assert(
    fc.property(rangesArbitrary, rangeArbitrary, (ranges, asked) => {
      const [set, model] = [SequenceRanges.of(...ranges), modelOf(ranges)];
      assert.is(
        set.includesRange(...asked),
        numbers(asked).every((n) => model.has(n)),
      );
      assert.is(
        set.intersects(...asked),
        numbers(asked).some((n) => model.has(n)),
      );
    }),
  );
});

sequenceRanges('a copy shares nothing with its original', () => {
  const original = SequenceRanges.of([1, 5], [9, 9]);
  const copy = original.clone();
  copy.add(6, 8);
  assert.equal(original.ranges(), [
    [1, 5],
    [9, 9],
  ]);
  assert.equal(copy.ranges(), [[1, 9]]);
});

sequenceRanges('refuses what is no range of sequences', () => {
  const ranges = new SequenceRanges();
  for (const [from, to] of [
    [0, 1],
    [2, 1],
    [1.5, 2],
    [1, Number.NaN],
  ] as const) {
    assert.throws(() => ranges.add(from, to));
    assert.throws(() => ranges.remove(from, to));
  }
});

sequenceRanges.run();

/** Delta debugging: what stays is what is needed, whatever that is. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leaveOut } from './delta-debugging.js';

const shrinking = suite('delta debugging');

interface Outcome {
  readonly left: readonly number[];
  readonly tries: number;
}

async function reduce(items: readonly number[], fails: (kept: readonly number[]) => boolean, finestShare = 0): Promise<Outcome> {
  let left = items;
  let tries = 0;
  const firstFailing = async (candidates: readonly (readonly number[])[]): Promise<number | null> => {
    const at = candidates.findIndex((candidate) => {
      tries += 1;
      return fails(candidate);
    });
    return at < 0 ? null : at;
  };
  await leaveOut({
    items,
    firstFailing,
    finestShare,
    reduced: (smaller) => {
      assert.ok(smaller.length < left.length, 'every step is smaller');
      assert.ok(fails(smaller), 'every step fails');
      left = smaller;
    },
  });
  return { left, tries };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

shrinking('exactly the needed items stay, in their order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.array(fc.nat(59), { maxLength: 6 }), async (count, wanted) => {
      const needed = [...new Set(wanted)].filter((item) => item < count).sort((one, other) => one - other);
      const { left } = await reduce(range(count), (kept) => needed.every((item) => kept.includes(item)));
      assert.equal(left, needed);
    }),
  );
});

shrinking('what any subset of a size does is left with that size', async () => {
  const { left } = await reduce(range(50), (kept) => kept.length >= 7);
  assert.is(left.length, 7);
});

shrinking('what stays cannot lose a single item, even when fewer items fail where more do not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(2 ** 16), { minLength: 1, maxLength: 12 }), async (bits) => {
      const all = bits.map((_, at) => at);
      // An arbitrary predicate, true of the whole.
      const fails = (kept: readonly number[]): boolean =>
        kept.length === all.length || kept.reduce((sum, at) => (sum * 31 + bits[at]) % 97, kept.length) % 3 === 0;
      const { left } = await reduce(all, fails);
      if (left.length > 1) assert.not.ok(left.some((_, at) => fails(left.toSpliced(at, 1))));
    }),
  );
});

shrinking('few items among many take few tries', async () => {
  const { left, tries } = await reduce(range(1_200), (kept) => kept.includes(17) && kept.includes(900));
  assert.equal(left, [17, 900]);
  assert.ok(tries < 80, `${tries} tries`);
});

shrinking('no part finer than asked for is tried', async () => {
  const { left } = await reduce(range(64), (kept) => kept.includes(40), 1 / 8);
  assert.ok(left.includes(40));
  assert.is(left.length, 8);
});

shrinking('nothing is reported once nothing fails any more', async () => {
  const { left, tries } = await reduce(range(8), () => false);
  assert.is(left.length, 8);
  assert.is(tries, 1 + 2 + 4 + 8);
});

shrinking.run();

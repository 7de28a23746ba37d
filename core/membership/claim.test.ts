/** The laws of claims: which of two holds does not depend on who heard what first. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, nodeId } from '../identifiers.js';
import { type Claim, compareClaims } from './claim.js';

const claims = suite('claims');

const node = nodeId('ab'.repeat(16));
const states = ['alive', 'suspect', 'dead', 'left'] as const;

const claim: fc.Arbitrary<Claim> = fc
  .record({
    counter: fc.integer({ min: 1, max: 3 }),
    random: fc.constantFrom('0', 'f'),
    refutation: fc.nat(2),
    state: fc.constantFrom(...states),
  })
  .map(({ counter, random, refutation, state }) => ({
    author: authorOf(node, { counter, random: random.repeat(16) }),
    refutation,
    state,
    accusers: [],
    description: null,
  }));

const later = (left: Claim, right: Claim): Claim => (compareClaims(left, right) >= 0 ? left : right);
const same = (left: Claim, right: Claim): boolean => compareClaims(left, right) === 0;

claims('are totally ordered: of two that are not the same one holds', () => {
  fc.assert(
    fc.property(claim, claim, (left, right) => {
      assert.is(Math.sign(compareClaims(left, right)), -Math.sign(compareClaims(right, left)) || 0);
      const equal = left.author === right.author && left.refutation === right.refutation && left.state === right.state;
      assert.is(same(left, right), equal);
    }),
  );
});

claims('merge the same in any order, grouped in any way, and however often', () => {
  fc.assert(
    fc.property(claim, claim, claim, (one, two, three) => {
      assert.ok(same(later(one, two), later(two, one)), 'commutative');
      assert.ok(same(later(one, later(two, three)), later(later(one, two), three)), 'associative');
      assert.ok(same(later(one, one), one), 'idempotent');
    }),
  );
});

claims('bring nobody back who is dead or left without a later boot or a higher refutation', () => {
  fc.assert(
    fc.property(claim, claim, (held, told) => {
      const winner = later(held, told);
      if ((held.state === 'dead' || held.state === 'left') && winner.state === 'alive') {
        assert.ok(winner.author > held.author || (winner.author === held.author && winner.refutation > held.refutation));
      }
    }),
  );
});

claims('of a later boot hold whatever was refuted before', () => {
  const old = { author: authorOf(node, { counter: 1, random: 'f'.repeat(16) }), refutation: 100, state: 'dead' } as const;
  const back = { author: authorOf(node, { counter: 2, random: '0'.repeat(16) }), refutation: 0, state: 'alive' } as const;
  assert.ok(compareClaims(back, old) > 0);
});

claims.run();

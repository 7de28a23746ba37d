import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adjustedConfidence, expNegative, noNewerVersion } from './derived-confidence.js';

const derivedConfidence = suite('derived confidence');

derivedConfidence('the exponential is right to nine digits and more', () => {
  const argument = fc.oneof(fc.double({ min: 0, max: 50, noNaN: true }), fc.double({ min: 0, max: 800, noNaN: true }));
  fc.assert(
    fc.property(argument, (x) => {
      const expected = Math.exp(-x);
      assert.ok(Math.abs(expNegative(x) - expected) <= 1e-12 * expected + Number.MIN_VALUE, `at ${x}`);
    }),
    { numRuns: 2_000 },
  );
});

derivedConfidence('the exponential at its ends', () => {
  assert.is(expNegative(0), 1);
  assert.is(expNegative(746), 0);
  assert.is(expNegative(Number.POSITIVE_INFINITY), 0);
  assert.throws(() => expNegative(-1));
  assert.throws(() => expNegative(Number.NaN));
});

derivedConfidence('more lag and more updates never make an answer surer', () => {
  const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(positive, positive, positive, (rate, lagMs, more) => {
      const now = noNewerVersion({ updatesPerMs: rate, lagMs });
      assert.ok(now >= 0 && now <= 1);
      // Rounding may disturb the last digits of neighbours, not more.
      assert.ok(noNewerVersion({ updatesPerMs: rate, lagMs: lagMs + more }) <= now * (1 + 1e-12));
      assert.ok(noNewerVersion({ updatesPerMs: rate + more, lagMs }) <= now * (1 + 1e-12));
    }),
  );
});

derivedConfidence('a copy that lacks nothing is sure; one that was cut off for ever knows nothing of what changes', () => {
  assert.is(noNewerVersion({ updatesPerMs: 3, lagMs: 0 }), 1);
  assert.is(noNewerVersion({ updatesPerMs: 0, lagMs: Number.POSITIVE_INFINITY }), 1);
  assert.is(noNewerVersion({ updatesPerMs: 1e-9, lagMs: Number.POSITIVE_INFINITY }), 0);
  assert.ok(Math.abs(noNewerVersion({ updatesPerMs: 0.001, lagMs: 1_000 }) - 1 / Math.E) < 1e-12);
});

derivedConfidence('is the product of its parts', () => {
  assert.is(adjustedConfidence({ stored: 0.5, noNewerVersion: 0.5, inTopK: 0.25 }), 0.0625);
  assert.is(adjustedConfidence({ stored: 0.9, noNewerVersion: 1, inTopK: 1 }), 0.9);
});

derivedConfidence.run();

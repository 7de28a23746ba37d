import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failoverCases, measureFailover } from './client-failover.js';

for (const what of failoverCases) {
  test(`after a primary is ${what}, another confirmed one takes writes, the same on every run`, () => {
    const tookMs = measureFailover({ seed: 3, what });
    // Voters wait for half a second of silence, and the new primary for the old one's lease.
    assert.ok(tookMs > 500 && tookMs < 5_000, `${tookMs} ms`);
    assert.is(measureFailover({ seed: 3, what }), tookMs);
  });
}

test.run();

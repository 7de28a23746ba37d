import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failoversOf } from '../../checker/failovers.js';
import { failoverCases, measureFailover, runFailover } from './client-failover.js';

for (const what of failoverCases) {
  test(`after a primary is ${what}, another confirmed one takes writes, the same on every run and as every campaign counts it`, () => {
    const { tookMs, history } = runFailover({ seed: 3, what });
    // Voters wait for half a second of silence, and the new primary for the old one's lease.
    assert.ok(tookMs > 500 && tookMs < 5_000, `${tookMs} ms`);
    assert.is(measureFailover({ seed: 3, what }), tookMs);
    // The load goes on when the run is left.
    const failovers = failoversOf({ ...history, majorityHealedMs: history.endedMs + 1 });
    const [counted, ...others] = failovers.filter(({ acknowledgedMs }) => acknowledgedMs !== null);
    assert.equal(others, [], 'one space is written to');
    assert.is(counted.kind, what.startsWith('killed') ? 'killed' : 'cut-off');
    assert.is(Math.round(counted.acknowledgedMs as number), Math.round(tookMs));
    assert.ok((counted.confirmedMs as number) <= (counted.acknowledgedMs as number));
  });
}

test.run();

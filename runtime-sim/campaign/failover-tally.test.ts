/** Failovers of runs add up: times, reasons, who was worst; in whatever order runs end, and over files. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failover } from '../../checker/failovers.js';
import type { NodeId, SpaceKey } from '../../core/identifiers.js';
import { runRecord } from '../test-support/run-records.js';
import type { CampaignOptions } from './campaign-options.js';
import { failoverSection } from './failover-table.js';
import { FailoverTally, reduceFailovers } from './failover-tally.js';
import { reportOf } from './report.js';
import { type RunRecord, readRecord } from './run-record.js';
import { Tally } from './tally.js';

const tallies = suite('failover tally');

function failover(changes: Partial<Failover>): Failover {
  return {
    ...{ space: 'default#0' as SpaceKey, primary: 'a' as NodeId, kind: 'killed', atMs: 1_000, lastedMs: 9_000 },
    ...{ confirmedMs: 900, acknowledgedMs: 1_000, reason: null, ...changes },
  };
}

const took = (acknowledgedMs: number, changes: Partial<Failover> = {}): Failover => failover({ acknowledgedMs, ...changes });
const without = (reason: Failover['reason'], changes: Partial<Failover> = {}): Failover =>
  failover({ acknowledgedMs: null, reason, ...changes });

tallies('what was measured goes into the times, the rest is counted by reason', () => {
  const data = reduceFailovers([
    took(1_000),
    took(2_000),
    without('healed', { confirmedMs: null }),
    without('no-writes', { confirmedMs: 700 }),
    without('no-majority', { confirmedMs: 9_000 }),
    without('late', { kind: 'cut-off', confirmedMs: null }),
  ]);
  assert.equal(Object.keys(data), ['killed', 'cut-off']);
  assert.equal(data.killed?.unmeasured, { healed: 1, 'no-majority': 1, 'no-writes': 1, late: 0 });
  assert.equal([data.killed?.acknowledged.count, data.killed?.acknowledged.max], [2, 2_000]);
  // Confirmed whether or not anybody wrote; not where nobody could lead.
  assert.equal([data.killed?.confirmed.count, data.killed?.confirmed.min, data.killed?.confirmed.max], [3, 700, 900]);
  assert.equal([data['cut-off']?.acknowledged.count, data['cut-off']?.unmeasured.late], [0, 1]);
});

const records: readonly RunRecord[] = [
  runRecord(1, { failovers: reduceFailovers([took(1_000), took(1_500)]) }),
  runRecord(2, { failovers: reduceFailovers([took(3_000), without('late')]) }),
  runRecord(3, { scenario: 'asymmetric', failovers: reduceFailovers([took(3_000, { kind: 'cut-off' }), took(3_000)]) }),
  runRecord(4, { scenario: 'asymmetric', failovers: reduceFailovers([without('no-writes', { kind: 'cut-off' })]) }),
  runRecord(5),
];
const options: CampaignOptions = {
  ...{ seeds: [{ first: 1, last: 5 }], scenarios: ['clean-split', 'asymmetric'], nodes: null, durationMs: 60_000 },
  ...{ plant: null, checkDeterminism: false, controlLog: true },
};

tallies('a campaign tells them by scenario and in all, with the seed of the worst, in whatever order runs end', () => {
  const reported = [records, records.toReversed()].map((order) => {
    const tally = new Tally(options);
    for (const record of order) tally.add(readRecord(JSON.stringify(record), 'here'));
    const { failovers, scenarios } = reportOf({ options, code: 'c', pending: [], tally, errors: [], wallMs: 1 }, 'r');
    return { all: failovers, each: scenarios.map(({ name, failovers: own }) => ({ name, own })) };
  });
  assert.equal(reported[0], reported[1]);
  const { all, each } = reported[0];
  const [killed, cutOff] = all;
  assert.equal([killed.kind, killed.n, killed.maxMs, killed.unmeasured.late], ['killed', 4, 3_000, 1]);
  // Of equal times the first by name.
  assert.equal(killed.worst, { scenario: 'asymmetric', seed: 3 });
  assert.equal(killed.late, [{ scenario: 'clean-split', seed: 2 }]);
  assert.ok(Math.abs((killed.p50Ms as number) / 1_500 - 1) < 0.1, `${killed.p50Ms}`);
  assert.equal([killed.p95Ms, killed.p99Ms], [3_000, 3_000]);
  assert.equal([cutOff.kind, cutOff.n, cutOff.unmeasured['no-writes']], ['cut-off', 1, 1]);
  assert.equal(
    each.map(({ name, own }) => [name, own.map(({ kind, n, worst }) => [kind, n, worst?.seed ?? null])]),
    [
      ['clean-split', [['killed', 3, 2]]],
      [
        'asymmetric',
        [
          ['killed', 1, 3],
          ['cut-off', 1, 3],
        ],
      ],
    ],
  );
});

tallies('of many late runs the first are named, and all are counted', () => {
  const tally = new FailoverTally();
  for (let seed = 50; seed > 0; seed -= 1) tally.add(reduceFailovers([without('late')]), { scenario: 'swarm', seed });
  const [{ late, unmeasured, n, p99Ms, worst }] = tally.report();
  assert.equal([n, p99Ms, worst, unmeasured.late], [0, null, null, 50]);
  assert.equal(
    late.map(({ seed }) => seed),
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
});

tallies('a line whose failovers cannot be added up is refused', () => {
  const line = JSON.stringify(records[0]);
  assert.throws(() => readRecord(line.replace('"late":0', '"late":null'), 'there'), /there: failovers is/);
  assert.throws(
    () => readRecord(line.replace('"killed":{"acknowledged":{"count":2', '"killed":{"acknowledged":{"count":"2"'), 'there'),
    /there: failovers is/,
  );
});

tallies('the page has a table of them, with what was late, and none without a control log', () => {
  const tally = new Tally(options);
  for (const record of records) tally.add(record);
  const report = reportOf({ options, code: 'c', pending: [], tally, errors: [], wallMs: 1 }, 'r');
  const text = failoverSection(report);
  assert.is(text.match(/<th scope="row">all</g)?.length, 2);
  assert.match(text, 'asymmetric 3');
  assert.match(text, 'Late: clean-split 2 (killed).');
  assert.is(failoverSection({ ...report, failovers: [] }), '');
});

tallies.run();

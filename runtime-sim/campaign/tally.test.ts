/** What runs come to: counts that add up, marks that are judged when they may be, and the exit code. */
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runRecord } from '../test-support/run-records.js';
import type { CampaignOptions } from './campaign-options.js';
import { type CampaignState, exitCodeOf, figuresOf, reportOf, reportText } from './report.js';
import type { RunRecord } from './run-record.js';
import { Tally } from './tally.js';

const tallies = suite('campaign tally');
const options = (last: number, changes: Partial<CampaignOptions> = {}): CampaignOptions => ({
  ...{ seeds: [{ first: 1, last }], scenarios: ['clean-split', 'asymmetric'], nodes: null, durationMs: 60_000 },
  ...{ plant: null, checkDeterminism: false, controlLog: true, ...changes },
});

function stateOf(chosen: CampaignOptions, records: readonly RunRecord[], changes: Partial<CampaignState> = {}): CampaignState {
  const tally = new Tally(chosen);
  for (const record of records) tally.add(record);
  return { options: chosen, code: 'c', pending: [], tally, errors: [], wallMs: 60_000, ...changes };
}

const failing: readonly RunRecord[] = [
  runRecord(1),
  runRecord(2, { verdict: 'violation', reason: 'loss: 1 lost', lostWrites: 1, seedFile: 'x/clean-split-2.json' }),
  runRecord(3, { verdict: 'not-converged', reason: 'convergence: slow' }),
  runRecord(4, { verdict: 'unknown', reason: 'exercised: nothing' }),
  runRecord(5, { divergence: 'event 7: a | b' }),
];

tallies('the four verdicts add up to the runs, and the figures are the twelve of the contract', () => {
  const state = stateOf(options(5), failing);
  const figures = figuresOf(state, 'out/report.json');
  assert.equal(figures, {
    ...{ runs: 5, ok: 2, violations: 1, notConverged: 1, unknown: 1, marksMissed: [], eventsPerSecond: 100_000, seedsPerMinute: 5 },
    ...{ report: 'out/report.json', seedFiles: ['x/clean-split-2.json'], complete: false, left: 5 },
  });
  const [cleanSplit, asymmetric] = reportOf(state, 'out/report.json').scenarios;
  assert.is(cleanSplit.matrix, '.VNUD');
  assert.is(asymmetric.matrix, '-----');
  assert.match(
    stripVTControlCharacters(reportText(state, { report: 'r.json', html: 'r.html' })),
    /5 \(2 ok, 1 violation, 1 not converged, 1 unknown/,
  );
});

tallies('of several exit codes the first of 4, 1, 5, 3; what is not complete has proved nothing', () => {
  const one = options(1, { scenarios: ['clean-split'] });
  const code = (record: RunRecord, changes: Partial<CampaignState> = {}): number => exitCodeOf(stateOf(one, [record], changes));
  const diverged = { divergence: 'event 7: a | b' };
  assert.is(code(runRecord(1)), 0);
  assert.is(code(runRecord(1, { verdict: 'unknown' })), 3);
  assert.is(code(runRecord(1, { verdict: 'not-converged' })), 3);
  assert.is(code(runRecord(1, { verdict: 'not-converged', ...diverged })), 5);
  assert.is(code(runRecord(1, { verdict: 'violation', ...diverged })), 1);
  assert.is(code(runRecord(1, { verdict: 'violation' }), { errors: [{ scenario: 'a', seed: 1, error: 'e', replay: '' }] }), 4);
  assert.is(exitCodeOf(stateOf(options(1), [runRecord(1)])), 3, 'half of it has not run');
});

tallies('a mark is missed only where its scenarios have run the seeds that it needs, and never with a planted bug', () => {
  const clean = options(30, { scenarios: ['clean-split'] });
  const runs = (count: number): RunRecord[] => Array.from({ length: count }, (_, at) => runRecord(at + 1));
  assert.not.ok(stateOf(clean, runs(29)).tally.marksMissed.includes('split-brain healed'));
  const missed = stateOf(clean, runs(30));
  assert.ok(missed.tally.marksMissed.includes('split-brain healed'));
  assert.not.ok(missed.tally.marksMissed.includes('torn tail recovered'), 'not of this scenario');
  assert.is(exitCodeOf(missed), 3);
  assert.equal(stateOf({ ...clean, plant: 'drop-tombstone' }, runs(30)).tally.marksMissed, []);
  const states = new Map(reportOf(missed, 'r').marks.map(({ name, state }) => [name, state]));
  assert.is(states.get('gap seen'), 'reached');
  assert.is(states.get('split-brain healed'), 'missed');
  assert.is(states.get('conflict resolved by content-hash'), 'not judged');
  assert.is(states.get('primary confirmed by lease'), 'missed');
  assert.not.ok(stateOf({ ...clean, controlLog: false }, runs(30)).tally.marksMissed.includes('primary confirmed by lease'));
});

tallies('sums of claims are the same in whatever order runs end', () => {
  const bins = [0.1, 0.2, 0.3, 1 / 3, 0.7].map((claimed) => ({ forecast: { bins: [[1, claimed, 1, claimed ** 2]] } }));
  const summed = (order: readonly number[]): unknown => {
    const runs = order.map((at) => ({ ...runRecord(at + 1), calibrations: bins[at] }) as unknown as RunRecord);
    return stateOf(options(5), runs).tally.scenarios.get('clean-split')?.calibrations.get('forecast');
  };
  const inOrder = summed([0, 1, 2, 3, 4]);
  for (const order of [
    [4, 2, 0, 3, 1],
    [1, 0, 4, 3, 2],
    [3, 4, 1, 2, 0],
  ])
    assert.equal(summed(order), inOrder);
  assert.equal(inOrder, [[5, 1.633333, 5, 0.741111]]);
});

tallies('a run is lacking until it is counted, and only if it is part of the campaign', () => {
  const { tally } = stateOf(options(3), [runRecord(2)]);
  assert.ok(tally.lacks('clean-split', 1));
  assert.not.ok(tally.lacks('clean-split', 2));
  assert.not.ok(tally.lacks('clean-split', 4));
  assert.not.ok(tally.lacks('swarm', 1));
});

tallies.run();

/** A run is reduced to a line that reads back, with what its checkers tell beside their verdicts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarioOf } from '../../scenarios/catalogue.js';
import type { Scenario } from '../../scenarios/scenario.js';
import { type RunResult, runSeed } from '../run-seed.js';
import { reduceRun } from './reduce-run.js';
import { readRecord } from './run-record.js';

const reduced = suite('reduced run');
const run = runSeed({ scenario: scenarioOf('clean-split') as Scenario, seed: 2, durationMs: 4_000 });
const beside = { divergence: null, replay: 'bin/engram-sim --seed 2', seedFile: null };

reduced('the line reads back as it was, and is small', () => {
  const record = reduceRun(run, beside);
  const line = JSON.stringify(record);
  assert.equal(readRecord(line, 'here'), JSON.parse(line));
  assert.ok(line.length < 5_000, `${line.length} characters`);
  assert.is(record.traceHash, run.traceHash);
  assert.is(record.distributions['acknowledged write'].count, run.acknowledgedWrites);
});

reduced('a violation that is nothing but slow is not converged', () => {
  const verdict = (changes: Partial<RunResult>): string => reduceRun({ ...run, ...changes }, beside).verdict;
  assert.is(verdict({ verdict: 'violation', notConverged: true }), 'not-converged');
  assert.is(verdict({ verdict: 'violation', notConverged: false }), 'violation');
  assert.is(verdict({ verdict: 'unknown', notConverged: false }), 'unknown');
});

reduced('distributions and calibrations of any checker are kept, empty ones are not', () => {
  const verdicts: RunResult['verdicts'] = {
    staleness: { verdict: 'ok', distributions: { 'staleness of a read': [0, 5, 700], lag: [] } },
    confidence: { verdict: 'ok', calibrations: { 'newest version': [[10, 9.5, 9, 0.9]] } },
    loss: { verdict: 'not-applicable' },
  };
  const record = reduceRun({ ...run, verdicts }, beside);
  assert.is(record.distributions['staleness of a read'].count, 3);
  assert.is(record.distributions['staleness of a read'].max, 700);
  assert.is(record.distributions.lag, undefined);
  assert.equal(record.calibrations, { 'newest version': { bins: [[10, 9.5, 9, 0.9]] } });
  assert.equal(record.verdicts, { staleness: 'ok', confidence: 'ok' });
  readRecord(JSON.stringify(record), 'here');
});

reduced('a line that is none is refused with what is wrong', () => {
  const line = JSON.stringify(reduceRun(run, beside));
  for (const [broken, what] of [
    [line.slice(0, -1), /there: not JSON/],
    ['7', /not a JSON object/],
    [line.replace('"seed":2', '"seed":2.5'), /seed is 2\.5/],
    [line.replace('"marks":[', '"marks":[1,'), /marks is/],
  ] as const) {
    assert.throws(() => readRecord(broken, 'there'), what);
  }
});

reduced.run();

/** Lines of a campaign made up for tests. */
import { Histogram } from '../campaign/histogram.js';
import type { RunRecord } from '../campaign/run-record.js';

export function runRecord(seed: number, changes: Partial<RunRecord> = {}): RunRecord {
  const took = new Histogram();
  took.add(seed * 10);
  return {
    scenario: 'clean-split',
    seed,
    verdict: 'ok',
    reason: null,
    divergence: null,
    traceHash: '0123456789abcdef',
    events: 1_000,
    wallMs: 10,
    simulatedMs: 70_000,
    operations: { invoked: 12, ok: 10, failed: 1, unknown: 1 },
    acknowledgedWrites: 6,
    lostWrites: 0,
    convergenceMs: 250,
    marks: ['gap seen'],
    verdicts: { loss: 'ok' },
    distributions: { 'acknowledged write': took.data() },
    calibrations: {},
    failovers: {},
    replay: `bin/engram-sim --seed ${seed} --scenario clean-split`,
    seedFile: null,
    ...changes,
  };
}

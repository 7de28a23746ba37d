/** Worker threads: every seed is answered once, a failure inside is an answer too, and a stop ends what is under way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CampaignOptions } from './campaign-options.js';
import type { SeedJob, WorkerAnswer } from './campaign-worker.js';
import { WorkerPool } from './worker-pool.js';

const pools = suite('worker pool');
const options: CampaignOptions = {
  ...{
    seeds: [{ first: 1, last: 9 }],
    scenarios: ['crash-restart'],
    nodes: null,
    durationMs: 1_000,
    plant: null,
    checkDeterminism: false,
    controlLog: true,
  },
};

const folder = mkdtempSync(join(tmpdir(), 'worker-pool-'));

pools.after(() => rmSync(folder, { recursive: true, force: true }));

/** A pool over these jobs, and what it answered. */
function poolOf(jobs: readonly SeedJob[]): { pool: WorkerPool; answers: WorkerAnswer[] } {
  const queue = [...jobs];
  const answers: WorkerAnswer[] = [];
  const pool = new WorkerPool({
    options,
    seedFolder: folder,
    jobs: 2,
    next: () => queue.shift() ?? null,
    answered: (answer) => answers.push(answer),
  });
  return { pool, answers };
}

const seeds = (...list: number[]): SeedJob[] => list.map((seed) => ({ scenario: 'crash-restart', seed }));

pools('every seed is answered once', async () => {
  const { pool, answers } = poolOf(seeds(1, 2, 3));
  await pool.run();
  const done = answers.map((answer) => (answer.kind === 'run' ? answer.record.seed : null)).sort();
  assert.equal(done, [1, 2, 3]);
});

pools('what fails inside the simulator is told with its seed and its replay, and the others go on', async () => {
  const { pool, answers } = poolOf([{ scenario: 'no-such-scenario', seed: 4 }, ...seeds(5)]);
  await pool.run();
  const failed = answers.flatMap((answer) => (answer.kind === 'error' ? [answer] : []));
  assert.is(answers.length, 2);
  assert.is(failed.length, 1);
  assert.is(failed[0].job.seed, 4);
  assert.match(failed[0].error, 'no-such-scenario');
  assert.match(failed[0].replay, '--seed 4');
});

pools('after a stop nothing is answered any more', async () => {
  const { pool, answers } = poolOf(seeds(7, 8, 9));
  const running = pool.run();
  await pool.stop();
  await running;
  assert.equal(answers, []);
});

pools('an answer that cannot be taken ends the pool', async () => {
  const pool = new WorkerPool({
    ...{ options, seedFolder: folder, jobs: 1, next: () => seeds(1)[0] },
    answered: () => {
      throw new RangeError('no room');
    },
  });
  try {
    await pool.run();
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RangeError);
  }
});

pools.run();

/**
 * A whole shrinking: the run as it is, tries on worker processes until nothing more can go, the time is up or somebody interrupts, and the run of what is
 * left. The best plan so far is never lost.
 */
import { availableParallelism } from 'node:os';
import type { RunPlan } from '../../scenarios/run-plan.js';
import type { Scenario } from '../../scenarios/scenario.js';
import { runExplained } from '../causal-chain.js';
import { type RunResult, runSeed } from '../run-seed.js';
import type { Progress } from './progress.js';
import { shrinkPlan } from './shrink-plan.js';
import { type Stop, TrialPool } from './trial-pool.js';
import { namedMemories, violationOf } from './violation-kind.js';

export interface ShrinkRequest {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly plan: RunPlan;
  /** For all tries together. */
  readonly secondsMax: number;
  readonly jobs: number;
  readonly progress: Progress;
}

export interface Shrunk {
  /** Of the smallest plan found. */
  readonly run: RunResult;
  /** How it comes to its violation. */
  readonly chain: readonly string[];
  readonly tries: number;
  readonly seconds: number;
  /** `minimal`: no single part can go any more. */
  readonly ended: 'minimal' | Stop;
}

/** Two keep one busy while the other's answer is looked at; more than four find little to do. */
export const jobsDefault = Math.max(1, Math.min(4, availableParallelism()));

/** `shrunk` is null when the run breaks no promise: there is nothing to shrink, and `whole` says what it is. */
export async function shrinkRun(request: ShrinkRequest): Promise<{ readonly whole: RunResult; readonly shrunk: Shrunk | null }> {
  const { scenario, seed, plan, jobs, secondsMax, progress } = request;
  const startedAt = performance.now();
  // The workers load the core while this process runs the whole plan.
  const pool = new TrialPool({ jobs, budgetMs: secondsMax * 1_000, onTry: (tries) => progress.tried(tries) });
  const interrupt = (): void => pool.stop('interrupted');
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const whole = runSeed({ scenario, seed, plan });
    const violation = violationOf(whole);
    if (violation === null) return { whole, shrunk: null };
    const smallest = await shrinkPlan({
      plan,
      evidence: { named: namedMemories(whole, violation) },
      firstFailing: (plans) => pool.firstFailing(plans, { scenario: scenario.name, seed, violation }),
      over: () => pool.stopped !== null,
      reduced: (smaller, doing) => progress.reduced(smaller, doing),
    });
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const { run, chain } = runExplained({ scenario, seed, plan: smallest });
    return { whole, shrunk: { run, chain, tries: pool.tries, seconds, ended: pool.stopped ?? 'minimal' } };
  } finally {
    progress.end();
    pool.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

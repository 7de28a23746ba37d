/** A worker process of the shrinking: answers plan after plan. Started with the arguments of its parent, so that a planted bug is planted here too. */
import type { RunPlan } from '../../scenarios/run-plan.js';
import { builtScenario } from '../option-values.js';
import { runSeed } from '../run-seed.js';
import { type Evidence, isSameViolation, namedMemories, type Violation, violationOf } from './violation-kind.js';

/** What all tries of one shrinking have in common. */
export interface Case {
  readonly scenario: string;
  readonly seed: number;
  readonly violation: Violation;
}

export interface Question {
  readonly id: number;
  readonly plan: RunPlan;
  readonly of: Case;
}

export interface Answer {
  readonly id: number;
  /** Null when the plan does not fail alike. */
  readonly evidence: Evidence | null;
}

/** A plan that the simulator cannot carry out is no plan of anything: it does not fail alike. */
function evidenceOf(plan: RunPlan, { scenario, seed, violation }: Case): Evidence | null {
  try {
    const run = runSeed({ scenario: builtScenario(scenario), seed, plan });
    const shown = violationOf(run);
    return shown !== null && isSameViolation(violation, shown) ? { named: namedMemories(run, shown) } : null;
  } catch {
    return null;
  }
}

// An interrupt from the terminal reaches the whole group of processes: the parent decides when this one ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit());
process.on('message', ({ id, plan, of }: Question) => {
  const answer: Answer = { id, evidence: evidenceOf(plan, of) };
  process.send?.(answer);
});

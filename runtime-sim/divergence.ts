/** Whether a seed tells the same run twice: run, something else in between, and run again in the same process, compared at every event. */
import type { Divergence } from './run-report.js';
import { type RunOptions, type RunResult, runSeed } from './run-seed.js';
import { ChainLog } from './trace.js';

/** A short run of another seed lies between the two that are compared: nothing of one may show in the next. */
const betweenMs = 2_000;

/** The first run, and where the second departed from it; null when it never did. */
export function runTwice(options: RunOptions): { readonly run: RunResult; readonly divergence: Divergence | null } {
  const chainLog = new ChainLog();
  const run = runSeed({ ...options, chainLog });
  runSeed({ scenario: options.scenario, seed: options.seed === 0 ? 1 : options.seed - 1, durationMs: betweenMs });
  const again = new ChainLog();
  runSeed({ ...untraced(options), chainLog: again });
  return { run, divergence: divergenceOf(chainLog, again, run.plan) };
}

function untraced({ sink, ...options }: RunOptions): RunOptions {
  return options;
}

function divergenceOf(one: ChainLog, other: ChainLog, plan: RunResult['plan']): Divergence | null {
  const at = one.firstDifference(other);
  if (at === null) return null;
  const name = (target: number): string => [...plan.nodes, ...plan.clients][target] ?? `reader ${target}`;
  return { event: at, first: one.describe(at, name), second: other.describe(at, name) };
}

/**
 * Whether a seed tells the same run twice: run, something else in between, and run again in the same process, compared at every event; and once more in a
 * fresh thread, which has nothing that earlier runs may have left behind.
 */
import { once } from 'node:events';
import type { FreshAnswer, FreshRun } from './fresh-thread.js';
import type { Divergence } from './run-report.js';
import { type RunOptions, type RunResult, runSeed } from './run-seed.js';
import { startThread } from './simulator-thread.js';
import { ChainLog } from './trace.js';

/** A short run of another seed lies between the two that are compared: nothing of one may show in the next. */
const betweenMs = 2_000;

export interface ComparedRun {
  readonly run: RunResult;
  /** Where a later run departed from the first; null when none did. */
  readonly divergence: Divergence | null;
}

/** Runs twice in this process, with another seed between. */
export function runTwice(options: RunOptions): ComparedRun {
  const { run, divergence } = runTwiceWithChain(options);
  return { run, divergence };
}

/** Runs twice here and a third time in a fresh thread, with the same planted bug. */
export async function runTwiceAndFresh(options: RunOptions, plant: string | null): Promise<ComparedRun> {
  const { run, divergence, chainLog } = runTwiceWithChain(options);
  if (divergence !== null) return { run, divergence };
  const { scenario, seed, nodes, durationMs, controlLog } = options;
  const fresh: FreshRun = { scenario: scenario.name, seed, nodes, durationMs, controlLog };
  const thread = startThread(new URL('./fresh-thread.ts', import.meta.url), plant, { run: fresh });
  const [{ chain, traceHash }] = (await once(thread, 'message')) as [FreshAnswer];
  await thread.terminate();
  return { run, divergence: divergenceOf({ run, chainLog }, { chainLog: ChainLog.of(chain), traceHash }) };
}

function runTwiceWithChain(options: RunOptions): ComparedRun & { readonly chainLog: ChainLog } {
  const chainLog = new ChainLog();
  const run = runSeed({ ...options, chainLog });
  runSeed({ scenario: options.scenario, seed: options.seed === 0 ? 1 : options.seed - 1, durationMs: betweenMs });
  const again = new ChainLog();
  const { traceHash } = runSeed({ ...untraced(options), chainLog: again });
  return { run, divergence: divergenceOf({ run, chainLog }, { chainLog: again, traceHash }), chainLog };
}

function untraced({ sink, ...options }: RunOptions): RunOptions {
  return options;
}

function divergenceOf(
  { run, chainLog }: { readonly run: RunResult; readonly chainLog: ChainLog },
  other: { readonly chainLog: ChainLog; readonly traceHash: string },
): Divergence | null {
  // What the last event led to is in no later event of the chain, but in the hash of the whole.
  const last = run.traceHash === other.traceHash ? null : Math.max(0, chainLog.length - 1);
  const at = chainLog.firstDifference(other.chainLog) ?? last;
  if (at === null) return null;
  const { plan } = run;
  const name = (target: number): string => [...plan.nodes, ...plan.clients][target] ?? `reader ${target}`;
  return { event: at, first: chainLog.describe(at, name), second: other.chainLog.describe(at, name) };
}

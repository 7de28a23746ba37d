/** A worker thread that runs one seed and answers with its chain: nothing that an earlier run left behind is in it. */
import { parentPort, workerData } from 'node:worker_threads';
import { builtScenario } from './option-values.js';
import { runSeed } from './run-seed.js';
import { ChainLog } from './trace.js';

export interface FreshRun {
  readonly scenario: string;
  readonly seed: number;
  /** Undefined: as the scenario takes it. */
  readonly nodes: number | undefined;
  readonly durationMs: number | undefined;
  readonly controlLog: boolean | undefined;
}

export type FreshAnswer = { readonly chain: ReturnType<ChainLog['columns']>; readonly traceHash: string };

const { run } = workerData as { readonly run: FreshRun };
const chainLog = new ChainLog();
const { nodes, durationMs, controlLog } = run;
const { traceHash } = runSeed({
  scenario: builtScenario(run.scenario),
  seed: run.seed,
  chainLog,
  ...(nodes === undefined ? {} : { nodes }),
  ...(durationMs === undefined ? {} : { durationMs }),
  ...(controlLog === undefined ? {} : { controlLog }),
});
parentPort?.postMessage({ chain: chainLog.columns(), traceHash } satisfies FreshAnswer);

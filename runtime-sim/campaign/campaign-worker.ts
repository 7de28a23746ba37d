/** A worker thread of a campaign: runs the seeds it is sent, one after another, and answers each with what is kept of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { runTwice } from '../divergence.js';
import { builtScenario } from '../option-values.js';
import { replayCommand } from '../run-report.js';
import { type RunOptions, runSeed } from '../run-seed.js';
import { keepSeedFile, seedFileContent } from '../seed-file.js';
import type { CampaignOptions } from './campaign-options.js';
import { reduceRun } from './reduce-run.js';
import type { RunRecord } from './run-record.js';

export interface WorkerData {
  readonly options: CampaignOptions;
  /** Where seed files go; null for the usual place. */
  readonly seedFolder: string | null;
}

export interface SeedJob {
  readonly scenario: string;
  readonly seed: number;
}

export type WorkerAnswer =
  | { readonly kind: 'run'; readonly record: RunRecord }
  /** The simulator itself failed. */
  | { readonly kind: 'error'; readonly job: SeedJob; readonly error: string; readonly replay: string };

const { options, seedFolder } = workerData as WorkerData;

function carryOut(job: SeedJob): WorkerAnswer {
  const { nodes, durationMs, plant, checkDeterminism, controlLog } = options;
  const replay = replayCommand({ ...job, nodes, durationMs, plant, controlLog, checkDeterminism });
  try {
    const runOptions: RunOptions = {
      scenario: builtScenario(job.scenario),
      seed: job.seed,
      durationMs,
      controlLog,
      ...(nodes === null ? {} : { nodes }),
    };
    const { run, divergence } = checkDeterminism ? runTwice(runOptions) : { run: runSeed(runOptions), divergence: null };
    const failed = run.verdict !== 'ok' || divergence !== null;
    const seedFile = failed ? keepSeedFile(seedFileContent(run, { durationMs, plant }), seedFolder) : null;
    return { kind: 'run', record: reduceRun(run, { divergence, replay, seedFile }) };
  } catch (error) {
    return { kind: 'error', job, error: error instanceof Error ? (error.stack ?? error.message) : String(error), replay };
  }
}

parentPort?.on('message', (job: SeedJob) => parentPort?.postMessage(carryOut(job)));

/** A worker process of many-seeds: runs the seeds it is sent, one after another, and answers each with what there is to count. */
import { scenarioOf } from '../scenarios/catalogue.js';
import type { Scenario, ScenarioName } from '../scenarios/scenario.js';
import { runTwice } from './divergence.js';
import { type Divergence, replayCommand } from './run-report.js';
import { type RunOptions, type RunResult, runSeed } from './run-seed.js';
import { keepSeedFile, seedFileContent } from './seed-file.js';

export interface SeedJob {
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly durationMs: number;
  readonly checkDeterminism: boolean;
  readonly plant: string | null;
  readonly out: string | null;
}

export interface SeedSummary {
  readonly seed: number;
  readonly verdict: RunResult['verdict'];
  readonly notConverged: boolean;
  readonly reason: string | null;
  readonly replay: string;
  readonly events: number;
  readonly wallMs: number;
  readonly simulatedMs: number;
  readonly marks: readonly string[];
  readonly divergence: Divergence | null;
}

function carryOut({ scenario: name, seed, durationMs, checkDeterminism, plant, out }: SeedJob): SeedSummary {
  const scenario = scenarioOf(name) as Scenario;
  const options: RunOptions = { scenario, seed, durationMs };
  const { run, divergence } = checkDeterminism ? runTwice(options) : { run: runSeed(options), divergence: null };
  const planted = { durationMs, plant };
  if (plant === null && (run.verdict !== 'ok' || divergence !== null)) keepSeedFile(seedFileContent(run, planted), out);
  return {
    seed,
    verdict: run.verdict,
    notConverged: run.notConverged,
    reason: run.reason,
    replay: replayCommand({ seed, scenario: name, nodes: null, ...planted, checkDeterminism }),
    events: run.events,
    wallMs: run.wallMs,
    simulatedMs: run.simulatedMs,
    marks: Object.keys(run.probes),
    divergence,
  };
}

process.on('message', (job: SeedJob) => process.send?.(carryOut(job)));

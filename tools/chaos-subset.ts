/**
 * The share of chaos that every change must survive, through the launcher that users call.
 *
 *     npm run chaos          CHAOS_SEEDS=25 seeds of each scenario below, every seed file, every planted bug
 *
 * A run must end with verdict ok and twice the same trace; a regression must stay fixed; a planted bug must be found. Each failure prints
 * the command that replays it. Ends with the line `N passed, N failed`.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.js';

const scenarios = ['crash-restart', 'clean-split', 'asymmetric'];
const seedsPerScenario = Number(process.env.CHAOS_SEEDS ?? 25);
/** A planted bug that needs more seeds belongs into a campaign, not before every change. */
const seedsPerPlantMax = 200;
/** One per core of the smallest machine that we support. */
const processesAtOnce = 2;
const runTimeoutMs = 300_000;

interface Plant {
  readonly name: string;
  readonly scenario: string;
  readonly seedsNeeded: number;
  readonly pending: boolean;
}

interface Run {
  readonly exitCode: number;
  /** The one object of --json; empty when standard output was anything else. */
  readonly result: { verdict?: string; reason?: string; firstDivergence?: unknown; plants?: Plant[]; error?: string };
  readonly errors: string;
}

/** What is wrong, or null. */
type Check = { readonly name: string; readonly run: () => Promise<string | null> };

function simulate(...options: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const limits = { cwd: root, timeout: runTimeoutMs, maxBuffer: 2 ** 26 };
    execFile(join(root, 'bin/engram-sim'), [...options, '--json'], limits, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 4;
      const lines = stdout.split('\n').filter((line) => line !== '');
      try {
        if (lines.length !== 1) throw new Error(`${lines.length} lines on standard output instead of one`);
        resolve({ exitCode, result: JSON.parse(lines[0] as string), errors: stderr });
      } catch (cause) {
        resolve({ exitCode, result: {}, errors: `${stderr.trim()} (${cause instanceof Error ? cause.message : cause})` });
      }
    });
  });
}

function complaint(run: Run, command: string): string {
  const { verdict, reason, error } = run.result;
  const words = [`exit ${run.exitCode}`, verdict, reason, error, run.errors.trim().split('\n').slice(-3).join(' / ')];
  return `${words.filter(Boolean).join('; ')}\n       replay: bin/engram-sim ${command}`;
}

function survives(scenario: string, seed: number): Check {
  const options = ['--seed', String(seed), '--scenario', scenario, '--check-determinism'];
  return {
    name: `${scenario}, seed ${seed}`,
    run: async () => {
      const run = await simulate(...options);
      const good = run.exitCode === 0 && run.result.verdict === 'ok' && run.result.firstDivergence === null;
      return good ? null : complaint(run, options.join(' '));
    },
  };
}

function staysFixed(file: string): Check {
  return {
    name: `regression ${file}`,
    run: async () => {
      const run = await simulate('replay', file);
      return run.exitCode === 0 ? null : complaint(run, `replay ${file}`);
    },
  };
}

/** Runs seeds from 1 until one shows the bug. One process a seed: many seeds in one process would be quicker, and may replace this loop. */
function isFound(plant: Plant): Check {
  return {
    name: `planted bug ${plant.name}`,
    run: async () => {
      const seeds = Math.min(plant.seedsNeeded, seedsPerPlantMax);
      for (let seed = 1; seed <= seeds; seed += 1) {
        const options = ['--seed', String(seed), '--scenario', plant.scenario, '--plant', plant.name];
        const run = await simulate(...options);
        if (run.result.verdict === 'violation') return null;
        if (run.exitCode === 2 || run.exitCode === 4 || run.exitCode === 5) return complaint(run, options.join(' '));
      }
      return `not found in ${seeds} seeds of ${plant.scenario}`;
    },
  };
}

async function runAll(checks: Check[]): Promise<number> {
  const queue = [...checks];
  let failed = 0;
  const lane = async (): Promise<void> => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
      const wrong = await check.run();
      if (wrong === null) continue;
      failed += 1;
      process.stdout.write(`FAIL chaos: ${check.name}: ${wrong}\n`);
    }
  };
  await Promise.all(Array.from({ length: processesAtOnce }, lane));
  return failed;
}

const listed = await simulate('list');
const plants = (listed.result.plants ?? []).filter((plant) => !plant.pending);
const seedFolder = join(root, 'scenarios/seeds');
const seedFiles = existsSync(seedFolder) ? readdirSync(seedFolder).filter((name) => name.endsWith('.json')) : [];
const groups: Record<string, Check[]> = {
  scenarios: scenarios.flatMap((scenario) => Array.from({ length: seedsPerScenario }, (_, index) => survives(scenario, index + 1))),
  regressions: seedFiles.map((name) => staysFixed(`scenarios/seeds/${name}`)),
  'planted bugs': plants.map(isFound),
};

let [passed, failed] = [0, 0];
if (listed.exitCode !== 0 || plants.length === 0) {
  failed += 1;
  process.stdout.write(`FAIL chaos: engram-sim list names no planted bug: ${complaint(listed, 'list --json')}\n`);
} else {
  for (const [name, checks] of Object.entries(groups)) {
    const startedAt = performance.now();
    const failures = await runAll(checks);
    failed += failures;
    passed += checks.length - failures;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    process.stdout.write(`${failures > 0 ? 'FAIL' : 'ok  '} chaos: ${name} (${checks.length}, ${seconds} s)\n`);
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

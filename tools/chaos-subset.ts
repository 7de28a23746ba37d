/**
 * The share of chaos that every change must survive, through the launcher that users call.
 *
 *     npm run chaos          CHAOS_SEEDS=60 seeds of each scenario that is built, every seed file, every planted bug
 *
 * A run must end with verdict ok and twice the same trace; a regression must stay fixed; a planted bug must be found. Each failure prints
 * the command that replays it. Ends with the line `N passed, N failed`.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.js';

const seedsPerScenario = Number(process.env.CHAOS_SEEDS ?? 60);
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

interface ManySeeds {
  readonly runs: number;
  readonly ok: number;
  readonly marksMissed: readonly string[];
  readonly failures?: readonly { readonly verdict: string; readonly reason: string | null; readonly replay: string }[];
}

/** A fixed range of seeds of every scenario, many to a process, each run twice. */
function surviveMany(): Promise<{ passed: number; failed: number }> {
  const program = ['--import', 'tsx', 'runtime-sim/many-seeds.ts', '--check-determinism'];
  const options = ['--seeds', `1..${seedsPerScenario}`, '--jobs', String(processesAtOnce)];
  return new Promise((resolve) => {
    execFile(process.execPath, [...program, ...options], { cwd: root, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      try {
        const { runs, ok, marksMissed, failures = [] } = JSON.parse(stdout) as ManySeeds;
        for (const { verdict, reason, replay } of failures)
          process.stdout.write(`FAIL chaos: ${verdict}: ${reason}\n       replay: ${replay}\n`);
        for (const mark of marksMissed) process.stdout.write(`FAIL chaos: the rare state "${mark}" was never reached\n`);
        resolve({ passed: ok, failed: runs - ok + marksMissed.length });
      } catch {
        process.stdout.write(
          `FAIL chaos: the runs did not end: ${error?.message ?? ''} ${stderr.trim().split('\n').slice(-3).join(' / ')}\n`,
        );
        resolve({ passed: 0, failed: 1 });
      }
    });
  });
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

/** Runs seeds from 1 until one shows the bug, through the launcher that users call. */
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
  regressions: seedFiles.map((name) => staysFixed(`scenarios/seeds/${name}`)),
  'planted bugs': plants.map(isFound),
};

let [passed, failed] = [0, 0];
if (listed.exitCode !== 0 || plants.length === 0) {
  failed += 1;
  process.stdout.write(`FAIL chaos: engram-sim list names no planted bug: ${complaint(listed, 'list --json')}\n`);
} else {
  const begunAt = performance.now();
  const survived = await surviveMany();
  passed += survived.passed;
  failed += survived.failed;
  const runs = survived.passed + survived.failed;
  process.stdout.write(
    `${survived.failed > 0 ? 'FAIL' : 'ok  '} chaos: seeds (${runs}, ${((performance.now() - begunAt) / 1_000).toFixed(1)} s)\n`,
  );
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

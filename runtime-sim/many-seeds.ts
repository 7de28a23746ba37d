/**
 * Runs ranges of seeds over worker processes and prints one line of JSON: what continuous integration and the chaos subset call. No part of the command
 * contract; campaigns with reports come with the simulator's own milestone.
 *
 *     node --import tsx runtime-sim/many-seeds.ts --seeds 1..50 [--scenario NAME …] [--jobs 2] [--check-determinism] [--plant NAME] [--out DIR]
 *
 * With a planted bug it stops at the first seed that finds it, and finding none within its seeds is the failure. Exit codes as of engram-sim.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { catalogue, durationMsDefault } from '../scenarios/catalogue.js';
import { marks } from '../scenarios/marks.js';
import type { ScenarioName } from '../scenarios/scenario.js';
import { exitCodes, SetupError, UsageError } from './exit-codes.js';
import { builtScenario } from './option-values.js';
import { plantedBugOf, plantingArguments } from './planted-source.js';
import type { SeedJob, SeedSummary } from './seed-worker.js';

interface Options {
  readonly seeds: { readonly first: number; readonly last: number };
  readonly scenarios: readonly ScenarioName[];
  readonly jobs: number;
  readonly durationMs: number;
  readonly checkDeterminism: boolean;
  readonly plant: string | null;
  readonly out: string | null;
}

/** Failures listed one by one; the rest is counted. */
const failuresListed = 20;

function readOptions(): Options {
  const collect = (value: string, list: string[]): string[] => [...list, value];
  const command = new Command('many-seeds')
    .requiredOption('--seeds <range>', 'A..B, both included')
    .option('--scenario <name>', 'again for more; all that are built without it', collect, [])
    .option('--jobs <n>', 'worker processes', '2')
    .option('--duration <s>', 'simulated seconds under load', String(durationMsDefault / 1_000))
    .option('--check-determinism')
    .option('--plant <name>')
    .option('--out <dir>', 'where seed files go')
    .parse();
  const { seeds, scenario, jobs, duration, checkDeterminism, plant, out } = command.opts();
  const range = /^(\d+)\.\.(\d+)$/.exec(seeds);
  if (range === null || Number(range[1]) > Number(range[2])) throw new UsageError(`--seeds ${seeds} is no range`, 'give A..B with A <= B');
  const planted = plant === undefined ? null : plantedBugOf(plant);
  const named: string[] =
    scenario.length > 0
      ? scenario
      : planted === null
        ? catalogue.filter((entry) => entry.scenario !== null).map(({ name }) => name)
        : [planted.scenario];
  return {
    seeds: { first: Number(range[1]), last: Number(range[2]) },
    scenarios: named.map((name) => builtScenario(name).name),
    jobs: Math.max(1, Number(jobs)),
    durationMs: Math.round(Number(duration) * 1_000),
    checkDeterminism: checkDeterminism === true,
    plant: planted?.name ?? null,
    out: out ?? null,
  };
}

/** What all runs came to. */
class Tally {
  runs = 0;
  ok = 0;
  violations = 0;
  notConverged = 0;
  unknown = 0;
  notDeterministic = 0;
  events = 0;
  runMs = 0;
  readonly marks = new Map<string, number>();
  readonly failures: SeedSummary[] = [];

  add(summary: SeedSummary): void {
    this.runs += 1;
    this.events += summary.events;
    this.runMs += summary.wallMs;
    for (const name of summary.marks) this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
    if (summary.divergence !== null) this.notDeterministic += 1;
    if (summary.verdict === 'ok') this.ok += 1;
    else if (summary.verdict === 'unknown') this.unknown += 1;
    else if (summary.notConverged) this.notConverged += 1;
    else this.violations += 1;
    if (summary.verdict !== 'ok' || summary.divergence !== null) this.failures.push(summary);
  }
}

function workerFor(options: Options): ChildProcess {
  const planting = options.plant === null ? [] : plantingArguments(plantedBugOf(options.plant));
  return fork(fileURLToPath(new URL('seed-worker.ts', import.meta.url)), [], {
    execArgv: [...planting, ...process.execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** One worker's life: seed after seed until none is left or enough is known. */
function work(options: Options, next: () => SeedJob | null, tally: Tally): Promise<void> {
  const worker = workerFor(options);
  return new Promise((resolve, reject) => {
    const proceed = (): void => {
      const job = next();
      if (job === null) worker.disconnect();
      else worker.send(job);
    };
    worker.on('message', (message) => {
      const summary = message as SeedSummary;
      tally.add(summary);
      if (options.plant === null && (summary.verdict !== 'ok' || summary.divergence !== null)) {
        process.stderr.write(`${summary.verdict}: ${summary.reason ?? summary.divergence?.first}\n  replay: ${summary.replay}\n`);
      }
      proceed();
    });
    worker.on('exit', (code) =>
      code === 0 ? resolve() : reject(new SetupError(`a worker ended with code ${code}`, 'see its message above')),
    );
    proceed();
  });
}

async function runAll(options: Options): Promise<number> {
  const { seeds, scenarios, plant } = options;
  const tally = new Tally();
  const count = seeds.last - seeds.first + 1;
  let given = 0;
  const next = (): SeedJob | null => {
    if (given === count * scenarios.length || (plant !== null && tally.violations + tally.notConverged > 0)) return null;
    const job: SeedJob = {
      scenario: scenarios[given % scenarios.length],
      seed: seeds.first + Math.floor(given / scenarios.length),
      durationMs: options.durationMs,
      checkDeterminism: options.checkDeterminism,
      plant,
      out: options.out,
    };
    given += 1;
    return job;
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Math.min(options.jobs, count * scenarios.length) }, () => work(options, next, tally)));
  const wallMs = performance.now() - startedAt;
  const summary = summaryOf(options, tally, wallMs, count);
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  if (plant !== null) return summary.found ? exitCodes.ok : exitCodes.notConverged;
  if (tally.violations > 0) return exitCodes.violation;
  if (tally.notDeterministic > 0) return exitCodes.notDeterministic;
  return tally.notConverged + tally.unknown > 0 ? exitCodes.notConverged : exitCodes.ok;
}

function summaryOf(options: Options, tally: Tally, wallMs: number, seeds: number) {
  const { runs, ok, violations, notConverged, unknown, notDeterministic } = tally;
  const judged = marks.filter(
    (mark) => !mark.pending && mark.seedsNeeded <= seeds && mark.scenarios.some((name) => options.scenarios.includes(name)),
  );
  const [first] = tally.failures;
  return {
    runs,
    ok,
    violations,
    notConverged,
    unknown,
    notDeterministic,
    ...(options.plant === null
      ? {}
      : { plant: options.plant, found: violations + notConverged > 0, foundBy: first?.reason ?? null, seedsTried: runs }),
    marksMissed: options.plant === null ? judged.filter(({ name }) => !tally.marks.has(name)).map(({ name }) => name) : [],
    marks: Object.fromEntries([...tally.marks].sort(([left], [right]) => (left < right ? -1 : 1))),
    eventsPerSecond: Math.round((tally.events / tally.runMs) * 1_000),
    seedsPerMinute: Math.round((runs / wallMs) * 60_000),
    failures: tally.failures.slice(0, failuresListed).map(({ replay, reason, verdict }) => ({ verdict, reason, replay })),
    replay: first?.replay ?? null,
  };
}

try {
  process.exitCode = await runAll(readOptions());
} catch (error) {
  const known = error instanceof UsageError || error instanceof SetupError;
  process.stderr.write(`many-seeds: ${error instanceof Error ? error.message : error}\n${known ? `  ${error.hint}\n` : ''}`);
  process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.internal;
}

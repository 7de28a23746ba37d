/** What engram-sim does once it knows what was asked: runs, lists, replays. Each returns its exit code. */
import { plantedBugs } from '../checker/planted-bugs/catalogue.js';
import { catalogue } from '../scenarios/catalogue.js';
import { marks } from '../scenarios/marks.js';
import { builtScenario, type RunCommand } from './command-line.js';
import { exitCodes, SetupError } from './exit-codes.js';
import { type Divergence, exitCodeOf, type RunReport, replayCommand, replayFileCommand, reportOf, reportText } from './run-report.js';
import { planOf, type RunOptions, type RunResult, runSeed } from './run-seed.js';
import { currentCommit, keepSeedFile, readSeedFile, type SeedFile } from './seed-file.js';
import { ChainLog, TraceFile } from './trace.js';

/** A short run between the two that are compared, so that anything left over from one would show in the next. */
const betweenMs = 2_000;

export function runCommand(command: RunCommand): number {
  const { seed, scenario, nodes, durationMs, plant } = command;
  const options: RunOptions = { scenario, seed, nodes, durationMs };
  const { run, divergence } = carryOut(options, command);
  const replay = replayCommand({ seed, scenario: scenario.name, nodes, durationMs, plant, checkDeterminism: command.checkDeterminism });
  const failed = run.verdict !== 'ok' || divergence != null;
  const seedFile = failed ? keepSeedFile(seedFileContent(run, { nodes, durationMs, plant }), command.out) : null;
  const report = reportOf(run, replay, seedFile);
  print(divergence === undefined ? report : { ...report, firstDivergence: divergence }, command.json);
  return exitCodeOf(run, divergence != null);
}

export function replayFile(path: string, json: boolean): number {
  const file = readSeedFile(path);
  const run = runSeed({ scenario: builtScenario(file.scenario), seed: file.seed, plan: file.plan });
  const report = reportOf(run, replayFileCommand(path), run.verdict === 'ok' ? null : path);
  print({ ...report, commitMatches: file.commit === currentCommit(), traceMatches: file.traceHash === run.traceHash }, json);
  return exitCodeOf(run, false);
}

export function listAll(json: boolean): number {
  const listed = {
    scenarios: catalogue.map(({ name, scenario }) => ({ name, pending: scenario === null })),
    marks: marks.map(({ name, scenarios, seedsNeeded, pending }) => ({ name, scenarios, seedsNeeded, pending })),
    plants: plantedBugs.map(({ name, scenario, seedsNeeded, pending }) => ({ name, scenario, seedsNeeded, pending })),
  };
  if (json) {
    process.stdout.write(`${JSON.stringify(listed)}\n`);
    return exitCodes.ok;
  }
  const say = (name: string, pending: boolean, more = ''): string => `  ${name}${more}${pending ? '  (pending)' : ''}\n`;
  process.stdout.write('scenarios\n');
  for (const { name, pending } of listed.scenarios) process.stdout.write(say(name, pending));
  process.stdout.write('rare-state marks\n');
  for (const { name, pending, scenarios } of listed.marks) process.stdout.write(say(name, pending, `: ${scenarios.join(', ')}`));
  process.stdout.write('planted bugs\n');
  for (const { name, pending, scenario } of listed.plants) process.stdout.write(say(name, pending, `: ${scenario}`));
  return exitCodes.ok;
}

export function seedFileContent(
  run: RunResult,
  options: { readonly nodes: number; readonly durationMs: number; readonly plant: string | null },
): Omit<SeedFile, 'format'> {
  const { seed, scenario, plan, traceHash, verdicts } = run;
  return { seed, scenario, options, commit: currentCommit(), plan, traceHash, verdicts };
}

/** Runs once, or twice with the chains compared; `divergence` is undefined when nothing was compared. */
function carryOut(options: RunOptions, command: RunCommand): { run: RunResult; divergence?: Divergence | null } {
  const traceFile = command.trace === null ? null : openTrace(command.trace, options);
  const chainLog = command.checkDeterminism ? new ChainLog() : null;
  const run = runSeed({ ...options, ...(chainLog === null ? {} : { chainLog }), ...(traceFile === null ? {} : { traceFile }) });
  const broken = traceFile?.close() ?? null;
  if (broken !== null) process.stderr.write(`engram-sim: the trace file ${command.trace} is incomplete: ${broken}\n`);
  if (chainLog === null) return { run };
  runSeed({ ...options, seed: options.seed === 0 ? 1 : options.seed - 1, durationMs: betweenMs });
  const again = new ChainLog();
  runSeed({ ...options, chainLog: again });
  return { run, divergence: divergenceOf(chainLog, again, run.plan) };
}

export function divergenceOf(one: ChainLog, other: ChainLog, plan: RunResult['plan']): Divergence | null {
  const at = one.firstDifference(other);
  if (at === null) return null;
  const name = (target: number): string => [...plan.nodes, ...plan.clients][target] ?? `reader ${target}`;
  return { event: at, first: one.describe(at, name), second: other.describe(at, name) };
}

function openTrace(path: string, options: RunOptions): TraceFile {
  const plan = planOf(options);
  try {
    return new TraceFile(path, (target) => [...plan.nodes, ...plan.clients][target] ?? `reader ${target}`);
  } catch (error) {
    throw new SetupError(
      `the trace file ${path} cannot be written: ${(error as NodeJS.ErrnoException).code ?? error}`,
      'give another path',
    );
  }
}

function print(report: RunReport, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : reportText(report));
}

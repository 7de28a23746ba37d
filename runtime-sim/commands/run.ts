/** engram-sim --seed N --scenario NAME: one run, judged. */
import type { Command } from 'commander';
import { durationMsDefault, nodesDefault, nodesMax } from '../../scenarios/catalogue.js';
import { type Scenario, scenarioNames } from '../../scenarios/scenario.js';
import { SetupError, UsageError } from '../exit-codes.js';
import { builtScenario, durationArgument, seedArgument, seedFolderDefault, wantsJsonObject, wholeNumber } from '../option-values.js';
import { plantedBugOf } from '../planted-source.js';
import type { RunOptions, RunResult } from '../run-seed.js';
import type { TraceFile } from '../trace/trace-file.js';
import type { Choose } from './subcommand.js';

/** What one run is asked for. */
interface RunSettings {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Null: as many as the scenario takes by itself. */
  readonly nodes: number | null;
  readonly durationMs: number;
  readonly plant: string | null;
  readonly controlLog: boolean;
  readonly json: boolean;
  readonly trace: string | null;
  readonly checkDeterminism: boolean;
  readonly out: string;
}

const usage = 'engram-sim --seed N --scenario NAME; see engram-sim --help';

/** The program without a subcommand. */
export function describeRun(program: Command, choose: Choose): void {
  program
    .option('--seed <n>', 'seed of the run, 0 to 2^53 - 1', seedArgument)
    .option('--scenario <name>', `one of: ${scenarioNames.join(', ')}`)
    .option(
      '--nodes <k>',
      `nodes of the cluster, 1 to ${nodesMax} (default: ${nodesDefault}, swarm: 3 to 9)`,
      wholeNumber({ min: 1, max: nodesMax }),
    )
    .option('--duration <s>', `simulated seconds under load (default: ${durationMsDefault / 1_000})`, durationArgument)
    .option('--plant <name>', 'a planted bug, which the checkers must find')
    .option('--control-log', 'the nodes keep a control log: rows and primaries come from what it commits (default)')
    .option('--no-control-log', 'they keep none, except where the scenario is about it')
    .option('--json', 'one JSON object on one line of standard output')
    .option('--trace <file>', 'write one line of JSON per event')
    .option('--check-determinism', 'run again, and in a fresh thread, and compare at every event')
    .option('--out <dir>', 'where the seed file of a run that fails goes', seedFolderDefault)
    .action(() => {
      const settings = readSettings(program);
      choose({ plant: settings.plant, run: () => runOne(settings) });
    });
}

function readSettings(program: Command): RunSettings {
  const {
    seed,
    scenario: name,
    nodes = null,
    duration = durationMsDefault,
    plant,
    controlLog,
    trace,
    checkDeterminism,
    out,
  } = program.opts();
  if (seed === undefined) throw new UsageError('--seed is missing', usage);
  if (name === undefined) throw new UsageError('--scenario is missing', usage);
  const scenario = builtScenario(name);
  if (nodes !== null && nodes < scenario.nodesMin) {
    throw new UsageError(`${name} needs at least ${scenario.nodesMin} nodes, got ${nodes}`, `give --nodes ${scenario.nodesMin} or more`);
  }
  return {
    seed,
    scenario,
    nodes,
    durationMs: duration,
    plant: plant === undefined ? null : plantedBugOf(plant).name,
    controlLog: controlLog !== false,
    json: wantsJsonObject(program),
    trace: trace ?? null,
    checkDeterminism: checkDeterminism === true,
    out,
  };
}

async function runOne(settings: RunSettings): Promise<number> {
  const { exitCodeOf, printReport, replayCommand, reportOf } = await import('../run-report.js');
  const { keepSeedFile, seedFileContent } = await import('../seed-file.js');
  const { seed, scenario, nodes, durationMs, plant, controlLog, checkDeterminism } = settings;
  const { run, divergence } = await carryOut({ scenario, seed, durationMs, controlLog, ...(nodes === null ? {} : { nodes }) }, settings);
  const replay = replayCommand({ seed, scenario: scenario.name, nodes, durationMs, plant, controlLog, checkDeterminism });
  const failed = run.verdict !== 'ok' || divergence != null;
  const seedFile = failed ? keepSeedFile(seedFileContent(run, { durationMs, plant }), settings.out) : null;
  const report = reportOf(run, replay, seedFile);
  printReport(divergence === undefined ? report : { ...report, firstDivergence: divergence }, settings.json);
  return exitCodeOf(run, divergence != null);
}

type CarriedOut = { readonly run: RunResult; readonly divergence?: { event: number; first: string; second: string } | null };

/** Runs once, or three times with the chains compared; `divergence` is undefined when nothing was compared. */
async function carryOut(options: RunOptions, { trace, checkDeterminism, plant }: RunSettings): Promise<CarriedOut> {
  const { runSeed } = await import('../run-seed.js');
  const { runTwiceAndFresh } = await import('../divergence.js');
  const traceFile = trace === null ? null : await openTrace(trace);
  const traced = traceFile === null ? options : { ...options, sink: traceFile };
  const result = checkDeterminism ? await runTwiceAndFresh(traced, plant) : { run: runSeed(traced) };
  const broken = traceFile?.close() ?? null;
  if (broken !== null) process.stderr.write(`engram-sim: the trace file ${trace} is incomplete: ${broken}\n`);
  return result;
}

async function openTrace(path: string): Promise<TraceFile> {
  const { TraceFile } = await import('../trace/trace-file.js');
  try {
    return new TraceFile(path);
  } catch (error) {
    throw new SetupError(
      `the trace file ${path} cannot be written: ${(error as NodeJS.ErrnoException).code ?? error}`,
      'give another path',
    );
  }
}

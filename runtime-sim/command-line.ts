/**
 * What was typed, as data: every command with its options checked, or a usage error that names what was probably meant. Imports nothing of the core, so
 * that a planted bug can still be arranged before the core is loaded.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { suggestion } from '../core/nearest-names.js';
import { durationMsDefault, isScenarioName, nodesDefault, nodesMax, scenarioOf } from '../scenarios/catalogue.js';
import { type Scenario, scenarioNames } from '../scenarios/scenario.js';
import { UsageError } from './exit-codes.js';

export type SimulatorCommand =
  | { readonly kind: 'run'; readonly run: RunCommand }
  | { readonly kind: 'list'; readonly json: boolean }
  | { readonly kind: 'replay'; readonly file: string; readonly json: boolean }
  | { readonly kind: 'text'; readonly text: string };

export interface RunCommand {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly nodes: number;
  readonly durationMs: number;
  readonly plant: string | null;
  readonly json: boolean;
  readonly trace: string | null;
  readonly checkDeterminism: boolean;
  readonly out: string;
}

const usage =
  'engram-sim --seed N --scenario NAME [--nodes K] [--duration S] [--plant NAME] [--json] [--trace FILE] [--check-determinism] [--out DIR]; see engram-sim --help';
/** Where seed files go unless the caller says otherwise. */
export const seedFolderDefault = 'engram-sim-failures';
const durationSecondsMax = 86_400;
const commands = ['list', 'replay', 'shrink', 'campaign', 'check'];
/** Commands of SPEC section 7 whose part of the simulator is not built yet. */
const pendingCommands: Readonly<Record<string, string>> = {
  shrink: 'minimises a failing plan',
  campaign: 'runs ranges of seeds and reports on them',
  check: 'judges histories from elsewhere',
};

/** Reads the arguments behind the program's name. Throws UsageError. */
export function readCommandLine(args: readonly string[]): SimulatorCommand {
  let chosen: SimulatorCommand | null = null;
  const choose = (command: SimulatorCommand): void => {
    chosen = command;
  };
  let printed = '';
  const program = describeProgram(choose).configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => {},
  });
  for (const command of [program, ...program.commands]) command.exitOverride().configureOutput(program.configureOutput());
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text: printed };
    throw usageErrorOf(error);
  }
  if (chosen === null) throw new UsageError('nothing to do', usage);
  return chosen;
}

/** Whether the caller wants one JSON object, even for an error in the arguments themselves. */
export function wantsJson(args: readonly string[]): boolean {
  return args.includes('--json') || args[0] === 'check';
}

function describeProgram(choose: (command: SimulatorCommand) => void): Command {
  const program = new Command('engram-sim')
    .description('The deterministic simulator of Engram: runs one seed of a scenario and judges what happened.')
    .option('--seed <n>', 'seed of the run, 0 to 2^53 - 1', seedArgument)
    .option('--scenario <name>', `one of: ${scenarioNames.join(', ')}`)
    .option('--nodes <k>', `nodes of the cluster, 1 to ${nodesMax}`, wholeNumber({ min: 1, max: nodesMax }), nodesDefault)
    .option('--duration <s>', 'simulated seconds under load', durationArgument, durationMsDefault / 1_000)
    .option('--plant <name>', 'a planted bug, which the checkers must find')
    .option('--json', 'one JSON object on one line of standard output')
    .option('--trace <file>', 'write one line of JSON per event')
    .option('--check-determinism', 'run twice and compare at every event')
    .option('--out <dir>', 'where the seed file of a run that fails goes', seedFolderDefault)
    .version(packageVersion())
    .enablePositionalOptions()
    .allowExcessArguments()
    .showSuggestionAfterError()
    .action((options: Record<string, unknown>) => {
      if (program.args.length > 0) refuseWord(program.args[0]);
      choose({ kind: 'run', run: runCommand(options) });
    });
  const isJson = (options: { readonly json?: boolean }): boolean => options.json === true || program.opts().json === true;
  program
    .command('list')
    .description('scenarios, rare-state marks and planted bugs')
    .option('--json', 'one JSON object on one line')
    .action((options) => choose({ kind: 'list', json: isJson(options) }));
  program
    .command('replay <file>')
    .description('run the plan of a seed file again')
    .option('--json', 'one JSON object on one line')
    .action((file: string, options) => choose({ kind: 'replay', file, json: isJson(options) }));
  for (const [name, what] of Object.entries(pendingCommands)) {
    program
      .command(name)
      .description(`pending: ${what}`)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new UsageError(
          `pending: ${name} is not built yet`,
          'it comes with the simulator milestone; engram-sim --seed and replay work',
        );
      });
  }
  return program;
}

function runCommand(options: Record<string, unknown>): RunCommand {
  const { seed, scenario: name, nodes, duration, plant, json, trace, checkDeterminism, out } = options;
  if (seed === undefined) throw new UsageError('--seed is missing', usage);
  if (typeof name !== 'string') throw new UsageError('--scenario is missing', usage);
  const scenario = builtScenario(name);
  if ((nodes as number) < scenario.nodesMin) {
    throw new UsageError(`${name} needs at least ${scenario.nodesMin} nodes, got ${nodes}`, `give --nodes ${scenario.nodesMin} or more`);
  }
  return {
    seed: seed as number,
    scenario,
    nodes: nodes as number,
    durationMs: Math.round((duration as number) * 1_000),
    plant: typeof plant === 'string' ? plant : null,
    json: json === true,
    trace: typeof trace === 'string' ? trace : null,
    checkDeterminism: checkDeterminism === true,
    out: out as string,
  };
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

/** The scenario of that name. Throws UsageError when there is none, or when it is pending. */
export function builtScenario(name: string): Scenario {
  if (!isScenarioName(name)) throw new UsageError(`there is no scenario ${JSON.stringify(name)}`, suggestion(name, scenarioNames));
  const scenario = scenarioOf(name);
  if (scenario === null) throw new UsageError(`pending: the scenario ${name} is not built yet`, 'engram-sim list says which are');
  return scenario;
}

function refuseWord(word: string): never {
  throw new UsageError(`there is no command ${JSON.stringify(word)}`, suggestion(word, commands));
}

function usageErrorOf(error: CommanderError): UsageError {
  const [first, ...rest] = error.message.replace(/^error: /, '').split('\n');
  const near = rest.join(' ').replace(/^\(|\)$/g, '');
  return new UsageError(first, near === '' ? usage : near);
}

function seedArgument(text: string): number {
  return wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })(text);
}

function wholeNumber({ min, max }: { readonly min: number; readonly max: number }): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function durationArgument(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 1 || value > durationSecondsMax) {
    throw new InvalidArgumentError(`It must be a number of seconds from 1 to ${durationSecondsMax}.`);
  }
  return value;
}

/**
 * What was typed, as a task to do: every command with its options checked, or a usage error that names what was probably meant. A new subcommand is a
 * file in `commands/` and a line here.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { suggestion } from '../core/nearest-names.js';
import { campaignCommand } from './commands/campaign.js';
import { checkCommand } from './commands/check.js';
import { listCommand } from './commands/list.js';
import { replayCommand } from './commands/replay.js';
import { describeRun } from './commands/run.js';
import { shrinkCommand } from './commands/shrink.js';
import type { Choose, Subcommand, Task } from './commands/subcommand.js';
import { traceCommand } from './commands/trace.js';
import { UsageError } from './exit-codes.js';

/** In the order of the help text. */
const subcommands: readonly Subcommand[] = [listCommand, replayCommand, shrinkCommand, campaignCommand, checkCommand, traceCommand];

const exitCodesHelp = `
Exit codes: 0 ok; 1 a promise was broken; 2 usage, or pending; 3 no convergence in time, a missed mark, or unknown;
4 internal error or failed set-up; 5 not deterministic. Of several the first of 4, 1, 5, 3.

Examples:
  engram-sim --seed 7 --scenario asymmetric --check-determinism
  engram-sim replay engram-sim-failures/asymmetric-7.json
  engram-sim help campaign`;

/** Reads the arguments behind the program's name. Throws UsageError. */
export function readCommandLine(args: readonly string[]): Task {
  const chosen: Task[] = [];
  let printed = '';
  const program = describeProgram((task) => chosen.push(task));
  for (const command of withDescendants(program)) {
    command
      .showSuggestionAfterError(false)
      .exitOverride((error) => {
        throw error.exitCode === 0 ? error : usageErrorOf(error, command);
      })
      .configureOutput({
        writeOut: (text) => {
          printed += text;
        },
        writeErr: () => {},
      });
  }
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return textTask(printed);
    throw error;
  }
  const [task] = chosen;
  if (task === undefined) throw new UsageError('nothing to do', 'see engram-sim --help');
  return task;
}

/** Whether the caller wants JSON, even for an error in the arguments themselves. */
export function wantsJson(args: readonly string[]): boolean {
  return args.includes('--json') || args[0] === 'check';
}

function describeProgram(choose: Choose): Command {
  const program = new Command('engram-sim')
    .description('The deterministic simulator of Engram: runs one seed of a scenario and judges what happened.')
    .usage('--seed N --scenario NAME [options]\n       engram-sim COMMAND …')
    .version(packageVersion())
    .helpCommand(true)
    .enablePositionalOptions()
    .allowExcessArguments()
    .addHelpText('after', exitCodesHelp)
    .hook('preAction', (_, acting) => {
      if (acting !== program) refuseMisplaced(program, acting);
      else if (program.args.length > 0) refuseWord(program.args[0]);
    });
  describeRun(program, choose);
  for (const { usage, describe } of subcommands) describe(program.command(usage).allowExcessArguments(false), choose);
  return program;
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

function textTask(text: string): Task {
  return {
    plant: null,
    run: async () => {
      process.stdout.write(text);
      return 0;
    },
  };
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

function refuseWord(word: string): never {
  throw new UsageError(
    `there is no command ${JSON.stringify(word)}`,
    suggestion(
      word,
      subcommands.map(({ usage }) => usage.split(' ')[0]),
    ),
  );
}

/** An option of the run before a subcommand would be dropped without a word. */
function refuseMisplaced(program: Command, acting: Command): void {
  const stray = program.options.find((option) => {
    const name = option.attributeName();
    return name !== 'json' && program.getOptionValueSource(name) === 'cli';
  });
  if (stray !== undefined)
    throw new UsageError(`${stray.long} stands before ${acting.name()}`, `put the options of ${acting.name()} behind it`);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Commander's error in our words: the option, and the nearest names. */
function usageErrorOf(error: CommanderError, command: Command): UsageError {
  const message = error.message.replace(/^error: /, '').split('\n')[0];
  const path = pathOf(command);
  const unknown = error.code === 'commander.unknownOption' ? /'(-[^']*)'/.exec(message)?.[1] : undefined;
  if (unknown === undefined) return new UsageError(message, `see ${path} --help`);
  const known = command.options.flatMap(({ long }) => (long == null ? [] : [long]));
  return new UsageError(message, suggestion(unknown.split('=')[0], known));
}

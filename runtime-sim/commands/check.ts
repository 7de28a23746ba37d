/** engram-sim check FILE… --model register|cas-register|mutex|set: judges histories from elsewhere. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Datum, MalformedHistory } from '../../checker/foreign/datum.js';
import { type ForeignModel, foreignModels, initialFault, judgeForeignHistory } from '../../checker/foreign/judge-history.js';
import type { Verdict } from '../../checker/history.js';
import { suggestion } from '../../core/nearest-names.js';
import { exitCodes, UsageError } from '../exit-codes.js';
import { readHistoryFile, UnreadableFile } from '../history-file.js';
import type { Choose, Subcommand } from './subcommand.js';

const explanation = `
A history is JSON lines, or Jepsen's EDN:
  {"process": 0, "type": "invoke", "f": "write", "value": 1}
  {"process": 0, "type": "ok", "f": "write", "value": 1}
type is invoke, ok, fail (certainly no effect) or info (unknown); f is read, write, cas (value [old, new]), acquire, release or add.
index, key and time may be given; keys are judged separately; without time the order of lines is the order of events.

Prints one line of JSON for each file, in order. Exit codes: 2 if any file is malformed, else 1 if any violates its model,
else 3 if any is undecided, else 0.`;

export const checkCommand: Subcommand = {
  usage: 'check <files...>',
  describe(command: Command, choose: Choose) {
    command
      .description('judge histories from elsewhere')
      .option('--model <name>', `what the history is of: ${foreignModels.join(', ')}`)
      .option('--initial <json>', 'what is there at first', initialArgument, null)
      .option('--json', 'no effect: the output always is JSON')
      .addHelpText('after', explanation)
      .action((files: string[]) => {
        const { model, initial } = command.opts() as { readonly model?: string; readonly initial: Datum };
        const chosen = modelOf(model);
        const fault = initialFault(chosen, initial);
        if (fault !== null) throw new UsageError(`--initial ${JSON.stringify(initial)} does not suit the model ${chosen}`, fault);
        choose({ plant: null, run: async () => checkAll(files, chosen, initial) });
      });
  },
};

function initialArgument(text: string): Datum {
  try {
    return JSON.parse(text) as Datum;
  } catch {
    throw new InvalidArgumentError('It must be JSON: 0, null, "a", [1, 2].');
  }
}

function modelOf(name: string | undefined): ForeignModel {
  if (name === undefined) throw new UsageError('--model is missing', `one of ${foreignModels.join(', ')}`);
  const model = foreignModels.find((known) => known === name);
  if (model === undefined) throw new UsageError(`there is no model ${JSON.stringify(name)}`, suggestion(name, foreignModels));
  return model;
}

type Checked = { readonly file: string; readonly error: string } | ({ readonly file: string } & Verdict);

function checkAll(files: readonly string[], model: ForeignModel, initial: Datum): number {
  const codes = files.map((file) => {
    const checked = check(file, model, initial);
    process.stdout.write(`${JSON.stringify(checked)}\n`);
    if (!('verdict' in checked)) return exitCodes.usage;
    if (checked.verdict === 'violation') return exitCodes.violation;
    return checked.verdict === 'ok' ? exitCodes.ok : exitCodes.notConverged;
  });
  return [exitCodes.usage, exitCodes.violation, exitCodes.notConverged].find((code) => codes.includes(code)) ?? exitCodes.ok;
}

function check(file: string, model: ForeignModel, initial: Datum): Checked {
  try {
    return { file, ...judgeForeignHistory(readHistoryFile(file), model, initial) };
  } catch (error) {
    if (error instanceof MalformedHistory || error instanceof UnreadableFile) return { file, error: error.message };
    throw error;
  }
}

/** engram-sim trace FILE: makes a trace file into sentences, a space-time diagram, or a log for ShiViz. */
import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes, SetupError } from '../exit-codes.js';
import { wantsJsonObject, wholeNumber } from '../option-values.js';
import type { ViewForm, ViewRequest } from '../trace/views.js';
import type { Subcommand } from './subcommand.js';

/** As in `trace/views.ts`, which is loaded only when there is something to view. */
const forms: readonly ViewForm[] = ['text', 'html', 'svg', 'shiviz'];
const heightPx = wholeNumber({ min: 100, max: 100_000 });

export const traceCommand: Subcommand = {
  usage: 'trace <file>',
  describe(command, choose) {
    const again = (value: string, list: readonly string[] = []): readonly string[] => [...list, value];
    command
      .description('tell or draw what --trace has written')
      .addOption(
        new Option('--as <form>', 'sentences, a diagram as a page or an image, or a log for ShiViz').choices(forms).default('text'),
      )
      .option('--to <file>', 'where it goes; standard output without it')
      .option('--space <name>', 'only this space')
      .option('--node <name>', 'only what happens at or to this node; again for more', again)
      .option('--id <id>', 'only this memory, in sentences; again for more', again)
      .option('--from <ms>', 'since the start of load', momentArgument)
      .option('--until <ms>', 'since the start of load', momentArgument)
      .addOption(new Option('--detail <how>', 'how much is told in sentences').choices(['brief', 'normal', 'full']).default('normal'))
      .option('--pings', 'draw pings and pongs as well')
      .option('--linear', 'draw time in proportion, without folding what is quiet')
      .option('--height <px>', 'of the diagram, from the first moment to the last', heightPx)
      .option('--json', 'one JSON object on one line of standard output')
      .action((file: string) => {
        const settings = readSettings(command);
        choose({ plant: null, run: () => view(file, settings) });
      });
  },
};

interface Settings {
  readonly request: ViewRequest;
  readonly to: string | null;
  readonly json: boolean;
}

function readSettings(command: Command): Settings {
  const { as: form, to, space, node: nodes = [], id: ids = [], from, until, detail, pings, linear, height } = command.opts();
  return {
    request: {
      form,
      space: space ?? null,
      nodes,
      ids,
      fromMs: from ?? Number.NEGATIVE_INFINITY,
      untilMs: until ?? Number.POSITIVE_INFINITY,
      detail,
      pings: pings === true,
      linear: linear === true,
      heightPx: height ?? null,
    },
    to: to ?? null,
    json: wantsJsonObject(command),
  };
}

function momentArgument(text: string): number {
  if (!/^-?\d{1,9}(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It must be a number of milliseconds.');
  return Number(text);
}

async function view(file: string, { request, to, json }: Settings): Promise<number> {
  const { readTraceFile } = await import('../trace/trace-file.js');
  const { viewOf } = await import('../trace/views.js');
  const trace = readTraceFile(file);
  const { content, lines } = viewOf(trace, request);
  if (to !== null) write(to, content);
  if (json) {
    const { scenario, seed, loadStartUs } = trace.header;
    const told = lines?.map(({ i, us, at, text }) => ({ event: i, ms: (us - loadStartUs) / 1_000, at, text }));
    const made = to !== null ? {} : told === undefined ? { content } : { lines: told };
    print(`${JSON.stringify({ trace: file, scenario, seed, events: trace.events.length, as: request.form, to, ...made })}\n`);
  } else if (to === null) print(content);
  return exitCodes.ok;
}

function write(path: string, content: string): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new SetupError(`${path} cannot be written: ${(error as NodeJS.ErrnoException).code ?? error}`, 'give another path');
  }
}

/** A reader that has seen enough, as `head` has, is no error. */
function print(text: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
}

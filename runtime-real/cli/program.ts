/** The commands of `engram`, their options and their help. What they do is in the files beside this one. */
import { Command, Option } from 'commander';
import { suggestion } from '../../core/nearest-names.js';
import { acknowledgements } from '../client/checks.js';
import { addClusterCommands } from './cluster/cluster-commands.js';
import { type ForgetOptions, forget, get, type RecallOptions, type RememberOptions, recall, remember, status } from './commands.js';
import { demo } from './demo/demo.js';
import { logLevels } from './event-log.js';
import { type ImportOptions, importFile } from './import.js';
import { isGiven, outputOf, parse, usageError, withExisting, withSession } from './session.js';

const examples = `
Examples:
  $ engram demo                                         a cluster of three on real passages, and the crash of a primary
  $ engram remember "The build broke after the upgrade" --who ana --tag ci
  $ engram recall "why did the build break" --limit 3
  $ engram recall --tag ci --from 2026-05-01            the newest first, no question asked
  $ engram import episodes.jsonl --space work
  $ engram --server localhost:50051,localhost:50052 recall "broken build"
  $ engram --server localhost:50051 remember "the key fact" --ack quorum
  $ engram --server localhost:50051 cluster members     who is alive
  $ engram --json recall "broken build" | jq .memories[0].text

Exit codes: 0 done; 1 the operation failed, or a part of it; 2 the command line is wrong; 4 internal error.
`;

const importHelp = `
Each line is one JSON object:
  {"id": "a-1", "text": "what happened", "occurredAt": "2026-05-01T12:30:00Z", "who": "ana", "where": "office",
   "tags": ["ci"], "confidence": 0.9, "embedding": [0.1, …], "embedder": "name of what made it"}
A text or an embedding is needed, all else is optional; without an id it is derived from the content, so that importing a file twice changes nothing.
Without an embedding the built-in embedder makes one from the text; "embed": false leaves it out.

A line that cannot be taken is named on standard error with its number, and the rest goes on; the exit code is then 1.
When the disk is full the import stops and says at which line to resume.
`;

/** `end` hears each command's exit code; `usage.message` receives what commander says of a wrong command line. */
export function program(end: (exitCode: number) => void, usage: { message: string }): Command {
  const root = new Command('engram')
    .description(
      'Remembers episodes and recalls them with an honest confidence: in a directory of this machine, or in a cluster (--server).',
    )
    .version('0.1.0')
    .addOption(new Option('--data-dir <dir>', 'where everything is kept, without --server').env('ENGRAM_DATA_DIR').default('./engram-data'))
    .addOption(
      new Option('--server <host:port,...>', 'ask these nodes of one cluster instead of a data directory')
        .env('ENGRAM_SERVER')
        .argParser(parse.servers),
    )
    .option('--space <name>', 'memory space: 3 to 64 of a-z, 0-9, _ and -', parse.space, 'default')
    .option('--json', 'one JSON object per line on standard output and nothing else, errors too', false)
    .addOption(new Option('--log-level <level>', 'log what happens inside, on standard error').choices(logLevels).default('silent'))
    .addHelpText('after', examples)
    .showHelpAfterError(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeErr: (text) => {
        usage.message += text.replace(/^error: /, '').replace(/\n\n$/, '\n');
      },
    })
    .exitOverride();
  addDemo(root, end);
  addImport(root, end);
  addMemoryCommands(root, end);
  addClusterCommands(root, end);
  root
    .command('status')
    .description('what the data directory or the asked node holds')
    .action(async (_options: object, command: Command) => end(await withExisting(command, status)));
  addHelp(root);
  for (const command of root.commands) command.copyInheritedSettings(root).configureHelp({ showGlobalOptions: true });
  return root;
}

/** `engram help cluster init`: also of commands within commands, which the help command that commander brings leaves out. */
function addHelp(root: Command): void {
  root.helpCommand(false);
  root
    .command('help')
    .description('show the help of a command')
    .argument('[command...]', 'its name, or names: cluster init')
    .action((names: string[], _options: object, self: Command) => {
      let found = root;
      for (const [at, name] of names.entries()) {
        const within = found.commands.find((command) => command.name() === name || command.aliases().includes(name));
        if (within === undefined) {
          const known = found.commands.map((command) => command.name());
          if (known.length === 0) break;
          usageError(self, `there is no command ${JSON.stringify(names.slice(0, at + 1).join(' '))}: ${suggestion(name, known)}`);
        }
        found = within;
      }
      found.help();
    });
}

function acknowledgement(): Option {
  const what = 'synced copies to wait for; with three copies 1, 2, 2 and 3 (default: local)';
  return new Option('--ack <level>', what).choices(acknowledgements);
}

function checkRange(command: Command, { from, until }: RecallOptions): void {
  if (from === undefined || until === undefined || from.getTime() <= until.getTime()) return;
  usageError(command, `--from ${from.toISOString()} is later than --until ${until.toISOString()}`);
}

function addDemo(root: Command, end: (exitCode: number) => void): void {
  root
    .command('demo')
    .description('show it all on 778 real passages: a cluster of three nodes, questions, the crash of a primary, and what survives it')
    .addOption(
      new Option('--nodes <nodes>', '3: a cluster on free ports of this machine; 1: embedded mode').choices(['1', '3']).default('3'),
    )
    .option('--keep', 'keep the data directory of the demo and say where it is', false)
    .action(async ({ keep, nodes }: { keep: boolean; nodes: '1' | '3' }, command: Command) => {
      if (isGiven(command, 'server')) usageError(command, 'the demo starts nodes of its own: leave out --server');
      const dataDir = isGiven(command, 'dataDir') ? command.optsWithGlobals<{ dataDir: string }>().dataDir : null;
      end(await demo(outputOf(command), { keep, nodes: nodes === '1' ? 1 : 3, dataDir }));
    });
}

function addImport(root: Command, end: (exitCode: number) => void): void {
  root
    .command('import')
    .description('remember the episodes of a file of JSON lines')
    .argument('<file>', 'the file, or - for standard input')
    .option('--acknowledged', 'print the id of each episode as soon as it is synced to disk', false)
    .option('--batch <episodes>', 'episodes per write', parse.wholeNumber)
    .addOption(acknowledgement())
    .addHelpText('after', importHelp)
    .action(async (file: string, options: ImportOptions, command: Command) =>
      end(await withSession(command, (session) => importFile(session, file, options))),
    );
}

function addMemoryCommands(root: Command, end: (exitCode: number) => void): void {
  root
    .command('remember')
    .description('remember one episode')
    .argument('<text...>', 'what happened, or - to read it from standard input')
    .option('--id <id>', 'id of the memory, 1 to 256 bytes; derived from the content when absent', parse.id)
    .option('--confidence <probability>', 'how sure you are, from 0 to 1', parse.probability)
    .option('--at <time>', 'when it happened; now when absent', parse.time)
    .option('--who <who>', 'who was part of it')
    .option('--where <where>', 'where it happened')
    .option('--tag <tag>', 'a tag; repeat it for several', parse.collect)
    .option('--no-embed', 'store no embedding: only time and context will find it')
    .addOption(acknowledgement())
    .addHelpText('after', '\nExample:\n  $ engram remember "Lena prefers tea" --who lena --tag taste --confidence 0.8\n')
    .action(async (words: string[], options: RememberOptions, command: Command) =>
      end(await withSession(command, (session) => remember(session, words.join(' '), options))),
    );
  root
    .command('recall')
    .description('recall the memories nearest to a question; without words the newest')
    .argument('[words...]', 'the question')
    .option('--limit <memories>', 'at most this many, 1 to 1000 (default: 10)', parse.limit)
    .option('--from <time>', 'not before', parse.time)
    .option('--until <time>', 'before', parse.time)
    .option('--who <who>', 'only of this who')
    .option('--where <where>', 'only of this where')
    .option('--tag <tag>', 'only with this tag; repeat it to ask for several at once', parse.collect)
    .option('--confidence-min <probability>', 'only if the stored confidence is at least this, from 0 to 1', parse.probability)
    .option('--embeddings', 'with --json: print the embeddings too', false)
    .addHelpText('after', '\nExample:\n  $ engram recall "what does Lena drink" --who lena --limit 3\n')
    .action(async (words: string[], options: RecallOptions, command: Command) => {
      checkRange(command, options);
      end(await withExisting(command, (session) => recall(session, words, options)));
    });
  root
    .command('get')
    .description('show one memory in full')
    .argument('<id>')
    .option('--embeddings', 'with --json: print the embedding too', false)
    .action(async (id: string, options: { embeddings?: boolean }, command: Command) =>
      end(await withExisting(command, (session) => get(session, id, options))),
    );
  root
    .command('forget')
    .description('forget one memory')
    .argument('<id>')
    .addOption(acknowledgement())
    .action(async (id: string, options: ForgetOptions, command: Command) =>
      end(await withExisting(command, (session) => forget(session, id, options))),
    );
}

/** The command line of users and operators: `bin/engram`. See `engram --help`. */
import { CommanderError } from 'commander';
import { exitCodes, Output } from './cli/output.js';
import { program } from './cli/program.js';

const hint = 'engram --help shows the commands, engram help COMMAND one of them';

// Whoever reads may stop reading (`engram recall … | head -1`): that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.internal));

/** Before commander has understood the line, --json must be honoured all the same. */
const output = new Output(process.argv.includes('--json'));

function exitCodeOf(error: unknown, said: string): number {
  if (!(error instanceof CommanderError)) return output.error(error);
  if (error.exitCode === 0) return exitCodes.ok;
  if (error.code !== 'commander.help') return output.usageError(said || error.message, hint);
  // Without a command: the help, on standard error because nothing asked for it.
  if (output.json) return output.usageError('no command was given', hint);
  process.stderr.write(said);
  return exitCodes.usage;
}

const usage = { message: '' };
const command = program((code) => {
  process.exitCode = code;
}, usage);
await command.parseAsync().catch((error: unknown) => {
  process.exitCode = exitCodeOf(error, usage.message);
});

/** The command line of users and operators: `bin/engram`. See `engram --help`. */
import { CommanderError } from 'commander';
import { Output } from './cli/output.js';
import { program } from './cli/program.js';

// Whoever reads may stop reading (`engram recall … | head -1`): that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 4));

/** Before commander has understood the line, --json must be honoured all the same. */
const output = new Output(process.argv.includes('--json'));

const usage: { message: string } = { message: '' };
const command = program((code) => {
  process.exitCode = code;
}, usage);

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) process.exitCode = output.error(error);
  else if (error.exitCode !== 0)
    process.exitCode = output.usageError(
      usage.message || error.message,
      'engram --help shows the commands, engram help COMMAND one of them',
    );
}

/** Subcommands whose part of the simulator is not built yet: they take anything and say so. */
import { UsageError } from '../exit-codes.js';
import type { Subcommand } from './subcommand.js';

export function pendingCommand(name: string, what: string): Subcommand {
  return {
    usage: name,
    describe(command) {
      command
        .description(`pending: ${what}`)
        .allowUnknownOption()
        .allowExcessArguments()
        .action(() => {
          throw new UsageError(`pending: ${name} is not built yet`, 'engram-sim --help names what is');
        });
    },
  };
}

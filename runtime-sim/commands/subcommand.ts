/**
 * What a subcommand of engram-sim is: one file in this folder, with its usage, the reading of its options, and its action; `command-line.ts` lists them.
 *
 * Reading imports nothing of the core, and an action imports it only when it begins: usage errors are quick, and a planted bug can still be arranged.
 */
import type { Command } from 'commander';

/** What was typed, checked: what is left to do. */
export interface Task {
  /** Name of the planted bug that must be in the core before it is loaded; null for none. */
  readonly plant: string | null;
  /** Does it, writes to standard output, and resolves to the exit code. Rejects with UsageError, SetupError, or whatever is a bug of ours. */
  run(): Promise<number>;
}

/** Called by the action of a subcommand with what it read. */
export type Choose = (task: Task) => void;

export interface Subcommand {
  /** As typed, with its arguments: `replay <file>`. */
  readonly usage: string;
  /** Adds description, options and help text to the command, and an action that checks what was typed (throwing UsageError) and calls `choose`. */
  describe(command: Command, choose: Choose): void;
}

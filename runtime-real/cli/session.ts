/** What all commands share: the global options, and an open store around an action. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { EngramError } from '../../core/errors.js';
import type { Engram } from '../client/engram.js';
import { openEngram } from '../client/open.js';
import type { Space } from '../client/space.js';
import { eventLog, type LogLevel } from './event-log.js';
import { Output } from './output.js';

export interface GlobalOptions {
  readonly dataDir: string;
  readonly space: string;
  readonly json: boolean;
  readonly logLevel: LogLevel;
}

export interface Session {
  readonly engram: Engram;
  readonly space: Space;
  readonly output: Output;
  readonly options: GlobalOptions;
}

export function outputOf(command: Command): Output {
  return new Output(command.optsWithGlobals<GlobalOptions>().json === true);
}

/** As withSession, for commands that only make sense on what is there: none of them makes a data directory by mistake. */
export function withExisting(command: Command, action: (session: Session) => Promise<number>): Promise<number> {
  const { dataDir } = command.optsWithGlobals<GlobalOptions>();
  if (existsSync(dataDir)) return withSession(command, action);
  const hint = 'remember or import something first, or name another directory with --data-dir or ENGRAM_DATA_DIR';
  throw new EngramError('DATA_DIRECTORY_UNUSABLE', { message: `there is no data directory ${resolve(dataDir)}`, field: 'dataDir', hint });
}

/** Opens the data directory, lets the action work with it, and closes it whatever happens. Returns the exit code that the action gives. */
export async function withSession(command: Command, action: (session: Session) => Promise<number>): Promise<number> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const onEvent = eventLog(options.logLevel);
  const engram = await openEngram({ dataDir: options.dataDir, ...(onEvent === undefined ? {} : { onEvent }) });
  try {
    return await action({ engram, space: engram.space(options.space), output: outputOf(command), options });
  } finally {
    await engram.close();
  }
}

/** Parsers of option values: commander turns what they throw into a usage error that names the option. */
export const parse = {
  wholeNumber: (text: string): number => {
    if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    throw new InvalidArgumentError('A whole number is needed.');
  },
  number: (text: string): number => {
    if (text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text);
    throw new InvalidArgumentError('A number is needed.');
  },
  time: (text: string): Date => {
    const time = new Date(/^\d{10,}$/.test(text) ? Number(text) : text);
    if (!Number.isNaN(time.getTime())) return time;
    throw new InvalidArgumentError('A time like 2026-05-01, 2026-05-01T12:30:00Z or milliseconds since 1970 is needed.');
  },
  collect: (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text],
};

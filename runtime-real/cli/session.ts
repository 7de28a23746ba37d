/** What all commands share: the global options, and an open store around an action. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { EngramError } from '../../core/errors.js';
import { memoryIdBytesMax, spaceNamePattern } from '../../core/identifiers.js';
import { connectEngram } from '../client/connect.js';
import { checkServer } from '../client/connect-options.js';
import type { Engram } from '../client/engram.js';
import { openEngram } from '../client/open.js';
import type { Space } from '../client/space.js';
import { eventLog, type LogLevel } from './event-log.js';
import { exitCodes, Output } from './output.js';

export interface GlobalOptions {
  readonly dataDir: string;
  /** Nodes to ask instead of opening a data directory. */
  readonly server?: readonly string[];
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

/** What was asked for: a data directory on the command line stands above servers in the environment. */
function optionsOf(command: Command): GlobalOptions {
  const { server, ...options } = command.optsWithGlobals<GlobalOptions>();
  if (server === undefined) return options;
  if (!isGiven(command, 'dataDir')) return { ...options, server };
  return isGiven(command, 'server') ? usageError(command, 'give --server or --data-dir, not both') : options;
}

export function outputOf(command: Command): Output {
  return new Output(command.optsWithGlobals<GlobalOptions>().json === true);
}

/** As withSession, for commands that only make sense on what is there: none of them makes a data directory by mistake. */
export function withExisting(command: Command, action: (session: Session) => Promise<number>): Promise<number> {
  const { dataDir, server } = optionsOf(command);
  if (server !== undefined || existsSync(dataDir)) return withSession(command, action);
  const hint = 'remember or import something first, name another directory with --data-dir, or a running node with --server';
  throw new EngramError('DATA_DIRECTORY_UNUSABLE', { message: `there is no data directory ${resolve(dataDir)}`, field: 'dataDir', hint });
}

/** Opens the data directory or connects to the servers, lets the action work, and closes whatever happens. Returns the exit code that the action gives. */
export async function withSession(command: Command, action: (session: Session) => Promise<number>): Promise<number> {
  const options = optionsOf(command);
  const engram = await engramFor(options);
  try {
    return await action({ engram, space: engram.space(options.space), output: outputOf(command), options });
  } finally {
    await engram.close();
  }
}

function engramFor({ dataDir, server, logLevel }: GlobalOptions): Promise<Engram> {
  if (server !== undefined) return connectEngram({ servers: server });
  const onEvent = eventLog(logLevel);
  return openEngram({ dataDir, ...(onEvent === undefined ? {} : { onEvent }) });
}

/** On the command line, not in the environment. */
export function isGiven(command: Command, option: keyof GlobalOptions): boolean {
  return command.getOptionValueSourceWithGlobals(option) === 'cli';
}

/** Ends the command as a wrong command line. */
export function usageError(command: Command, message: string): never {
  return command.error(`error: ${message}`, { exitCode: exitCodes.usage, code: 'engram.usage' });
}

/** Parsers of option values: commander turns what they throw into a usage error that names the option. */
export const parse = {
  wholeNumber: (text: string): number => {
    if (/^\d+$/.test(text) && Number(text) >= 1 && Number.isSafeInteger(Number(text))) return Number(text);
    throw new InvalidArgumentError('A whole number from 1 on is needed.');
  },
  /** A whole number from 1 to 1000: what a recall answers at most. */
  limit: (text: string): number => {
    const limit = Number(text);
    if (/^\d+$/.test(text) && limit >= 1 && limit <= 1_000) return limit;
    throw new InvalidArgumentError('A whole number from 1 to 1000 is needed.');
  },
  probability: (text: string): number => {
    const probability = Number(text);
    if (text.trim() !== '' && probability >= 0 && probability <= 1) return probability;
    throw new InvalidArgumentError('A number from 0 to 1 is needed.');
  },
  space: (text: string): string => {
    if (spaceNamePattern.test(text)) return text;
    throw new InvalidArgumentError('A name of 3 to 64 characters of a-z, 0-9, _ and - is needed.');
  },
  id: (text: string): string => {
    if (text !== '' && Buffer.byteLength(text) <= memoryIdBytesMax) return text;
    throw new InvalidArgumentError(`An id of 1 to ${memoryIdBytesMax} bytes is needed.`);
  },
  servers: (text: string): readonly string[] => {
    const servers = text.split(',').map((server) => server.trim());
    for (const server of servers) {
      try {
        checkServer(server, 'a server');
      } catch (error) {
        throw new InvalidArgumentError(error instanceof EngramError ? `${error.message}; ${error.hint}.` : String(error));
      }
    }
    return servers;
  },
  time: (text: string): Date => {
    const time = new Date(/^\d{10,}$/.test(text) ? Number(text) : text);
    if (!Number.isNaN(time.getTime())) return time;
    throw new InvalidArgumentError('A time like 2026-05-01, 2026-05-01T12:30:00Z or milliseconds since 1970 is needed.');
  },
  collect: (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text],
};

/** Before a signal ends the process, as it does without us, `say` has its word. Returns how to leave the signals alone again. */
export function onInterrupt(say: () => void): () => void {
  const interrupted = (signal: NodeJS.Signals): void => {
    remove();
    say();
    process.kill(process.pid, signal);
  };
  const remove = (): void => {
    process.removeListener('SIGINT', interrupted).removeListener('SIGTERM', interrupted);
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  return remove;
}

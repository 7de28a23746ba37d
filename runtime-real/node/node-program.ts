/** The command line of `engram-node`: flags, where the configuration comes from, and exit codes. */
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { Command, CommanderError, Option } from 'commander';
import { EngramError } from '../../core/errors.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { clusterModes, logFormats, logLevels } from '../config/keys.js';
import { type NodeSettings, settingsOf, settingsText } from '../config/settings.js';
import { fromEnvironment, fromFile, fromFlag, type GivenValues } from '../config/sources.js';
import type { FileCalls } from '../disk/file-calls.js';
import { type NodeLog, openNodeLog } from './node-log.js';
import { RunningNode } from './running-node.js';
import { version } from './version.js';

export const nodeExitCodes = { stopped: 0, halted: 1, usage: 2, internal: 4 } as const;

const help = `
Values are taken from the file, then from ENGRAM_SECTION_KEY in the environment, then from flags: what comes later wins.
Every key is described by --print-config and in docs/operations/configuration.md.

Examples:
  $ engram-node                                        a single node on 127.0.0.1:50051, data in ./engram-node-data
  $ engram-node --config engram.toml --check-config    says whether the file is in order, and starts nothing
  $ engram-node --cluster-mode cluster --name n1 --data-dir n1 \\
      --member n1=10.0.0.1:50051 --member n2=10.0.0.2:50051 --member n3=10.0.0.3:50051

Exit codes: 0 stopped by a signal; 1 the node halted, as after a failed write to disk; 2 wrong configuration; 4 it could not be started, or an internal error.
`;

interface Flags {
  readonly config?: string;
  readonly clusterMode?: string;
  readonly listen?: string;
  readonly dataDir?: string;
  readonly name?: string;
  readonly member?: readonly string[];
  readonly seed?: readonly string[];
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly checkConfig: boolean;
  readonly printConfig: boolean;
  readonly endWithParent: boolean;
}

/** Runs the program to its end and returns the exit code. `fileCalls` are the system's own when absent. */
export async function runNodeProgram(arguments_: readonly string[], fileCalls?: FileCalls): Promise<number> {
  try {
    const flags = flagsOf(arguments_);
    if (typeof flags === 'number') return flags;
    const settings = readSettings(flags);
    if (flags.printConfig) return print(settingsText(settings));
    if (flags.checkConfig) return print('the configuration is in order\n');
    return await run(settings, { endsWithParent: flags.endWithParent, fileCalls });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`engram-node: ${error.message}\n  what to do: ${error.hint}\n`);
    return nodeExitCodes.usage;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return nodeExitCodes.stopped;
}

/** The flags, or the exit code when there is nothing more to do. */
function flagsOf(arguments_: readonly string[]): Flags | number {
  const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
  const command = new Command('engram-node')
    .description('One node of Engram: keeps memories on disk, alone or as a member of a cluster, and answers over gRPC.')
    .version(version)
    .addOption(new Option('--config <file>', 'engram.toml to read').env('ENGRAM_CONFIG'))
    .option('--cluster-mode <mode>', clusterModes.join(' or '))
    .option('--name <name>', 'name of this node')
    .option('--listen <host:port>', 'address to listen on')
    .option('--data-dir <dir>', 'directory of everything that is kept')
    .option('--member <name[=host:port]>', 'a member of the cluster, this node included; repeat it for each', collect)
    .option('--seed <host:port>', 'where another node takes datagrams (membership.listen); repeat it for several', collect)
    .option('--log-level <level>', logLevels.join(', '))
    .option('--log-format <format>', logFormats.join(' or '))
    .option('--check-config', 'judge the configuration and exit', false)
    .option('--print-config', 'print the whole configuration as it would be used, as an engram.toml, and exit', false)
    .option(
      '--end-with-parent',
      'stop as on SIGTERM when standard input ends: whoever started this node holds the other end of a pipe',
      false,
    )
    .addHelpText('after', help)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    return command.parse(arguments_, { from: 'user' }).opts<Flags>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return nodeExitCodes.stopped;
    throw new ConfigurationError(error.message.replace(/^error: /, ''), 'engram-node --help shows the flags');
  }
}

function readSettings(flags: Flags): NodeSettings {
  const given: GivenValues = new Map();
  if (flags.config !== undefined) fromFile(flags.config, given);
  fromEnvironment(process.env, given);
  const named = {
    '--cluster-mode': ['cluster.mode', flags.clusterMode],
    '--name': ['node.name', flags.name],
    '--listen': ['node.listen', flags.listen],
    '--data-dir': ['node.data_dir', flags.dataDir],
    '--member': ['cluster.members', flags.member],
    '--seed': ['cluster.seeds', flags.seed],
    '--log-level': ['log.level', flags.logLevel],
    '--log-format': ['log.format', flags.logFormat],
  } as const;
  for (const [flag, [key, value]] of Object.entries(named)) if (value !== undefined) fromFlag(flag, key, value, given);
  return settingsOf(given);
}

async function run(
  settings: NodeSettings,
  { endsWithParent, fileCalls }: { endsWithParent: boolean; fileCalls: FileCalls | undefined },
): Promise<number> {
  // What gRPC would print by itself is in our own errors; who wants it says so with GRPC_VERBOSITY.
  if (process.env.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
  const log = openNodeLog(settings);
  const signals = new StopSignals(endsWithParent);
  let node: RunningNode;
  try {
    node = await RunningNode.start({ settings, tell: (event) => log.tell(event), fileCalls });
  } catch (error) {
    return cannotStart(error, log);
  }
  const first = await Promise.race([signals.first, node.ended]);
  if (first instanceof EngramError) {
    log.failed(first);
    return nodeExitCodes.halted;
  }
  log.tell({ kind: 'node.stopping', signal: first, drainMs: settings.node.drainMs });
  const drained = await node.stop();
  log.tell({ kind: 'node.stopped', drained });
  return nodeExitCodes.stopped;
}

function cannotStart(error: unknown, log: NodeLog): number {
  if (!(error instanceof EngramError)) throw error;
  log.failed(error);
  process.stderr.write(`engram-node: ${error.message}\n  what to do: ${error.hint}\n`);
  return nodeExitCodes.internal;
}

/**
 * The first SIGTERM or SIGINT asks for a graceful stop; the second ends the process at once. With `endsWithParent` the end of standard input asks as
 * well: a pipe ends however its writer does, also by SIGKILL.
 */
class StopSignals {
  readonly first: Promise<string>;

  constructor(endsWithParent: boolean) {
    this.first = new Promise((resolve) => {
      let seen = false;
      if (endsWithParent) {
        for (const end of ['end', 'close', 'error']) process.stdin.once(end, () => resolve('end of standard input'));
        process.stdin.resume();
      }
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => {
          if (seen) process.exit(nodeExitCodes.internal);
          seen = true;
          resolve(signal);
        });
      }
    });
  }
}

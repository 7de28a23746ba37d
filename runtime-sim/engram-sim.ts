/**
 * engram-sim: the deterministic simulator's command line.
 *
 * A planted bug has to be arranged before the core is loaded: the program then starts itself again in a process whose module loader rewrites that source.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { readCommandLine, wantsJson } from './command-line.js';
import { exitCodes, SetupError, UsageError } from './exit-codes.js';
import { plantedBugOf, plantingArguments, plantVariable } from './planted-source.js';

const args = process.argv.slice(2);

async function main(): Promise<number> {
  const { plant, run } = readCommandLine(args);
  return plant !== null && process.env[plantVariable] !== plant ? inPlantedProcess(plant) : run();
}

/** Signals go on to the process that does the work: it knows what to keep when it is interrupted. */
function inPlantedProcess(name: string): Promise<number> {
  const planting = plantingArguments(plantedBugOf(name));
  const working = spawn(process.execPath, [...planting, ...process.execArgv, fileURLToPath(import.meta.url), ...args], {
    stdio: 'inherit',
    env: { ...process.env, [plantVariable]: name },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => working.kill(signal));
  return new Promise((resolve, reject) => {
    working.on('error', reject);
    working.on('exit', (status, signal) => resolve(status ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 0)));
  });
}

function complain(error: unknown): number {
  const known = error instanceof UsageError || error instanceof SetupError;
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? error.hint : 'this is a bug in the simulator: report it with the command that was given';
  if (wantsJson(args)) process.stdout.write(`${JSON.stringify({ error: message, hint })}\n`);
  else process.stderr.write(`engram-sim: ${message}\n  ${hint}\n`);
  if (!known && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return error instanceof UsageError ? exitCodes.usage : exitCodes.internal;
}

// Whoever reads the output may have enough of it (`engram-sim list | head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = complain(error);
}

/**
 * engram-sim: the deterministic simulator's command line (SPEC section 7).
 *
 * A planted bug has to be arranged before the core is loaded: the program then starts itself again in a process whose module loader rewrites that source.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readCommandLine, type SimulatorCommand, wantsJson } from './command-line.js';
import { exitCodes, SetupError, UsageError } from './exit-codes.js';
import { plantedBugOf, plantingArguments, plantVariable } from './planted-source.js';
import { readSeedFile } from './seed-file.js';

const args = process.argv.slice(2);

async function main(): Promise<number> {
  const command = readCommandLine(args);
  if (command.kind === 'text') {
    process.stdout.write(command.text);
    return exitCodes.ok;
  }
  const plant = plantOf(command);
  if (plant !== null && process.env[plantVariable] !== plant) return inPlantedProcess(plant);
  const { listAll, replayFile, runCommand } = await import('./commands.js');
  switch (command.kind) {
    case 'list':
      return listAll(command.json);
    case 'replay':
      return replayFile(command.file, command.json);
    case 'run':
      return runCommand(command.run);
  }
}

function plantOf(command: SimulatorCommand): string | null {
  if (command.kind === 'run') return command.run.plant;
  return command.kind === 'replay' ? readSeedFile(command.file).options.plant : null;
}

function inPlantedProcess(name: string): number {
  const planting = plantingArguments(plantedBugOf(name));
  const { status } = spawnSync(process.execPath, [...planting, ...process.execArgv, fileURLToPath(import.meta.url), ...args], {
    stdio: 'inherit',
    env: { ...process.env, [plantVariable]: name },
  });
  return status ?? exitCodes.internal;
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

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = complain(error);
}

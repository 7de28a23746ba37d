/**
 * Keeps a run as a regression: writes its seed file, with what it once broke, where continuous integration replays it for ever.
 *
 *     npm run keep-seed -- --seed 25 --scenario clean-split --broke 'a sentence'
 *     npm run keep-seed -- --file engram-sim-failures/clean-split-25.shrunk.json --broke 'a sentence'
 *
 * Run it once the bug is mended: a run that still fails is not kept. A shrunk plan is the better regression: it can be read, and runs in no time.
 */
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { exitCodes, UsageError } from './exit-codes.js';
import { builtScenario } from './option-values.js';
import { type RunOptions, runSeed } from './run-seed.js';
import { seedFileContent, writeSeedFileAs } from './seed-file.js';
import { readSeedFile } from './seed-file-reading.js';

const folder = 'scenarios/seeds';
/** Shorter than this says nothing to whoever finds it broken again. */
const sentenceLengthMin = 20;

interface Kept {
  readonly run: RunOptions;
  readonly path: string;
}

function read(): Kept & { readonly broke: string } {
  const command = new Command('keep-seed')
    .option('--seed <n>')
    .option('--scenario <name>')
    .option('--file <file>', 'a seed file instead: its plan is kept')
    .requiredOption('--broke <sentence>', 'what this run once broke')
    .parse();
  const { seed, scenario, file, broke } = command.opts<{ seed?: string; scenario?: string; file?: string; broke: string }>();
  if (broke.length < sentenceLengthMin) throw new UsageError('--broke is too short to tell anybody anything', 'give a whole sentence');
  if (file !== undefined) return { ...ofFile(file), broke };
  if (seed === undefined || scenario === undefined)
    throw new UsageError('what to keep is missing', 'give --seed and --scenario, or --file');
  const run = { scenario: builtScenario(scenario), seed: Number(seed) };
  return { run, path: join(folder, `${scenario}-${run.seed}.json`), broke };
}

function ofFile(file: string): Kept {
  const { seed, scenario, plan, options } = readSeedFile(file);
  if (options.plant !== null) throw new UsageError(`${file} has the planted bug ${options.plant}`, 'a regression runs the code as it is');
  const shrunk = basename(file).endsWith('.shrunk.json') ? '.shrunk' : '';
  const control = plan.configuration.controlLog === undefined ? '' : '.control-log';
  return { run: { scenario: builtScenario(scenario), seed, plan }, path: join(folder, `${scenario}-${seed}${control}${shrunk}.json`) };
}

try {
  const { run, path, broke } = read();
  const result = runSeed(run);
  if (result.verdict === 'ok') {
    writeSeedFileAs(path, { ...seedFileContent(result, { durationMs: result.plan.durationMs, plant: null }), broke });
    process.stdout.write(`${path}\n`);
  } else {
    process.stderr.write(`not kept, it still fails: ${result.reason}\n`);
    process.exitCode = exitCodes.violation;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`keep-seed: ${error.message}\n  ${error.hint}\n`);
  process.exitCode = exitCodes.usage;
}

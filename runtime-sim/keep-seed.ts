/**
 * Keeps a run as a regression: writes its seed file, with what it once broke, where continuous integration replays it for ever.
 *
 *     node --import tsx runtime-sim/keep-seed.ts --seed 25 --scenario clean-split --broke 'a sentence'
 *
 * Run it once the bug is mended: a run that still fails is not kept.
 */
import { Command } from 'commander';
import { exitCodes } from './exit-codes.js';
import { builtScenario } from './option-values.js';
import { runSeed } from './run-seed.js';
import { currentCommit, writeSeedFile } from './seed-file.js';

const command = new Command('keep-seed')
  .requiredOption('--seed <n>')
  .requiredOption('--scenario <name>')
  .requiredOption('--broke <sentence>', 'what this run once broke')
  .parse();
const { seed: seedText, scenario: name, broke } = command.opts<{ seed: string; scenario: string; broke: string }>();
const seed = Number(seedText);
const { plan, traceHash, verdict, reason, verdicts } = runSeed({ scenario: builtScenario(name), seed });
if (verdict === 'ok') {
  const options = { nodes: plan.nodes.length, durationMs: plan.durationMs, plant: null };
  const content = { seed, scenario: name, options, commit: currentCommit(), plan, traceHash, verdicts, broke };
  process.stdout.write(`${writeSeedFile(content, 'scenarios/seeds')}\n`);
} else {
  process.stderr.write(`not kept, it still fails: ${reason}\n`);
  process.exitCode = exitCodes.violation;
}

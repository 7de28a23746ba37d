/** engram-sim replay FILE: runs the plan of a seed file again, and says whether code and run are still the same. */
import { builtScenario, wantsJsonObject } from '../option-values.js';
import { currentCommit, plantOfSeedFile } from '../seed-file.js';
import type { Subcommand } from './subcommand.js';

export const replayCommand: Subcommand = {
  usage: 'replay <file>',
  describe(command, choose) {
    command
      .description('run the plan of a seed file again')
      .option('--explain', 'tell how the violation came about, event by event')
      .option('--json', 'one JSON object on one line of standard output')
      .addHelpText('after', '\nExits as the run does; says whether commit and trace are those of the file.')
      .action((file: string) => {
        const json = wantsJsonObject(command);
        choose({ plant: plantOfSeedFile(file), run: () => replayFile(file, { explain: command.opts().explain === true, json }) });
      });
  },
};

async function replayFile(path: string, { explain, json }: { readonly explain: boolean; readonly json: boolean }): Promise<number> {
  const { runSeed } = await import('../run-seed.js');
  const { runExplained } = await import('../causal-chain.js');
  const { exitCodeOf, printReport, replayFileCommand, reportOf } = await import('../run-report.js');
  const { readSeedFile } = await import('../seed-file-reading.js');
  const file = readSeedFile(path);
  const options = { scenario: builtScenario(file.scenario), seed: file.seed, plan: file.plan };
  const { run, chain } = explain ? runExplained(options) : { run: runSeed(options), chain: undefined };
  const report = reportOf(run, replayFileCommand(path), run.verdict === 'ok' ? null : path);
  const matches = { commitMatches: file.commit === currentCommit(), traceMatches: file.traceHash === run.traceHash };
  printReport({ ...report, ...matches, ...(chain === undefined ? {} : { chain }) }, json);
  return exitCodeOf(run, false);
}

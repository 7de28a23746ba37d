/** engram-sim shrink FILE: the smallest plan that still fails in the same way. */
import { basename, dirname, join } from 'node:path';
import { builtScenario, wantsJsonObject, wholeNumber } from '../option-values.js';
import { keepSeedFileAs, plantOfSeedFile, seedFileContent } from '../seed-file.js';
import type { Subcommand } from './subcommand.js';

interface ShrinkSettings {
  readonly file: string;
  readonly secondsMax: number;
  readonly jobs: number | null;
  readonly json: boolean;
}

const secondsDefault = 60;

export const shrinkCommand: Subcommand = {
  usage: 'shrink <file>',
  describe(command, choose) {
    command
      .description('find the smallest plan that still fails like that of a seed file')
      .option('--seconds <s>', 'stop after so many seconds', wholeNumber({ min: 1, max: 86_400 }), secondsDefault)
      .option('--jobs <j>', 'worker processes (default: as many as there are cores, at most 4)', wholeNumber({ min: 1, max: 64 }))
      .option('--json', 'one JSON object on one line of standard output')
      .addHelpText(
        'after',
        '\nWrites NAME.shrunk.json beside the file. Exits as the run of what is left does. An interrupt keeps the smallest plan so far.',
      )
      .action((file: string) => {
        const { seconds, jobs = null } = command.opts();
        const settings = { file, secondsMax: seconds, jobs, json: wantsJsonObject(command) };
        choose({ plant: plantOfSeedFile(file), run: () => shrinkFile(settings) });
      });
  },
};

async function shrinkFile({ file: path, secondsMax, jobs, json }: ShrinkSettings): Promise<number> {
  const { jobsDefault, shrinkRun } = await import('../shrink/shrink-run.js');
  const { shrinkingProgress, sizeOf } = await import('../shrink/progress.js');
  const { exitCodeOf, printReport, replayFileCommand, reportOf } = await import('../run-report.js');
  const { readSeedFile } = await import('../seed-file-reading.js');
  const file = readSeedFile(path);
  const { whole, shrunk } = await shrinkRun({
    scenario: builtScenario(file.scenario),
    seed: file.seed,
    plan: file.plan,
    secondsMax,
    jobs: jobs ?? jobsDefault,
    progress: shrinkingProgress({ plan: file.plan, secondsMax, output: process.stderr }),
  });
  if (shrunk === null) {
    process.stderr.write(`shrink: the run of ${path} breaks no promise (${whole.verdict}): there is nothing to shrink\n`);
    printReport(reportOf(whole, replayFileCommand(path), whole.verdict === 'ok' ? null : path), json);
    return exitCodeOf(whole, false);
  }
  const { run, chain, tries, seconds, ended } = shrunk;
  const { plan } = run;
  if (ended !== 'minimal') process.stderr.write(`shrink: cut short (${ended}): this is the smallest plan so far, less may do\n`);
  const content = seedFileContent(run, { durationMs: plan.durationMs, plant: file.options.plant });
  const written = keepSeedFileAs(shrunkPath(path), content);
  const report = reportOf(run, replayFileCommand(written ?? path), written);
  printReport({ ...report, shrunk: { from: path, before: sizeOf(file.plan), after: sizeOf(plan), tries, seconds, ended }, chain }, json);
  return exitCodeOf(run, false);
}

/** Beside the file. A plan that was shrunk before goes on in its own file. */
function shrunkPath(path: string): string {
  const name = basename(path).replace(/(\.shrunk)?\.json$/, '');
  return join(dirname(path), `${name}.shrunk.json`);
}

/** engram-sim campaign: ranges of seeds over all cores, and a report of them; campaign merge: one report of several. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { catalogue, durationMsDefault, nodesMax } from '../../scenarios/catalogue.js';
import type { CampaignOptions } from '../campaign/campaign-options.js';
import { runsMax, seedCount, seedRange } from '../campaign/campaign-options.js';
import type { CampaignRequest } from '../campaign/run-campaign.js';
import { UsageError } from '../exit-codes.js';
import { durationArgument, scenarioName, wantsJsonObject, wholeNumber } from '../option-values.js';
import { plantedBugOf } from '../planted-source.js';
import type { Choose, Subcommand } from './subcommand.js';

const jobsMax = 256;
/** Where reports go when no --out is given: a new directory each time. */
const folderDefault = 'engram-sim-campaigns';

const helpAfter = `
Writes report.html, report.json and runs.jsonl to --out. Interrupted, however it was, the same command with the same --out goes on where it
was. Each run that fails leaves a seed file, in --out if given, else in ./engram-sim-failures.

Examples:
  engram-sim campaign --seeds 1..1000 --out campaign
  engram-sim campaign --seeds 1..200 --scenario clean-split --plant drop-tombstone --stop-at-first
  engram-sim campaign merge part-0 part-1 --out campaign`;

export const campaignCommand: Subcommand = {
  usage: 'campaign',
  describe(command, choose) {
    command
      .description('runs ranges of seeds over all cores and reports on them')
      .usage('--seeds A..B [options]\n       engram-sim campaign merge DIR…')
      .option('--seeds <range>', 'A..B, both ends included')
      .option('--scenario <name>', 'again for more; all that are built without it', (name: string, names: string[] = []) => [
        ...names,
        name,
      ])
      .option('--jobs <n>', `worker threads, 1 to ${jobsMax} (default: one per core)`, wholeNumber({ min: 1, max: jobsMax }))
      .option('--out <dir>', `where results and reports go (default: a new directory in ${folderDefault})`)
      .option('--json', 'one JSON object on one line of standard output')
      .option('--nodes <k>', 'nodes of each cluster', wholeNumber({ min: 1, max: nodesMax }))
      .option('--duration <s>', `simulated seconds under load (default: ${durationMsDefault / 1_000})`, durationArgument)
      .option('--plant <name>', 'a planted bug, which the checkers must find; its own scenario unless one is named')
      .option('--control-log', 'the nodes keep a control log (default)')
      .option('--no-control-log', 'they keep none, except where the scenario is about it')
      .option('--check-determinism', 'run each seed twice and compare at every event')
      .option('--stop-at-first', 'end with the first run that breaks a promise')
      .addHelpText('after', helpAfter)
      .enablePositionalOptions()
      .action(() => {
        const json = wantsJsonObject(command);
        const request = readRequest(command);
        choose({ plant: null, run: () => campaign(request, json) });
      });
    describeMerge(command, choose);
  },
};

function describeMerge(campaignCommandLine: Command, choose: Choose): void {
  const command = campaignCommandLine.command('merge <dirs...>');
  command
    .description('joins campaigns over disjoint seeds into one report')
    .option('--out <dir>', `where the joined results and reports go (default: a new directory in ${folderDefault})`)
    .option('--json', 'one JSON object on one line of standard output')
    .action((folders: string[]) => {
      const json = wantsJsonObject(command) || campaignCommandLine.parent?.opts().json === true;
      const out: string = command.opts().out ?? newFolder(`merged-${folders.length}`);
      choose({ plant: null, run: () => merge(folders, out, json) });
    });
}

function readRequest(command: Command): CampaignRequest {
  const { seeds, scenario: named = [], jobs, out, nodes, duration, plant, controlLog, checkDeterminism, stopAtFirst } = command.opts();
  if (seeds === undefined) throw new UsageError('--seeds is missing', 'give --seeds A..B; see engram-sim campaign --help');
  const planted = plant === undefined ? null : plantedBugOf(plant);
  const { scenarios, pending } = chosenScenarios(named.length > 0 || planted === null ? named : [planted.scenario], nodes ?? null);
  const options: CampaignOptions = {
    seeds: [seedRange(seeds)],
    scenarios,
    nodes: nodes ?? null,
    durationMs: duration ?? durationMsDefault,
    plant: planted?.name ?? null,
    checkDeterminism: checkDeterminism === true,
    controlLog: controlLog !== false,
  };
  const runs = seedCount(options.seeds) * options.scenarios.length;
  if (runs > runsMax) throw new UsageError(`${runs} runs are more than a campaign takes (${runsMax})`, 'make several of it and merge them');
  return {
    options,
    pending,
    jobs: jobs ?? availableParallelism(),
    out: out ?? newFolder(seeds),
    seedFolder: out ?? null,
    stopAtFirst: stopAtFirst === true,
  };
}

/** What is built of the scenarios named, each once and in the order of the catalogue, so that the same campaign is the same however it was typed. */
function chosenScenarios(named: readonly string[], nodes: number | null): { readonly scenarios: string[]; readonly pending: string[] } {
  const wanted = named.length === 0 ? catalogue.map(({ name }) => name) : named.map(scenarioName);
  const chosen = catalogue.filter(({ name }) => wanted.includes(name));
  const scenarios = chosen.flatMap(({ scenario }) => scenario ?? []);
  const pending = chosen.filter(({ scenario }) => scenario === null).map(({ name }) => name);
  if (scenarios.length === 0) throw new UsageError(`pending: ${pending.join(', ')} not built yet`, 'engram-sim list says what is');
  const crowded = scenarios.find(({ nodesMin }) => nodes !== null && nodes < nodesMin);
  if (crowded !== undefined) {
    throw new UsageError(
      `${crowded.name} needs at least ${crowded.nodesMin} nodes, got ${nodes}`,
      `give --nodes ${crowded.nodesMin} or more`,
    );
  }
  return { scenarios: scenarios.map(({ name }) => name), pending };
}

function newFolder(what: string): string {
  const now = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return join(folderDefault, `${now}-${what}-${process.pid}`);
}

async function campaign(request: CampaignRequest, json: boolean): Promise<number> {
  const { runCampaign } = await import('../campaign/run-campaign.js');
  const { exitCodeOf, figuresOf, partialText, reportText } = await import('../campaign/report.js');
  if (request.pending.length > 0) process.stderr.write(`pending, skipped: ${request.pending.join(', ')}\n`);
  const { state, report, html } = await runCampaign(request);
  process.stdout.write(json ? `${JSON.stringify(figuresOf(state, report))}\n` : reportText(state, { report, html }));
  const partial = partialText(state);
  if (partial !== null) {
    process.stderr.write(`${partial}\n`);
    if (!request.stopAtFirst) process.stderr.write(`to go on: the same command with --out ${request.out}\n`);
  }
  return exitCodeOf(state);
}

async function merge(folders: readonly string[], out: string, json: boolean): Promise<number> {
  const { mergeCampaigns } = await import('../campaign/merge-campaigns.js');
  const { exitCodeOf, figuresOf, partialText, reportText } = await import('../campaign/report.js');
  const { state, report, html } = mergeCampaigns(folders, out);
  process.stdout.write(json ? `${JSON.stringify(figuresOf(state, report))}\n` : reportText(state, { report, html }));
  const partial = partialText(state);
  if (partial !== null) process.stderr.write(`${partial}\n`);
  return exitCodeOf(state);
}

/**
 * How often each scenario reaches each rare state: the table of docs/scenarios.md.
 *
 *     node --import tsx tools/mark-coverage.ts --seeds 1..50 [--scenario NAME …] [--jobs 2]
 *
 * Prints a row for each mark: in how many runs of each scenario it was reached, and how many seeds a campaign may need before its absence is news.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CampaignReport } from '../runtime-sim/campaign/report.js';
import { catalogue } from '../scenarios/catalogue.js';
import { marks } from '../scenarios/marks.js';
import { root } from './source-files.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..50' },
    scenario: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: '2' },
  },
});

/** The report of one campaign over these scenarios; its directory goes when it has been read. */
function campaign(scenarios: readonly string[]): CampaignReport {
  const out = mkdtempSync(join(tmpdir(), 'mark-coverage-'));
  const named = scenarios.flatMap((name) => ['--scenario', name]);
  try {
    spawnSync(join(root, 'bin/engram-sim'), ['campaign', '--seeds', values.seeds, '--jobs', values.jobs, ...named, '--out', out], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const built = catalogue.flatMap(({ name, scenario }) => (scenario === null ? [] : [name]));
const asked = values.scenario.length > 0 ? values.scenario : built;
const tallies = new Map(campaign(asked).scenarios.map((scenario) => [scenario.name, scenario]));

const reached = new Set([...tallies.values()].flatMap((tally) => Object.keys(tally.marks)));
const listed = marks.filter(({ pending }) => !pending).map(({ name }) => name);
const names = [...listed, ...[...reached].filter((name) => !listed.includes(name)).sort()];
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const needed = (name: string): string => {
  const mark = marks.find((one) => one.name === name);
  return mark === undefined ? 'not judged' : mark.pending ? 'pending' : String(mark.seedsNeeded);
};

process.stdout.write(`${row(['mark', ...asked, 'seeds needed'])}\n${row(['---', ...asked.map(() => '---'), '---'])}\n`);
process.stdout.write(`${row(['runs, of them ok', ...asked.map((name) => `${tallies.get(name)?.runs}, ${tallies.get(name)?.ok}`), ''])}\n`);
for (const name of names) {
  process.stdout.write(`${row([name, ...asked.map((scenario) => tallies.get(scenario)?.marks[name] ?? ''), needed(name)])}\n`);
}

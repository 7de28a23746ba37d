/**
 * How often each scenario reaches each rare state: the table of docs/scenarios.md.
 *
 *     npm run mark-coverage -- --seeds 1..50 [--scenario NAME …] [--jobs 2]
 *     npm run mark-coverage -- --from campaign --rewrite      of a campaign that has been run, into docs/scenarios.md
 *
 * Prints a row for each mark: in how many runs of each scenario it was reached, and how many seeds a campaign may need before its absence is news.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    from: { type: 'string' },
    rewrite: { type: 'boolean', default: false },
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

function rewrite(lines: readonly string[]): void {
  const document = join(root, 'docs/scenarios.md');
  const text = readFileSync(document, 'utf8');
  const [begin, end] = ['<!-- table: npm run mark-coverage -- --rewrite -->', '<!-- end of the table -->'];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no place for the table: it stands between ${begin} and ${end}`);
  writeFileSync(document, `${text.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`);
  spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', document], { stdio: 'ignore' });
}

const built = catalogue.flatMap(({ name, scenario }) => (scenario === null ? [] : [name]));
const asked = values.scenario.length > 0 ? values.scenario : built;
const report: CampaignReport =
  values.from === undefined ? campaign(asked) : JSON.parse(readFileSync(join(values.from, 'report.json'), 'utf8'));
const tallies = new Map(report.scenarios.map((scenario) => [scenario.name, scenario]));

const reached = new Set([...tallies.values()].flatMap((tally) => Object.keys(tally.marks)));
const listed = marks.filter(({ pending }) => !pending).map(({ name }) => name);
const names = [...listed, ...[...reached].filter((name) => !listed.includes(name)).sort()];
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const needed = (name: string): string => {
  const mark = marks.find((one) => one.name === name);
  return mark === undefined ? 'not judged' : mark.pending ? 'pending' : String(mark.seedsNeeded);
};

const lines = [
  row(['mark', ...asked, 'seeds needed']),
  row(['---', ...asked.map(() => '---'), '---']),
  row(['runs, of them ok', ...asked.map((name) => `${tallies.get(name)?.runs}, ${tallies.get(name)?.ok}`), '']),
  ...names.map((name) => row([name, ...asked.map((scenario) => tallies.get(scenario)?.marks[name] ?? ''), needed(name)])),
];
process.stdout.write(`${lines.join('\n')}\n`);
if (values.rewrite) rewrite(lines);

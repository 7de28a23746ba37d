/**
 * How often each scenario reaches each rare state: the table of docs/scenarios.md.
 *
 *     node --import tsx tools/mark-coverage.ts --seeds 1..50 [--scenario NAME …] [--jobs 2]
 *
 * Prints a row for each mark: in how many runs of each scenario it was reached, and how many seeds a campaign may need before its absence is news.
 */
import { execFile } from 'node:child_process';
import { parseArgs } from 'node:util';
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

interface Tally {
  readonly runs: number;
  readonly ok: number;
  readonly marks: Readonly<Record<string, number>>;
}

function tallyOf(scenario: string): Promise<Tally> {
  const program = ['--import', 'tsx', 'runtime-sim/many-seeds.ts'];
  const options = ['--seeds', values.seeds, '--jobs', values.jobs, '--scenario', scenario];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...program, ...options], { cwd: root, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as Tally);
      else reject(new Error(`many-seeds of ${scenario} ended with ${error?.message ?? 'no result'}: ${stderr.trim()}`));
    });
  });
}

const built = catalogue.flatMap(({ name, scenario }) => (scenario === null ? [] : [name]));
const asked = values.scenario.length > 0 ? values.scenario : built;
const tallies = new Map<string, Tally>();
for (const scenario of asked) tallies.set(scenario, await tallyOf(scenario));

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

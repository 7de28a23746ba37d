/**
 * How many seeds each planted bug took to be found, as the table of docs/planted-bugs.md.
 *
 *     npm run plants                      prints the table, bug by bug as they are found
 *     npm run plants -- --rewrite         and puts it into the document
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plantedBugs } from '../checker/planted-bugs/catalogue.js';
import type { CampaignReport } from '../runtime-sim/campaign/report.js';
import { root } from './source-files.js';

const document = join(root, 'docs/planted-bugs.md');
const begin = '<!-- table: npm run plants -- --rewrite -->';
const end = '<!-- end of the table -->';
const processesAtOnce = 2;

interface Finding {
  readonly name: string;
  readonly scenario: string;
  /** The first seed that shows the bug; null when none does. */
  readonly seed: number | null;
  /** What the checkers say of it. */
  readonly reason: string;
}

type Bug = (typeof plantedBugs)[number];

/** Runs seeds from 1 on until one is a violation. */
function find({ name, scenario, seedsNeeded }: Bug): Promise<Finding> {
  const out = mkdtempSync(join(tmpdir(), 'engram-plants-'));
  const options = ['--seeds', `1..${seedsNeeded}`, '--scenario', scenario, '--plant', name, '--stop-at-first', '--jobs', '1'];
  return new Promise((resolve) => {
    execFile(join(root, 'bin/engram-sim'), ['campaign', ...options, '--out', out, '--json'], { cwd: root, maxBuffer: 2 ** 26 }, () => {
      const { failures } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as CampaignReport;
      rmSync(out, { recursive: true, force: true });
      const [first] = failures.toSorted((left, right) => left.seed - right.seed);
      resolve({ name, scenario, seed: first?.seed ?? null, reason: first?.reason ?? 'not found' });
    });
  });
}

function row({ name, scenario, seed, reason }: Finding): string {
  const short = reason.replace(/\b[0-9a-f]{32,}\b/g, (id) => `${id.slice(0, 4)}…`).replaceAll('|', '\\|');
  return `| \`${name}\` | ${scenario} | ${seed ?? 'not found'} | ${short} |`;
}

const queue = plantedBugs.filter(({ pending }) => !pending);
const found = new Map<string, Finding>();
await Promise.all(
  Array.from({ length: processesAtOnce }, async () => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const finding = await find(bug);
      found.set(bug.name, finding);
      process.stdout.write(`${row(finding)}\n`);
    }
  }),
);
const missed = [...found.values()].filter(({ seed }) => seed === null);
if (process.argv.includes('--rewrite')) {
  const rows = plantedBugs.flatMap(({ name }) => found.get(name) ?? []).map(row);
  const table = ['| bug | scenario | seeds until found | what the checkers said |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const text = readFileSync(document, 'utf8');
  const [before, after] = [text.slice(0, text.indexOf(begin) + begin.length), text.slice(text.indexOf(end))];
  writeFileSync(document, `${before}\n\n${table}\n\n${after}`);
  execFileSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', document]);
}
process.stdout.write(`${found.size - missed.length} found, ${missed.length} not found\n`);
process.exitCode = missed.length > 0 ? 1 : 0;

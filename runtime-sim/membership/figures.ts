/**
 * Membership by itself, in numbers: runs the experiments of this folder and prints their tables.
 *
 *     npm run membership-figures                                all, with the seeds of a full report: hours of processor time
 *     npm run membership-figures -- --only detection --seeds 50
 *     npm run membership-figures -- --only traffic --rewrite    puts that table into docs/membership.md
 *     npm run membership-figures -- --minutes 5                 gives up on further seeds of a case after so long: its row says how many there were
 *
 * Exit code 1 when a goal is missed, 2 when the command is wrong.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { detection } from './detection.js';
import type { Experiment, Measured } from './experiment.js';
import { formation } from './formation.js';
import { lonePause } from './lone-pause.js';
import { lossyHour } from './lossy-hour.js';
import { reMerge } from './re-merge.js';
import { slowNode } from './slow-node.js';
import { traffic } from './traffic.js';

const experiments: readonly Experiment[] = [formation, detection, lossyHour, slowNode, reMerge, traffic, lonePause];
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const document = join(root, 'docs/membership.md');

interface Outcome {
  readonly lines: readonly string[];
  readonly met: boolean;
}

interface Limits {
  readonly seedsMax: number;
  /** For one case; the seed that runs is brought to its end. */
  readonly minutesMax: number;
}

/** Runs every case for its seeds, from 1 on. */
function carryOut(experiment: Experiment, { seedsMax, minutesMax }: Limits): Outcome {
  const { name, cases, columns, together } = experiment;
  const samples = cases.map(({ label, seeds, measure }) => {
    const count = Math.min(seeds, seedsMax);
    const endsAt = performance.now() + minutesMax * 60_000;
    const measured: Measured[] = [];
    while (measured.length < count && (measured.length === 0 || performance.now() < endsAt)) measured.push(measure(measured.length + 1));
    process.stderr.write(`${name}, ${label}: ${measured.length} seeds of ${seeds}\n`);
    return measured;
  });
  const hasGoals = cases.some(({ goal }) => goal !== null);
  const head = ['case', 'seeds', ...columns.map(({ title }) => title), ...(hasGoals ? ['goal', 'met'] : [])];
  const rows = cases.map(({ label, goal }, at) => {
    const measured = samples[at] as readonly Measured[];
    const judged = goal === null ? ['', ''] : [goal.text, goal.isMet(measured) ? 'yes' : 'no'];
    return [label, String(measured.length), ...columns.map(({ cell }) => cell(measured)), ...(hasGoals ? judged : [])];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const compared = together?.(samples);
  const lines = [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    ...(compared === undefined ? [] : ['', `${compared.text}: ${compared.met ? 'met' : 'not met'}.`]),
  ];
  const met = (compared?.met ?? true) && cases.every(({ goal }, at) => goal === null || goal.isMet(samples[at] as readonly Measured[]));
  return { lines, met };
}

function rewrite(name: string, lines: readonly string[]): void {
  const text = readFileSync(document, 'utf8');
  const [begin, end] = [`<!-- figures: ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no place for ${name}: it stands between ${begin} and ${end}`);
  writeFileSync(document, `${text.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`);
  execFileSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', document], { stdio: 'ignore' });
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seeds: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '1000000' },
    rewrite: { type: 'boolean', default: false },
  },
});
const limits: Limits = { seedsMax: Number(values.seeds), minutesMax: Number(values.minutes) };
const unknown = values.only.find((name) => experiments.every((experiment) => experiment.name !== name));
if (unknown !== undefined || !Number.isInteger(limits.seedsMax) || limits.seedsMax < 1 || !(limits.minutesMax > 0)) {
  const what =
    unknown === undefined ? '--seeds takes a whole number above 0, and --minutes a number above 0' : `no experiment is called ${unknown}`;
  process.stderr.write(`membership-figures: ${what}; there are ${experiments.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const chosen = experiments.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
let allMet = true;
for (const experiment of chosen) {
  const { lines, met } = carryOut(experiment, limits);
  allMet &&= met;
  process.stdout.write(`${experiment.name}\n\n${lines.join('\n')}\n\n`);
  if (values.rewrite) rewrite(experiment.name, lines);
}
process.exitCode = allMet ? 0 : 1;

/**
 * What a destroyed disk costs: runs seeds of `permanent-loss`, with nodes that keep a control log as in production, and counts the acknowledged
 * writes that were gone with each disk, per acknowledgement level, apart for disks whose node could reach no other any more.
 *
 *     npm run loss-figures -- --seeds 1..1000            prints the table
 *     npm run loss-figures -- --seeds 1..1000 --rewrite  and puts it into docs/client.md
 *
 * Exit code 1 when a run breaks a promise, 2 when the command is wrong.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { acknowledgedPerLevel, type DiskLoss, type Level, levels, lossesPerDisk } from '../checker/losses-per-disk.js';
import { permanentLoss } from '../scenarios/permanent-loss.js';
import { Draws } from '../scenarios/random-streams.js';
import { runSeed } from './run-seed.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const resamples = 2_000;

interface Tally {
  runs: number;
  readonly acknowledged: Record<Level, number>;
  readonly disks: DiskLoss[];
}

/**
 * The middle 95 % of the means of as many disks drawn again with replacement (Efron's bootstrap). Where all are 0 no resample tells anything: then
 * the upper end is what the share of disks with a loss stays below, 3 / n (Hanley and Lippman-Hand 1983).
 */
function interval(values: readonly number[]): readonly [number, number] {
  if (values.every((value) => value === 0)) return [0, 3 / values.length];
  const draws = new Draws('loss-figures', 'bootstrap');
  const means = Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < values.length; drawn += 1) sum += draws.pick(values);
    return sum / values.length;
  }).sort((left, right) => left - right);
  return [means[Math.floor(0.025 * resamples)] as number, means[Math.ceil(0.975 * resamples) - 1] as number];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function row(tally: Tally, isolated: boolean, level: Level): string {
  const disks = tally.disks.filter((disk) => disk.isolated === isolated);
  const name = `${isolated ? 'nobody in reach' : 'others in reach'} | ${level} | ${disks.length}`;
  if (disks.length === 0) return `| ${name} | | | |`;
  const lost = disks.map((disk) => disk.lost[level]);
  const [from, to] = interval(lost);
  const sum = lost.reduce((total, each) => total + each, 0);
  const share = (100 * sum) / tally.acknowledged[level];
  return `| ${name} | ${sum} | ${mean(lost).toFixed(3)} (${from.toFixed(3)} to ${to.toFixed(3)}) | ${share.toFixed(4)} % |`;
}

function tableOf(tally: Tally): readonly string[] {
  const windows = [false, true].map((isolated) => {
    const each = tally.disks.filter((disk) => disk.isolated === isolated).map(({ windowMs }) => windowMs);
    if (each.length === 0) return 'none';
    if (each.every((ms) => ms === 0)) return 'none was lost';
    const [from, to] = interval(each);
    return `${mean(each).toFixed(1)} ms per destroyed disk (${from.toFixed(1)} to ${to.toFixed(1)}), at most ${Math.max(...each).toFixed(0)} ms`;
  });
  const acknowledged = levels.map((level) => `${tally.acknowledged[level]} \`${level}\``).join(', ');
  return [
    '| when its disk was destroyed the node had | level | disks | writes lost | per disk (95 % interval) | of all acknowledged |',
    '| --- | --- | --- | --- | --- | --- |',
    ...[false, true].flatMap((isolated) => levels.map((level) => row(tally, isolated, level))),
    '',
    `${tally.runs} runs, ${tally.disks.length} destroyed disks, acknowledged writes: ${acknowledged}. From the oldest lost acknowledgement to the end of the node: with others in ` +
      `reach ${windows[0]}; with nobody in reach ${windows[1]}.`,
  ];
}

function rewrite(lines: readonly string[]): void {
  const document = join(root, 'docs/client.md');
  const text = readFileSync(document, 'utf8');
  const [begin, end] = ['<!-- figures: npm run loss-figures -- --rewrite -->', '<!-- end of the figures -->'];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no place for the figures: it stands between ${begin} and ${end}`);
  writeFileSync(document, `${text.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`);
  execFileSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', document], { stdio: 'ignore' });
}

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1..1000' }, rewrite: { type: 'boolean', default: false } } });
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds);
if (range === null) {
  process.stderr.write('loss-figures: --seeds takes A..B\n');
  process.exit(2);
}
const tally: Tally = { runs: 0, acknowledged: { local: 0, one: 0, quorum: 0, all: 0 }, disks: [] };
for (let seed = Number(range[1]); seed <= Number(range[2]); seed += 1) {
  const { history, verdict, reason } = runSeed({ scenario: permanentLoss, seed, controlLog: true });
  if (verdict === 'violation') {
    process.stderr.write(`${reason}\n  replay: bin/engram-sim --seed ${seed} --scenario permanent-loss --control-log\n`);
    process.exitCode = 1;
  }
  const acknowledged = acknowledgedPerLevel(history);
  for (const level of levels) tally.acknowledged[level] += acknowledged[level];
  tally.disks.push(...lossesPerDisk(history));
  tally.runs += 1;
  if (tally.runs % 50 === 0) process.stderr.write(`${tally.runs} runs, ${tally.disks.length} disks\n`);
}
const lines = tableOf(tally);
process.stdout.write(`${lines.join('\n')}\n`);
if (values.rewrite) rewrite(lines);

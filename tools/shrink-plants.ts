/**
 * Shrinks the first run that shows each planted bug, and prints the table of docs/shrinking.md.
 *
 *     npm run shrink-plants [-- NAME …]
 *
 * A plan must come down to a tenth of its faults and operations within a minute: fails where one does not.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './source-files.js';

const shareMax = 0.1;

interface Plant {
  readonly name: string;
  readonly scenario: string;
  readonly seedsNeeded: number;
  readonly pending: boolean;
}

interface Size {
  readonly faults: number;
  readonly operations: number;
}

interface Report {
  readonly seed?: number;
  readonly verdict?: string;
  readonly seedFile?: string | null;
  readonly plants?: readonly Plant[];
  readonly error?: string;
  readonly shrunk?: {
    readonly before: Size;
    readonly after: Size;
    readonly tries: number;
    readonly seconds: number;
    readonly ended: string;
  };
}

function simulate(...args: string[]): Promise<Report> {
  return new Promise((resolve, reject) => {
    execFile(join(root, 'bin/engram-sim'), [...args, '--json'], { cwd: root, maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Report);
      } catch {
        reject(new Error(`engram-sim ${args.join(' ')} printed no report: ${stderr}`));
      }
    });
  });
}

/** The first failing run of its scenario, as a seed file. */
async function failing({ name, scenario, seedsNeeded }: Plant, folder: string): Promise<Report | null> {
  for (let seed = 1; seed <= seedsNeeded; seed += 1) {
    const run = await simulate('--seed', String(seed), '--scenario', scenario, '--plant', name, '--out', folder);
    if (run.error !== undefined) throw new Error(`${name}: ${run.error}`);
    if (run.verdict === 'violation') return run;
  }
  return null;
}

/** A row of the table; what is wrong with it, if anything, is told on standard error. */
async function measure(plant: Plant, folder: string): Promise<boolean> {
  const { name, scenario, seedsNeeded } = plant;
  const found = await failing(plant, folder);
  if (found === null) {
    process.stderr.write(`FAIL ${name}: no violation in ${seedsNeeded} seeds of ${scenario}\n`);
    return false;
  }
  const { shrunk, error } = await simulate('shrink', found.seedFile as string);
  if (shrunk === undefined) {
    process.stderr.write(`FAIL ${name}: ${error ?? 'was not shrunk'}\n`);
    return false;
  }
  const { before, after, tries, seconds, ended } = shrunk;
  const share = (after.faults + after.operations) / (before.faults + before.operations);
  const why = ended === 'minimal' ? 'nothing more can go' : ended;
  const sizes = `${before.faults} → ${after.faults} | ${before.operations} → ${after.operations} | ${(share * 100).toFixed(1)} %`;
  process.stdout.write(`| \`${name}\` | ${scenario} ${found.seed} | ${sizes} | ${tries} | ${seconds} | ${why} |\n`);
  if (share > shareMax) process.stderr.write(`FAIL ${name}: ${(share * 100).toFixed(1)} % are left\n`);
  return share <= shareMax;
}

const wanted = process.argv.slice(2);
const { plants = [] } = await simulate('list');
const chosen = plants.filter(({ name, pending }) => !pending && (wanted.length === 0 || wanted.includes(name)));
const folder = mkdtempSync(join(tmpdir(), 'engram-shrink-plants-'));
let [passed, failed] = [0, 0];
process.stdout.write('| planted bug | scenario, seed | faults | operations | left of both | tries | seconds | ended because |\n');
process.stdout.write(`|${' --- |'.repeat(8)}\n`);
try {
  for (const plant of chosen) {
    if (await measure(plant, join(folder, plant.name))) passed += 1;
    else failed += 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

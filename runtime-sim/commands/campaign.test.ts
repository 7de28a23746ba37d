/** engram-sim campaign as scripts and people use it: figures, reports, interrupts, planted bugs, merging. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CampaignReport } from '../campaign/report.js';
import { readCommandLine } from '../command-line.js';
import { UsageError } from '../exit-codes.js';

const campaigns = suite('engram-sim campaign');
const base = mkdtempSync(join(tmpdir(), 'campaign-'));
const program = fileURLToPath(new URL('../../bin/engram-sim', import.meta.url));
const figureNames = [
  ...[
    'runs',
    'ok',
    'violations',
    'notConverged',
    'unknown',
    'marksMissed',
    'eventsPerSecond',
    'seedsPerMinute',
    'report',
    'seedFiles',
    'complete',
    'left',
  ],
];
/** In one simulated second some kinds of disk faults meet nothing to spoil: most runs are unknown, and all are quick. */
const unproved = ['--scenario', 'disk-faults', '--duration', '1', '--no-control-log'];

campaigns.after(() => rmSync(base, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function campaign(...args: string[]): Ran {
  return spawnSync(program, ['campaign', ...args], { encoding: 'utf8', cwd: base });
}

function report(folder: string): CampaignReport {
  return JSON.parse(readFileSync(join(base, folder, 'report.json'), 'utf8'));
}

/** Trace hashes by run: what a campaign found, without what it took. */
function traces(folder: string): string[] {
  const lines = readFileSync(join(base, folder, 'runs.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines
    .map((line) => JSON.parse(line))
    .map(({ scenario, seed, verdict, traceHash }) => `${scenario} ${seed} ${verdict} ${traceHash}`)
    .sort();
}

campaigns('one JSON object with the twelve figures, both reports, and a seed file for each run that failed', () => {
  const scenarios = ['--scenario', 'clean-split', '--scenario', 'asymmetric'];
  const { status, stdout, stderr } = campaign(
    '--seeds',
    '1..2',
    ...scenarios,
    '--duration',
    '3',
    '--out',
    'figures',
    '--check-determinism',
    '--json',
  );
  assert.is(stdout.split('\n').length, 2, stderr);
  const figures = JSON.parse(stdout);
  assert.equal(Object.keys(figures), figureNames);
  assert.is(figures.runs, 4);
  assert.equal([figures.complete, figures.left], [true, 0]);
  assert.not.match(stderr, 'partial: ');
  assert.is(figures.ok + figures.violations + figures.notConverged + figures.unknown, 4);
  assert.is(figures.report, 'figures/report.json');
  assert.is(status === 0, figures.ok === 4);
  assert.is(figures.seedFiles.length, 4 - figures.ok);
  for (const path of figures.seedFiles) assert.ok(existsSync(join(base, path)), path);
  const { complete, notDeterministic, scenarios: told } = report('figures');
  assert.ok(complete);
  assert.is(notDeterministic, 0);
  assert.equal(
    told.map(({ name }) => name),
    ['clean-split', 'asymmetric'],
  );
  assert.match(readFileSync(join(base, 'figures/report.html'), 'utf8'), '<!doctype html>');
});

campaigns('usage errors name the option and what was probably meant', () => {
  const complaint = (...args: string[]): string => {
    try {
      readCommandLine(['campaign', ...args]);
    } catch (error) {
      assert.instance(error, UsageError);
      return `${(error as UsageError).message}; ${(error as UsageError).hint}`;
    }
    return 'accepted';
  };
  assert.match(complaint(), '--seeds is missing');
  assert.match(complaint('--seeds', '5..1'), '"5..1" is no range');
  assert.match(complaint('--seeds', '1..2', '--scenario', 'asymetric'), 'did you mean asymmetric?');
  assert.match(complaint('--seeds', '1..2', '--plant', 'drop-tombstones'), 'did you mean drop-tombstone?');
  assert.match(complaint('--seeds', '1..2', '--job', '2'), 'did you mean --jobs');
  assert.match(complaint('--seeds', '1..2', '--jobs', '0'), '--jobs');
  assert.match(complaint('--seeds', '1..2', '--scenario', 'asymmetric', '--nodes', '2'), 'asymmetric needs at least 3 nodes');
  assert.match(complaint('--seeds', '0..9007199254740991'), 'more than a campaign takes');
  assert.match(complaint('--seeds', '1..2', 'merged'), "too many arguments for 'campaign'");
  assert.match(complaint('merge'), "'dirs'");
  assert.is(complaint('--seeds', '1..2', '--scenario', 'asymmetric', '--nodes', '3'), 'accepted');
  const { status, stdout } = campaign('merge', 'nowhere', '--json');
  assert.is(status, 2);
  assert.match(JSON.parse(stdout).error, /nowhere.campaign\.json cannot be read: ENOENT/);
});

async function interruptedAfterFirst(child: ChildProcess): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    const before = stderr;
    stderr += chunk;
    if (stderr.includes('unknown: ') && !before.includes('unknown: ')) child.kill('SIGINT');
  });
  const [status] = await once(child, 'close');
  assert.match(stderr, 'interrupted');
  return { status, stdout, stderr };
}

campaigns('an interrupt keeps a partial report, and the same command goes on from there to the same end', async () => {
  const seeds = ['--seeds', '1..40', ...unproved, '--json'];
  const child = spawn(program, ['campaign', ...seeds, '--out', 'cut', '--jobs', '1'], { cwd: base, stdio: ['ignore', 'pipe', 'pipe'] });
  const { status, stdout, stderr } = await interruptedAfterFirst(child);
  assert.is(status, 3);
  const partial = JSON.parse(stdout);
  assert.ok(partial.runs > 0 && partial.runs < 40, `${partial.runs} runs`);
  assert.equal([partial.complete, partial.left], [false, 40 - partial.runs]);
  assert.match(stderr, `partial: ${partial.runs} of 40 runs are done, ${partial.left} left`);
  assert.equal([report('cut').complete, report('cut').left], [false, partial.left]);
  assert.is(report('cut').runs, partial.runs);

  const resumed = campaign(...seeds, '--out', 'cut', '--jobs', '2');
  assert.match(resumed.stderr, `cut has ${partial.runs} of 40 runs already`);
  assert.is(JSON.parse(resumed.stdout).runs, 40);
  campaign(...seeds, '--out', 'whole', '--jobs', '2');
  assert.equal(traces('cut'), traces('whole'));
  assert.is(report('cut').scenarios[0].matrix, report('whole').scenarios[0].matrix);

  const other = campaign('--seeds', '1..40', ...unproved, '--check-determinism', '--out', 'cut');
  assert.is(other.status, 2);
  assert.match(other.stderr, '--check-determinism: false there, true here');
});

campaigns('with a planted bug it can end at the first run that finds it, with a replay that names the bug', () => {
  const plant = ['--plant', 'merge-one-direction', '--duration', '10', '--stop-at-first'];
  const { status, stdout, stderr } = campaign('--seeds', '1..50', ...plant, '--out', 'planted', '--json');
  const { runs, violations, notConverged, seedFiles, marksMissed } = JSON.parse(stdout);
  assert.ok(violations + notConverged > 0 && runs < 50, stderr);
  assert.is(status, violations > 0 ? 1 : 3);
  assert.equal(marksMissed, []);
  assert.match(stderr, /replay: bin\/engram-sim --seed \d+ --scenario clean-split --duration 10 --plant merge-one-direction\n/);
  assert.is(JSON.parse(readFileSync(join(base, seedFiles[0]), 'utf8')).options.plant, 'merge-one-direction');
});

campaigns('parts of disjoint seeds merge into what one campaign finds', () => {
  const part = (seeds: string, out: string, ...more: string[]): Ran =>
    campaign('--seeds', seeds, ...unproved, ...more, '--out', out, '--json');
  part('1..3', 'part-0');
  part('4..6', 'part-1');
  part('1..6', 'together');
  const merged = campaign('merge', 'part-1', 'part-0', '--out', 'merged', '--json');
  assert.is(merged.status, 3, merged.stderr);
  const figures = JSON.parse(merged.stdout);
  assert.equal(Object.keys(figures), figureNames);
  assert.is(figures.runs, 6);
  assert.equal(traces('merged'), traces('together'));
  assert.equal(report('merged').options, report('together').options);
  assert.equal(report('merged').scenarios, report('together').scenarios);
  for (const path of figures.seedFiles) assert.ok(existsSync(join(base, path)), path);

  const refused = (...args: string[]): string => {
    const { status, stderr } = campaign('merge', ...args);
    assert.is(status, 2, args.join(' '));
    return stderr;
  };
  assert.match(refused('part-0', 'together', '--out', 'x1'), 'seeds 1..3 and 1..6 overlap (part-0, together)');
  assert.match(refused('part-0', 'part-0', '--out', 'x2'), 'overlap');
  assert.match(refused('part-0', 'part-1', '--out', 'together'), 'together has results of its own');
  part('7..7', 'other', '--check-determinism');
  assert.match(refused('part-0', 'other', '--out', 'x3'), 'differ in --check-determinism');
  cpSync(join(base, 'part-1'), join(base, 'elsewhere'), { recursive: true });
  const identity = join(base, 'elsewhere/campaign.json');
  writeFileSync(identity, readFileSync(identity, 'utf8').replace(/"code":"[^"]*"/, '"code":"another"'));
  assert.match(refused('part-0', 'elsewhere', '--out', 'x4'), 'elsewhere ran code another, part-0 ran');
});

campaigns.run();

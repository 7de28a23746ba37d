/** The command contract of SPEC section 7, as scripts see it: exit codes, one JSON object, and what is written where. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedBugs } from '../checker/planted-bugs/catalogue.js';
import { catalogue } from '../scenarios/catalogue.js';
import { scenarioNames } from '../scenarios/scenario.js';
import { readCommandLine } from './command-line.js';
import { UsageError } from './exit-codes.js';
import { replayFileCommand } from './run-report.js';

const cli = suite('engram-sim');
const folder = mkdtempSync(join(tmpdir(), 'engram-sim-'));
const program = fileURLToPath(new URL('../bin/engram-sim', import.meta.url));

cli.after(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', cwd: folder });
}

function refused(...args: string[]): UsageError {
  try {
    readCommandLine(args);
  } catch (error) {
    assert.instance(error, UsageError);
    return error as UsageError;
  }
  throw new Error(`${args.join(' ')} was not refused`);
}

cli('a run prints one JSON object with the fields that scripts rely on, and a seed file when it failed', () => {
  const { status, stdout } = run('--seed', '5', '--scenario', 'crash-restart', '--duration', '4', '--json', '--check-determinism');
  assert.is(stdout.split('\n').length, 2, 'one line');
  const report = JSON.parse(stdout);
  const fields = [
    ...['seed', 'scenario', 'nodes', 'simulatedMs', 'wallMs', 'events', 'eventsPerSecond', 'traceHash', 'operations', 'acknowledgedWrites'],
    ...['lostWrites', 'convergenceMs', 'probes', 'verdicts', 'verdict', 'reason', 'replay', 'seedFile', 'firstDivergence'],
  ];
  assert.equal(
    Object.keys(report).filter((name) => name !== 'failovers'),
    fields,
  );
  assert.ok(Array.isArray(report.failovers));
  assert.match(report.traceHash, /^[0-9a-f]{16}$/);
  assert.equal(Object.keys(report.operations), ['invoked', 'ok', 'failed', 'unknown']);
  assert.is(report.firstDivergence, null);
  assert.is(report.replay, 'bin/engram-sim --seed 5 --scenario crash-restart --duration 4 --check-determinism');
  assert.is(report.seedFile === null, report.verdict === 'ok');
  assert.is(status, report.verdict === 'ok' ? 0 : report.verdict === 'violation' ? 1 : 3);
});

cli('usage errors are one JSON object with error and hint, exit 2', () => {
  const { status, stdout, stderr } = run('--seed', '1', '--scenario', 'asymetric', '--json');
  assert.is(status, 2);
  assert.is(stderr, '');
  assert.equal(JSON.parse(stdout), { error: 'there is no scenario "asymetric"', hint: 'did you mean asymmetric?' });
});

cli('without --json a usage error goes to standard error', () => {
  const { status, stdout, stderr } = run('--sed', '1');
  assert.is(status, 2);
  assert.is(stdout, '');
  assert.match(stderr, 'did you mean --seed?');
});

cli('list names every scenario, mark and plant, with what is pending', () => {
  const { status, stdout } = run('list', '--json');
  assert.is(status, 0);
  const listed = JSON.parse(stdout);
  assert.equal(
    listed.scenarios.map(({ name }: { name: string }) => name),
    [...scenarioNames],
  );
  assert.equal(Object.keys(listed.marks[0]), ['name', 'scenarios', 'seedsNeeded', 'pending']);
  assert.equal(Object.keys(listed.plants[0]), ['name', 'scenario', 'seedsNeeded', 'pending']);
});

cli('what is pending says so first', () => {
  const scenarios = catalogue.filter(({ scenario }) => scenario === null).map(({ name }) => ['--seed', '1', '--scenario', name]);
  const plants = plantedBugs
    .filter(({ pending }) => pending)
    .map(({ name }) => ['--seed', '1', '--scenario', 'asymmetric', '--plant', name]);
  for (const args of [...scenarios, ...plants]) assert.ok(refused(...args).message.startsWith('pending'), args.join(' '));
});

cli('help shows where seed files go, and --version the version of the package', () => {
  assert.match(run('--help').stdout, /--out <dir>.*engram-sim-failures/s);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.is(run('--version').stdout, `${version}\n`);
});

cli('an option that is not known is refused with the nearest names of its own command, one before the command as well', () => {
  assert.match(refused('list', '--jsn').hint, 'did you mean --json?');
  assert.match(refused('replay', 'x.json', '--seed', '1').hint, 'known are: --explain, --json');
  assert.match(refused('--seed', '1', 'list').message, '--seed stands before list');
  assert.match(refused('replay').message, "missing required argument 'file'");
  readCommandLine(['--json', 'list']);
});

cli('the command that replays a file is one that sh reads back as it was meant', () => {
  for (const path of [
    'a/b-1.json',
    "it's here.json",
    'a b.json',
    '$HOME.json',
    'x;y',
    '"q".json',
    'back\\slash',
    '`id`',
    '~',
    'new\nline',
    '#x',
  ]) {
    const words = replayFileCommand(path).replace('bin/engram-sim', "printf '%s|'");
    assert.is(spawnSync('sh', ['-c', words], { encoding: 'utf8' }).stdout, `replay|${path}|`);
  }
  assert.is(replayFileCommand('a/b-1.json'), 'bin/engram-sim replay a/b-1.json');
  assert.is(replayFileCommand('-x.json'), 'bin/engram-sim replay ./-x.json');
});

cli('numbers are checked', () => {
  const base = ['--scenario', 'asymmetric'];
  for (const seed of ['-1', '1.5', 'x', '9007199254740992', '']) refused('--seed', seed, ...base);
  readCommandLine(['--seed', '9007199254740991', ...base]);
  assert.match(refused('--seed', '1', ...base, '--nodes', '2').message, 'needs at least 3 nodes');
  refused('--seed', '1', ...base, '--nodes', '0');
  refused('--seed', '1', ...base, '--duration', '0');
  assert.match(refused('--seed', '1').message, '--scenario is missing');
  assert.match(refused(...base).message, '--seed is missing');
  assert.match(refused('lsit').hint, 'list');
});

cli('replay runs the plan of a seed file, on another machine too', () => {
  const first = run('--seed', '3', '--scenario', 'clean-split', '--duration', '4', '--json');
  const { traceHash, seedFile: written } = JSON.parse(first.stdout);
  // Four seconds leave too few acknowledgements on some seeds: such runs are unknown, and write a seed file.
  if (written === null) return;
  const { status, stdout } = run('replay', written, '--json');
  const replayed = JSON.parse(stdout);
  assert.is(status, first.status);
  assert.is(replayed.traceHash, traceHash);
  assert.ok(replayed.traceMatches);
  assert.ok(replayed.commitMatches);
});

/** In one second the disk errors meet nothing to spoil: unknown, so that a seed file is due. */
const failing = ['--seed', '1', '--scenario', 'disk-faults', '--duration', '1', '--no-control-log', '--json'];

cli('a verdict is told even where no seed file can be written', () => {
  const file = join(folder, 'no-directory');
  writeFileSync(file, '');
  for (const out of [file, join(file, 'deeper')]) {
    const { status, stdout, stderr } = run(...failing, '--out', out);
    const report = JSON.parse(stdout);
    assert.is.not(report.verdict, 'ok');
    assert.is(report.seedFile, null);
    assert.is(status, report.verdict === 'violation' ? 1 : 3);
    assert.match(stderr, /the seed file was not written: the directory .* cannot be made: (EEXIST|ENOTDIR)/);
  }
});

cli('a trace that ends early takes no verdict with it, and one that cannot begin is exit 4', () => {
  if (existsSync('/dev/full')) {
    const { status, stdout, stderr } = run(...failing, '--out', folder, '--trace', '/dev/full');
    assert.is(JSON.parse(stdout).seedFile, join(folder, 'disk-faults-1.json'));
    assert.ok(status === 1 || status === 3, `exit ${status}`);
    assert.match(stderr, /the trace file \/dev\/full is incomplete: ENOSPC/);
  }
  const { status, stdout } = run(...failing, '--trace', join(folder, 'nowhere', 'trace'));
  assert.is(status, 4);
  const { error, hint, ...rest } = JSON.parse(stdout);
  assert.match(error, 'cannot be written: ENOENT');
  assert.type(hint, 'string');
  assert.equal(rest, {});
});

cli.run();

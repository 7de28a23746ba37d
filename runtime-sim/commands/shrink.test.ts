/** The shrink command, as scripts see it: on a planted bug, interrupted, and where there is nothing to shrink. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { builtScenario } from '../option-values.js';
import { planOf } from '../run-seed.js';
import { writeSeedFile } from '../seed-file.js';

const shrink = suite('engram-sim shrink');
const folder = mkdtempSync(join(tmpdir(), 'engram-shrink-'));
const program = fileURLToPath(new URL('../../bin/engram-sim', import.meta.url));

shrink.after(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', cwd: folder });
}

/** The seed file of a run with a planted bug that shows within eight seconds. */
function failing(): string {
  const found = run('--seed', '1', '--scenario', 'clean-split', '--plant', 'drop-tombstone', '--duration', '8', '--json');
  const { verdict, seedFile } = JSON.parse(found.stdout);
  assert.is(verdict, 'violation', found.stderr);
  return join(folder, seedFile);
}

shrink('a planted bug is left with a few operations, in a seed file that replays', () => {
  const file = failing();
  const { status, stdout, stderr } = run('shrink', file, '--json');
  assert.is(status, 1, stderr);
  assert.is(stdout.split('\n').length, 2, 'one line');
  const report = JSON.parse(stdout);
  const { before, after, ended } = report.shrunk;
  assert.is(ended, 'minimal');
  assert.is(before.operations, JSON.parse(readFileSync(file, 'utf8')).plan.operations.length);
  assert.ok(after.operations <= 4 && after.faults <= 1, JSON.stringify(after));
  assert.match(report.reason, /^loss: /);
  assert.match(stderr, new RegExp(`tries, \\d+ of ${before.faults} faults, \\d+ of ${before.operations} operations`));
  const shrunk = file.replace('.json', '.shrunk.json');
  assert.is(report.seedFile, shrunk);
  assert.is(report.replay, `bin/engram-sim replay ${shrunk}`);

  assert.match(report.chain[0], /^loss: /);
  assert.ok(report.chain.some((line: string) => line.startsWith('in the end, ')));

  const again = run('replay', shrunk, '--explain', '--json');
  assert.is(again.status, 1);
  const { traceMatches, commitMatches, traceHash, reason, chain } = JSON.parse(again.stdout);
  assert.equal(chain, report.chain);
  assert.ok(traceMatches && commitMatches);
  assert.is(traceHash, report.traceHash);
  assert.is(reason, report.reason);
});

shrink('an interrupt keeps the smallest plan so far', async () => {
  const file = failing();
  const shrunk = file.replace('.json', '.shrunk.json');
  rmSync(shrunk, { force: true });
  const working = spawn(program, ['shrink', file, '--json', '--jobs', '1'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  working.stdout.on('data', (text) => {
    stdout += text;
  });
  let stderr = '';
  working.stderr.on('data', (text) => {
    stderr += text;
  });
  working.stderr.once('data', () => working.kill('SIGINT'));
  const status = await new Promise((resolve) => working.on('close', resolve));
  assert.is(status, 1);
  const report = JSON.parse(stdout);
  assert.is(report.shrunk.ended, 'interrupted');
  assert.match(stderr, 'shrink: cut short (interrupted)');
  assert.is(report.seedFile, shrunk);
  assert.ok(existsSync(shrunk));
});

shrink('a run that breaks no promise is not shrunk', () => {
  const scenario = builtScenario('crash-restart');
  const plan = { ...planOf({ scenario, seed: 1, durationMs: 4_000 }), faults: [], families: [] };
  const path = writeSeedFile(
    {
      seed: 1,
      scenario: 'crash-restart',
      options: { nodes: 5, durationMs: 4_000, plant: null },
      commit: 'none',
      plan,
      traceHash: '0'.repeat(16),
      verdicts: {},
    },
    join(folder, 'well'),
  );
  const { status, stdout, stderr } = run('shrink', path, '--json');
  const report = JSON.parse(stdout);
  assert.is.not(report.verdict, 'violation');
  assert.is(status, report.verdict === 'ok' ? 0 : 3);
  assert.match(stderr, /breaks no promise/);
  assert.equal(readdirSync(join(folder, 'well')), ['crash-restart-1.json']);
});

shrink('what is no seed file is refused', () => {
  const path = join(folder, 'none.json');
  writeFileSync(path, '{"format":1}');
  const { status, stdout } = run('shrink', path, '--json');
  assert.is(status, 2);
  assert.match(JSON.parse(stdout).error, 'it lacks seed');
  assert.is(run('shrink', path, '--seconds', '0').status, 2);
});

shrink.run();

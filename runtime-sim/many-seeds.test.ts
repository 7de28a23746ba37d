/** Many seeds over worker processes: one line that sums them up, and the first failure's replay. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const manySeeds = suite('many seeds');
const folder = mkdtempSync(join(tmpdir(), 'many-seeds-'));
const entry = fileURLToPath(new URL('./many-seeds.ts', import.meta.url));

manySeeds.after(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, ['--import', 'tsx', entry, ...args, '--out', folder], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
}

manySeeds('every run is counted once, and judged', () => {
  const { status, stdout, stderr } = run(
    '--seeds',
    '1..2',
    '--scenario',
    'clean-split',
    '--scenario',
    'asymmetric',
    '--duration',
    '3',
    '--check-determinism',
  );
  const summary = JSON.parse(stdout);
  assert.is(summary.runs, 4, stderr);
  assert.is(summary.ok + summary.violations + summary.notConverged + summary.unknown, 4);
  assert.is(summary.notDeterministic, 0);
  assert.is(status === 0, summary.ok === 4);
  assert.is(summary.replay === null, summary.failures.length === 0);
});

manySeeds('a range that is none is refused', () => {
  assert.is(run('--seeds', '5..1').status, 2);
});

manySeeds.run();

/**
 * Law 1, seen failing: the same fixture, laid into a small copy of the repository as if it stood in core, is refused by the compiler, by the
 * linter and by the import rules, each for its own part. Without this a setting could stop working and every check would stay green.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './source-files.js';

const lawOne = suite('law 1: core cannot reach the world');
const copy = mkdtempSync(join(tmpdir(), 'engram-law-one-'));

lawOne.before(() => {
  mkdirSync(join(copy, 'tools'), { recursive: true });
  for (const path of ['tsconfig.json', 'package.json', 'biome.json', '.dependency-cruiser.cjs', 'core/tsconfig.json', 'tools/lint']) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  cpSync(join(root, 'tools/fixtures/core-reaches-for-the-world.ts'), join(copy, 'core/reaches.ts'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});

lawOne.after(() => rmSync(copy, { recursive: true, force: true }));

function run(...command: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: copy, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

lawOne('the compiler knows neither process nor timers nor Node, with every allowed package loaded', () => {
  const { status, output } = run(join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', 'core');
  assert.is.not(status, 0);
  for (const name of ['process', 'setTimeout', 'node:fs']) assert.match(output, `Cannot find name '${name}'`);
  assert.is(output.match(/error TS/g)?.length, 3, output);
});

lawOne('the linter refuses the clock, chance, timers, the environment and Node', () => {
  const { status, output } = run(
    join(root, 'node_modules/@biomejs/biome/bin/biome'),
    'lint',
    '--vcs-enabled=false',
    '--reporter=github',
    'core',
  );
  assert.is.not(status, 0);
  for (const name of ['Date', 'process', 'setTimeout']) assert.match(output, `global variable ${name}.`);
  assert.match(output, 'noRestrictedImports');
  assert.match(output, 'draw from a named random stream');
});

lawOne('the import rules refuse Node and let the allowed packages pass', () => {
  const { status, output } = run('--import', 'tsx', join(root, 'tools/check-boundaries.ts'), copy);
  assert.is(status, 1);
  assert.match(output, 'core-stands-on: core/reaches.ts -> fs');
  assert.match(output, '3 imports, 1 violations, 0 unseen');
});

lawOne.run();

/** Planted bugs are applied to the TypeScript as it is loaded, once, or not at all. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PlantedBug, plantedBugs } from '../checker/planted-bugs/catalogue.js';
import { scenarioNames } from '../scenarios/scenario.js';
import { SetupError, UsageError } from './exit-codes.js';
import { plantedBugOf, plantingArguments } from './planted-source.js';

const planted = suite('planted source');
const module = 'runtime-sim/fixtures/planted-subject.ts';
const bug: PlantedBug = {
  name: 'break-the-promise',
  scenario: 'crash-restart',
  seedsNeeded: 1,
  pending: false,
  module,
  find: "kept ? 'kept' : 'broken'",
  replace: "kept ? 'broken' : 'kept'",
  whatItBreaks: 'nothing: a fixture',
};

function said(nodeArguments: readonly string[]): { readonly stdout: string; readonly stderr: string } {
  const subject = new URL('./fixtures/planted-subject.ts', import.meta.url).href;
  const script = `import { promise } from ${JSON.stringify(subject)}; process.stdout.write(promise(true));`;
  return spawnSync(process.execPath, [...nodeArguments, '--import', 'tsx', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
}

planted('the source is rewritten while it is loaded, and only there', () => {
  assert.is(said([]).stdout, 'kept');
  const { stdout, stderr } = said(plantingArguments(bug));
  assert.is(stdout, 'broken', stderr);
});

planted('a text that does not occur, or occurs twice, is a failed set-up', () => {
  assert.throws(
    () => plantingArguments({ ...bug, find: 'no such text' }),
    (error: unknown) => error instanceof SetupError && /0 times/.test(error.message),
  );
  assert.throws(
    () => plantingArguments({ ...bug, find: 'said' }),
    (error: unknown) => error instanceof SetupError && /2 times/.test(error.message),
  );
  assert.throws(
    () => plantingArguments({ ...bug, module: 'core/no-such-module.ts' }),
    (error: unknown) => error instanceof SetupError,
  );
});

planted('the loader refuses as well, should the source change between the check and the load', () => {
  const stale = plantingArguments(bug).map((argument) => argument.replace('kept%20%3F', 'gone%20%3F'));
  const { stdout, stderr } = said(stale);
  assert.is(stdout, '');
  assert.match(stderr, /occurs 0 times/);
});

planted('an unknown name is a usage error', () => {
  assert.throws(
    () => plantedBugOf('no-such-bug'),
    (error: unknown) => error instanceof UsageError,
  );
});

planted('every planted bug names a scenario and fits the source as it is', () => {
  assert.is(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
  for (const known of plantedBugs) {
    assert.ok((scenarioNames as readonly string[]).includes(known.scenario), known.scenario);
    if (!known.pending) assert.ok(plantingArguments(known).length > 0);
  }
});

planted.run();

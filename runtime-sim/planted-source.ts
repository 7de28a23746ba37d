/**
 * Planted bugs, applied from outside: a fresh process whose module loader rewrites one place of one source. The core carries no switch for them, and a
 * place that no longer matches exactly once is a failed set-up, never a clean run.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type PlantedBug, plantedBugs } from '../checker/planted-bugs/catalogue.js';
import { suggestion } from '../core/nearest-names.js';
import { SetupError, UsageError } from './exit-codes.js';

/** Set in a process whose loader has the hook: the name of the bug. */
export const plantVariable = 'ENGRAM_SIM_PLANTED';

const root = new URL('..', import.meta.url);

export function plantedBugOf(name: string): PlantedBug {
  const bug = plantedBugs.find((known) => known.name === name);
  if (bug === undefined) {
    const names = plantedBugs.map((known) => known.name);
    throw new UsageError(`there is no planted bug ${JSON.stringify(name)}`, suggestion(name, names));
  }
  if (bug.pending) throw new UsageError(`pending: the planted bug ${name} has no place to bite yet`, 'engram-sim list says which have');
  return bug;
}

/** Arguments for node, before all others, that make a process run with the bug. Throws SetupError when its place does not match exactly once. */
export function plantingArguments(bug: PlantedBug, base: URL = root): string[] {
  const url = new URL(bug.module, base);
  const found = occurrences(url, bug);
  if (found !== 1) {
    throw new SetupError(
      `the planted bug ${bug.name} no longer fits: its text occurs ${found} times in ${bug.module}, not once`,
      'adjust its definition in checker/planted-bugs to the source as it is now',
    );
  }
  const data = { name: bug.name, url: url.href, find: bug.find, replace: bug.replace };
  const hook = pathToFileURL(fileURLToPath(new URL('planted-source-hook.mjs', import.meta.url))).href;
  const script = `import { register } from 'node:module'; register(${JSON.stringify(hook)}, { data: ${JSON.stringify(data)} });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`];
}

function occurrences(url: URL, bug: PlantedBug): number {
  try {
    return readFileSync(url, 'utf8').split(bug.find).length - 1;
  } catch (error) {
    throw new SetupError(`the planted bug ${bug.name} names a module that cannot be read: ${bug.module}`, String(error));
  }
}

/** engram-sim trace, as a shell sees it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const trace = suite<{ folder: string; file: string }>('engram-sim trace');
const program = fileURLToPath(new URL('../../bin/engram-sim', import.meta.url));

function run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
}

trace.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'engram-trace-'));
  context.file = join(context.folder, 'run.jsonl');
  const { status, stdout } = run('--seed', '4', '--scenario', 'clean-split', '--duration', '3', '--json', '--trace', context.file);
  assert.ok(status !== 2 && status !== 4, stdout);
});

trace.after(({ folder }) => rmSync(folder, { recursive: true }));

trace('tells the run in sentences on standard output', ({ file }) => {
  const { status, stdout } = run('trace', file, '--detail', 'brief', '--until', '-1');
  assert.is(status, 0);
  assert.match(stdout, /^clean-split, seed 4: n1 n2 n3 n4 n5/);
  assert.match(stdout, /^ +-\d+\.\d {2}n\d {5}starts$/m);
});

trace('--json prints one object on one line', ({ file }) => {
  const { status, stdout } = run('trace', file, '--node', 'n2', '--json');
  assert.is(status, 0);
  assert.is(stdout.split('\n').length, 2);
  const told = JSON.parse(stdout);
  assert.equal(Object.keys(told), ['trace', 'scenario', 'seed', 'events', 'as', 'to', 'lines']);
  assert.equal(Object.keys(told.lines[0]), ['event', 'ms', 'at', 'text']);
});

trace('--to writes a file, and says nothing', ({ folder, file }) => {
  for (const [form, begin] of [
    ['html', '<!doctype html>'],
    ['svg', '<svg '],
    ['shiviz', '-'],
  ]) {
    const to = join(folder, `run.${form}`);
    assert.equal(run('trace', file, '--as', form, '--to', to).stdout, '');
    assert.ok(readFileSync(to, 'utf8').startsWith(begin), form);
  }
});

trace('what the run does not have, and what is no trace, is refused', ({ folder, file }) => {
  const refused = (pattern: RegExp, ...args: string[]): void => {
    const { status, stdout } = run('trace', ...args, '--json');
    assert.is(status, 2);
    assert.match(JSON.parse(stdout).error, pattern);
  };
  refused(/no space "mars"/, file, '--space', 'mars');
  refused(/no node "n9"/, file, '--node', 'n9');
  refused(/--from 5 is not before --until 5/, file, '--from', '5', '--until', '5');
  refused(/cannot be read: ENOENT/, join(folder, 'none'));
  refused(/line 1 of .* is no JSON object/, fileURLToPath(new URL('../../package-lock.json', import.meta.url)), '--as', 'svg');
  refused(/--as/, file, '--as', 'png');
});

trace.run();

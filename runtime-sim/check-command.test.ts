import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const check = suite('engram-sim check');
const launcher = fileURLToPath(new URL('../bin/engram-sim', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'engram-check-'));
check.after(() => rmSync(folder, { recursive: true, force: true }));

const write = '{"process":0,"type":"invoke","f":"write","value":1}\n{"process":0,"type":"ok","f":"write","value":1}\n';
const read = (value: number): string => `{"process":1,"type":"invoke","f":"read"}\n{"process":1,"type":"ok","f":"read","value":${value}}\n`;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function run(...args: string[]): { status: number | null; lines: Record<string, unknown>[]; errors: string } {
  const { status, stdout, stderr } = spawnSync(launcher, ['check', ...args], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { status, lines: lines.map((line) => JSON.parse(line)), errors: stderr };
}

const good = file('good.jsonl', write + read(1));
const bad = file('bad.jsonl', (write + read(2)).replaceAll('\n', '\r\n'));
const empty = file('empty.jsonl', '');

check('prints a line for each file in order, and exits with the worst', () => {
  const { status, lines, errors } = run(good, bad, empty, '--model', 'register');
  assert.is(status, 1);
  assert.is(errors, '');
  assert.equal(
    lines.map(({ file, verdict }) => [file, verdict]),
    [
      [good, 'ok'],
      [bad, 'violation'],
      [empty, 'unknown'],
    ],
  );
  assert.is(run(good, '--model', 'register').status, 0);
  assert.is(run(good, empty, '--model', 'register').status, 3);
});

check('a malformed file is told with its error, and the others are judged', () => {
  const binary = file('binary', Uint8Array.of(0, 255, 254, 10, 128));
  const orphan = file('orphan.jsonl', read(1).split('\n')[1] as string);
  const edn = file('history.edn', '[{:process 0 :type :invoke :f :read}\n {:process 0 :type :ok :f :read :value nil}]');
  const array = file('array.json', '[{"process":0}]');
  const { status, lines } = run(bad, binary, orphan, edn, array, folder, join(folder, 'none'), '--model', 'register');
  assert.is(status, 2);
  assert.equal(
    lines.map(({ error, verdict }) => verdict ?? error),
    [
      'violation',
      'line 1: it is no UTF-8 text',
      'line 1: process 1 ends an operation (read) that it never began',
      'ok',
      'line 1: it is one JSON array: write its events one object to a line',
      'it is a directory',
      'there is no such file (ENOENT)',
    ],
  );
  assert.equal(Object.keys(lines[1] ?? {}), ['file', 'error']);
});

check('a line without an end is refused', () => {
  const { status, lines } = run('/dev/zero', '--model', 'register');
  assert.is(status, 2);
  assert.match(lines[0]?.error as string, /line 1: the line has more than 64 MiB/);
});

check('usage errors are one line of JSON as well', () => {
  for (const [args, hint] of [
    [[good], 'register, cas-register, mutex, set'],
    [[good, '--model', 'registr'], 'did you mean register?'],
    [['--model', 'register'], 'check --help'],
    [[good, '--model', 'register', '--initial', '{'], 'check --help'],
    [[good, '--model', 'set', '--initial', '3'], 'list of elements'],
  ] as const) {
    const { status, lines } = run(...args);
    assert.is(status, 2);
    assert.is(lines.length, 1);
    assert.ok(String(lines[0]?.hint).includes(hint), JSON.stringify(lines[0]));
  }
});

check.run();

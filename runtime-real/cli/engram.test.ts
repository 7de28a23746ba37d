/** The command line as scripts and people meet it: a process, its two outputs and its exit code. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngram } from '../client/open.js';
import { type Ran, runCommand, startCommand } from '../test-support/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'engram-cli-'));

function engram(words: readonly string[], options: { input?: string; dataDir?: string; env?: Record<string, string> } = {}): Ran {
  return runCommand(words, { ...options, env: { ENGRAM_DATA_DIR: options.dataDir ?? join(folder, 'data'), ...options.env } });
}

const cli = suite('engram command line');
cli.after(() => rmSync(folder, { recursive: true, force: true }));

cli('help shows every command with examples and exit codes', () => {
  const { code, out } = engram(['--help']);
  assert.is(code, 0);
  for (const word of ['demo', 'import', 'remember', 'recall', 'get', 'forget', 'status', 'Examples', 'Exit codes', 'ENGRAM_DATA_DIR'])
    assert.match(out, word);
});

cli('remember, recall, get, forget, status', () => {
  assert.is(
    engram(['remember', 'Lena prefers green tea', '--id', 'tea', '--who', 'lena', '--tag', 'taste', '--confidence', '0.8']).code,
    0,
  );
  assert.is(engram(['remember', '-', '--id', 'rain'], { input: 'Rain on Sunday\n' }).code, 0);
  const recalled = engram(['recall', 'what', 'tea', 'does', 'Lena', 'like', '--limit', '1']);
  assert.match(recalled.out, 'Lena prefers green tea');
  assert.match(recalled.out, '80.0 %');
  assert.not.match(recalled.out, 'Rain');
  const got = engram(['get', 'tea', '--json']).lines();
  assert.is(got.length, 1);
  assert.is(got[0].text, 'Lena prefers green tea');
  assert.is(got[0].confidence.adjusted, 0.8);
  assert.equal(got[0].tags, ['taste']);
  assert.match(engram(['get', 'rain']).out, /Rain on Sunday\n$/);
  assert.is(engram(['forget', 'rain']).code, 0);
  const missing = engram(['get', 'rain']);
  assert.is(missing.code, 1);
  assert.match(missing.err, 'NOT_FOUND');
  assert.is(missing.out, '');
  const [status] = engram(['--json', 'status']).lines();
  assert.is(status.spaces[0].memories, 1);
  assert.is(status.spaces[0].tombstones, 1);
});

cli('with --json errors are one object on standard output, and nothing is on standard error', () => {
  const failed = engram(['--json', 'remember', '']);
  assert.is(failed.code, 1);
  const [{ error }] = failed.lines();
  assert.is(error.code, 'INVALID_ARGUMENT');
  assert.is(error.field, 'episode.text');
  assert.ok(error.message.length > 10 && error.hint.length > 10);
  const wrong = engram(['recall', '--limit', 'many', '--json']);
  assert.is(wrong.code, 2);
  assert.match(wrong.lines()[0].error.message, '--limit');
  assert.is(failed.err + wrong.err, '');
});

cli('a mistyped command or option is a usage error with the nearest name', () => {
  const command = engram(['remembre', 'x']);
  assert.is(command.code, 2);
  assert.match(command.err, 'remember');
  const option = engram(['recall', 'x', '--limt', '3']);
  assert.is(option.code, 2);
  assert.match(option.err, '--limit');
  assert.is(engram([]).code, 2);
});

cli('values that no option can have are usage errors that name it, before anything is opened', () => {
  const dataDir = join(folder, 'unopened');
  const wrong = [
    ['remember', 'x', '--confidence', '2'],
    ['remember', 'x', '--confidence', '-0.1'],
    ['remember', 'x', '--confidence', ''],
    ['remember', 'x', '--id', ''],
    ['remember', 'x', '--at', 'soon'],
    ['recall', 'x', '--limit', '0'],
    ['recall', 'x', '--limit', '1001'],
    ['recall', 'x', '--confidence-min', '1.5'],
    ['recall', 'x', '--from', '2026-05-02', '--until', '2026-05-01'],
    ['remember', 'x', '--ack', 'some'],
    ['import', '-', '--batch', '0'],
    ['import', '-', '--ack', '2'],
    ['status', '--space', 'ab'],
    ['status', '--server', 'localhost'],
    ['status', '--server', 'localhost:1,localhost:x'],
    ['status', '--server', 'localhost:1', '--data-dir', dataDir],
  ];
  for (const words of wrong) {
    const ran = engram(words, { dataDir });
    assert.is(ran.code, 2, `${words.join(' ')}: ${ran.err}`);
    assert.match(ran.err, words.findLast((word) => word.startsWith('--')) as string);
    if (words.includes('--ack')) assert.match(ran.err, 'local, one, quorum, all');
    assert.is(ran.out, '');
  }
  assert.not.ok(existsSync(dataDir));
});

cli('embedded, there is no line on who answered, and every copy is the one there is', () => {
  const space = ['--space', 'alone'];
  const [{ answeredBy }] = engram(['remember', 'alone', '--id', 'alone', '--ack', 'all', '--json', ...space]).lines();
  assert.is(answeredBy.role, 'primary');
  assert.is(answeredBy.sessionSatisfied, true);
  const imported = engram(['import', '-', '--ack', 'quorum', ...space], { input: '{"text": "imported"}' });
  assert.match(imported.out, '1 episode remembered');
  for (const words of [
    ['get', 'alone'],
    ['forget', 'alone'],
  ]) {
    const ran = engram([...words, ...space]);
    assert.is(ran.code, 0, ran.err);
    assert.not.match(ran.out + ran.err, 'answered by');
  }
});

cli('where no node listens: says so, and how to start one', () => {
  const ran = engram(['--server', '127.0.0.1:1', 'recall', 'x']);
  assert.is(ran.code, 1);
  assert.match(ran.err, 'nothing listens at 127.0.0.1:1');
  assert.match(ran.err, 'engram-node');
  const [{ error }] = engram(['status', '--json'], { env: { ENGRAM_SERVER: '127.0.0.1:1,127.0.0.1:2' } }).lines();
  assert.is(error.code, 'UNAVAILABLE');
  for (const server of ['127.0.0.1:1', '127.0.0.1:2']) assert.match(error.message, server);
});

cli('import takes what it can, names the lines that it cannot, and exits 1', () => {
  const lines = [
    '{"id": "a", "text": "one", "occurredAt": "2026-05-01T12:00:00Z", "tags": ["x"]}',
    'not JSON',
    '',
    '{"id": "b", "text": "two", "confidence": 3}',
    '{"id": "c", "txet": "three"}',
    '[1]',
    '{"id": "d", "text": "four", "embedding": null}',
    '{"id": "e", "text": "five"}',
  ];
  const file = join(folder, 'lines.jsonl');
  writeFileSync(file, `\ufeff${lines.join('\r\n')}`);
  const ran = engram(['import', file, '--space', 'imported']);
  assert.is(ran.code, 1);
  for (const number of [2, 4, 5, 6, 7]) assert.match(ran.err, `line ${number} `);
  assert.match(ran.err, 'episode.confidence');
  assert.match(ran.out, '2 episodes remembered');
  assert.match(ran.out, '5 lines refused');
  const again = engram(['import', '-', '--space', 'imported', '--json'], { input: lines.join('\n') });
  const found = again.lines();
  assert.equal(
    found
      .slice(0, -1)
      .map(({ line }) => line)
      .sort(),
    [2, 4, 5, 6, 7],
  );
  assert.match(found.find(({ line }) => line === 5).error.hint, 'text');
  const { written, duplicates, refused } = found.at(-1);
  assert.equal([written, duplicates, refused], [0, 2, 5]);
});

cli('an import without a fault exits 0, and with --acknowledged says what is durable', () => {
  const input = Array.from({ length: 300 }, (_, at) => JSON.stringify({ id: `i${at}`, text: `event ${at}` })).join('\n');
  const ran = engram(['import', '-', '--space', 'acknowledged', '--acknowledged'], { input });
  assert.is(ran.code, 0, ran.err);
  assert.equal(
    ran.out.split('\n').slice(0, 300),
    Array.from({ length: 300 }, (_, at) => `i${at}`),
  );
});

cli('an interrupted import says how many episodes are stored durably', async () => {
  const dataDir = join(folder, 'interrupted');
  const input = join(folder, 'interrupted.jsonl');
  writeFileSync(
    input,
    Array.from({ length: 200_000 }, (_, at) => JSON.stringify({ id: `i${at}`, text: `event ${at}`, embed: false })).join('\n'),
  );
  const running = startCommand(['import', input, '--acknowledged', '--batch', '100', '--json', '--data-dir', dataDir]);
  await running.says('{"acknowledged":"i');
  running.process.kill('SIGINT');
  assert.is(await running.ended, 'SIGINT');
  const lines = running.said().trimEnd().split('\n');
  const { interrupted, written } = JSON.parse(lines.at(-1) as string);
  assert.is(interrupted, true);
  assert.is(written, lines.length - 1);
  const engram = await openEngram({ dataDir });
  const { spaces } = await engram.status();
  await engram.close();
  assert.ok((spaces[0]?.memories ?? 0) >= written);
});

cli('bytes that are not UTF-8 and lines without end are refused, not guessed at', () => {
  const file = join(folder, 'bytes.jsonl');
  writeFileSync(
    file,
    Buffer.concat([Buffer.from('{"text": "\xff"}\n', 'latin1'), Buffer.alloc(9 * 2 ** 20, 'x'), Buffer.from('\n{"text": "good"}\n')]),
  );
  const found = engram(['import', file, '--space', 'bytes', '--json']).lines();
  assert.equal(
    found.map(({ line }) => line),
    [1, 2, undefined],
  );
  assert.is(found[2].written, 1);
});

cli('import refuses half surrogate pairs and episodes without text and embedding; nothing that was not is called synced', () => {
  const lines = ['{"id": "\\ud800", "text": "one"}', '{"id": "a", "text": "\\udc00"}', '{"id": "b"}', '{"id": "c", "text": ""}'];
  const ran = engram(['import', '-', '--space', 'halves'], { input: lines.join('\n') });
  assert.is(ran.code, 1);
  for (const [at, field] of ['id', 'text', 'text', 'text'].entries())
    assert.match(ran.err, new RegExp(`line ${at + 1} INVALID_ARGUMENT \\(episode\\.${field}\\)`));
  assert.match(ran.out, '0 episodes remembered');
  assert.not.match(ran.out, 'synced');
  assert.match(engram(['help', 'recall']).out, 'stored confidence');
});

cli('help follows commands within commands, and names those near to one that is none', () => {
  assert.match(engram(['help', 'cluster', 'init']).out, /^Usage: engram cluster init /);
  assert.match(engram(['help', 'cluster']).out, /^Usage: engram cluster \[/);
  assert.match(engram(['help']).out, /^Usage: engram \[/);
  const wrong = engram(['help', 'cluster', 'inti']);
  assert.is(wrong.code, 2);
  assert.match(wrong.err, 'there is no command "cluster inti": did you mean init?');
});

cli('a missing file and a locked directory are errors that say what to do', async () => {
  const missing = engram(['import', join(folder, 'no-such-file')]);
  assert.is(missing.code, 1);
  assert.match(missing.err, 'no-such-file');
  const dataDir = join(folder, 'locked');
  const holder = await openEngram({ dataDir });
  const locked = engram(['status', '--json'], { dataDir });
  assert.is(locked.code, 1);
  assert.is(locked.lines()[0].error.code, 'DATA_DIRECTORY_LOCKED');
  assert.match(locked.lines()[0].error.message, dataDir);
  assert.match(locked.lines()[0].error.message, String(process.pid));
  await holder.close();
});

cli('what asks for something there makes no data directory by mistake', () => {
  const dataDir = join(folder, 'nowhere');
  for (const words of [['recall', 'x'], ['get', 'x'], ['forget', 'x'], ['status']]) {
    const ran = engram(words, { dataDir });
    assert.is(ran.code, 1);
    assert.match(ran.err, 'there is no data directory');
  }
  assert.not.ok(existsSync(dataDir));
});

cli('logs are on standard error, and only when asked for', () => {
  const ran = engram(['status', '--json', '--log-level', 'info']);
  assert.is(ran.lines().length, 1);
  assert.match(ran.err, 'node.started');
  assert.is(engram(['status', '--json']).err, '');
});

cli('what a memory holds cannot steer the terminal', () => {
  engram(['remember', 'red \u001b[31malert\u0007', '--id', 'escape', '--no-embed']);
  assert.not.match(engram(['get', 'escape']).out, '\u001b');
  assert.not.match(engram(['recall']).out, '\u001b');
});

cli.run();

/** The command line as scripts and people meet it: a process, its two outputs and its exit code. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngram } from '../client/open.js';
import { lockDirectory } from '../disk/directory-lock.js';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON lines. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever was printed; the assertions say what it must be.
  readonly lines: () => any[];
}

const program = fileURLToPath(new URL('../engram.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'engram-cli-'));

function engram(words: readonly string[], options: { input?: string; dataDir?: string; env?: Record<string, string> } = {}): Ran {
  const env = { ...process.env, NO_COLOR: '1', ENGRAM_DATA_DIR: options.dataDir ?? join(folder, 'data'), ...options.env };
  const ran = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), program, ...words], {
    encoding: 'utf8',
    env,
    input: options.input ?? '',
  });
  const lines: Ran['lines'] = () =>
    ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { code: ran.status, out: ran.stdout, err: ran.stderr, lines };
}

/** What of ours is left in a directory for temporary files: the loader keeps a cache there. */
function leftIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('engram'));
}

/** A process that has ended and that nobody has asked about is not running any more. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
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
    ['import', '-', '--batch', '0'],
    ['status', '--space', 'ab'],
    ['status', '--server', 'localhost'],
    ['status', '--server', 'localhost:1,localhost:x'],
    ['status', '--server', 'localhost:1', '--data-dir', dataDir],
  ];
  for (const words of wrong) {
    const ran = engram(words, { dataDir });
    assert.is(ran.code, 2, `${words.join(' ')}: ${ran.err}`);
    assert.match(ran.err, words.findLast((word) => word.startsWith('--')) as string);
    assert.is(ran.out, '');
  }
  assert.not.ok(existsSync(dataDir));
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

cli('the demo of embedded mode shows answers, kills a process, and finds every acknowledged passage', () => {
  const [demo] = engram(['demo', '--nodes', '1', '--json']).lines();
  assert.ok(demo.ok);
  assert.is(demo.imported['passages-minilm'].written, 777);
  assert.is(demo.imported['passages-words'].written, 778);
  assert.ok(demo.answers.length >= 4);
  assert.match(demo.answers.at(-1).memories[0].title, 'RichTextEditor');
  assert.ok(demo.crash.acknowledged >= 200 && demo.crash.acknowledged < 778);
  assert.is(demo.crash.present, demo.crash.acknowledged);
  assert.ok(demo.crash.otherSpacesIntact);
});

cli('the demo of a cluster: a primary dies, writes go on at another, and every copy ends with every acknowledged passage', () => {
  const temporary = mkdtempSync(join(folder, 'demo-'));
  const ran = engram(['demo', '--json'], { env: { TMPDIR: temporary } });
  assert.is(ran.code, 0, ran.err);
  const [demo] = ran.lines();
  assert.ok(demo.ok);
  assert.is(demo.nodes, 3);
  assert.is(demo.imported.passages.written + demo.failover.acknowledged, 778);
  assert.is(demo.imported['passages-minilm'].written, 777);
  assert.ok(demo.answers.length >= 4);
  assert.match(demo.answers.at(-1).memories[0].title, 'RichTextEditor');
  assert.is.not(demo.failover.newPrimary, demo.failover.killed);
  assert.is(demo.failover.failedWrites, 0);
  assert.ok(demo.failover.recalls.answered > 0);
  for (const copies of Object.values(demo.restart.copies) as { digest: string }[][])
    assert.is(new Set(copies.map(({ digest }) => digest)).size, 1);
  assert.is(demo.restart.checked, 778 + 777);
  assert.is(demo.restart.lost, 0);
  assert.equal(leftIn(temporary), []);
});

for (const moment of ['Engram', 'all three serve']) {
  cli(`the demo interrupted after it said "${moment}" leaves neither processes nor files`, async () => {
    const temporary = mkdtempSync(join(folder, 'demo-'));
    const env = { ...process.env, NO_COLOR: '1', TMPDIR: temporary };
    const demo = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, 'demo'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise((resolve) => demo.once('exit', resolve));
    let [said, complaint] = ['', ''];
    demo.stderr.on('data', (text) => {
      complaint += text;
    });
    const saidIt = new Promise<string>((resolve) => {
      demo.stdout.on('data', (text) => {
        said += text;
        if (said.includes(moment)) resolve('said it');
      });
    });
    // One that ends before would be waited for in vain.
    assert.is(await Promise.race([saidIt, ended]), 'said it', complaint);
    demo.kill('SIGINT');
    assert.is(await ended, 130);
    assert.equal(leftIn(temporary), []);
    const pids = [...said.matchAll(/n\d +│ 127\.0\.0\.1:\d+ +│ +(\d+)/g)].map(([, pid]) => Number(pid));
    assert.is(pids.length, moment === 'Engram' ? 0 : 3);
    for (const pid of pids) while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
  });
}

cli('what a demo killed with SIGKILL left is removed by the next one; what is in use, or cannot be told, is not', async () => {
  const temporary = mkdtempSync(join(folder, 'demo-'));
  const env = { ...process.env, NO_COLOR: '1', TMPDIR: temporary };
  const killed = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, 'demo'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => killed.once('exit', resolve));
  let said = '';
  await new Promise<void>((resolve) => {
    killed.stdout.on('data', (text) => {
      said += text;
      if (said.includes('all three serve')) resolve();
    });
  });
  killed.kill('SIGKILL');
  await ended;
  const [remains] = leftIn(temporary);
  assert.ok(remains.startsWith('engram-demo-'));
  for (const [, pid] of said.matchAll(/n\d +│ 127\.0\.0\.1:\d+ +│ +(\d+)/g)) {
    while (isRunning(Number(pid))) await new Promise((resolve) => setImmediate(resolve));
  }
  const inUse = join(temporary, 'engram-demo-in-use');
  const { release } = await lockDirectory(inUse);
  mkdirSync(join(temporary, 'engram-demo-without-a-lock'));
  const ran = engram(['demo', '--nodes', '1', '--json'], { env: { TMPDIR: temporary } });
  assert.is(ran.code, 0, ran.err);
  assert.equal(leftIn(temporary).sort(), ['engram-demo-in-use', 'engram-demo-without-a-lock']);
  release();
});

cli.run();

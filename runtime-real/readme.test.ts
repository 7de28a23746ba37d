/** What the README shows is what happens: its examples are run as they stand there, its links lead somewhere. */
import { execFile as execFileWithCallback, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isErrorCode } from '../core/errors.js';
import { freeMembers, freePorts, startNode } from './node-processes.js';

const execFile = promisify(execFileWithCallback);
const root = fileURLToPath(new URL('..', import.meta.url));
const pages = ['README.md', 'docs/embedded.md', 'docs/client.md'];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

const readme = suite('readme');

const examples = [...textOf('README.md').matchAll(/```ts\n(.*?)```/gs)].map(([, example]) => example as string);

/** Runs an example in a folder of its own, as an application that has the package installed; returns what it printed. */
async function printedBy(example: string, folder: string): Promise<string> {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'engram'));
  writeFileSync(join(folder, 'app.mts'), example);
  const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
  const ran = await execFile(process.execPath, [tsx, 'app.mts'], {
    cwd: folder,
    timeout: 30_000,
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  return ran.stdout;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'engram-readme-'));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

readme('its example of embedded mode runs', () =>
  inFolder(async (folder) => {
    const [example] = examples as [string];
    assert.ok(example.trim().split('\n').length <= 25);
    assert.match(await printedBy(example, folder), /^0\.\d\d 1 The nightly build broke/);
    assert.ok(existsSync(join(folder, 'memories')));
  }),
);

readme('its example of a client runs against a node', () =>
  inFolder(async (folder) => {
    const example = examples.find((each) => each.includes('connectEngram')) as string;
    const members = await freeMembers(3);
    const started = await Promise.all(members.map((member) => startNode({ name: member.split('=')[0] as string, members })));
    try {
      const [first, second] = started.map(({ address }) => address) as [string, string];
      const here = example.replace('localhost:50051', first).replace('localhost:50052', second);
      assert.match(await printedBy(here, folder), /^The release is on Thursday - answered by n\d primary/);
    } finally {
      await Promise.all(started.map((node) => node.stop()));
    }
  }),
);

readme('its five lines start a cluster that remembers', () =>
  inFolder(async (folder) => {
    const [, lines] = /```sh\n(members=.*?)```/s.exec(textOf('README.md')) as unknown as [string, string];
    assert.is(lines.trim().split('\n').length, 5);
    const ports = await freePorts(3);
    const here = lines.replaceAll('bin/', `${root}bin/`).replace(/5005([123])/g, (_, digit) => String(ports[Number(digit) - 1]));
    // A group of its own, so that all of it can be ended.
    const shell = spawn('sh', ['-c', here], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((resolve) => shell.stdout.once('close', resolve));
    try {
      const said = await new Promise<string>((resolve) => {
        let text = '';
        shell.stdout.on('data', (some) => {
          text += some;
          if (text.includes('\n')) resolve(text);
        });
        shell.stdout.once('close', () => resolve(text));
      });
      assert.match(said, 'remembered');
    } finally {
      process.kill(-(shell.pid as number), 'SIGTERM');
      await ended;
    }
  }),
);

readme('it says how to install, and calls the example by one name', () => {
  const text = textOf('README.md');
  for (const said of ['npm install PATH', 'npm i -D tsx', 'Save this as `app.mts`', 'npx tsx app.mts'])
    assert.ok(text.includes(said), said);
  assert.not.match(text, /app\.ts/);
});

readme('links lead to files that exist', () => {
  for (const page of pages) {
    const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link as string);
    for (const link of links) assert.ok(existsSync(join(root, dirname(page), link)), `${page} links to ${link}`);
  }
});

readme('every code that the pages name is one of ours', () => {
  for (const [, code] of pages
    .map(textOf)
    .join('\n')
    .matchAll(/`([A-Z]+_[A-Z_]+)`/g))
    assert.ok(isErrorCode(code as string), code);
});

readme.run();

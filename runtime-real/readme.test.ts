/** What the README shows is what happens: its example is run as it stands there, its links lead somewhere. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isErrorCode } from '../core/errors.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = ['README.md', 'docs/embedded.md'];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

const readme = suite('readme');

readme('its example runs in a folder of its own, as an application that has the package installed', () => {
  const example = /```ts\n(.*?)```/s.exec(textOf('README.md'))?.[1] as string;
  assert.ok(example.trim().split('\n').length <= 25);
  const folder = mkdtempSync(join(tmpdir(), 'engram-readme-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules', 'engram'));
    writeFileSync(join(folder, 'app.mts'), example);
    const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
    const printed = execFileSync(process.execPath, [tsx, 'app.mts'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    const [best] = printed.split('\n');
    assert.match(best as string, /^0\.\d\d 1 The nightly build broke/);
    assert.ok(existsSync(join(folder, 'memories')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

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

readme('every code the page on embedded mode names is one of ours', () => {
  for (const [, code] of textOf('docs/embedded.md').matchAll(/`([A-Z]+_[A-Z_]+)`/g)) assert.ok(isErrorCode(code as string), code);
});

readme.run();

/** Making folders: deep ones, ones that are there, and ones that nobody can make, which ends with their name and not never. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CampaignFolder } from './campaign/campaign-folder.js';
import type { CampaignOptions } from './campaign/campaign-options.js';
import { SetupError } from './exit-codes.js';
import { makeFolder } from './make-folder.js';

const folders = suite('making folders');
const base = mkdtempSync(join(tmpdir(), 'make-folder-'));

folders.after(() => rmSync(base, { recursive: true, force: true }));

function complaint(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.instance(error, SetupError);
    return (error as SetupError).message;
  }
  return 'made';
}

folders('a deep one is made whole, and one that is there stays', () => {
  const path = join(base, 'a', 'b', 'c');
  assert.is(
    complaint(() => makeFolder(path)),
    'made',
  );
  writeFileSync(join(path, 'kept'), '');
  assert.is(
    complaint(() => makeFolder(path)),
    'made',
  );
  assert.ok(statSync(join(path, 'kept')).isFile());
});

folders('where nothing can be made, or a file is in the way, the error names the folder', () => {
  const file = join(base, 'file');
  writeFileSync(file, '');
  for (const path of ['/proc/nope', '/proc/nope/x/y', file, join(file, 'x')]) {
    assert.match(
      complaint(() => makeFolder(path)),
      `the directory ${path} cannot be made: E`,
    );
  }
});

folders('a campaign does not wait for a directory that cannot be made', () => {
  const options: CampaignOptions = {
    ...{
      seeds: [{ first: 1, last: 2 }],
      scenarios: ['clean-split'],
      nodes: null,
      durationMs: 60_000,
      plant: null,
      checkDeterminism: false,
      controlLog: true,
    },
  };
  const identity = { code: 'one', options };
  assert.match(
    complaint(() => CampaignFolder.open('/proc/nope', identity, () => {})),
    '/proc/nope cannot be made',
  );
});

folders.run();

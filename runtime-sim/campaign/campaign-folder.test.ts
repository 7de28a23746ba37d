/** A campaign's directory: goes on where it was, and mixes nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SetupError, UsageError } from '../exit-codes.js';
import { runRecord } from '../test-support/run-records.js';
import { CampaignFolder } from './campaign-folder.js';
import type { CampaignOptions } from './campaign-options.js';

const folders = suite('campaign folder');
const base = mkdtempSync(join(tmpdir(), 'campaign-folder-'));
const options: CampaignOptions = {
  ...{
    seeds: [{ first: 1, last: 9 }],
    scenarios: ['clean-split'],
    nodes: null,
    durationMs: 60_000,
    plant: null,
    checkDeterminism: false,
    controlLog: true,
  },
};
let made = 0;

folders.after(() => rmSync(base, { recursive: true, force: true }));

function open(path: string, changes: { code?: string; options?: CampaignOptions } = {}): { folder: CampaignFolder; seeds: number[] } {
  const seeds: number[] = [];
  const { folder } = CampaignFolder.open(path, { code: 'one', options, ...changes }, ({ seed }) => seeds.push(seed));
  return { folder, seeds };
}

/** A campaign that ended after these seeds. */
function ended(...seeds: number[]): string {
  made += 1;
  const path = join(base, String(made), 'deep');
  const { folder } = open(path);
  for (const seed of seeds) folder.append(runRecord(seed));
  folder.close();
  return path;
}

function complaint(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof UsageError || error instanceof SetupError, String(error));
    return (error as Error).message;
  }
  return 'accepted';
}

folders('what was kept is there again', () => {
  const { folder, seeds } = open(ended(1, 2, 3));
  folder.close();
  assert.equal(seeds, [1, 2, 3]);
});

folders('a line that was cut short is dropped and written anew', () => {
  const path = ended(1, 2);
  const runs = join(path, 'runs.jsonl');
  writeFileSync(runs, readFileSync(runs, 'utf8').slice(0, -20));
  const { folder, seeds } = open(path);
  assert.equal(seeds, [1]);
  folder.append(runRecord(2));
  folder.close();
  const again = open(path);
  again.folder.close();
  assert.equal(again.seeds, [1, 2]);
});

folders('other code, other seeds, other options are refused in words', () => {
  const path = ended(1);
  assert.match(
    complaint(() => open(path, { code: 'two' })),
    'code one, this is two',
  );
  assert.match(
    complaint(() => open(path, { options: { ...options, seeds: [{ first: 1, last: 10 }] } })),
    'seeds 1..9, not 1..10',
  );
  assert.match(
    complaint(() => open(path, { options: { ...options, nodes: 7 } })),
    '--nodes: as drawn there, 7 here',
  );
  assert.is(
    complaint(() => open(path).folder.close()),
    'accepted',
  );
});

folders('a damaged file is named with its line', () => {
  const path = ended(1, 2);
  const runs = join(path, 'runs.jsonl');
  writeFileSync(runs, readFileSync(runs, 'utf8').replace('"verdict":"ok"', '"verdict":"fine"'));
  assert.match(
    complaint(() => open(path)),
    /runs\.jsonl line 1: verdict is "fine"/,
  );
  writeFileSync(runs, 'nonsense\n');
  assert.match(
    complaint(() => open(path)),
    /line 1: not JSON/,
  );
  writeFileSync(join(path, 'campaign.json'), '{"format":9}');
  assert.match(
    complaint(() => open(path)),
    'format 9',
  );
  rmSync(join(path, 'campaign.json'));
  assert.match(
    complaint(() => open(path)),
    'results but no campaign.json',
  );
});

folders('two at once are refused, what a process left that is gone is not', async () => {
  const path = ended(1);
  const { folder } = open(path);
  assert.match(
    complaint(() => open(path)),
    `process ${process.pid} is running a campaign`,
  );
  folder.close();
  assert.not.ok(existsSync(join(path, 'campaign.lock')));
  const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(gone, 'exit');
  appendFileSync(join(path, 'campaign.lock'), JSON.stringify({ pid: gone.pid, begun: '1' }));
  open(path).folder.close();
});

folders('a directory that cannot be made is a failed set-up', () => {
  const file = join(base, 'file');
  writeFileSync(file, '');
  assert.throws(
    () => open(join(file, 'x')),
    (error: unknown) => error instanceof SetupError,
  );
});

folders.run();

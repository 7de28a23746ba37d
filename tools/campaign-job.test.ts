/** The Kubernetes manifests of a campaign: what their pods run, run here with a stand-in for the simulator. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seedRange } from '../runtime-sim/campaign/campaign-options.js';
import { readCommandLine } from '../runtime-sim/command-line.js';
import { root } from './source-files.js';

const jobs = suite('campaign manifests');
const base = mkdtempSync(join(tmpdir(), 'campaign-job-'));

jobs.before(() => {
  mkdirSync(join(base, 'bin'));
  writeFileSync(join(base, 'bin/engram-sim'), '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n');
  chmodSync(join(base, 'bin/engram-sim'), 0o755);
});
jobs.after(() => rmSync(base, { recursive: true, force: true }));

/** The lines of the block below `args:`. */
function script(manifest: string): string {
  const [, block] = /\n( +)args:\n +- \|\n((?:\1 {4}.*\n)+)/.exec(manifest)?.slice(1) ?? [];
  assert.ok(block, 'a script');
  return block;
}

function figure(manifest: string, pattern: RegExp): number {
  const found = pattern.exec(manifest)?.[1];
  assert.ok(found, String(pattern));
  return Number(found);
}

/** What the simulator is given by a pod. */
function given(file: string, env: Readonly<Record<string, string>>): string[] {
  const manifest = readFileSync(join(root, 'deploy', file), 'utf8');
  const output = execFileSync('/bin/sh', ['-euc', script(manifest)], {
    cwd: base,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return output.trimEnd().split('\n');
}

jobs('the pods of the Job share out all seeds, each once, each with a directory of its own', () => {
  const manifest = readFileSync(join(root, 'deploy/campaign-job.yaml'), 'utf8');
  const completions = figure(manifest, /completions: (\d+)/);
  const first = figure(manifest, /FIRST_SEED, value: "(\d+)"/);
  const perPod = figure(manifest, /SEEDS_PER_POD, value: "(\d+)"/);
  let next = first;
  const folders = new Set<string>();
  for (let index = 0; index < completions; index += 1) {
    const env = { FIRST_SEED: String(first), SEEDS_PER_POD: String(perPod), JOB_COMPLETION_INDEX: String(index), CORES: '2' };
    const words = given('campaign-job.yaml', env);
    readCommandLine(words);
    const range = seedRange(words[words.indexOf('--seeds') + 1]);
    assert.is(range.first, next);
    next = range.last + 1;
    folders.add(words[words.indexOf('--out') + 1]);
  }
  assert.is(next - first, completions * perPod);
  assert.is(folders.size, completions);
});

jobs('the other Job merges what they left', () => {
  const words = given('campaign-merge-job.yaml', {});
  readCommandLine(words);
  assert.equal(words.slice(0, 2), ['campaign', 'merge']);
});

jobs.run();

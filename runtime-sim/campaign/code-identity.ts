/** Which code a campaign ran: the commit, and when the work tree differs from it what of it was changed, so that results of two codes are never mixed. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { currentCommit } from '../seed-file.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What a run is a function of. */
const sources = ['core', 'scenarios', 'checker', 'runtime-sim', 'package-lock.json'];

/** What the code is, whatever commit it came with: a change of the documents leaves it as it was. The commit's own name where the sources differ from it. */
export function contentIdentity(): string {
  const identity = codeIdentity();
  if (!/^[0-9a-f]{40}$/.test(identity)) return identity;
  const trees = sources.map((source) => `HEAD:${source}`);
  return createHash('sha256')
    .update(execFileSync('git', ['rev-parse', ...trees], { cwd: root, encoding: 'utf8' }))
    .digest('hex');
}

/** The commit alone for a clean work tree; with `+changes-` and a digest of the changes otherwise; the package's version outside a checkout. */
export function codeIdentity(): string {
  const commit = currentCommit().replace(/\+changes$/, '');
  if (commit.startsWith('v')) return commit;
  const git = (...args: string[]): string =>
    execFileSync('git', [...args, '--', ...sources], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const changes = git('diff', 'HEAD', '--binary');
  const added = git('ls-files', '--others', '--exclude-standard').split('\n').filter(Boolean);
  if (changes === '' && added.length === 0) return commit;
  const digest = createHash('sha256').update(changes);
  for (const path of added) digest.update(path).update(readFileSync(join(root, path)));
  return `${commit}+changes-${digest.digest('hex').slice(0, 12)}`;
}

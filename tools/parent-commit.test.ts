/** The code before a change: the parent of a commit, the commit under uncommitted changes, and neither in a shallow clone. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ParentCommit } from './parent-commit.js';

const parents = suite('parent commit');
const base = mkdtempSync(join(tmpdir(), 'parent-commit-'));
const repository = join(base, 'repository');

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=n', '-c', 'user.email=e@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function commit(content: string): string {
  writeFileSync(join(repository, 'file'), content);
  git('add', 'file');
  git('commit', '--quiet', '--message', content);
  return git('rev-parse', 'HEAD');
}

function withParent<Result>(of: string, look: (parent: ParentCommit) => Result): Result {
  const parent = ParentCommit.checkOut(of);
  try {
    return look(parent);
  } finally {
    parent.remove();
    assert.not.ok(existsSync(parent.path));
  }
}

parents.before(() => {
  mkdirSync(repository);
  git('init', '--quiet');
});
parents.after(() => rmSync(base, { recursive: true, force: true }));

parents('a first commit has none, a second has the first, and a change that is not committed has the commit', () => {
  const first = commit('one');
  assert.throws(() => ParentCommit.checkOut(repository), /no parent/);
  const second = commit('two');
  const read = ({ path }: ParentCommit): string => readFileSync(join(path, 'file'), 'utf8');
  assert.equal(
    withParent(repository, (parent) => [parent.commit, read(parent)]),
    [first, 'one'],
  );
  writeFileSync(join(repository, 'file'), 'three');
  assert.equal(
    withParent(repository, (parent) => [parent.commit, read(parent)]),
    [second, 'two'],
  );
  git('checkout', '--quiet', 'file');
  assert.is(git('worktree', 'list').split('\n').length, 1);
});

parents('a shallow clone says what it lacks', () => {
  const shallow = join(base, 'shallow');
  git('clone', '--quiet', '--depth', '1', pathToFileURL(repository).href, shallow);
  assert.throws(() => ParentCommit.checkOut(shallow), /shallow clone/);
});

parents.run();

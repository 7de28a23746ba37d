/**
 * The code before a change, checked out beside it: a run that fails there as well is no fault of the change. Outside uncommitted changes the change is the
 * last commit, and its parent the first one; otherwise it is what is not committed yet.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class ParentCommit {
  readonly commit: string;
  readonly path: string;
  readonly #repository: string;
  readonly #folder: string;

  private constructor(repository: string, commit: string) {
    this.#repository = repository;
    this.commit = commit;
    this.#folder = mkdtempSync(join(tmpdir(), 'engram-parent-'));
    this.path = join(this.#folder, 'tree');
    git(repository, 'worktree', 'add', '--detach', '--quiet', this.path, commit);
    const modules = join(repository, 'node_modules');
    if (existsSync(modules)) symlinkSync(modules, join(this.path, 'node_modules'));
  }

  /** Checks the parent out into a temporary directory. Throws an Error that says why there is none. */
  static checkOut(repository: string): ParentCommit {
    return new ParentCommit(repository, parentOf(repository));
  }

  remove(): void {
    try {
      git(this.#repository, 'worktree', 'remove', '--force', this.path);
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}

function parentOf(repository: string): string {
  if (git(repository, 'status', '--porcelain', '--untracked-files=no') !== '') return git(repository, 'rev-parse', 'HEAD');
  try {
    return git(repository, 'rev-parse', '--verify', '--quiet', 'HEAD^1^{commit}');
  } catch {
    const shallow = git(repository, 'rev-parse', '--is-shallow-repository') === 'true';
    throw new Error(
      shallow ? 'this is a shallow clone without the parent commit: fetch with --depth 2 or more' : 'the commit has no parent',
    );
  }
}

function git(repository: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Seed files: a failing run as a file that anybody can run again. The plan is in it whole, so that it replays even where drawing has changed since. */
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunPlan } from '../scenarios/run-plan.js';
import { UsageError } from './exit-codes.js';
import { makeFolder } from './make-folder.js';
import { seedFolderDefault } from './option-values.js';
import { textHash } from './pure-functions.js';
import type { RunResult, Verdicts } from './run-seed.js';

export const seedFileFormat = 1;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

export interface SeedFile {
  readonly format: number;
  readonly seed: number;
  readonly scenario: string;
  readonly options: { readonly nodes: number; readonly durationMs: number; readonly plant: string | null };
  readonly commit: string;
  readonly plan: RunPlan;
  readonly traceHash: string;
  readonly verdicts: Verdicts;
  /** Of a file that is kept as a regression: what this run once broke. */
  readonly broke?: string;
}

/** What a seed file says of a run. */
export function seedFileContent(run: RunResult, options: Omit<SeedFile['options'], 'nodes'>): Omit<SeedFile, 'format'> {
  const { seed, scenario, plan, traceHash, verdicts } = run;
  return { seed, scenario, options: { nodes: plan.nodes.length, ...options }, commit: currentCommit(), plan, traceHash, verdicts };
}

/** Plans with at most so many operations are small enough to be read: their files have many lines. */
const readableOperationsMax = 200;

/** Writes the file of a run into a folder and returns its path. */
export function writeSeedFile(content: Omit<SeedFile, 'format'>, folder: string | null): string {
  const path = join(folder ?? seedFolderDefault, `${content.scenario}-${content.seed}.json`);
  writeSeedFileAs(path, content);
  return path;
}

/** Writes the file whole or not at all: one of that name stays as it is until the new one is complete. */
export function writeSeedFileAs(path: string, content: Omit<SeedFile, 'format'>): void {
  makeFolder(dirname(path));
  const file: SeedFile = { format: seedFileFormat, ...content };
  const checksum = textHash(JSON.stringify(file));
  const unfinished = `${path}.${process.pid}.tmp`;
  const indentation = content.plan.operations.length <= readableOperationsMax ? 2 : 0;
  try {
    writeFileSync(unfinished, `${JSON.stringify({ ...file, checksum }, null, indentation)}\n`);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Writes the file, or says on standard error why it cannot be written and returns null: a verdict is not lost for the want of a directory. */
export function keepSeedFile(content: Omit<SeedFile, 'format'>, folder: string | null): string | null {
  return keeping(() => writeSeedFile(content, folder));
}

/** The same under a path of its own. */
export function keepSeedFileAs(path: string, content: Omit<SeedFile, 'format'>): string | null {
  return keeping(() => {
    writeSeedFileAs(path, content);
    return path;
  });
}

function keeping(write: () => string): string | null {
  try {
    return write();
  } catch (error) {
    process.stderr.write(`engram-sim: the seed file was not written: ${error instanceof Error ? error.message : error}\n`);
    return null;
  }
}

/** The planted bug with which the run of a seed file is to be carried out, or null. Throws UsageError when the file is none. */
export function plantOfSeedFile(path: string): string | null {
  const { options } = parsedSeedFile(path);
  const plant = (options as { readonly plant?: unknown } | null)?.plant;
  return typeof plant === 'string' ? plant : null;
}

/**
 * The fields of a seed file of this version, not looked at any closer (seed-file-reading.ts does). Throws UsageError when there is no such file, or it is
 * no seed file, or one of another version.
 */
export function parsedSeedFile(path: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`, 'give the path of a seed file');
  }
  const file = parsed(path, text);
  if (file.format !== seedFileFormat) {
    const newer = typeof file.format === 'number' && file.format > seedFileFormat;
    throw new UsageError(
      `${path} has format ${JSON.stringify(file.format)}, this version reads ${seedFileFormat}`,
      newer ? 'use the newer version of engram that wrote it' : 'it is not a seed file, or of a version too old',
    );
  }
  return file;
}

function parsed(path: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as SyntaxError;
    if (!text.trimEnd().endsWith('}'))
      throw new UsageError(`${path} is cut short after ${text.length} characters`, 'get a whole copy of the seed file');
    throw new UsageError(`${path} is not JSON: ${message}`, 'get an unedited copy of the seed file');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${path} is not a seed file`, 'it holds no JSON object');
  const missing = ['format', 'seed', 'scenario', 'options', 'commit', 'plan', 'traceHash', 'verdicts', 'checksum'].filter(
    (name) => !(name in value),
  );
  if (missing.length > 0)
    throw new UsageError(`${path} is not a seed file: it lacks ${missing.join(', ')}`, 'give a file that engram-sim wrote');
  return value as Record<string, unknown>;
}

let commitKnown: string | null = null;

/** What code this is: the commit, with `+changes` when the work tree differs from it, or the package's version outside a checkout. */
export function currentCommit(): string {
  commitKnown ??= readCommit();
  return commitKnown;
}

function readCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'core', 'scenarios', 'checker', 'runtime-sim') !== '';
    return git('rev-parse', 'HEAD') + (changed ? '+changes' : '');
  } catch {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return `v${version}`;
  }
}

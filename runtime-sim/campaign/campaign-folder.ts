/**
 * The directory of a campaign: `campaign.json` says what it is, `runs.jsonl` has a line per finished run. A campaign that was interrupted, however it was,
 * goes on from these; results of other code or other options are never mixed in.
 */
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SetupError, UsageError } from '../exit-codes.js';
import { makeFolder } from '../make-folder.js';
import { type CampaignOptions, optionsDifference, rangeText } from './campaign-options.js';
import { type RunRecord, readRecord } from './run-record.js';

const format = 1;
const identityName = 'campaign.json';
const runsName = 'runs.jsonl';
const lockName = 'campaign.lock';

export interface CampaignIdentity {
  readonly format: number;
  /** See code-identity.ts. */
  readonly code: string;
  readonly options: CampaignOptions;
  /** Milliseconds that earlier sessions of this campaign took; the last one's are in its report. */
  readonly wallMs: number;
}

/** Reads `campaign.json`. Throws UsageError when there is none, or none that this version reads. */
export function readIdentity(folder: string): CampaignIdentity {
  const path = join(folder, identityName);
  const refuse = (what: string): UsageError => new UsageError(`${path} ${what}`, 'give the directory of a campaign, as it was left');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw refuse(`cannot be read: ${codeOf(error)}`);
  }
  let identity: CampaignIdentity;
  try {
    identity = JSON.parse(text);
  } catch {
    throw refuse('is not JSON, or cut short');
  }
  if (identity?.format !== format) throw refuse(`has format ${JSON.stringify(identity?.format)}, this version reads ${format}`);
  if (!Array.isArray(identity.options?.seeds) || !Array.isArray(identity.options.scenarios) || typeof identity.code !== 'string') {
    throw refuse('lacks its options');
  }
  return identity;
}

export function writeIdentity(folder: string, identity: Omit<CampaignIdentity, 'format'>): void {
  writeWhole(join(folder, identityName), `${JSON.stringify({ format, ...identity })}\n`);
}

/** Replaces a file in one step: a reader sees the old one or the new one. */
export function writeWhole(path: string, text: string): void {
  const beside = `${path}.new`;
  try {
    writeFileSync(beside, text);
    renameSync(beside, path);
  } catch (error) {
    throw new SetupError(`${path} cannot be written: ${codeOf(error)}`, 'make room, or give another --out');
  }
}

/** Hands every record of `runs.jsonl` to `take`, in the order of the file, with its place for complaints; memory stays flat. Returns the bytes of whole lines. */
export function readRuns(folder: string, take: (record: RunRecord, place: string) => void): number {
  const path = join(folder, runsName);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw new UsageError(`${path} cannot be read: ${codeOf(error)}`, 'give the directory of a campaign, as it was left');
  }
  try {
    return readLines(file, (line, number) => take(readRecord(line, `${path} line ${number}`), `${path} line ${number}`));
  } finally {
    closeSync(file);
  }
}

const newline = 10;

/** Whole lines only: what follows the last newline was being written when the campaign ended. */
function readLines(file: number, take: (line: string, number: number) => void): number {
  const chunk = Buffer.alloc(2 ** 16);
  let rest: Buffer = Buffer.alloc(0);
  let [whole, number] = [0, 0];
  for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
    let from = 0;
    rest = Buffer.concat([rest, chunk.subarray(0, length)]);
    for (let end = rest.indexOf(newline, from); end !== -1; end = rest.indexOf(newline, from)) {
      number += 1;
      take(rest.toString('utf8', from, end), number);
      whole += end + 1 - from;
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
  return whole;
}

/** The directory of a campaign that is under way: nobody else writes there. */
export class CampaignFolder {
  readonly path: string;
  readonly #runs: number;

  private constructor(path: string, runs: number) {
    this.path = path;
    this.#runs = runs;
  }

  /**
   * Begins a campaign in a directory, or goes on with the one that is there: `take` gets what it already knows. Throws UsageError when the directory
   * belongs to a campaign of other code or options, SetupError when it cannot be written or another process is at work in it.
   */
  static open(
    path: string,
    identity: Omit<CampaignIdentity, 'format' | 'wallMs'>,
    take: (record: RunRecord, place: string) => void,
  ): { readonly folder: CampaignFolder; readonly wallMsBefore: number } {
    makeFolder(path);
    lock(join(path, lockName));
    try {
      const known = exists(join(path, identityName)) ? readIdentity(path) : null;
      if (known === null) {
        refuseStrayRuns(path);
        writeIdentity(path, { ...identity, wallMs: 0 });
      } else refuseOther(path, known, identity);
      const whole = readRuns(path, take);
      const runs = openSync(join(path, runsName), 'a');
      ftruncateSync(runs, whole);
      return { folder: new CampaignFolder(path, runs), wallMsBefore: known?.wallMs ?? 0 };
    } catch (error) {
      rmSync(join(path, lockName), { force: true });
      throw error;
    }
  }

  append(record: RunRecord): void {
    try {
      writeSync(this.#runs, `${JSON.stringify(record)}\n`);
    } catch (error) {
      throw new SetupError(
        `a result cannot be kept in ${join(this.path, runsName)}: ${codeOf(error)}`,
        'make room; the same command goes on from there',
      );
    }
  }

  close(): void {
    closeSync(this.#runs);
    rmSync(join(this.path, lockName), { force: true });
  }
}

function refuseStrayRuns(path: string): void {
  if (exists(join(path, runsName))) throw new UsageError(`${path} has results but no ${identityName}`, 'give another --out, or empty it');
}

function refuseOther(path: string, known: CampaignIdentity, wanted: Omit<CampaignIdentity, 'format' | 'wallMs'>): void {
  const anew = 'give another --out to begin anew';
  if (known.code !== wanted.code) throw new UsageError(`${path} holds a campaign of code ${known.code}, this is ${wanted.code}`, anew);
  const seeds = [known, wanted].map(({ options }) => rangeText(options.seeds));
  if (seeds[0] !== seeds[1]) throw new UsageError(`${path} holds a campaign of seeds ${seeds[0]}, not ${seeds[1]}`, anew);
  const difference = optionsDifference(known.options, wanted.options);
  if (difference !== null) throw new UsageError(`${path} holds a campaign of other options: ${difference}`, anew);
}

/** A lock names its process and when that began: one that has ended, with a kill or with the machine, does not count. */
function lock(path: string): void {
  const holder = readHolder(path);
  if (holder !== null && holder.begun !== null && begunAt(holder.pid) === holder.begun) {
    throw new SetupError(`process ${holder.pid} is running a campaign in this directory`, `wait for it, or give another --out (${path})`);
  }
  try {
    rmSync(path, { force: true });
    writeFileSync(path, JSON.stringify({ pid: process.pid, begun: begunAt(process.pid) }), { flag: 'wx' });
  } catch (error) {
    throw new SetupError(`${path} cannot be written: ${codeOf(error)}`, 'give another --out');
  }
}

function readHolder(path: string): { readonly pid: number; readonly begun: string | null } | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** When a process began, as the system counts; null when there is no such process. Without /proc only that it lives. */
function begunAt(pid: number): string | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return status.slice(status.lastIndexOf(')')).split(' ')[20];
  } catch {
    return exists('/proc/self/stat') ? null : aliveText(pid);
  }
}

function aliveText(pid: number): string | null {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch {
    return null;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

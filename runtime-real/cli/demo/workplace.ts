/**
 * Where a demo works: a temporary directory of its own, removed at its end. A demo that was killed with SIGKILL could not do that; the next one does it, for
 * directories whose lock proves that their demo is gone, and no node of it is left. All others are left alone, whatever they are called.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAbandoned, lockDirectory } from '../../disk/directory-lock.js';

/** Kept directories have another name: nobody takes them for remains. */
const temporaryPrefix = 'engram-demo-';
const keptPrefix = 'engram-kept-demo-';

export interface Workplace {
  readonly dataDir: string;
  /** Synchronous, so that it can be the last thing that a process does. */
  leave(): void;
}

/** A directory that stays. */
export function makeKeptDirectory(): string {
  return mkdtempSync(join(tmpdir(), keptPrefix));
}

/** A directory that goes when it is left, and those of demos that died before go now. */
export async function openWorkplace(): Promise<Workplace> {
  sweepRemains(tmpdir());
  const place = mkdtempSync(join(tmpdir(), temporaryPrefix));
  const lock = await lockDirectory(place);
  const dataDir = join(place, 'data');
  mkdirSync(dataDir);
  const leave = (): void => {
    removePlace(place);
    lock.release();
  };
  return { dataDir, leave };
}

function sweepRemains(folder: string): void {
  for (const name of readdirSync(folder)) {
    const place = join(folder, name);
    if (!name.startsWith(temporaryPrefix) || !isAbandoned(place) || isInUse(join(place, 'data'))) continue;
    try {
      removePlace(place);
    } catch {
      // Another demo sweeps too, or it cannot be removed by us: no reason not to show anything.
    }
  }
}

/** Nodes and importers end with their demo, but not at the same moment. */
function isInUse(dataDir: string): boolean {
  const directories = [dataDir, ...namesIn(dataDir).map((name) => join(dataDir, name))];
  return directories.some((directory) => namesIn(join(directory, 'lock')).length > 0 && !isAbandoned(directory));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The lock goes last: cut short, this can be done again. The last files of a node may be on their way meanwhile. */
function removePlace(place: string): void {
  for (const path of [join(place, 'data'), place]) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

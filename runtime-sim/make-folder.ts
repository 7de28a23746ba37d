/**
 * Folders that results go to, made in bounded time.
 *
 * They are made one by one, from the first that is missing: `recursive` of Node 20's mkdir never returns on paths where nothing can be made, as under /proc.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SetupError } from './exit-codes.js';

/** Makes the folder and those above it. One that is there already is left as it is. Throws SetupError, naming the folder, when it cannot be made. */
export function makeFolder(path: string): void {
  try {
    makeFrom(resolve(path));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SetupError(`the directory ${path} cannot be made: ${why}`, 'give another --out');
  }
}

function makeFrom(path: string): void {
  try {
    makeIfMissing(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    // A folder that is there and takes nothing says ENOENT as well, under /proc.
    if (isFolder(dirname(path))) throw error;
    makeFrom(dirname(path));
    makeIfMissing(path);
  }
}

/** Another process may make it at the same time. */
function makeIfMissing(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

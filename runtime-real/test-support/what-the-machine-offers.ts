/**
 * What some tests need of the machine and not every machine has: a small medium to fill up, and a clock to set. Where it is missing the test says so and
 * ends; but not in a complete check as root, where it can be had (`.ci/run` sees to it): there that is a failure.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function missing(what: string): void {
  if (process.env.ENGRAM_TESTS_COMPLETE !== undefined && process.getuid?.() === 0) assert.fail(what);
  process.stderr.write(`\nnot tested here: ${what}\n`);
}

export interface SmallMedium {
  /** Where it is mounted. */
  readonly path: string;
  /** Takes all but so many of the free bytes away, until `free`. */
  fill(bytesLeft: number): void;
  free(): void;
}

/** A tmpfs of that size in a directory of its own, unmounted and removed afterwards. */
export async function onSmallMedium(bytes: number, test: (medium: SmallMedium) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'engram-medium-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'engram-test', path], { encoding: 'utf8' });
  try {
    if (status !== 0) return missing(`a full medium, for mounting a tmpfs is not permitted: ${stderr ?? ''}`);
    const ballast = join(path, 'ballast');
    await test({
      path,
      fill: (bytesLeft) => {
        const [, , , available] = execFileSync('df', ['-B1', path], { encoding: 'utf8' }).split('\n')[1].split(/\s+/);
        writeFileSync(ballast, new Uint8Array(Math.max(0, Number(available) - bytesLeft)));
      },
      free: () => rmSync(ballast),
    });
  } finally {
    if (status === 0) execFileSync('umount', [path]);
    rmSync(path, { recursive: true, force: true });
  }
}

/** The clock of a process, as its environment: by how much it differs from the machine's. Steady clocks go on as they do. */
export class SettableClock {
  readonly #file: string;
  readonly #library: string;

  private constructor(library: string, directory: string) {
    this.#library = library;
    this.#file = join(directory, 'clock');
  }

  /** Null where libfaketime is missing, which has then been said. */
  static in(directory: string): SettableClock | null {
    const folder = '/usr/lib';
    const candidates = readdirSync(folder).map((name) => join(folder, name, 'faketime', 'libfaketimeMT.so.1'));
    const library = candidates.find((path) => existsSync(path));
    if (library !== undefined) return new SettableClock(library, directory);
    missing('clocks that jump, for libfaketime is not installed (package faketime)');
    return null;
  }

  /** `+1d`, `-1h` … from now on: noticed by the process within a moment. */
  set(difference: string): void {
    writeFileSync(this.#file, difference);
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
    };
  }
}

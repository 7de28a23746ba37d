/**
 * Writes checkpoints, one at a time, into two files by turns. Requests that come while one is being written share the next.
 */
import type { Effects } from '../effects.js';
import type { DiskResult, Now } from '../events.js';
import type { PureFunctions } from '../pure-functions.js';
import { type Checkpoint, checkpointFiles, encodeCheckpoint } from './checkpoint.js';
import type { DiskCalls } from './disk-calls.js';

export type CheckpointContent = Omit<Checkpoint, 'number'>;

export class Checkpointer {
  readonly #effects: Effects;
  readonly #disk: DiskCalls;
  readonly #pure: PureFunctions;
  readonly #content: () => CheckpointContent;
  #number = 0;
  #writing = false;
  #waiting: ((written: boolean, now: Now) => void)[] = [];

  constructor(effects: Effects, disk: DiskCalls, pure: PureFunctions, content: () => CheckpointContent) {
    this.#effects = effects;
    this.#disk = disk;
    this.#pure = pure;
    this.#content = content;
  }

  /** The number of the last checkpoint found at recovery. */
  continueFrom(number: number): void {
    this.#number = number;
  }

  /**
   * Writes what is true now, and says when it is durable or that it could not be written (a full disk: nothing is lost, the old one stands).
   * The content is taken at the moment of writing, never before the call.
   */
  write(then: (written: boolean, now: Now) => void): void {
    this.#waiting.push(then);
    if (!this.#writing) this.#next();
  }

  #next(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#writing = true;
    this.#number += 1;
    const number = this.#number;
    const bytes = encodeCheckpoint({ number, ...this.#content() }, this.#pure);
    this.#disk.replace(checkpointFiles[number % checkpointFiles.length], bytes, (result, now) =>
      this.#written(result, number, waiting, now),
    );
  }

  #written(result: DiskResult, number: number, waiting: readonly ((written: boolean, now: Now) => void)[], now: Now): void {
    this.#writing = false;
    const written = result.kind !== 'failed';
    if (written) this.#effects.journal.note({ kind: 'checkpoint.written', number });
    else this.#effects.journal.note({ kind: 'storage.full', file: checkpointFiles[number % checkpointFiles.length] });
    for (const then of waiting) then(written, now);
    if (this.#waiting.length > 0 && !this.#writing) this.#next();
  }
}

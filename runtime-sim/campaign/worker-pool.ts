/** Worker threads that run seeds: as many at once as asked for, each sent the next as soon as it has answered, replaced when it dies. */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../simulator-thread.js';
import type { SeedJob, WorkerAnswer, WorkerData } from './campaign-worker.js';

export interface PoolOptions extends WorkerData {
  readonly jobs: number;
  /** The next seed to run, or null when none is left. */
  readonly next: () => SeedJob | null;
  readonly answered: (answer: WorkerAnswer) => void;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<Worker>();
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Resolves when no seed is left and every worker has ended, or after `stop`. Rejects when `answered` throws, or a worker cannot start. */
  async run(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.#options.jobs }, () => this.#lane()));
    } finally {
      await this.stop();
    }
  }

  /** Ends the workers where they are: runs under way are not counted. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  async #lane(): Promise<void> {
    let worker: Worker | null = null;
    for (let job = this.#next(); job !== null; job = this.#next()) {
      worker ??= this.#start();
      const { answer, alive } = await this.#ask(worker, job);
      if (!alive) worker = null;
      if (this.#stopped) return;
      if (answer !== null) this.#options.answered(answer);
    }
    if (worker !== null) await worker.terminate();
  }

  #next(): SeedJob | null {
    return this.#stopped ? null : this.#options.next();
  }

  #start(): Worker {
    const { options, seedFolder } = this.#options;
    const worker = startThread(new URL('./campaign-worker.ts', import.meta.url), options.plant, { options, seedFolder });
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
    return worker;
  }

  /** A worker that dies fails the seed that it was running. */
  #ask(worker: Worker, job: SeedJob): Promise<{ readonly answer: WorkerAnswer | null; readonly alive: boolean }> {
    return new Promise((resolve) => {
      const finish = (answer: WorkerAnswer | null, alive: boolean): void => {
        worker.removeAllListeners('message').removeAllListeners('error').removeListener('exit', exited);
        // Whatever it still says when it is ended is of no interest.
        worker.on('error', () => {});
        resolve({ answer, alive });
      };
      const died = (why: string): void => finish({ kind: 'error', job, error: why, replay: '' }, false);
      const exited = (code: number): void => (this.#stopped ? finish(null, false) : died(`the worker ended with code ${code}`));
      worker.once('message', (answer: WorkerAnswer) => finish(answer, true));
      worker.once('error', (error: Error) => died(`the worker died: ${error.stack ?? error.message}`));
      worker.once('exit', exited);
      worker.postMessage(job);
    });
  }
}

/**
 * Does the core's work outside the node's turns. Scans: small ones on this thread, where a message to another costs more than the scan; large ones on a worker
 * thread over the shared memory in which the core keeps its vectors. Plans of many spaces there too, of copies. The same kernels, so the same bits, on both.
 *
 * The worker is started by the first large job and does not keep the process alive. Where none can be started (no loader for TypeScript there, a
 * sandbox), everything is done here: slower for others while it lasts, never wrong.
 */
import { Worker } from 'node:worker_threads';
import { type ComputeJob, type ComputeResult, compute } from '../../core/compute.js';
import type { Compute, Ticket } from '../../core/effects.js';
import type { ScanJob } from '../../core/memory/scan-kernel.js';
import type { KernelFunctions } from '../../core/pure-functions.js';

/** Multiply-and-add steps that take about a third of a millisecond here. */
const stepsOnThisThreadMax = 1_000_000;
/** A plan of so many spaces takes a few milliseconds. */
const spacesOnThisThreadMax = 100;

export interface ComputeRunner extends Compute {
  close(): Promise<void>;
}

/** Brings the worker's source in, through tsx when it is TypeScript and whether or not this thread was started through it. */
const bootstrap = `
  const { workerData } = require('node:worker_threads');
  (async () => {
    if (workerData.source.endsWith('.ts')) (await import(workerData.loader)).register();
    await import(workerData.source);
  })();
`;

class RealComputeRunner implements ComputeRunner {
  readonly #report: (ticket: Ticket, result: ComputeResult) => void;
  readonly #onWorker = new Map<Ticket, ComputeJob>();
  #worker: Worker | null = null;
  #workerFailed = false;
  readonly #pure: KernelFunctions;

  constructor(
    report: (ticket: Ticket, result: ComputeResult) => void,
    pure: KernelFunctions,
    readonly workerSource: URL,
  ) {
    this.#report = report;
    this.#pure = pure;
  }

  run(job: ComputeJob, ticket: Ticket): void {
    const worker = belongsOnWorker(job) ? this.#startedWorker() : null;
    if (worker === null) {
      this.#report(ticket, compute(job, this.#pure));
      return;
    }
    this.#onWorker.set(ticket, job);
    worker.postMessage({ ticket, job });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #startedWorker(): Worker | null {
    if (this.#worker !== null || this.#workerFailed) return this.#worker;
    try {
      const source = this.workerSource.href;
      const loader = source.endsWith('.ts') ? import.meta.resolve('tsx/esm/api') : '';
      this.#worker = new Worker(bootstrap, { eval: true, execArgv: [], workerData: { source, loader }, name: 'engram-compute' });
    } catch {
      return this.#giveUpWorker();
    }
    this.#worker.unref();
    this.#worker.on('message', ({ ticket, result }: { ticket: Ticket; result: ComputeResult }) => {
      if (this.#onWorker.delete(ticket)) this.#report(ticket, result);
    });
    this.#worker.on('error', () => this.#giveUpWorker());
    return this.#worker;
  }

  /** What the worker had not answered is done here, once. */
  #giveUpWorker(): null {
    this.#workerFailed = true;
    this.#worker = null;
    const unanswered = [...this.#onWorker];
    this.#onWorker.clear();
    for (const [ticket, job] of unanswered) this.#report(ticket, compute(job, this.#pure));
    return null;
  }
}

const computeWorker = new URL(import.meta.url.endsWith('.ts') ? './compute-worker.ts' : './compute-worker.js', import.meta.url);

/** `report` may be called from within `run`: the host queues it. */
export function createComputeRunner(
  report: (ticket: Ticket, result: ComputeResult) => void,
  pure: KernelFunctions,
  workerSource: URL = computeWorker,
): ComputeRunner {
  return new RealComputeRunner(report, pure, workerSource);
}

function belongsOnWorker(job: ComputeJob): boolean {
  if (job.kind === 'scan') return isLarge(job) && isShared(job);
  return Object.keys(job.state.rows).length > spacesOnThisThreadMax;
}

function isLarge(job: ScanJob): boolean {
  return job.rows * (job.cue === null ? 1 : job.dimensions) > stepsOnThisThreadMax;
}

/** Memory that is not shared would be copied to the worker: dearer than the scan. */
function isShared(job: ScanJob): boolean {
  return job.chunks.every(
    (chunk) => chunk.vectors.buffer instanceof SharedArrayBuffer && chunk.searchable.buffer instanceof SharedArrayBuffer,
  );
}

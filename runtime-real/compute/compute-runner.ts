/**
 * Runs scans outside the node's turns: small ones on this thread, where a message to another costs more than the scan; large ones on a worker
 * thread over the shared memory in which the core keeps its vectors. The same kernel, so the same bits, on both.
 *
 * The worker is started by the first large scan and does not keep the process alive. Where none can be started (no loader for TypeScript there, a
 * sandbox), all scans run here: slower for others while they last, never wrong.
 */
import { Worker } from 'node:worker_threads';
import type { Compute, Ticket } from '../../core/effects.js';
import { type ComputeJob, type ScanResult, scan } from '../../core/memory/scan-kernel.js';

/** Multiply-and-add steps that take about a third of a millisecond here. */
const stepsOnThisThreadMax = 1_000_000;

export interface ScanRunner extends Compute {
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

class RealScanRunner implements ScanRunner {
  readonly #report: (ticket: Ticket, result: ScanResult) => void;
  readonly #onWorker = new Map<Ticket, ComputeJob>();
  #worker: Worker | null = null;
  #workerFailed = false;

  constructor(
    report: (ticket: Ticket, result: ScanResult) => void,
    readonly workerSource: URL,
  ) {
    this.#report = report;
  }

  run(job: ComputeJob, ticket: Ticket): void {
    const worker = isLarge(job) && isShared(job) ? this.#startedWorker() : null;
    if (worker === null) {
      this.#report(ticket, scan(job));
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
      this.#worker = new Worker(bootstrap, { eval: true, execArgv: [], workerData: { source, loader }, name: 'engram-scan' });
    } catch {
      return this.#giveUpWorker();
    }
    this.#worker.unref();
    this.#worker.on('message', ({ ticket, result }: { ticket: Ticket; result: ScanResult }) => {
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
    for (const [ticket, job] of unanswered) this.#report(ticket, scan(job));
    return null;
  }
}

const scanWorker = new URL(import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js', import.meta.url);

/** `report` may be called from within `run`: the host queues it. */
export function createScanRunner(report: (ticket: Ticket, result: ScanResult) => void, workerSource: URL = scanWorker): ScanRunner {
  return new RealScanRunner(report, workerSource);
}

function isLarge(job: ComputeJob): boolean {
  return job.rows * (job.cue === null ? 1 : job.dimensions) > stepsOnThisThreadMax;
}

/** Memory that is not shared would be copied to the worker: dearer than the scan. */
function isShared(job: ComputeJob): boolean {
  return job.chunks.every(
    (chunk) => chunk.vectors.buffer instanceof SharedArrayBuffer && chunk.searchable.buffer instanceof SharedArrayBuffer,
  );
}

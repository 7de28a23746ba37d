/** The thread that runs large scans: a job in, its result out. Started by scan-runner.ts. */
import { parentPort } from 'node:worker_threads';
import type { Ticket } from '../../core/effects.js';
import { type ComputeJob, scan } from '../../core/memory/scan-kernel.js';

parentPort?.on('message', ({ ticket, job }: { ticket: Ticket; job: ComputeJob }) => {
  parentPort?.postMessage({ ticket, result: scan(job) });
});

/** The thread that does large work: a job in, its result out. Started by compute-runner.ts. */
import { parentPort } from 'node:worker_threads';
import { type ComputeJob, compute } from '../../core/compute.js';
import type { Ticket } from '../../core/effects.js';
import { createPureFunctions } from '../pure-functions.js';

const pure = createPureFunctions();

parentPort?.on('message', async ({ ticket, job }: { ticket: Ticket; job: ComputeJob }) => {
  parentPort?.postMessage({ ticket, result: compute(job, await pure) });
});

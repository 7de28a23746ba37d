/**
 * Work that would hold up a node's turns: pure kernels over pinned inputs, carried out beside `handle` by whoever drives the node. What comes of one arrives later, as an
 * event, and is judged anew by what is so then.
 */
import { type PlanningJob, type PlanningResult, planMoves } from './control/moves/planning.js';
import { type ScanJob, type ScanResult, scan } from './memory/scan-kernel.js';
import type { KernelFunctions } from './pure-functions.js';

export type ComputeJob = ScanJob | PlanningJob;
export type ComputeResult = ScanResult | PlanningResult;

/** Does the work: the same result for the same job, on any thread and any machine. */
export function compute(job: ComputeJob, pure: KernelFunctions): ComputeResult {
  return job.kind === 'scan' ? scan(job) : planMoves(job, pure);
}

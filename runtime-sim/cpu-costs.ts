/**
 * What each event costs its node in virtual CPU time: a cost by kind and by byte, after measurements on the machine that this was written on. A
 * node is busy for that long, what arrives meanwhile waits, and what it sends departs when it is done: slow handlers delay pings here too.
 */
import type { ComputeJob } from '../core/compute.js';
import type { CoreEvent } from '../core/events.js';

/** Microseconds for an event of this kind, without its bytes. */
const eventUs: Readonly<Record<CoreEvent['kind'], number>> = {
  start: 50,
  control: 20,
  propose: 12,
  found: 12,
  recover: 12,
  'plan-moves': 12,
  request: 12,
  cancel: 1,
  message: 5,
  timer: 3,
  disk: 4,
  compute: 6,
  datagram: 5,
  exchange: 20,
  exchanged: 20,
  seeds: 5,
  load: 5,
  leave: 5,
};
/** Checksums, copies and index work: about 1 µs per kilobyte. */
const bytesPerUs = 1_000;
/** Handing one message, reply or disk operation over. */
export const effectUs = 1;
/** Exact scan: 3.4 million vectors of 128 floats per second (ARCHITECTURE.md). */
const floatsScannedPerUs = 435;

export function eventCostUs(kind: CoreEvent['kind'], bytes: number): number {
  return eventUs[kind] + Math.floor(bytes / bytesPerUs);
}

/** Where copies should be, for each space and node: 10,000 spaces on 50 nodes take a third of a second (`npm run bench -- placement`). */
const placementsPlannedPerUs = 1.5;

/** Done on another processor than the node's own. */
export function computeCostUs(job: ComputeJob): number {
  if (job.kind === 'scan') return 20 + Math.ceil((job.rows * job.dimensions) / floatsScannedPerUs);
  const places = Object.keys(job.state.rows).length * Object.keys(job.state.members).length;
  return 200 + Math.ceil(places / placementsPlannedPerUs);
}

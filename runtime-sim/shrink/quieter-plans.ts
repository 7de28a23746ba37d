/**
 * The same plan in a quieter world: links that lose nothing, disks that are fast, clocks that are right. Each function lists alternatives, the quietest
 * first; none when there is nothing left to quieten.
 */
import { type Fault, familyOf, type LinkRates } from '../../scenarios/fault-plan.js';
import type { DiskRates, RunPlan } from '../../scenarios/run-plan.js';
import type { PlannedOperation } from '../../scenarios/workload.js';
import { plainConfiguration } from './plan-cuts.js';

/** A little jitter stays: equal latencies would hide races. */
const quietLinks: LinkRates = {
  delayUsMin: 40,
  jitterUs: 400,
  slow: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderUs: 0,
  bytesPerUs: 120,
};
const quietDisk: DiskRates = { writeUs: [5, 40], syncUs: [80, 600], readUs: [20, 150], slow: 0 };
/** The shortest that a scenario draws. */
const restartAfterMsMin = 200;

/** Everything at once. */
export function quiet(plan: RunPlan): RunPlan {
  return { ...plan, background: quietLinks, disk: quietDisk, clocks: [], configuration: plainConfiguration };
}

/** Each in turn is asked for alternatives until none of them still fails. */
export const quietenings: readonly ((plan: RunPlan) => RunPlan[])[] = [
  (plan) => [
    { ...plan, background: quietLinks },
    ...(['loss', 'duplicate', 'reorder', 'slow'] as const).map((mishap) => ({ ...plan, background: without(plan.background, mishap) })),
    { ...plan, background: { ...plan.background, delayUsMin: quietLinks.delayUsMin, jitterUs: quietLinks.jitterUs } },
  ],
  (plan) => [
    { ...plan, disk: quietDisk },
    { ...plan, disk: { ...plan.disk, slow: 0 } },
    { ...plan, disk: { ...quietDisk, slow: plan.disk.slow } },
  ],
  (plan) => [{ ...plan, restartAfterMs: Math.min(plan.restartAfterMs, restartAfterMsMin) }],
  (plan) => (plan.seeds === undefined ? [] : [{ ...plan, seeds: plan.nodes }]),
  (plan) => [{ ...plan, liveness: { ...plan.liveness, majority: plan.nodes } }],
  (plan) => [{ ...plan, splits: [], acknowledgementsPerSideMin: 0 }],
  (plan) => [{ ...plan, families: familiesLeft(plan) }],
];

function without(rates: LinkRates, mishap: 'loss' | 'duplicate' | 'reorder' | 'slow'): LinkRates {
  return { ...rates, [mishap]: 0, ...(mishap === 'reorder' ? { reorderUs: 0 } : {}) };
}

/** Families of which nothing is left in the plan need not be exercised. */
function familiesLeft({ families, faults, background }: RunPlan): string[] {
  const left = new Set(faults.map(({ kind }) => familyOf[kind]));
  if (background.loss > 0 || background.duplicate > 0 || background.reorder > 0) left.add('network');
  return families.filter((family) => left.has(family));
}

/** What makes an operation special, and the operation without it. */
export const specialities: readonly {
  readonly has: (operation: PlannedOperation) => boolean;
  readonly plain: (operation: PlannedOperation) => PlannedOperation;
}[] = [
  { has: ({ paddingBytes = 0 }) => paddingBytes > 0, plain: (operation) => ({ ...operation, paddingBytes: 0 }) },
  { has: ({ withSession }) => withSession === true, plain: (operation) => ({ ...operation, withSession: false }) },
  { has: ({ withContext }) => withContext === true, plain: (operation) => ({ ...operation, withContext: false }) },
  { has: ({ ack }) => ack !== 'local', plain: (operation) => ({ ...operation, ack: 'local' }) },
  { has: ({ confidence = 1 }) => confidence !== 1, plain: (operation) => ({ ...operation, confidence: 1 }) },
];

/** A fault in its plainest form, or null when it is that already. */
export function plainer(fault: Fault): Fault | null {
  switch (fault.kind) {
    case 'crash':
    case 'kill':
      return fault.amid === undefined ? null : { kind: fault.kind, atMs: fault.atMs, node: fault.node };
    case 'restart':
      return fault.moved === undefined ? null : { kind: fault.kind, atMs: fault.atMs, node: fault.node };
    case 'diskBitRot':
      return fault.bytes > 1 ? { ...fault, bytes: 1 } : null;
    default:
      return null;
  }
}

/**
 * The moments of a plan, and the same plan told faster: all that happens keeps its order, and the time in which nothing happens becomes less.
 */
import type { Fault } from '../../scenarios/fault-plan.js';
import type { RunPlan } from '../../scenarios/run-plan.js';

/** Every moment that the plan names, in order, the start and the end of load among them. */
export function momentsOf(plan: RunPlan): readonly number[] {
  const moments = [
    0,
    plan.durationMs,
    ...plan.operations.map(({ atMs }) => atMs),
    ...plan.faults.flatMap((fault) => ('untilMs' in fault && fault.untilMs !== null ? [fault.atMs, fault.untilMs] : [fault.atMs])),
    ...plan.splits.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]),
  ];
  return [...new Set(moments)].sort((left, right) => left - right);
}

/** The pauses between one moment and the next, in milliseconds. */
export function pausesOf(plan: RunPlan): readonly number[] {
  const moments = momentsOf(plan);
  return moments.slice(1).map((moment, at) => moment - moments[at]);
}

/** The plan with these pauses, as many as it has now. */
export function withPauses(plan: RunPlan, pausesMs: readonly number[]): RunPlan {
  const moved = new Map<number, number>();
  let atMs = 0;
  for (const [index, moment] of momentsOf(plan).entries()) {
    if (index > 0) atMs += pausesMs[index - 1];
    moved.set(moment, atMs);
  }
  const then = (moment: number): number => moved.get(moment) ?? moment;
  return {
    ...plan,
    durationMs: then(plan.durationMs),
    operations: plan.operations.map((operation) => ({ ...operation, atMs: then(operation.atMs) })),
    faults: plan.faults.map((fault) => movedFault(fault, then)),
    splits: plan.splits.map((split) => ({ ...split, fromMs: then(split.fromMs), untilMs: then(split.untilMs) })),
  };
}

function movedFault(fault: Fault, then: (moment: number) => number): Fault {
  const atMs = then(fault.atMs);
  return 'untilMs' in fault && fault.untilMs !== null ? { ...fault, atMs, untilMs: then(fault.untilMs) } : { ...fault, atMs };
}

/** The load ends with the last thing that still matters; what would have come later in the plan ends with it. */
export function endingEarly(plan: RunPlan): RunPlan {
  const lastMs = Math.max(0, ...plan.operations.map(({ atMs }) => atMs), ...plan.faults.map(({ atMs }) => atMs));
  const durationMs = Math.min(plan.durationMs, lastMs + 1);
  return {
    ...plan,
    durationMs,
    faults: plan.faults.map((fault) =>
      'untilMs' in fault && fault.untilMs !== null ? { ...fault, untilMs: Math.min(fault.untilMs, durationMs) } : fault,
    ),
    splits: plan.splits.flatMap((split) =>
      split.fromMs >= durationMs ? [] : [{ ...split, untilMs: Math.min(split.untilMs, durationMs) }],
    ),
  };
}

/** Only this share of the plan's time, from its start: what was to come later is gone, and the load ends there. */
export function beginningOf(plan: RunPlan, share: number): RunPlan {
  const untilMs = Math.round(plan.durationMs * share);
  return endingEarly({
    ...plan,
    durationMs: untilMs,
    operations: plan.operations.filter(({ atMs }) => atMs < untilMs),
    faults: plan.faults.filter(({ atMs }) => atMs < untilMs),
  });
}

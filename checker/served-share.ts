/**
 * What a side of a split has to serve by itself while copies move: a space of which it has a copy, by the rows as they were committed, and none before it on a bystander,
 * whom both sides reach. Such a bystander may be primary for both, and whatever stands behind it leaves the writing to it.
 */
import type { NodeId } from '../core/identifiers.js';
import type { PlacedRow } from './history.js';

export interface SplitSpan {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Nodes on neither side. */
  readonly bystanders: readonly NodeId[];
}

/** Whether these have to take the writes of a space whose copies stand there. */
export function servesItself(side: readonly NodeId[], copies: readonly NodeId[], bystanders: readonly NodeId[]): boolean {
  const first = copies.find((copy) => side.includes(copy) || bystanders.includes(copy));
  return first !== undefined && side.includes(first);
}

/**
 * From 0 to 1, as much of the acknowledgements that are asked of a side as it can be asked for. Nobody takes writes from a side that is by itself: it counts for how much of
 * the time it had any space to serve. Where a bystander leads some spaces, the side is left with the others: it counts how many it had to serve of the `planned` ones,
 * and for how long.
 */
export function servedShare(
  side: readonly NodeId[],
  rows: readonly PlacedRow[],
  { planned, ...span }: SplitSpan & { readonly planned: number },
): number {
  const { fromMs, untilMs, bystanders } = span;
  const moments = [fromMs, ...rows.map(({ atMs }) => atMs).filter((atMs) => atMs > fromMs && atMs < untilMs)].toSorted(
    (one, other) => one - other,
  );
  let [servedMs, anyMs] = [0, 0];
  for (const [at, momentMs] of moments.entries()) {
    const placed = new Map(rows.filter(({ atMs }) => atMs <= momentMs).map(({ space, copies }) => [space, copies]));
    const served = [...placed.values()].filter((copies) => servesItself(side, copies, bystanders)).length;
    const lastedMs = (moments[at + 1] ?? untilMs) - momentMs;
    servedMs += served * lastedMs;
    if (served > 0) anyMs += lastedMs;
  }
  const lengthMs = untilMs - fromMs;
  return bystanders.length === 0 ? anyMs / lengthMs : Math.min(1, servedMs / (Math.max(1, planned) * lengthMs));
}

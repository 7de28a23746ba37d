/**
 * What is held outside the row: a write whose record, when a read was answered, was on no disk of the copies that the space's row then named, only on those of others. A node that took
 * writes on its side of a cut and lost its place while it was away has such; no copy can know of them before it comes back and hands them over. Judged by disks and
 * committed rows, never by what the system says. As long as the node stands in the row its silence counts: then copies know that they may lag.
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { History, Operation, PlacedRow } from './history.js';
import { type Memory, type Step, tracesOf } from './memory-traces.js';

export type IsHeldOutside = (memory: Memory, write: Step, read: Operation) => boolean;

export function heldOutside(history: History): IsHeldOutside {
  const { placement } = history;
  if (placement === undefined) return () => false;
  const { nodes } = tracesOf(history);
  const rowsOf = new Map<SpaceKey, PlacedRow[]>();
  for (const row of placement.rows.toSorted((left, right) => left.atMs - right.atMs)) {
    const rows = rowsOf.get(row.space);
    if (rows === undefined) rowsOf.set(row.space, [row]);
    else rows.push(row);
  }
  return (memory, write, { completedMs }) => {
    const copies = rowsOf.get(memory.space)?.findLast(({ atMs }) => atMs <= completedMs)?.copies;
    const holders = [...nodes].filter(([, node]) => isHeldBy(memory, node, write, completedMs)).map(([id]) => id);
    // What is on no disk at all is no matter of rows.
    return copies !== undefined && holders.length > 0 && !holders.some((id: NodeId) => copies.includes(id));
  };
}

function isHeldBy({ logs, durableMs }: Memory, node: number, write: Step, untilMs: number): boolean {
  const times = durableMs[node] ?? [];
  return (logs[node] ?? []).some((step, at) => step === write && (times[at] as number) <= untilMs);
}

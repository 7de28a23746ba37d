/**
 * What is held outside the row: a write whose record was on no disk of the copies that the space's row then named, only on those of others. A node that took
 * writes on its side of a cut and lost its place while it was away has such; no copy can know of them before it comes back and hands them over. The first copy that
 * has synced one brings it into the row: from then on the others lag behind that copy. Judged by disks and committed rows, never by what the system says. As long as the
 * node stands in the row its silence counts: then copies know that they may lag.
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { History, Operation, PlacedRow } from './history.js';
import { type Memory, type Step, tracesOf } from './memory-traces.js';

/**
 * Since when, in milliseconds and without a break until the read was answered, some copy of the row has held the write. Minus infinity: at no time was it held by others only.
 * Null: when the read was answered it was.
 */
export type InRowSince = (memory: Memory, write: Step, read: Operation) => number | null;

const everMs = Number.NEGATIVE_INFINITY;
const neverMs = Number.POSITIVE_INFINITY;

export function inRowSince(history: History): InRowSince {
  const { placement } = history;
  if (placement === undefined) return () => everMs;
  const { nodes } = tracesOf(history);
  const rowsOf = new Map<SpaceKey, PlacedRow[]>();
  // The latest first.
  for (const row of placement.rows.toSorted((left, right) => right.atMs - left.atMs)) {
    const rows = rowsOf.get(row.space);
    if (rows === undefined) rowsOf.set(row.space, [row]);
    else rows.push(row);
  }
  return (memory, write, { completedMs }) => {
    const rows = (rowsOf.get(memory.space) ?? []).filter(({ atMs }) => atMs <= completedMs);
    const heldMs = new Map([...nodes].map(([id, number]) => [id, heldSinceMs(memory, number, write)]));
    return sinceOf(rows, heldMs, completedMs);
  };
}

/** `rows` begin with the latest, which counts until `untilMs`; `heldMs` says of each node since when it has the write on its disk. */
function sinceOf(rows: readonly PlacedRow[], heldMs: ReadonlyMap<NodeId, number>, untilMs: number): number | null {
  const firstMs = Math.min(...heldMs.values());
  let endMs = untilMs;
  let sinceMs: number | null = null;
  for (const { copies, atMs } of rows) {
    // What is on no disk at all is no matter of rows.
    if (firstMs > endMs) return everMs;
    const enteredMs = Math.max(atMs, Math.min(...copies.map((copy) => heldMs.get(copy) ?? neverMs)));
    if (enteredMs > endMs) return sinceMs;
    sinceMs = enteredMs;
    if (enteredMs > Math.max(atMs, firstMs)) return sinceMs;
    endMs = atMs;
  }
  return everMs;
}

function heldSinceMs({ logs, durableMs }: Memory, node: number, write: Step): number {
  const times = durableMs[node] ?? [];
  const at = (logs[node] ?? []).indexOf(write);
  return at < 0 ? neverMs : (times[at] as number);
}

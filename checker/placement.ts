/**
 * Placement: every row has as many copies as asked for, on different nodes, spread over zones as far as these go, within the caps on copies and primaries;
 * and at every instant some copy of every space serves, also while it moves.
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { Checker, PlacedRow, PlacementRecord } from './history.js';

export const placement: Checker = ({ placement: recorded, endedMs }) => {
  if (recorded === undefined) return { verdict: 'not-applicable', reason: 'rows do not change: the nodes keep no control log' };
  if (recorded.rows.length === 0) return { verdict: 'unknown', reason: 'no row was recorded' };
  const findings = [...recorded.rows.flatMap((row) => rowFaults(row, recorded)), ...capFaults(recorded), ...servingGaps(recorded, endedMs)];
  const figures = { rows: recorded.rows.length, spaces: new Set(recorded.rows.map(({ space }) => space)).size, findings: findings.length };
  if (findings.length === 0) return { verdict: 'ok', ...figures };
  const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`;
  return { verdict: 'violation', reason: `${findings[0]}${more}`, ...figures };
};

function rowFaults({ space, copies, atMs }: PlacedRow, { nodes, replicationFactor }: PlacementRecord): string[] {
  const alive = nodes.filter(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
  const wanted = Math.min(replicationFactor, alive.length);
  const faults: string[] = [];
  if (new Set(copies).size < copies.length) faults.push(`${space} has two copies on one node at ${atMs} ms`);
  if (copies.length < wanted) faults.push(`${space} has ${copies.length} copies of ${wanted} at ${atMs} ms`);
  const zoneOf = new Map(nodes.map(({ node, zone }) => [node, zone]));
  const zones = new Set(copies.map((copy) => zoneOf.get(copy) ?? copy)).size;
  const zonesWanted = Math.min(copies.length, new Set(alive.map(({ zone }) => zone)).size);
  if (zones < zonesWanted) faults.push(`${space} stands in ${zones} zones of ${zonesWanted} at ${atMs} ms`);
  return faults;
}

/** Caps hold after every change: rows are walked in order of time. */
function capFaults({ rows, copiesPerNodeMax, primariesPerNodeMax }: PlacementRecord): string[] {
  const faults: string[] = [];
  const current = new Map<SpaceKey, PlacedRow>();
  for (const row of rows.toSorted((left, right) => left.atMs - right.atMs)) {
    current.set(row.space, row);
    const copies = countBy([...current.values()].flatMap((each) => each.copies));
    const primaries = countBy([...current.values()].flatMap((each) => each.copies.slice(0, 1)));
    for (const node of row.copies) {
      const [held, led] = [copies.get(node) ?? 0, primaries.get(node) ?? 0];
      if (held > copiesPerNodeMax) faults.push(`${node} holds ${held} copies of ${copiesPerNodeMax} at ${row.atMs} ms`);
      if (led > primariesPerNodeMax) faults.push(`${node} is the primary of ${led} spaces of ${primariesPerNodeMax} at ${row.atMs} ms`);
    }
  }
  return faults;
}

/** Moments between a space's first row and the end at which none of its copies serves. */
function servingGaps({ rows, serving }: PlacementRecord, endedMs: number): string[] {
  const begunMs = new Map<SpaceKey, number>();
  for (const { space, atMs } of rows) begunMs.set(space, Math.min(begunMs.get(space) ?? Number.POSITIVE_INFINITY, atMs));
  return [...begunMs].flatMap(([space, fromMs]) => {
    let coveredMs = fromMs;
    const spans = serving.filter((span) => span.space === space).toSorted((left, right) => left.fromMs - right.fromMs);
    const gaps: string[] = [];
    for (const span of spans) {
      if (span.fromMs > coveredMs) gaps.push(`no copy of ${space} served from ${coveredMs} to ${span.fromMs} ms`);
      coveredMs = Math.max(coveredMs, span.untilMs);
    }
    if (endedMs > coveredMs) gaps.push(`no copy of ${space} served from ${coveredMs} ms to the end`);
    return gaps;
  });
}

function countBy(names: readonly NodeId[]): ReadonlyMap<NodeId, number> {
  const counts = new Map<NodeId, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

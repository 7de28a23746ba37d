/**
 * Where the copies of all spaces should be: a pure function of where they are, the nodes and their zones. What is legal stays; only what is missing, misplaced
 * or over a cap moves, so that a node that joins gets about its fair share and nothing else moves with it.
 */
import type { Row } from '../control/members-and-rows.js';
import { compareText, type NodeId, type SpaceKey } from '../identifiers.js';
import type { KernelFunctions } from '../pure-functions.js';
import { levelPrimaries } from './primaries.js';
import { Spread, type SpreadSpace } from './spread.js';
import { type PlacementNode, Topology } from './topology.js';

export interface PlacedSpace {
  readonly space: SpaceKey;
  /** Of one copy. */
  readonly bytes: number;
  /** The primary first. Nodes that are gone, and more than there should be, may be among them; a new space has none. */
  readonly copies: readonly NodeId[];
}

export interface PlacementRequest {
  readonly nodes: readonly PlacementNode[];
  readonly spaces: readonly PlacedSpace[];
  readonly replicationFactor: number;
  /** A node holds at most this many times its fair share, in copies, bytes and primaries: 1.1. */
  readonly capShare: number;
}

/** A copy that is to come into being; it takes the place of the one on `from`, if that still can be read. */
export interface CopyMove {
  readonly space: SpaceKey;
  readonly from: NodeId | null;
  readonly to: NodeId;
  readonly bytes: number;
}

/** How far the fullest node is above the best that can be had: its fair share in whole copies and primaries, in bytes at least the largest copy. 0.1 is 10 %. */
export interface Imbalance {
  readonly copies: number;
  readonly bytes: number;
  readonly primaries: number;
}

/** What cannot be had, whatever the plan. */
export type Infeasibility =
  | { readonly kind: 'fewer-nodes-than-copies'; readonly nodes: number; readonly wanted: number }
  | { readonly kind: 'fewer-zones-than-copies'; readonly zones: number; readonly wanted: number }
  /** Its nodes must hold so many times the average, because every space needs a copy in it. */
  | { readonly kind: 'zone-too-small'; readonly zone: string; readonly timesAverage: number }
  | { readonly kind: 'over-cap'; readonly node: NodeId; readonly of: 'copies' | 'bytes' | 'primaries'; readonly timesFair: number };

export interface PlacementPlan {
  /** Every space, sorted by key; the primary first. */
  readonly rows: readonly Row[];
  readonly moves: readonly CopyMove[];
  /** Spaces whose preferred primary changes while the old one goes on to hold a copy. */
  readonly handovers: number;
  readonly before: Imbalance;
  readonly after: Imbalance;
  readonly infeasible: readonly Infeasibility[];
}

export function planPlacement({ nodes, spaces, replicationFactor, capShare }: PlacementRequest, pure: KernelFunctions): PlacementPlan {
  const topology = new Topology(nodes, replicationFactor);
  const sorted = [...spaces].sort((left, right) => compareText(left.space, right.space));
  const working = sorted.map(({ space, bytes, copies }): SpreadSpace => ({ key: space, bytes, copies: legalPart(topology, copies) }));
  const primariesBefore = primaryCounts(topology, sorted);
  const spread = new Spread(topology, working, { capShare, pure });
  const before = imbalanceOf(spread, primariesBefore);
  spread.complete();
  spread.level();
  spread.levelBytes();
  const primaries = levelPrimaries(working, topology.ids.length, capShare);
  const rows = working.map(({ key }, index) => ({ space: key, copies: spread.idsOf(index) }));
  const moves = sorted.flatMap((old, index) => movesOf(old, rows[index].copies));
  const handovers = sorted.filter(({ copies: [first] }, index) => {
    const { copies } = rows[index];
    return first !== undefined && copies[0] !== first && copies.includes(first);
  }).length;
  const after = imbalanceOf(spread, primaries.counts);
  return { rows, moves, handovers, before, after, infeasible: infeasibilities(spread, primaries, { nodes, replicationFactor, capShare }) };
}

/** The copies that may stay, in their order. */
function legalPart(topology: Topology, copies: readonly NodeId[]): number[] {
  const kept: number[] = [];
  for (const id of copies) {
    const node = topology.indexOf(id);
    if (node !== undefined && topology.fits(kept, node)) kept.push(node);
  }
  return kept;
}

function movesOf({ space, bytes, copies }: PlacedSpace, planned: readonly NodeId[]): CopyMove[] {
  const given = copies.filter((id) => !planned.includes(id));
  return planned.filter((id) => !copies.includes(id)).map((to, index) => ({ space, from: given[index] ?? null, to, bytes }));
}

function primaryCounts(topology: Topology, spaces: readonly PlacedSpace[]): Float64Array {
  const counts = new Float64Array(topology.ids.length);
  for (const { copies } of spaces) {
    const node = copies.length === 0 ? undefined : topology.indexOf(copies[0]);
    if (node !== undefined) counts[node] += 1;
  }
  return counts;
}

function imbalanceOf({ counts, bytes, fairCounts, fairBytes, spaces }: Spread, primaries: Float64Array): Imbalance {
  const largest = spaces.reduce((most, space) => Math.max(most, space.bytes), 0);
  const best = {
    copies: fairCounts.map(whole),
    bytes: fairBytes.map((fair) => Math.max(fair, largest)),
    primaries: primaries.map(() => whole(spaces.length / primaries.length)),
  };
  return { copies: above(counts, best.copies), bytes: above(bytes, best.bytes), primaries: above(primaries, best.primaries) };
}

/** One space of three nodes has a primary, and not a third of one on each. What is whole but for rounding stays. */
function whole(fair: number): number {
  return Math.ceil(fair - 1e-9);
}

function above(loads: Float64Array, best: Float64Array): number {
  return loads.reduce((most, load, node) => Math.max(most, best[node] === 0 ? 0 : load / best[node] - 1), 0);
}

function infeasibilities(
  { topology, counts, bytes, fairCounts, fairBytes, capCounts, capBytes }: Spread,
  primaries: ReturnType<typeof levelPrimaries>,
  { replicationFactor, capShare }: Pick<PlacementRequest, 'replicationFactor' | 'capShare' | 'nodes'>,
): Infeasibility[] {
  const { ids, zones, shares } = topology;
  const found: Infeasibility[] = [];
  if (ids.length < replicationFactor) found.push({ kind: 'fewer-nodes-than-copies', nodes: ids.length, wanted: replicationFactor });
  if (zones.length > 1 && zones.length < Math.min(replicationFactor, ids.length))
    found.push({ kind: 'fewer-zones-than-copies', zones: zones.length, wanted: replicationFactor });
  const average = topology.copies / ids.length;
  for (const zone of zones) {
    const node = ids.findIndex((_, index) => topology.zoneOf(index) === zone);
    const timesAverage = shares[node] / average;
    if (timesAverage > capShare) found.push({ kind: 'zone-too-small', zone: zone.name, timesAverage });
  }
  ids.forEach((node, index) => {
    if (counts[index] > capCounts[index])
      found.push({ kind: 'over-cap', node, of: 'copies', timesFair: counts[index] / fairCounts[index] });
    if (bytes[index] > capBytes[index]) found.push({ kind: 'over-cap', node, of: 'bytes', timesFair: bytes[index] / fairBytes[index] });
    if (primaries.counts[index] > primaries.cap)
      found.push({ kind: 'over-cap', node, of: 'primaries', timesFair: primaries.counts[index] / primaries.fair });
  });
  return found;
}

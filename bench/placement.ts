/**
 * Placement, measured: how even a plan is, how much moves when a node joins, how long planning takes; spaces of very different sizes, over even and uneven zones.
 */
import { nodeId, spaceKey } from '../core/identifiers.js';
import { type PlacedSpace, type PlacementPlan, type PlacementRequest, planPlacement } from '../core/placement/placement-plan.js';
import { type PlacementNode, Topology } from '../core/placement/topology.js';
import { createPureFunctions } from '../runtime-real/pure-functions.js';
import type { Row } from './figures.js';

const sizes: readonly (readonly [nodes: number, spaces: number])[] = [
  [10, 200],
  [10, 1_000],
  [50, 1_000],
  [50, 10_000],
];
const layouts: readonly { readonly name: string; readonly zone: (node: number, nodes: number) => string }[] = [
  { name: 'three even zones', zone: (node) => `z${node % 3}` },
  { name: 'zones of 5 : 3 : 2', zone: (node, nodes) => (node < nodes * 0.5 ? 'a' : node < nodes * 0.8 ? 'b' : 'c') },
];
const rounds = 5;

export async function run(): Promise<Row[]> {
  const pure = await createPureFunctions();
  return sizes.flatMap(([nodes, spaces]) =>
    layouts.map(({ name, zone }) => {
      const all = Array.from({ length: nodes + 1 }, (_, n): PlacementNode => ({ id: idOf(n), zone: zone(n, nodes), rack: '' }));
      const request: PlacementRequest = { nodes: all.slice(0, nodes), spaces: spacesOf(spaces), replicationFactor: 3, capShare: 1.1 };
      const planned = timed(() => planPlacement(request, pure));
      const joined = planPlacement({ ...request, nodes: all, spaces: placed(request.spaces, planned.result) }, pure);
      const topology = new Topology(all, request.replicationFactor);
      const share = topology.shares[topology.indexOf(idOf(nodes)) as number] * spaces;
      const { copies, bytes, primaries } = planned.result.after;
      return {
        what: `placement: ${nodes} nodes, ${spaces.toLocaleString('en-US')} spaces, ${name}: fullest over fair (copies, bytes, primaries); moves of a join over its share; plan`,
        measured: `${[copies, bytes, primaries].map(percent).join(', ')}; ${(joined.moves.length / share).toFixed(2)} ×; ${planned.ms.toFixed(0)} ms`,
        target: '20 %; 1.25 ×; 1,000 ms',
      };
    }),
  );
}

function idOf(node: number): PlacementNode['id'] {
  return nodeId(((node + 1) * 7_919).toString(16).padStart(32, '0'));
}

/** Sizes over a factor of fifty, the same in every run. */
function spacesOf(count: number): PlacedSpace[] {
  return Array.from({ length: count }, (_, n) => ({
    space: spaceKey({ name: `space-${n}`, generation: 0 }),
    bytes: Math.round(1e6 * Math.exp(2 * Math.sin(n * 12.9898))),
    copies: [],
  }));
}

function placed(spaces: readonly PlacedSpace[], { rows }: PlacementPlan): PlacedSpace[] {
  const copies = new Map(rows.map((row) => [row.space, row.copies]));
  return spaces.map((space) => ({ ...space, copies: copies.get(space.space) ?? [] }));
}

function timed<Result>(act: () => Result): { readonly result: Result; readonly ms: number } {
  const took: number[] = [];
  let result = act();
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    result = act();
    took.push(performance.now() - startedAt);
  }
  return { result, ms: took.sort((left, right) => left - right)[rounds >> 1] };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

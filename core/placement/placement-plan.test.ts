/** Placement: what every plan must keep, whatever the nodes and spaces; and how little moves when one node comes or goes. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId, type SpaceKey, spaceKey } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { type PlacedSpace, type PlacementPlan, type PlacementRequest, planPlacement } from './placement-plan.js';
import { type PlacementNode, Topology } from './topology.js';

const placement = suite('placement');
const pure = testPureFunctions();

function node(n: number, zone = '', rack = ''): PlacementNode {
  return { id: nodeId(((n + 1) * 7_919).toString(16).padStart(32, '0')), zone, rack };
}

function space(n: number, copies: readonly NodeId[] = [], bytes = 1_000): PlacedSpace {
  return { space: spaceKey({ name: `space-${n}`, generation: 0 }), bytes, copies };
}

const defaults = { replicationFactor: 3, capShare: 1.1 };

function plan(request: Pick<PlacementRequest, 'nodes' | 'spaces'> & Partial<PlacementRequest>): PlacementPlan {
  return planPlacement({ ...defaults, ...request }, pure);
}

/** The same spaces, where the plan puts them. */
function placed(spaces: readonly PlacedSpace[], { rows }: PlacementPlan): PlacedSpace[] {
  const copies = new Map<SpaceKey, readonly NodeId[]>(rows.map((row) => [row.space, row.copies]));
  return spaces.map((each) => ({ ...each, copies: copies.get(each.space) ?? [] }));
}

function loads({ rows }: PlacementPlan): Map<NodeId, number> {
  const counts = new Map<NodeId, number>();
  for (const { copies } of rows) for (const id of copies) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

const nodesDrawn = fc
  .array(
    fc.record({
      zone: fc.constantFrom('a', 'b', 'c', 'd'),
      rack: fc.constantFrom('1', '2', '3'),
      isDraining: fc.integer({ min: 0, max: 9 }),
    }),
    {
      minLength: 0,
      maxLength: 12,
    },
  )
  .map((drawn) => drawn.map(({ zone, rack, isDraining }, n) => ({ ...node(n, zone, rack), isDraining: isDraining === 0 })));

const requests = fc
  .record({
    nodes: nodesDrawn,
    replicationFactor: fc.integer({ min: 1, max: 5 }),
    // Copies on whatever nodes, also such as are gone (12 to 15), and repeated.
    rows: fc.array(fc.record({ copies: fc.array(fc.nat(15), { maxLength: 6 }), bytes: fc.nat(10_000) }), { maxLength: 60 }),
  })
  .map(
    ({ nodes, replicationFactor, rows }): PlacementRequest => ({
      nodes,
      replicationFactor,
      capShare: 1.1,
      spaces: rows.map(({ copies, bytes }, n) =>
        space(
          n,
          [...new Set(copies)].map((at) => node(at).id),
          bytes,
        ),
      ),
    }),
  );

placement('puts as many copies as there can be on serving nodes, in as many zones and then racks as there can be', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const serving = request.nodes.filter(({ isDraining }) => isDraining !== true);
      const zones = new Set(serving.map(({ zone }) => zone)).size;
      const copies = Math.min(request.replicationFactor, serving.length);
      const byId = new Map(serving.map((each) => [each.id, each]));
      const { rows } = planPlacement(request, pure);
      assert.is(rows.length, request.spaces.length);
      for (const row of rows) {
        const on = row.copies.map((id) => byId.get(id) as PlacementNode);
        assert.not.ok(on.includes(undefined as never));
        assert.is(new Set(row.copies).size, copies);
        assert.is(row.copies.length, copies);
        assert.is(new Set(on.map(({ zone }) => zone)).size, Math.min(copies, zones));
        for (const zone of new Set(on.map((each) => each.zone))) {
          const here = on.filter((each) => each.zone === zone);
          const racks = new Set(serving.filter((each) => each.zone === zone).map(({ rack }) => rack)).size;
          assert.is(new Set(here.map(({ rack }) => rack)).size, Math.min(here.length, racks));
        }
      }
    }),
    { numRuns: 500 },
  );
});

placement('does not depend on the order in which nodes and spaces are named', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const reversed = { ...request, nodes: [...request.nodes].reverse(), spaces: [...request.spaces].reverse() };
      assert.equal(planPlacement(reversed, pure), planPlacement(request, pure));
    }),
    { numRuns: 100 },
  );
});

placement('has nothing left to do once it is carried out', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const first = planPlacement(request, pure);
      const again = planPlacement({ ...request, spaces: placed(request.spaces, first) }, pure);
      assert.ok(again.moves.length <= first.moves.length);
      let last = again;
      // What one plan could not level because of what stood in its way settles within a few.
      for (let turn = 0; turn < 4 && last.moves.length > 0; turn += 1)
        last = planPlacement({ ...request, spaces: placed(request.spaces, last) }, pure);
      assert.equal(last.moves, []);
    }),
    { numRuns: 400 },
  );
});

placement('what cannot be more even is as even as can be: one space on three nodes has one primary, and on ten three copies', () => {
  const even = { copies: 0, bytes: 0, primaries: 0 };
  for (const count of [3, 10]) {
    const nodes = Array.from({ length: count }, (_, n) => node(n, 'abc'[n % 3]));
    const { after } = plan({ nodes, spaces: [space(0)] });
    assert.equal(after, even);
  }
  // Two primaries on one of three nodes could be on two.
  const nodes = [node(0), node(1), node(2)];
  const copies = nodes.map(({ id }) => id);
  const { before, after } = plan({ nodes, spaces: [0, 1].map((n) => ({ ...space(n), copies })) });
  assert.equal([before, after], [{ ...even, primaries: 1 }, even]);
});

placement('keeps every legal copy of nodes that are not over their cap', () => {
  const nodes = Array.from({ length: 9 }, (_, n) => node(n, 'abc'[n % 3]));
  const spaces = Array.from({ length: 90 }, (_, n) => space(n));
  const even = placed(spaces, plan({ nodes, spaces }));
  const unchanged = plan({ nodes, spaces: even });
  assert.equal(unchanged.moves, []);
  assert.is(unchanged.handovers, 0);
  // Two copies of one space in one zone: the second of them moves, and nothing else.
  const [first] = even;
  const rival = nodes.find(
    ({ id, zone }) => !first.copies.includes(id) && zone === nodes.find((each) => each.id === first.copies[0])?.zone,
  );
  const crowded = [{ ...first, copies: [first.copies[0], (rival as PlacementNode).id, first.copies[2]] }, ...even.slice(1)];
  const mended = plan({ nodes, spaces: crowded });
  assert.equal(
    mended.moves.map((move) => [move.space, move.from]),
    [[first.space, rival?.id]],
  );
});

placement('gives a node that joins about its fair share, and moves nothing between others', () => {
  for (const zones of [1, 3, 5]) {
    for (const count of [5, 10, 20]) {
      const nodes = Array.from({ length: count }, (_, n) => node(n, `z${n % zones}`));
      const spaces = Array.from({ length: 20 * count }, (_, n) => space(n));
      const joiner = node(count, `z${count % zones}`);
      const joined = plan({ nodes: [...nodes, joiner], spaces: placed(spaces, plan({ nodes, spaces })) });
      assert.ok(
        joined.moves.every(({ to, from }) => to === joiner.id && from !== null),
        `${count} nodes in ${zones} zones`,
      );
      // In a zone with fewer nodes than the others a node's share is larger.
      const topology = new Topology([...nodes, joiner], 3);
      const fairShare = topology.shares[topology.indexOf(joiner.id) as number] * spaces.length;
      assert.ok(joined.moves.length <= 1.25 * fairShare, `${joined.moves.length} moves for a share of ${fairShare}`);
      assert.ok(joined.moves.length >= 0.8 * fairShare);
    }
  }
});

placement('replaces only what a node that is gone had', () => {
  const nodes = Array.from({ length: 10 }, (_, n) => node(n, `z${n % 5}`));
  const spaces = Array.from({ length: 200 }, (_, n) => space(n));
  const even = placed(spaces, plan({ nodes, spaces }));
  const [gone, ...others] = nodes;
  const replaced = plan({ nodes: others, spaces: even });
  assert.is(replaced.moves.length, even.filter(({ copies }) => copies.includes(gone.id)).length);
  assert.ok(replaced.moves.every(({ from }) => from === gone.id));
});

placement('is within 20 % of what the zones allow, also when they are uneven and spaces of all sizes', () => {
  for (const [count, spacesCount] of [
    [10, 200],
    [10, 1_000],
    [50, 1_000],
  ]) {
    for (const zoneOf of [() => '', (n: number) => `z${n % 3}`, (n: number) => (n < count / 2 ? 'a' : n < count * 0.8 ? 'b' : 'c')]) {
      const nodes = Array.from({ length: count }, (_, n) => node(n, zoneOf(n)));
      const spaces = Array.from({ length: spacesCount }, (_, n) => space(n, [], Math.round(1e6 * Math.exp(2 * Math.sin(n * 12.9898)))));
      const { after, infeasible } = plan({ nodes, spaces });
      assert.ok(after.copies <= 0.2 && after.bytes <= 0.2 && after.primaries <= 0.2, JSON.stringify(after));
      assert.not.ok(infeasible.some(({ kind }) => kind === 'over-cap'));
    }
  }
});

placement('says what cannot be had', () => {
  const spaces = Array.from({ length: 30 }, (_, n) => space(n));
  assert.equal(plan({ nodes: [node(0), node(1)], spaces }).infeasible, [{ kind: 'fewer-nodes-than-copies', nodes: 2, wanted: 3 }]);
  assert.equal(plan({ nodes: [node(0, 'a'), node(1, 'a'), node(2, 'b'), node(3, 'b')], spaces }).infeasible, [
    { kind: 'fewer-zones-than-copies', zones: 2, wanted: 3 },
  ]);
  const uneven = plan({ nodes: [node(0, 'a'), node(1, 'b'), node(2, 'b'), node(3, 'c'), node(4, 'c')], spaces });
  assert.equal(
    uneven.infeasible.map((each) => each.kind === 'zone-too-small' && each.zone),
    ['a'],
  );
  assert.is(loads(uneven).get(node(0).id), 30);
  const huge = plan({ nodes: Array.from({ length: 6 }, (_, n) => node(n)), spaces: [space(0, [], 1_000_000), ...spaces.slice(1)] });
  assert.is(huge.rows.length, 30);
  assert.equal(plan({ nodes: [], spaces }).rows[0].copies, []);
  assert.equal(plan({ nodes: [node(0)], spaces: [] }).moves, []);
});

placement('hands primaries along chains until nobody has more than its share', () => {
  const nodes = Array.from({ length: 6 }, (_, n) => node(n));
  const ids = nodes.map(({ id }) => id);
  // All spaces of node 0 are shared with 1 alone, all of 1 with 2, and so on: a direct change helps nobody.
  const spaces = Array.from({ length: 60 }, (_, n) =>
    space(n, [ids[n % 3 === 0 ? 0 : Math.floor(n / 12)], ids[(Math.floor(n / 12) + 1) % 6]]),
  );
  const { rows, after, handovers } = plan({ nodes, spaces, replicationFactor: 2 });
  const primaries = new Map<NodeId, number>();
  for (const { copies } of rows) primaries.set(copies[0], (primaries.get(copies[0]) ?? 0) + 1);
  assert.ok(Math.max(...primaries.values()) <= 11, JSON.stringify([...primaries.values()]));
  assert.ok(after.primaries <= 0.1 + 1e-9);
  assert.ok(handovers > 0);
});

placement.run();

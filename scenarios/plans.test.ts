/** Plans are data: the same seed draws the same plan, it survives JSON, and it says what SPEC section 6.9 asks of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue, drawPlan, durationMsDefault } from './catalogue.js';
import { describeFault, familyOf } from './fault-plan.js';
import { marks } from './marks.js';
import { Draws } from './random-streams.js';
import type { RunPlan } from './run-plan.js';
import type { Scenario } from './scenario.js';
import { drawWorkload } from './workload.js';

const plans = suite('plans');
const built = catalogue.flatMap(({ scenario }) => (scenario === null ? [] : [scenario]));
const options = { nodes: 5, durationMs: durationMsDefault };
const seeds = Array.from({ length: 15 }, (_, index) => index + 1);

function each(visit: (plan: RunPlan, scenario: Scenario, seed: number) => void): void {
  for (const scenario of built) for (const seed of seeds) visit(drawPlan(scenario, seed, options), scenario, seed);
}

/** Who is to be drained or removed. */
function leaving({ configuration }: RunPlan): ReadonlySet<string> {
  return new Set(configuration.controlLog?.changes?.flatMap(({ kind, node }) => (kind === 'join' ? [] : [node])));
}

plans('the same seed draws the same plan, another seed another', () => {
  each((plan, scenario, seed) => {
    assert.equal(drawPlan(scenario, seed, options), plan);
    assert.not.equal(drawPlan(scenario, seed + 1_000, options).operations, plan.operations);
  });
});

plans('a plan survives JSON', () => {
  each((plan) => assert.equal(JSON.parse(JSON.stringify(plan)), plan));
});

plans('a default run has 1,000 operations, faults within the time of load but for restarts, and names that exist', () => {
  each((plan) => {
    assert.ok(plan.operations.length >= 1_000);
    const names = new Set([...plan.nodes, ...plan.clients]);
    for (const fault of plan.faults) {
      assert.ok(fault.kind === 'restart' || (fault.atMs >= 0 && fault.atMs <= plan.durationMs));
      const mentioned = 'from' in fault ? [...fault.from, ...fault.to] : [fault.node];
      assert.ok(
        mentioned.every((name) => names.has(name)),
        describeFault(fault),
      );
      assert.type(familyOf[fault.kind], 'string');
    }
    for (const { copies } of plan.rows) assert.is(new Set(copies).size, 3);
    assert.is(plan.liveness.majority.length, Math.floor((plan.nodes.length - leaving(plan).size) / 2) + 1);
  });
});

plans('a split lasts 5 seconds and more, and both sides hold a copy of some space', () => {
  each((plan, scenario) => {
    if (scenario.name === 'clean-split') assert.ok(plan.splits.length > 0);
    assert.is(plan.acknowledgementsPerSideMin, plan.splits.length > 0 ? 20 : 0);
    for (const { fromMs, untilMs, sides } of plan.splits) {
      assert.ok(untilMs - fromMs >= 5_000 && untilMs <= plan.durationMs);
      const holds = (copies: readonly string[], nodes: readonly string[]): boolean => copies.some((copy) => nodes.includes(copy));
      assert.ok(plan.rows.some(({ copies }) => sides.every(({ nodes }) => holds(copies, nodes))));
    }
  });
});

plans('what is asymmetric parts two sides, or breaks one or two links between nodes in one direction and parts nobody', () => {
  const asymmetric = built.find(({ name }) => name === 'asymmetric') as Scenario;
  let parting = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const { nodes, splits, faults } = drawPlan(asymmetric, seed, options);
    parting += splits.length;
    const cuts = faults.flatMap((fault) => (fault.kind === 'cutLinks' ? [fault] : []));
    if (splits.length > 0) {
      assert.is(cuts.filter(({ from }) => from.some((name) => !nodes.includes(name))).length, 2, 'the clients of both sides');
      continue;
    }
    assert.ok(cuts.length === 1 || cuts.length === 2);
    for (const { from, to, atMs } of cuts) {
      assert.ok(from.length === 1 && to.length === 1 && [...from, ...to].every((name) => nodes.includes(name)));
      const heals = faults.filter((fault) => fault.kind === 'healLinks' && fault.from[0] === from[0] && fault.to[0] === to[0]);
      assert.ok(heals.length === 1 && (heals[0]?.atMs ?? 0) - atMs >= 5_000);
    }
  }
  assert.ok(parting >= 45 && parting < 60, `${parting} of 60 seeds part two sides`);
});

plans('clean splits part two from three, three from two, and leave a bystander on some seeds', () => {
  const shapes = new Set<string>();
  each((plan, scenario) => {
    if (scenario.name !== 'clean-split') return;
    for (const { sides } of plan.splits) shapes.add(sides.map(({ nodes }) => nodes.length).join('|'));
  });
  assert.equal([...shapes].sort(), ['2|2', '2|3', '3|2']);
});

plans('flaps come ten times for three seconds, or more often and less regularly; congestion loses three in ten', () => {
  const flaps = new Set<number>();
  const losses = new Set<number>();
  each((plan, { name }) => {
    if (name === 'flapping') flaps.add(new Set(plan.faults.filter(({ kind }) => kind === 'cutLinks').map(({ atMs }) => atMs)).size);
    if (name === 'congestion') for (const fault of plan.faults) if ('rates' in fault && fault.rates !== null) losses.add(fault.rates.loss);
  });
  assert.ok(flaps.has(10) && flaps.size > 3, [...flaps].join());
  assert.ok(losses.has(0.3));
});

plans('a cascade fells two nodes or more, one after another, and all of them come back', () => {
  each((plan, { name }) => {
    if (name !== 'cascading' || !plan.families.includes('crash')) return;
    const nodesOf = (kind: string): string[] =>
      plan.faults.flatMap((fault) => (fault.kind === kind && 'node' in fault ? [fault.node] : [])).sort();
    assert.ok(nodesOf('crash').length >= 2);
    assert.equal(nodesOf('restart'), nodesOf('crash'));
  });
});

plans('a shorter run tells the same story in proportion', () => {
  for (const scenario of built) {
    const plan = drawPlan(scenario, 5, { nodes: 5, durationMs: 6_000 });
    assert.ok(plan.operations.length >= 100);
    assert.ok(plan.faults.every(({ kind, atMs }) => kind === 'restart' || atMs <= 6_000));
  }
});

plans('a swarm draws three to nine nodes unless it is told how many, and mixes families and operations', () => {
  const swarm = built.find(({ name }) => name === 'swarm') as Scenario;
  const drawn = Array.from({ length: 60 }, (_, seed) => drawPlan(swarm, seed, { nodes: null, durationMs: 6_000 }));
  assert.equal([...new Set(drawn.map(({ nodes }) => nodes.length))].sort(), [3, 4, 5, 6, 7, 8, 9]);
  assert.ok(drawn.every((plan) => plan.liveness.majority.length === Math.floor((plan.nodes.length - leaving(plan).size) / 2) + 1));
  assert.ok(new Set(drawn.map(({ families }) => [...families].sort().join())).size > 30);
  const [one] = drawn;
  const nodes = one?.nodes.length as number;
  assert.equal(drawPlan(swarm, 0, { nodes, durationMs: 6_000 }), one);
});

plans('in every scenario nodes join and leave on some seeds, and on most of them nobody does', () => {
  for (const scenario of built.filter(({ latecomers }) => latecomers === undefined)) {
    const drawn = Array.from({ length: 60 }, (_, seed) => drawPlan(scenario, seed, { nodes: 6, durationMs: 6_000 }));
    const changesOf = ({ configuration }: RunPlan) => configuration.controlLog?.changes ?? [];
    const changed = drawn.filter((plan) => changesOf(plan).length > 0);
    assert.ok(changed.length >= 5 && changed.length <= 30, `${scenario.name}: ${changed.length} of 60`);
    assert.equal([...new Set(changed.flatMap((plan) => changesOf(plan).map(({ kind }) => kind)))].sort(), ['drain', 'join', 'remove']);
    for (const plan of changed) {
      const joining = changesOf(plan).flatMap(({ kind, node }) => (kind === 'join' ? [node] : []));
      assert.not.ok(
        plan.rows.some(({ copies }) => joining.some((node) => copies.includes(node))),
        'who comes later holds nothing at first',
      );
      assert.is(plan.configuration.controlLog?.rebalancing?.isAutomatic, true);
    }
    const without = drawPlan(scenario, 1, { nodes: 6, durationMs: 6_000, controlLog: false });
    assert.is(without.configuration.controlLog, undefined);
  }
});

plans('operations of a burst start together', () => {
  const shape = { durationMs: 10_000, clients: ['c1'], spaces: ['default'], idsPerSpace: 3, operationsPerSecond: 20, confidences: [1] };
  const all = { ...shape, acks: [['local', 1]], kinds: [['get', 1]], paddingBytesMax: 0 } as const;
  const moments = (burst: number): number => new Set(drawWorkload({ ...all, burst }, new Draws(1, 'burst')).map(({ atMs }) => atMs)).size;
  assert.is(moments(20), 10);
  assert.ok(moments(1) > 150);
});

plans('disks are destroyed in turn, and each node comes back after its loss', () => {
  each((plan, { name }) => {
    if (name !== 'permanent-loss') return;
    const losses = plan.faults.flatMap((fault) => (fault.kind === 'destroyDisk' ? [fault] : []));
    assert.ok(losses.length >= 1 && losses.length <= 3);
    for (const { node, atMs } of losses) {
      assert.ok(plan.faults.some((fault) => fault.kind === 'restart' && fault.node === node && fault.atMs > atMs));
    }
  });
});

plans('every mark names scenarios, and marks of what is built name some that are', () => {
  assert.is(new Set(marks.map(({ name }) => name)).size, marks.length);
  for (const { scenarios, pending, seedsNeeded } of marks) {
    assert.ok(scenarios.length > 0 && seedsNeeded > 0);
    if (!pending) assert.ok(scenarios.some((name) => built.some((scenario) => scenario.name === name)));
  }
});

plans('neighbouring seeds draw nothing alike, and a stream depends on its name', () => {
  const first = (seed: number, purpose: string): number => new Draws(seed, purpose).fraction();
  const values = Array.from({ length: 1_000 }, (_, seed) => first(seed, 'test'));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.03, `${mean}`);
  const alike = values.slice(1).filter((value, index) => Math.abs(value - values[index]) < 0.01).length;
  assert.ok(alike < 45, `${alike} of 999 neighbours are alike`);
  assert.is.not(first(1, 'a'), first(1, 'b'));
});

plans.run();

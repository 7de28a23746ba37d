/** Shrinking a plan: what the failure needs stays, the rest goes, and every plan on the way is one that can be run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue, drawPlan } from '../../scenarios/catalogue.js';
import type { RunPlan } from '../../scenarios/run-plan.js';
import type { ScenarioName } from '../../scenarios/scenario.js';
import { builtScenario } from '../option-values.js';
import { planProblem } from '../plan-check.js';
import { faultGroups } from './fault-groups.js';
import { isPlayable, withoutIdleClients, withoutIdleNodes, withParticipants } from './plan-cuts.js';
import { shrinkPlan } from './shrink-plan.js';
import { momentsOf, pausesOf, withPauses } from './time-line.js';
import type { Found } from './trial-pool.js';

const shrinking = suite('shrinking a plan');

function drawn(scenario: ScenarioName, seed: number): RunPlan {
  return drawPlan(builtScenario(scenario), seed, { nodes: 5, durationMs: 60_000 });
}

async function shrunk(plan: RunPlan, fails: (plan: RunPlan) => boolean, triesMax = Number.POSITIVE_INFINITY): Promise<RunPlan> {
  let tries = 0;
  return shrinkPlan({
    plan,
    evidence: { named: [] },
    over: () => tries >= triesMax,
    reduced: () => {},
    firstFailing: async (plans): Promise<Found | null> => {
      const index = plans.findIndex((candidate) => {
        tries += 1;
        assert.is(planProblem(JSON.parse(JSON.stringify(candidate))), null, 'every candidate is a plan');
        return tries <= triesMax && fails(candidate);
      });
      return index < 0 ? null : { index, evidence: { named: [] } };
    },
  });
}

shrinking('one operation on each side of one cut link is all that stays, quiet and quick', async () => {
  const plan = drawn('clean-split', 1);
  const [cut] = plan.faults;
  if (!('from' in cut)) throw new Error('a split begins with a cut');
  const [from, to] = [cut.from.find((name) => name.startsWith('n')), cut.to.find((name) => name.startsWith('n'))] as string[];
  const needs = (kind: string) => plan.operations.find((operation) => operation.kind === kind && operation.atMs > cut.atMs);
  const [write, read] = [needs('update'), needs('get')];
  const least = await shrunk(plan, ({ faults, operations }) => {
    const cuts = faults.some((fault) => fault.kind === 'cutLinks' && fault.from.includes(from) && fault.to.includes(to));
    const first = operations.find(({ value }) => value === write?.value);
    const second = operations.find(({ kind, space, id }) => kind === 'get' && space === read?.space && id === read.id);
    return cuts && first !== undefined && second !== undefined;
  });
  assert.equal(
    least.faults.map((fault) => ({ ...fault, atMs: 0 })),
    [{ kind: 'cutLinks', atMs: 0, from: [from], to: [to] }],
  );
  assert.is(least.operations.length, 2);
  assert.equal(least.background.loss + least.background.duplicate + least.background.reorder + least.background.slow, 0);
  assert.equal(least.clocks, []);
  assert.equal(least.splits, []);
  assert.is(least.acknowledgementsPerSideMin, 0);
  assert.ok(
    least.operations.every(({ ack, paddingBytes = 0, withContext }) => ack === 'local' && paddingBytes === 0 && withContext !== true),
  );
  assert.ok(least.durationMs <= 10, `${least.durationMs} ms`);
  assert.ok(least.nodes.length <= 4 && least.clients.length <= 2);
});

shrinking('what the failure rests on in the world around it stays', async () => {
  const plan = drawn('crash-restart', 4);
  const [clock] = plan.clocks;
  const loss = { ...plan, background: { ...plan.background, loss: 0.02 } };
  const least = await shrunk(
    loss,
    ({ background, clocks, configuration }) =>
      background.loss === 0.02 &&
      clocks.some(({ node }) => node === clock.node) &&
      configuration.replication.gapGraceMs === plan.configuration.replication.gapGraceMs,
  );
  assert.is(least.background.loss, 0.02);
  assert.is(least.background.jitterUs, 400);
  assert.equal(least.clocks, [clock]);
  assert.is(least.configuration.replication.gapGraceMs, plan.configuration.replication.gapGraceMs);
  assert.equal(least.operations, []);
  assert.equal(least.faults, []);
});

shrinking('every candidate made of any scenario is a plan that can be run', async () => {
  for (const { name, scenario } of catalogue) {
    if (scenario === null) continue;
    const plan = drawn(name, 7);
    const few = Math.min(2, plan.faults.length);
    const least = await shrunk(plan, ({ faults, operations }) => faults.length >= few && operations.length >= 3);
    assert.is(least.faults.length, few, name);
    assert.is(least.operations.length, 3, name);
  }
});

shrinking(
  'what an operator changes about the cluster is left out like faults, and its nodes with it; what is chosen about the control log stays',
  async () => {
    const plan = drawn('rebalance', 7);
    const changes = plan.configuration.controlLog?.changes ?? [];
    assert.ok(changes.length > 0);
    const [kept] = changes;
    const least = await shrunk(
      plan,
      ({ configuration }) => configuration.controlLog?.changes?.some(({ node }) => node === kept.node) === true,
    );
    assert.equal(least.configuration.controlLog?.changes, [kept]);
    assert.is(least.configuration.controlLog?.partitionPolicy, plan.configuration.controlLog?.partitionPolicy);
    assert.ok(least.nodes.includes(kept.node));
    assert.is(planProblem(least), null);
  },
);

shrinking('when tries are over, what was found so far is the result', async () => {
  const plan = drawn('crash-restart', 2);
  const some = await shrunk(plan, ({ operations }) => operations.length >= 100, 12);
  assert.ok(some.operations.length < plan.operations.length);
  assert.ok(some.operations.length >= 100);
});

shrinking('a fault stands with the one that ends it', () => {
  const plan = drawn('crash-restart', 3);
  const groups = faultGroups(plan.faults);
  assert.is(groups.flat().length, plan.faults.length);
  for (const group of groups) {
    if (group[0].kind === 'crash') assert.ok(group.length <= 2 && group.slice(1).every(({ kind }) => kind === 'restart'));
  }
  assert.ok(groups.some((group) => group.length === 2));
});

shrinking('a plan without some of its nodes and clients names none of them', () => {
  const plan = drawn('clean-split', 2);
  const left = withParticipants(plan, { nodes: new Set(['n1', 'n2', 'n3']), clients: new Set(['c1', 'c2']) });
  const text = JSON.stringify(left);
  for (const gone of ['n4', 'n5', 'c3', 'c60']) assert.not.match(text, new RegExp(`"${gone}"`));
  assert.ok(isPlayable(withoutIdleNodes(withoutIdleClients({ ...plan, operations: [] }))));
});

shrinking('shorter pauses keep the order of all that happens', () => {
  const plan = drawn('clean-split', 3);
  const quick = withPauses(
    plan,
    pausesOf(plan).map(() => 1),
  );
  assert.is(momentsOf(quick).length, momentsOf(plan).length);
  assert.is(quick.durationMs, momentsOf(plan).indexOf(plan.durationMs));
  const ranks = (of: RunPlan): number[] => {
    const moments = momentsOf(of);
    return [...of.operations, ...of.faults].map(({ atMs }) => moments.indexOf(atMs));
  };
  assert.equal(ranks(quick), ranks(plan));
});

shrinking.run();

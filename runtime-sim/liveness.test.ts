/** After load: faults are over for good, and copies that do not come to agree are told, with a core that is no Engram. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeInspection } from '../core/engram-node.js';
import type { CoreEvent, Now } from '../core/events.js';
import type { Author } from '../core/identifiers.js';
import { scenarioOf } from '../scenarios/catalogue.js';
import { crash } from '../scenarios/fault-plan.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { Scenario } from '../scenarios/scenario.js';
import { spaceOf } from './core-formats.js';
import { planOf, type RunResult, runSeed } from './run-seed.js';
import type { CoreFactory } from './simulated-core.js';
import { EchoNode } from './test-support/echo-node.js';

const liveness = suite('liveness');
const drawn = { scenario: scenarioOf('crash-restart') as Scenario, seed: 7, durationMs: 2_000 };

function run(createCore: CoreFactory, faults: RunPlan['faults'] = []): RunResult {
  const plan = planOf(drawn);
  // The nodes outside the majority are unreachable at first, not down: only faults crash anything here.
  return runSeed({ ...drawn, createCore, plan: { ...plan, operations: [], faults, liveness: { ...plan.liveness, rest: 'cut' } } });
}

/** A node that, once it has been asked for a write, holds what no other copy holds. */
class StubbornNode extends EchoNode {
  #changed = false;

  override handle(event: CoreEvent, now: Now): void {
    if (event.kind === 'request' && event.request.body?.$case === 'remember') this.#changed = true;
    super.handle(event, now);
  }

  override inspect(): NodeInspection {
    const inspection = super.inspect();
    if (!this.#changed) return inspection;
    const own = {
      id: 'own',
      author: 'stubborn' as Author,
      sequence: 1,
      tombstone: false,
      maximal: true,
      live: true,
      contentHash: '0'.repeat(16),
    };
    const spaces = planOf(drawn).rows.map((row) => ({
      space: spaceOf(row.space),
      term: null,
      coverage: new Map(),
      versions: [own],
    }));
    return { ...inspection, spaces };
  }
}

liveness('a crash that waits for a write is off once load has ended', () => {
  const { faults, operations } = run(
    (...parts) => new EchoNode(...parts),
    planOf(drawn).nodes.map((node) => crash({ atMs: 1_000, node, amid: 'write' })),
  ).history;
  assert.ok(operations.some(({ id, outcome }) => id === 'after-the-heal' && outcome === 'ok'));
  assert.ok(faults.length >= 3);
  assert.ok(faults.every(({ tookEffect }) => !tookEffect));
});

liveness('copies that agree after the last writes are no complaint', () => {
  assert.is(run((...parts) => new EchoNode(...parts)).verdicts.serving.verdict, 'ok');
});

liveness('copies that disagree throughout settling are not converged', () => {
  const { verdict, verdicts, history } = run((...parts) => new StubbornNode(...parts));
  assert.ok(history.samples.length > 0);
  const { serving } = verdicts;
  assert.is(serving.verdict, 'violation');
  assert.is(serving.verdict === 'violation' && serving.notConverged, true);
  assert.is(serving.verdict === 'violation' && serving.reason.startsWith('copies still disagreed'), true);
  assert.is.not(verdict, 'ok');
});

liveness.run();

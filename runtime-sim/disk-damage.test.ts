/** Damage to disks stays within the fault model, and destroyed disks make new nodes: judged on short runs of hand-made plans. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drawPlan, scenarioOf } from '../scenarios/catalogue.js';
import {
  crash,
  destroyDisk,
  diskBadSectors,
  diskBitRot,
  diskCheckpointRot,
  diskLostWrite,
  diskMisdirectedWrite,
  type Fault,
  restart,
} from '../scenarios/fault-plan.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { Scenario } from '../scenarios/scenario.js';
import { type RunResult, runSeed } from './run-seed.js';

const damage = suite('disk damage');
const scenario = scenarioOf('disk-faults') as Scenario;

/** Eight seconds under load on that many nodes, with these faults and no others. */
function runWith(nodes: number, families: readonly string[], ...faults: Fault[]): RunResult {
  const drawn = drawPlan(scenario, 7, { nodes, durationMs: 8_000, controlLog: nodes > 1 });
  const plan: RunPlan = { ...drawn, faults, families, background: { ...drawn.background, loss: 0, duplicate: 0, reorder: 0 } };
  return runSeed({ scenario, seed: 7, plan });
}

function effects({ history }: RunResult): string[] {
  return history.faults.filter(({ tookEffect }) => tookEffect).map(({ family }) => family);
}

const aimed = [
  ['bit-rot', diskBitRot({ atMs: 4_000, node: 'n1', position: 0.5, bytes: 20 })],
  ['lost-write', diskLostWrite({ atMs: 4_000, node: 'n1', position: 0.5 })],
  ['misdirected-write', diskMisdirectedWrite({ atMs: 4_000, node: 'n1', position: 0.5, toPosition: 0.2 })],
  ['bad-sectors', diskBadSectors({ atMs: 4_000, node: 'n1', position: 0.5, untilMs: null })],
] as const;

damage('each kind finds a place of which another disk holds the records, and the cluster gets over it', () => {
  for (const [family, fault] of aimed) {
    const run = runWith(3, [family], fault);
    assert.equal(effects(run), [family]);
    assert.is(run.verdict, 'ok', `${family}: ${run.reason}`);
  }
});

damage('where no other disk holds the records nothing is damaged, however often it is tried', () => {
  for (const [family, fault] of aimed) {
    const run = runWith(1, [family], fault);
    assert.equal(effects(run), []);
    assert.ok(run.history.faults.length > 2, `${run.history.faults.length} tries`);
    assert.is(run.verdict, 'unknown');
  }
});

damage('a majority of voters goes on knowing that it has lost nothing of the control log', () => {
  const drawn = drawPlan(scenario, 7, { nodes: 3, durationMs: 8_000, controlLog: true });
  const rot = ['n1', 'n2', 'n3'].flatMap((node) => [
    diskBitRot({ atMs: 4_000, node, position: 0.5, bytes: 20 }),
    diskCheckpointRot({ atMs: 4_500, node, position: 0.3, bytes: 8 }),
  ]);
  const restarts = ['n1', 'n2', 'n3'].flatMap((node, at) => [
    crash({ atMs: 5_000 + 900 * at, node }),
    restart({ atMs: 5_300 + 900 * at, node }),
  ]);
  const faults = [...rot, ...restarts];
  const plan: RunPlan = { ...drawn, faults, families: ['bit-rot', 'checkpoint-rot'] };
  const run = runSeed({ scenario, seed: 7, plan });
  assert.ok(effects(run).includes('bit-rot'), `${effects(run)}`);
  // A log without a majority elects nobody, and the nodes do not agree in time.
  assert.is(run.verdict, 'ok', `${run.reason}`);
});

damage('a fault is withheld where the voters alone are in its way, and that excuses no other one of its family', () => {
  const rot = (node: string, atMs: number): Fault => diskCheckpointRot({ atMs, node, position: 0.3, bytes: 8 });
  // Of three voters one may be in doubt at a time.
  const kept = runWith(3, ['checkpoint-rot', 'bit-rot'], rot('n1', 6_000), rot('n2', 6_100));
  const [first, ...tries] = kept.history.faults;
  assert.equal([first?.tookEffect, first?.withheld], [true, undefined]);
  assert.ok(tries.length > 0 && tries.every(({ tookEffect, withheld }) => !tookEffect && withheld === true));
  assert.match(kept.reason ?? '', /no fault of the family bit-rot took effect/);
  // Without a checkpoint there is nothing to damage, whoever votes.
  const early = runWith(3, ['checkpoint-rot'], rot('n1', 0)).history.faults;
  assert.is(early[0]?.withheld, undefined);
});

damage('a spoiled checkpoint damages no record', () => {
  const run = runWith(3, ['checkpoint-rot'], diskCheckpointRot({ atMs: 6_000, node: 'n1', position: 0.3, bytes: 8 }));
  assert.equal(effects(run), ['checkpoint-rot']);
  assert.is(run.verdict, 'ok', `${run.reason}`);
});

damage('beyond the fault model only safety is judged, and the run says so', () => {
  const run = runWith(1, ['bit-rot'], diskBitRot({ atMs: 4_000, node: 'n1', position: 0.1, bytes: 20, beyond: true }));
  assert.is(run.history.insideFaultModel, false);
  const { loss, convergence, serving } = run.verdicts as Record<string, { verdict: string; judged?: string }>;
  assert.is(loss?.judged, 'safety only: outside the fault model');
  assert.is(convergence?.verdict, 'not-applicable');
  assert.is(serving?.verdict, 'not-applicable');
});

damage('a destroyed disk comes back as a new node under the old name, and refills', () => {
  const run = runWith(3, ['disk-destroyed'], destroyDisk({ atMs: 4_000, node: 'n1' }), restart({ atMs: 5_000, node: 'n1' }));
  assert.is(run.verdict, 'ok', `${run.reason}`);
  assert.is(run.history.logs.size, 4);
  assert.ok('copy lost for good and refilled' in run.probes);
});

damage('the disks of all copies are not destroyed at once: the last one of a record waits', () => {
  const faults = ['n1', 'n2', 'n3'].flatMap((node, at) => [destroyDisk({ atMs: 4_000 + at, node }), restart({ atMs: 7_800 + at, node })]);
  const run = runWith(3, ['disk-destroyed'], ...faults);
  assert.is(run.verdict, 'ok', `${run.reason}`);
  assert.ok(effects(run).filter((family) => family === 'disk-destroyed').length < 3);
});

damage.run();

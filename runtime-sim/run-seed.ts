/**
 * One seed of one scenario, from plan to verdict: what the command line, the tests, the chaos subset and the benchmark all call.
 */

import { type Failover, failoversOf } from '../checker/failovers.js';
import type { History, Verdict } from '../checker/history.js';
import { type CheckerName, checkerNames, checkers } from '../checker/index.js';
import { isWrite } from '../checker/memory-traces.js';
import { EngramNode } from '../core/engram-node.js';
import { drawPlan, durationMsDefault } from '../scenarios/catalogue.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { Scenario, ScenarioName } from '../scenarios/scenario.js';
import type { HistoryRecorder } from './history-recorder.js';
import type { CoreFactory } from './simulated-core.js';
import { Simulation } from './simulation.js';
import type { TraceSink } from './trace/trace-events.js';
import { type ChainLog, Trace } from './trace.js';
import { withoutTheWorld } from './world-guard.js';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly nodes?: number;
  readonly durationMs?: number;
  /** Whether the nodes keep a control log; they do without it. */
  readonly controlLog?: boolean;
  /** Run this plan instead of the one that the seed draws. */
  readonly plan?: RunPlan;
  readonly chainLog?: ChainLog;
  /** Takes the events of the run while it goes on. */
  readonly sink?: TraceSink;
  /** Something else than the core, for tests of the simulator itself. */
  readonly createCore?: CoreFactory;
}

export type Verdicts = Readonly<Record<string, Verdict>>;

export interface RunResult {
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly plan: RunPlan;
  readonly simulatedMs: number;
  readonly wallMs: number;
  readonly events: number;
  readonly traceHash: string;
  readonly operations: { readonly invoked: number; readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly acknowledgedWrites: number;
  readonly lostWrites: number;
  readonly convergenceMs: number | null;
  readonly probes: Readonly<Record<string, number>>;
  /** Primaries that faults took away; none where no control log was kept. */
  readonly failovers: readonly Failover[];
  readonly verdicts: Verdicts;
  readonly verdict: 'ok' | 'violation' | 'unknown';
  /** A violation that is nothing but slow: exit 3, not 1. */
  readonly notConverged: boolean;
  readonly reason: string | null;
  readonly history: History;
}

const realCore: CoreFactory = (configuration, effects, pure) => new EngramNode(configuration, effects, pure);

/** The plan that a seed draws for a scenario. */
export function planOf(options: RunOptions): RunPlan {
  const { scenario, seed, plan, nodes = null, durationMs = durationMsDefault, controlLog = true } = options;
  return plan ?? drawPlan(scenario, seed, { nodes, durationMs, controlLog });
}

export function runSeed(options: RunOptions): RunResult {
  const startedAt = performance.now();
  const touched: string[] = [];
  const run = withoutTheWorld(
    () => simulate(options),
    (what) => touched.push(what),
  );
  const judged = touched.length > 0 && run.verdicts.invariants.verdict === 'ok' ? caughtInside(run.verdicts, touched[0]) : {};
  return { ...run, ...judged, wallMs: Math.round((performance.now() - startedAt) * 10) / 10 };
}

/** Whoever catches the guard's error has still reached for the world. */
function caughtInside(verdicts: Verdicts, what: string): Judged {
  const reason = `${what} was used while the run went on, and the error caught`;
  return {
    verdicts: { ...verdicts, invariants: { verdict: 'violation', reason } },
    verdict: 'violation',
    notConverged: false,
    reason: `invariants: ${reason}`,
  };
}

function simulate(options: RunOptions): Omit<RunResult, 'wallMs'> {
  const { scenario, seed } = options;
  const plan = planOf(options);
  const trace = new Trace({
    ...(options.chainLog === undefined ? {} : { log: options.chainLog }),
  });
  const tracing = options.sink === undefined ? {} : { tracing: { sink: options.sink, scenario: scenario.name } };
  const simulation = new Simulation({ plan, seed, trace, createCore: options.createCore ?? realCore, ...tracing });
  simulation.run();
  const history = simulation.history();
  const judged = judgeRun(history, simulation, scenario.checkers);
  return {
    scenario: scenario.name,
    seed,
    plan,
    simulatedMs: simulation.simulatedMs,
    events: trace.events,
    traceHash: trace.hash,
    operations: count(history),
    acknowledgedWrites: history.operations.filter((operation) => operation.outcome === 'ok' && isWrite(operation)).length,
    lostWrites: figure(judged.verdicts.loss, 'lostWrites') ?? 0,
    convergenceMs: figure(judged.verdicts.convergence, 'convergenceMs') ?? simulation.liveness.convergenceMs,
    probes: Object.fromEntries([...simulation.recorder.marks].sort(([left], [right]) => (left < right ? -1 : 1))),
    failovers: failoversOf(history),
    ...judged,
    history,
  };
}

type Judged = Pick<RunResult, 'verdicts' | 'verdict' | 'notConverged' | 'reason'>;

/** The checkers' judgement, and what only the simulator sees: exceptions out of the core, and spaces that after the heal take no write, or do not bring it to every copy. */
function judgeRun(history: History, { recorder, liveness }: Simulation, required: readonly CheckerName[]): Judged {
  const verdicts: Verdicts = {
    ...Object.fromEntries(checkerNames.map((name) => [name, required.includes(name) ? checkers[name](history) : notRequired])),
    invariants: invariants(recorder),
    serving: serving(history, liveness.settled),
  };
  const [name, worst] = Object.entries(verdicts).reduce((left, right) => (badness(right[1]) > badness(left[1]) ? right : left));
  if (worst.verdict !== 'violation' && worst.verdict !== 'unknown') return { verdicts, verdict: 'ok', notConverged: false, reason: null };
  return { verdicts, verdict: worst.verdict, notConverged: isSlowness(worst), reason: `${name}: ${worst.reason}` };
}

const notRequired: Verdict = { verdict: 'not-applicable', reason: 'not required by the scenario' };

/** What is lost is worse news than what is late, and that than what nobody knows. */
function badness(verdict: Verdict): number {
  if (verdict.verdict === 'violation') return isSlowness(verdict) ? 3 : 4;
  if (verdict.verdict === 'unknown') return 2;
  return verdict.verdict === 'ok' ? 1 : 0;
}

function isSlowness(verdict: Verdict): boolean {
  return verdict.verdict === 'violation' && verdict.notConverged === true;
}

/** An exception out of the core is a bug, whatever else happened. */
function invariants(recorder: HistoryRecorder): Verdict {
  const [first] = recorder.failures;
  if (first === undefined) return { verdict: 'ok', halts: recorder.halts };
  return { verdict: 'violation', reason: `the core threw on ${first}`, failures: recorder.failures.length, halts: recorder.halts };
}

/** After the heal every space takes a write again, and its copies agree once more. */
function serving(history: History, settled: boolean | null): Verdict {
  if (!history.insideFaultModel) return { verdict: 'not-applicable', reason: 'outside the fault model only safety is judged' };
  const writes = history.operations.filter(({ id, kind }) => id === 'after-the-heal' && kind === 'remember');
  const refused = writes.filter(({ outcome }) => outcome !== 'ok');
  if (refused.length > 0) {
    const [{ space, error, index }] = refused;
    return {
      verdict: 'violation',
      notConverged: true,
      reason: `after the heal ${space} did not take a write: ${error}`,
      operations: [index],
    };
  }
  if (settled === false) {
    return { verdict: 'violation', notConverged: true, reason: 'copies still disagreed a minute after the writes that followed the heal' };
  }
  return writes.length === 0 ? { verdict: 'not-applicable' } : { verdict: 'ok', writes: writes.length };
}

function figure(verdict: Verdict | undefined, name: string): number | undefined {
  const value = verdict === undefined ? undefined : (verdict as Record<string, unknown>)[name];
  return typeof value === 'number' ? value : undefined;
}

function count(history: History): RunResult['operations'] {
  const operations = { invoked: 0, ok: 0, failed: 0, unknown: 0 };
  for (const { outcome } of history.operations) {
    operations.invoked += 1;
    if (outcome === 'ok') operations.ok += 1;
    else if (outcome === 'fail') operations.failed += 1;
    else operations.unknown += 1;
  }
  return operations;
}

/**
 * Every scenario by name, and the drawing of a whole run plan from a seed: cluster, rows, configuration, background, workload, and the scenario's
 * own story on top. A name without a scenario is pending: listed, and refused.
 */
import { asymmetric } from './asymmetric.js';
import { cascading } from './cascading.js';
import { cleanSplit } from './clean-split.js';
import { clockSkew } from './clock-skew.js';
import { drawClusterChanges } from './cluster-changes.js';
import { drawBackground, drawClocks, drawConfiguration, drawControlLog, drawDisk } from './configuration-draw.js';
import { congestion } from './congestion.js';
import { crashRestart } from './crash-restart.js';
import { diskFaults } from './disk-faults.js';
import { flapping } from './flapping.js';
import { permanentLoss } from './permanent-loss.js';
import { type Draws, RandomStreams, type Seed } from './random-streams.js';
import { rebalance } from './rebalance.js';
import { rollingRestart } from './rolling-restart.js';
import { type PlannedRow, planFormat, type RunPlan } from './run-plan.js';
import { type Scenario, type ScenarioName, type Stage, scenarioNames } from './scenario.js';
import { swarm } from './swarm.js';
import { drawWorkload, type PlannedOperation, type WorkloadShape, withRecalls } from './workload.js';

const built: Partial<Record<ScenarioName, Scenario>> = {
  'clean-split': cleanSplit,
  asymmetric,
  flapping,
  cascading,
  congestion,
  'clock-skew': clockSkew,
  'disk-faults': diskFaults,
  'rolling-restart': rollingRestart,
  'permanent-loss': permanentLoss,
  rebalance,
  swarm,
  'crash-restart': crashRestart,
};

export const catalogue: readonly { readonly name: ScenarioName; readonly scenario: Scenario | null }[] = scenarioNames.map((name) => ({
  name,
  scenario: built[name] ?? null,
}));

export function isScenarioName(text: string): text is ScenarioName {
  return (scenarioNames as readonly string[]).includes(text);
}

export function scenarioOf(name: ScenarioName): Scenario | null {
  return built[name] ?? null;
}

export interface PlanOptions {
  /** Null: as many as the scenario takes by itself. */
  readonly nodes: number | null;
  /** Time under load. */
  readonly durationMs: number;
  /** Whether the nodes keep a control log; they do without it, and where the scenario is about it in any case. */
  readonly controlLog?: boolean;
}

export const nodesDefault = 5;
export const nodesMax = 100;
export const durationMsDefault = 60_000;
/** SPEC section 6.9: a default run has at least 1,000 operations and, during a split, 20 acknowledgements on each side that holds a copy. */
export const operationsPerSecond = 20;
const acknowledgementsPerSide = 20;
const copiesMax = 3;
/** Who looks for the others is told of so many of them at most. */
const seedsMax = 3;
/** Enough that those who wait for a space out of their reach leave others to ask: each does one thing at a time. */
const clientsPerRun = 60;
const spaceNames = ['default', 'journal', 'people', 'places', 'recipes'];

export function drawPlan(scenario: Scenario, seed: Seed, options: PlanOptions): RunPlan {
  const random = new RandomStreams(`${seed}/plan`);
  const nodes = numbered('n', options.nodes ?? scenario.drawNodes?.(random.stream('nodes')) ?? nodesDefault);
  const clients = numbered('c', clientsPerRun);
  const changes = drawClusterChanges(nodes, options.durationMs, random.stream('cluster.changes'));
  const isChanged = options.controlLog !== false && scenario.latecomers === undefined;
  const latecomers = scenario.latecomers?.(nodes) ?? (isChanged && changes.latecomer !== null ? [changes.latecomer] : []);
  const rows = drawRows(
    nodes.filter((node) => !latecomers.includes(node)),
    random.stream('rows'),
  );
  const { rates: background, family: backgroundDrawn } = drawBackground(random);
  const story = scenario.plan({ nodes, clients, rows, durationMs: options.durationMs, random });
  const keepsControlLog = options.controlLog !== false || story.controlLog !== undefined;
  const lasting = story.lasting ?? nodes.filter((node) => !isChanged || node !== changes.leaving);
  const majority = random.stream('liveness').subset(lasting, majoritySize(lasting.length));
  const scale = Math.min(1, options.durationMs / durationMsDefault);

  return {
    format: planFormat,
    nodes,
    clients,
    durationMs: options.durationMs,
    rows,
    configuration: {
      ...drawConfiguration(random),
      ...(keepsControlLog
        ? { controlLog: { ...drawControlLog(random, story.faults), ...(isChanged ? changes.controlLog : {}), ...story.controlLog } }
        : {}),
    },
    background,
    disk: drawDisk(random),
    clocks: story.clocks ?? drawClocks(nodes, random),
    seeds: random.stream('membership.seeds').subset(nodes, { min: 1, max: Math.min(seedsMax, nodes.length) }),
    restartAfterMs: random.stream('restart').integer({ min: 200, max: 2_000 }),
    faults: [...story.faults].sort((left, right) => left.atMs - right.atMs),
    splits: story.splits,
    liveness: { majority, rest: story.rest },
    families: [...story.families, ...(backgroundDrawn ? ['network'] : [])],
    acknowledgementsPerSideMin: story.splits.length === 0 ? 0 : Math.floor(acknowledgementsPerSide * scale),
    operations: drawOperations(
      { durationMs: options.durationMs, clients, rows, random },
      // Of what a side holds some may move away while it is cut off: what is left has to be asked for often enough.
      {
        ...(isChanged && changes.isMoving && story.splits.length > 0 ? { operationsPerSecond: 2 * operationsPerSecond } : {}),
        ...story.workload,
      },
    ),
  };
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
}

function majoritySize(nodes: number): { min: number; max: number } {
  const smallest = Math.floor(nodes / 2) + 1;
  return { min: smallest, max: smallest };
}

function drawRows(nodes: readonly string[], draws: Draws): PlannedRow[] {
  const spaces = spaceNames.slice(0, draws.integer({ min: 3, max: spaceNames.length }));
  return spaces.map((space) => ({ space, copies: draws.shuffled(nodes).slice(0, copiesMax) }));
}

function drawOperations({ durationMs, clients, rows, random }: Omit<Stage, 'nodes'>, own: Partial<WorkloadShape>): PlannedOperation[] {
  const mix = random.stream('workload.mix');
  const forgets = mix.chance(0.7) ? 0.08 : 0;
  const strictAcks = mix.chance(0.7);
  const operations = drawWorkload(
    {
      durationMs,
      clients,
      spaces: rows.map((row) => row.space),
      idsPerSpace: mix.integer({ min: 6, max: 40 }),
      operationsPerSecond,
      acks: strictAcks
        ? [
            ['local', 0.7],
            ['one', 0.12],
            ['quorum', 0.12],
            ['all', 0.06],
          ]
        : [['local', 1]],
      kinds: [
        ['remember', 0.42],
        ['update', 0.25],
        ['forget', forgets],
        ['get', 0.25],
      ],
      paddingBytesMax: mix.pick([200, 2_000, 6_000]),
      burst: mix.pick([1, 1, 8, 30]),
      confidences: mix.pick([[1], [0.5, 0.9], [0.1, 0.3, 0.5, 0.7, 0.9]]),
      ...own,
    },
    random.stream('workload'),
  );
  const recalls = random.stream('workload.recalls');
  if (!recalls.chance(0.7)) return operations;
  const spaces = rows.map((row) => row.space);
  return withRecalls(operations, { durationMs, clients, spaces, recallsPerSecond: recalls.pick([1, 3]) }, recalls);
}

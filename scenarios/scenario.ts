/**
 * What a scenario is: a name, a story, the checkers that judge it, and a function from draws to faults. It knows neither runtime.
 */
import type { CheckerName } from '../checker/index.js';
import type { FaultPlan } from './fault-plan.js';
import type { Draws, RandomStreams } from './random-streams.js';
import type { PlannedClock, PlannedControlLog, PlannedLiveness, PlannedRow, PlannedSplit } from './run-plan.js';
import type { WorkloadShape } from './workload.js';

export const scenarioNames = [
  'clean-split',
  'asymmetric',
  'flapping',
  'cascading',
  'congestion',
  'clock-skew',
  'disk-faults',
  'crash-restart',
  'rolling-restart',
  'permanent-loss',
  'rebalance',
  'swarm',
] as const;

export type ScenarioName = (typeof scenarioNames)[number];

/** What judges a run in which clients ask for the usual things at the usual pace: every promise that a run can break so far. */
export const usualCheckers: readonly CheckerName[] = [
  'loss',
  'recall',
  'convergence',
  'split-brain',
  'durability',
  'linearizability',
  'sessions',
  'staleness',
  'confidence',
  'membership',
  'placement',
  'control-log',
  'exercised',
];

/** What a scenario may build its story from. */
export interface Stage {
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  readonly rows: readonly PlannedRow[];
  /** Time under load; moments of the story are shares of it, so that a shorter run tells the same story. */
  readonly durationMs: number;
  readonly random: RandomStreams;
}

export interface Story {
  readonly faults: FaultPlan;
  readonly splits: readonly PlannedSplit[];
  /** In which way the minority stays broken after load. */
  readonly rest: PlannedLiveness['rest'];
  /** Who still votes after the load: of them a majority is healed first. All nodes without it. */
  readonly lasting?: readonly string[];
  /** Families that the run must be seen to exercise. */
  readonly families: readonly string[];
  /** Clocks of the story's own; without them they are drawn as for all scenarios. */
  readonly clocks?: readonly PlannedClock[];
  /** What is chosen about the control log, over what is drawn for all scenarios: the nodes keep one, whatever was asked for. */
  readonly controlLog?: Partial<PlannedControlLog>;
  /** What the clients do differently than in all scenarios. */
  readonly workload?: Partial<WorkloadShape>;
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly nodesMin: number;
  /** How many nodes there are when nobody says how many; five without it. */
  drawNodes?(draws: Draws): number;
  readonly checkers: readonly CheckerName[];
  /** Those of the nodes that hold nothing at the beginning. */
  latecomers?(nodes: readonly string[]): readonly string[];
  plan(stage: Stage): Story;
}

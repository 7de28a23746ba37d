/**
 * Swarm: whatever the other scenarios do, some of it at once, on three to nine nodes, under a load of its own.
 *
 * Each seed draws a few of the other scenarios' stories and tells them in the same minute: a rolling restart while a half is cut off, a full disk amid
 * congestion, clocks that jump while disks are destroyed. How many nodes there are, what the clients ask for and how often is drawn as well. Most seeds
 * leave most families out: faults that are always slightly on never combine into the states that matter (Groce et al., "Swarm testing", 2012).
 *
 * What has gone wrong here in other systems: each of two repairs is right by itself, and together they undo each other.
 */
import { asymmetric } from './asymmetric.js';
import { cascading } from './cascading.js';
import { cleanSplit } from './clean-split.js';
import { clockSkew } from './clock-skew.js';
import { congestion } from './congestion.js';
import { crashRestart } from './crash-restart.js';
import { diskFaults } from './disk-faults.js';
import { flapping } from './flapping.js';
import { permanentLoss } from './permanent-loss.js';
import type { Draws } from './random-streams.js';
import { rollingRestart } from './rolling-restart.js';
import type { PlannedLiveness } from './run-plan.js';
import type { Scenario, Stage, Story } from './scenario.js';
import type { PlannedAck, PlannedKind, WorkloadShape } from './workload.js';

const others: readonly Scenario[] = [
  cleanSplit,
  asymmetric,
  flapping,
  cascading,
  congestion,
  clockSkew,
  diskFaults,
  crashRestart,
  rollingRestart,
  permanentLoss,
];

export const swarm: Scenario = {
  name: 'swarm',
  nodesMin: 3,
  drawNodes: (draws) => draws.integer({ min: 3, max: 9 }),
  checkers: ['loss', 'recall', 'convergence', 'split-brain', 'durability', 'membership', 'placement', 'control-log', 'exercised'],

  plan(stage) {
    const draws = stage.random.stream('swarm');
    const count = draws.weighted([
      [1, 0.15],
      [2, 0.35],
      [3, 0.3],
      [4, 0.15],
      [6, 0.05],
    ]);
    const stories = draws
      .shuffled(others)
      .slice(0, count)
      .map((scenario) => scenario.plan(stage));
    const clocks = stories.find((story) => story.clocks !== undefined)?.clocks;
    return {
      faults: stories.flatMap(({ faults }) => faults),
      // Who else fails during a cut is a matter of chance: no side owes a number of acknowledgements.
      splits: [],
      rest: draws.pick<PlannedLiveness['rest']>(['cut', 'deaf', 'mute', 'down']),
      families: familiesOf(stories),
      ...(clocks === undefined ? {} : { clocks }),
      workload: drawLoad(stage),
    };
  },
};

/**
 * What one story does to a node may find it down by another's doing: of the families that need it up, none is asked for beside another that takes nodes down. A
 * stall shows only if something is asked of that disk meanwhile, and here the load may be thin.
 */
function familiesOf(stories: readonly Story[]): string[] {
  const drawn = new Set(stories.flatMap(({ families }) => families));
  drawn.delete('disk-stall');
  const others = stories.filter(({ families }) =>
    families.some((family) => family === 'crash' || family === 'kill' || family === 'disk-destroyed'),
  );
  if (others.length > 1) for (const family of ['kill', 'disk-error', 'disk-full']) drawn.delete(family);
  return [...drawn];
}

/** Which operations, how strict, how many, how large, and on how few ids. */
function drawLoad({ random }: Stage): Partial<WorkloadShape> {
  const draws = random.stream('swarm.load');
  return {
    operationsPerSecond: draws.pick([20, 20, 20, 40]),
    idsPerSpace: draws.pick([1, 3, 10, 40, 200]),
    burst: draws.pick([1, 1, 5, 60]),
    paddingBytesMax: draws.pick([0, 500, 4_000, 20_000]),
    kinds: weights<PlannedKind>(draws, [
      ['remember', 3, 10],
      ['update', 0, 6],
      ['forget', 0, 3],
      ['get', 1, 8],
    ]),
    acks: weights<PlannedAck>(draws, [
      ['local', 3, 10],
      ['one', 0, 4],
      ['quorum', 0, 4],
      ['all', 0, 2],
    ]),
  };
}

function weights<Name>(draws: Draws, ranges: readonly (readonly [Name, number, number])[]): (readonly [Name, number])[] {
  return ranges.map(([name, min, max]) => [name, draws.integer({ min, max })]);
}

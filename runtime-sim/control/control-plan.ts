/**
 * The plan of a run of control logs alone: what was drawn before it starts, as plain data. Names are `n1`, `n2` …; `leader` in a fault is whoever leads when it
 * strikes, `follower` the first voter that follows.
 */
import type { StorageOptions } from '../../core/configuration.js';
import { defaultRaftOptions, type RaftOptions } from '../../core/control/raft/vocabulary.js';
import type { LinkRates } from '../../scenarios/fault-plan.js';
import { Draws, type Seed } from '../../scenarios/random-streams.js';
import type { DiskRates } from '../../scenarios/run-plan.js';
import { siteLinks } from '../site-links.js';

export type ControlFault =
  /** Nothing goes from these to those for so long; both ways: nor back. */
  | {
      readonly kind: 'cut';
      readonly atMs: number;
      readonly forMs: number;
      readonly from: readonly string[];
      readonly to: readonly string[];
      readonly isBothWays: boolean;
    }
  /** Power goes, or only the process ends; amid a write: between the start of the next one and the end of the sync behind it. */
  | {
      readonly kind: 'crash';
      readonly atMs: number;
      readonly forMs: number;
      readonly node: string;
      readonly how: 'power' | 'kill';
      readonly amidWrite: number | null;
    }
  /** All lose power at one moment, and come back one by one. */
  | { readonly kind: 'blackout'; readonly atMs: number; readonly forMs: number }
  /** Whoever says next that it votes for another loses power so soon afterwards. */
  | { readonly kind: 'crash-after-vote'; readonly atMs: number; readonly forMs: number; readonly afterUs: number }
  /** The disk answers nothing for so long. */
  | { readonly kind: 'stall'; readonly atMs: number; readonly forMs: number; readonly node: string }
  /** The node says that it will be absent: a leader hands over. It stays. */
  | { readonly kind: 'leave'; readonly atMs: number; readonly node: string }
  /** Whoever leads is asked to let in the first node that is outside. */
  | { readonly kind: 'let-in'; readonly atMs: number }
  /** A voter that follows the leader loses power, and something of its log that was synced has rotted when it comes back. Nobody, where that would be no minority. */
  | { readonly kind: 'forget'; readonly atMs: number; readonly forMs: number }
  /** Whoever begins anew next is alone for so long with those that lack something of what was committed when it was told to. All other cuts end. */
  | { readonly kind: 'forgetful-company'; readonly atMs: number; readonly forMs: number };

export interface ControlPlan {
  readonly nodes: readonly string[];
  readonly zones: readonly string[];
  /** The first so many make the cluster; the others are let in by proposals. */
  readonly founders: number;
  /** Faults and proposals end then. */
  readonly durationMs: number;
  readonly faults: readonly ControlFault[];
  /** Whether nodes are proposed to be let in and to leave: then the electorate changes all the time, and spaces are seldom taken from anybody. */
  readonly changesMembers: boolean;
  /** When something is proposed; `toLeader`: at whoever leads, else at any node. */
  readonly proposals: readonly { readonly atMs: number; readonly toLeader: boolean }[];
  readonly links: LinkRates;
  readonly disk: DiskRates;
  readonly driftPpm: readonly number[];
  readonly storage: Partial<StorageOptions>;
  readonly raft: RaftOptions;
  readonly snapshotEveryEntries: number;
}

export const quickDisk: DiskRates = { writeUs: [20, 80], syncUs: [150, 600], readUs: [30, 120], slow: 0.001 };

/** Nothing goes wrong, and nothing is proposed. */
export function calmPlan(nodes: number, durationMs: number): ControlPlan {
  const names = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
  return {
    nodes: names,
    zones: names.map((_, index) => `zone-${index % 3}`),
    founders: Math.min(nodes, 3),
    durationMs,
    faults: [],
    changesMembers: true,
    proposals: [],
    links: siteLinks,
    disk: quickDisk,
    driftPpm: names.map(() => 0),
    storage: { segmentBytes: 65_536, cacheBytesMax: 0 },
    raft: defaultRaftOptions,
    snapshotEveryEntries: 1_000,
  };
}

const shortestMs = 10;

/** Each family of faults is on or off by itself: faults that are always slightly on never combine into rare states. */
export function drawControlPlan(seed: Seed): ControlPlan {
  const draws = new Draws(seed, 'plan');
  const calm = calmPlan(draws.pick([3, 4, 5, 5, 7]), 10_000);
  const { nodes, durationMs } = calm;
  const changesMembers = draws.chance(0.5);
  const founders = changesMembers ? draws.pick([1, 3, 3, nodes.length]) : nodes.length;
  const times = (count: number): number[] => Array.from({ length: count }, () => draws.integer({ min: 500, max: durationMs - 500 }));
  const cutCount = draws.chance(0.6) ? draws.integer({ min: 1, max: 6 }) : 0;
  const crashCount = draws.chance(0.7) ? draws.integer({ min: 1, max: 8 }) : 0;
  const voteCrashCount = draws.chance(0.4) ? draws.integer({ min: 2, max: 8 }) : 0;
  const blackoutCount = draws.chance(0.4) ? draws.integer({ min: 1, max: 5 }) : 0;
  const stallCount = draws.chance(0.3) ? draws.integer({ min: 1, max: 3 }) : 0;
  const leaveCount = draws.chance(0.3) ? draws.integer({ min: 1, max: 4 }) : 0;
  const faults = [
    ...times(cutCount).map((atMs) => drawCut(draws, nodes, atMs)),
    ...times(crashCount).map((atMs) => drawCrash(draws, nodes, atMs)),
    ...times(blackoutCount).map((atMs): ControlFault => ({ kind: 'blackout', atMs, forMs: draws.pick([shortestMs, 700]) })),
    ...times(voteCrashCount).map(
      (atMs): ControlFault => ({ kind: 'crash-after-vote', atMs, forMs: shortestMs, afterUs: draws.integer({ min: 0, max: 1_000 }) }),
    ),
    ...times(stallCount).map(
      (atMs): ControlFault => ({
        kind: 'stall',
        atMs,
        forMs: draws.integer({ min: 50, max: 1_500 }),
        node: draws.pick(['leader', ...nodes]),
      }),
    ),
    ...times(leaveCount).map((atMs): ControlFault => ({ kind: 'leave', atMs, node: 'leader' })),
  ];
  const rate = draws.pick([5, 20, 60]);
  const forgetting = drawForgetting(seed, nodes);
  return {
    ...calm,
    founders: forgetting.length > 0 ? forgettingFounders : Math.min(founders, nodes.length),
    faults: [...faults, ...forgetting],
    changesMembers: changesMembers && forgetting.length === 0,
    proposals: times((rate * durationMs) / 1_000)
      .sort((left, right) => left - right)
      .map((atMs) => ({ atMs, toLeader: draws.chance(0.9) })),
    links: drawLinks(draws),
    disk: draws.chance(0.5) ? { ...quickDisk, syncUs: [2_000, 30_000], slow: 0.02 } : quickDisk,
    raft: drawRaft(draws),
    driftPpm: draws.chance(0.5) ? nodes.map(() => draws.integer({ min: -20_000, max: 20_000 })) : calm.driftPpm,
    storage: draws.chance(0.5)
      ? { segmentBytes: draws.pick([4_096, 8_192, 16_384]), cacheBytesMax: 0, retainGarbageBytesMax: 0 }
      : calm.storage,
    snapshotEveryEntries: draws.pick([4, 20, 100]),
  };
}

/** As few as can lose one. */
const forgettingFounders = 3;

/**
 * A voter forgets, in the run that makes the most of it (decision 15): another one hears nothing while a node is let in, so that it counts by an electorate in which the forgetful one and itself are a
 * majority; and that is who is near when the forgetful one begins anew. Drawn by itself: all other seeds stay what they were. Others are let in by these faults alone.
 */
function drawForgetting(seed: Seed, nodes: readonly string[]): readonly ControlFault[] {
  const draws = new Draws(seed, 'forgetting');
  if (!draws.chance(0.3) || nodes.length <= forgettingFounders) return [];
  const cutMs = draws.integer({ min: 1_000, max: 3_500 });
  const letInMs = cutMs + draws.integer({ min: 50, max: 400 });
  const forgetMs = letInMs + draws.integer({ min: 300, max: 900 });
  return [
    { kind: 'cut', atMs: cutMs, forMs: draws.integer({ min: 4_000, max: 6_000 }), from: ['follower'], to: nodes, isBothWays: true },
    { kind: 'let-in', atMs: letInMs },
    { kind: 'forgetful-company', atMs: cutMs, forMs: draws.integer({ min: 1_000, max: 2_500 }) },
    ...Array.from({ length: draws.integer({ min: 1, max: 2 }) }, (_, at): ControlFault => {
      return { kind: 'forget', atMs: forgetMs + 2_500 * at, forMs: draws.pick([shortestMs, 200]) };
    }),
  ];
}

/** When all wait equally long they stand at the same time, and votes are split. */
function drawRaft(draws: Draws): RaftOptions {
  if (draws.chance(0.5)) return defaultRaftOptions;
  const electionMsMin = draws.pick([100, 200, 300]);
  return { ...defaultRaftOptions, electionMsMin, electionMsMax: electionMsMin + draws.pick([1, 20]), heartbeatMs: electionMsMin / 5 };
}

function drawLinks(draws: Draws): LinkRates {
  const bad = draws.chance(0.5);
  const far = draws.chance(0.5);
  return {
    ...siteLinks,
    jitterUs: far ? 30_000 : siteLinks.jitterUs,
    loss: bad && draws.chance(0.6) ? draws.pick([0.01, 0.05, 0.15]) : 0,
    duplicate: bad && draws.chance(0.6) ? 0.05 : 0,
    reorder: bad && draws.chance(0.6) ? 0.1 : 0,
    reorderUs: draws.pick([5_000, 100_000, 600_000]),
  };
}

function drawCut(draws: Draws, nodes: readonly string[], atMs: number): ControlFault {
  const forMs = draws.integer({ min: shortestMs, max: 3_000 });
  const isolatesLeader = draws.chance(0.4);
  const left = isolatesLeader ? ['leader'] : draws.subset(nodes, { min: 1, max: nodes.length - 1 });
  const right = isolatesLeader ? nodes : nodes.filter((node) => !left.includes(node));
  const way = draws.pick(['out', 'in', 'both', 'both'] as const);
  const [from, to] = way === 'in' ? [right, left] : [left, right];
  return { kind: 'cut', atMs, forMs, from, to, isBothWays: way === 'both' };
}

function drawCrash(draws: Draws, nodes: readonly string[], atMs: number): ControlFault {
  return {
    kind: 'crash',
    atMs,
    forMs: draws.weighted([
      [shortestMs, 1],
      [200, 1],
      [1_500, 1],
    ]),
    node: draws.chance(0.4) ? 'leader' : draws.pick(nodes),
    how: draws.chance(0.8) ? 'power' : 'kill',
    amidWrite: draws.chance(0.7) ? draws.fraction() : null,
  };
}

/**
 * The swarm over configuration: each group of options is drawn extreme or left alone, per seed, so that rare paths (a segment per few records, a
 * cache that holds nothing, a window that is always full, a log that is always compacted) run often without any test switch in the core.
 */
import type { MemoryOptions, ReplicationOptions, StorageOptions } from '../core/configuration.js';
import type { FaultKind, FaultPlan, LinkRates } from './fault-plan.js';
import type { Draws, RandomStreams } from './random-streams.js';
import type { DiskRates, PlannedClock, PlannedConfiguration, PlannedControlLog, PlannedMembership } from './run-plan.js';

const kibi = 1_024;

/** Sizes that suit a minute of simulated load: production sizes would never seal a segment in it. */
export const simulatedStorage: Partial<StorageOptions> = {
  segmentBytes: 256 * kibi,
  reserveStepBytes: 24 * kibi,
  groupBytesMax: 64 * kibi,
  gatherBytesMax: 1_024 * kibi,
  cacheBytesMax: 1_024 * kibi,
  retainGarbageBytesMax: 256 * kibi,
};

export const simulatedReplication: Partial<ReplicationOptions> = {
  messageBytesMax: 128 * kibi,
  pushWindowBytes: 256 * kibi,
  fetchCreditBytes: 64 * kibi,
};

export function drawConfiguration(random: RandomStreams): PlannedConfiguration {
  const draws = random.stream('configuration');
  const tinySegments = draws.chance(0.5);
  const tinyCache = draws.chance(0.4);
  const tinyGroups = draws.chance(0.3);
  const tinyWindows = draws.chance(0.4);
  const eagerCompaction = draws.chance(0.6);
  const shortRetries = draws.chance(0.2);

  const storage: Partial<StorageOptions> = {
    ...simulatedStorage,
    ...(tinySegments ? { segmentBytes: draws.integer({ min: 16, max: 64 }) * kibi } : {}),
    ...(tinyCache ? { cacheBytesMax: draws.integer({ min: 1, max: 8 }) * kibi } : {}),
    ...(tinyGroups ? { groupBytesMax: draws.integer({ min: 1, max: 4 }) * kibi } : {}),
    ...(eagerCompaction
      ? {
          compactLiveShareMax: draws.integer({ min: 50, max: 95 }) / 100,
          retainGarbageBytesMax: draws.integer({ min: 4, max: 64 }) * kibi,
        }
      : {}),
    watermarkAfterQuietMs: draws.pick([50, 200, 1_000]),
  };
  const replication: Partial<ReplicationOptions> = {
    ...simulatedReplication,
    ...(tinyWindows
      ? {
          pushWindowBytes: draws.integer({ min: 4, max: 16 }) * kibi,
          fetchCreditBytes: draws.integer({ min: 4, max: 16 }) * kibi,
          messageBytesMax: draws.integer({ min: 8, max: 32 }) * kibi,
        }
      : {}),
    gapGraceMs: draws.pick([20, 100, 300]),
  };
  const memory: Partial<MemoryOptions> = shortRetries ? { retryWindowMs: draws.integer({ min: 6, max: 12 }) * 1_000 } : {};
  const more = drawRest(random.stream('configuration.rest'));
  return {
    storage: { ...storage, ...more.storage, ...drawScrubbing(random.stream('configuration.scrubbing')) },
    memory: { ...memory, ...more.memory },
    replication: { ...replication, ...more.replication },
    membership: drawMembership(random.stream('configuration.membership')),
  };
}

/** Whole tables exchanged every few seconds, or once in a run; news that wait longer; suspicions that nobody is asked to confirm. */
function drawMembership(draws: Draws): PlannedMembership {
  return {
    pushPullIntervalMs: draws.pick([3_000, 10_000, 30_000]),
    ...(draws.chance(0.3) ? { gossipIntervalMs: draws.pick([50, 300]) } : {}),
    ...(draws.chance(0.3) ? { confirmingProbes: 0 } : {}),
  };
}

/**
 * On half of the seeds there are snapshots of the control log in every run. On a quarter a side without a majority of voters only reads; not where disks are damaged or
 * lost: control logs of a majority might be among them, and then nobody would ever write again.
 */
export function drawControlLog(random: RandomStreams, faults: FaultPlan): PlannedControlLog {
  const draws = random.stream('configuration.control-log');
  const snapshotEveryEntries = draws.pick([4, 8, 100, 1_000]);
  const rejects = draws.chance(0.25) && !faults.some(({ kind }) => harmsLogs.has(kind));
  return { partitionPolicy: rejects ? 'reject' : 'accept', snapshotEveryEntries };
}

const harmsLogs: ReadonlySet<FaultKind> = new Set([
  'diskBitRot',
  'diskLostWrite',
  'diskMisdirectedWrite',
  'diskBadSectors',
  'diskCheckpointRot',
  'destroyDisk',
]);

/** On half of the seeds a walk over all that is stored goes on most of the time. */
function drawScrubbing(draws: Draws): Partial<StorageOptions> {
  if (draws.chance(0.5)) return { scrubBytesPerSecond: 0 };
  return { scrubEveryMs: draws.integer({ min: 1_000, max: 10_000 }), scrubBytesPerSecond: draws.pick([64, 512]) * kibi };
}

/** Groups of one record, queues that hold a handful, pauses and waits of other lengths. */
function drawRest(draws: Draws): PlannedConfiguration {
  const oneByOne = draws.chance(0.15);
  const shortQueues = draws.chance(0.2);
  return {
    storage: {
      ...(oneByOne ? { groupBytesMax: 1 } : {}),
      ...(shortQueues ? { gatherBytesMax: 8 * kibi } : {}),
      gatherPauseMsMax: draws.pick([0, 3, 3, 20]),
      fullRetryMs: draws.pick([100, 1_000]),
    },
    memory: {
      ...(shortQueues ? { requestsWaitingMax: draws.integer({ min: 3, max: 12 }) } : {}),
      sessionWaitMs: draws.pick([20, 500]),
    },
    replication: { fetchTimeoutMs: draws.pick([300, 1_000]) },
  };
}

/** A quiet local network: no two delays alike, none at the floor twice. */
const quietLinks: LinkRates = {
  delayUsMin: 40,
  jitterUs: 400,
  slow: 0.01,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderUs: 0,
  bytesPerUs: 120,
};

/** Links as all seeds have them, and on half of the seeds a share of the usual mishaps. */
export function drawBackground(random: RandomStreams): { readonly rates: LinkRates; readonly family: boolean } {
  const draws = random.stream('background');
  const far = draws.chance(0.25);
  const base: LinkRates = far ? { ...quietLinks, delayUsMin: 2_000, jitterUs: draws.integer({ min: 1_000, max: 20_000 }) } : quietLinks;
  if (!draws.chance(0.5)) return { rates: base, family: false };
  const rates: LinkRates = {
    ...base,
    slow: 0.02,
    loss: draws.chance(0.7) ? draws.integer({ min: 1, max: 30 }) / 1_000 : 0,
    duplicate: draws.chance(0.5) ? draws.integer({ min: 1, max: 30 }) / 1_000 : 0,
    reorder: draws.integer({ min: 5, max: 100 }) / 1_000,
    reorderUs: draws.integer({ min: 1_000, max: 40_000 }),
  };
  return { rates, family: true };
}

/** From a fast drive to one that is mostly waiting. */
export function drawDisk(random: RandomStreams): DiskRates {
  const draws = random.stream('disk');
  const slowness = draws.pick([1, 1, 3, 20]);
  return {
    writeUs: [5 * slowness, 40 * slowness],
    syncUs: [80 * slowness, 600 * slowness],
    readUs: [20, 150 * slowness],
    slow: draws.pick([0, 0.01]),
  };
}

/** Clocks that are never right: a little always, a lot on some seeds. */
export function drawClocks(nodes: readonly string[], random: RandomStreams): PlannedClock[] {
  const draws = random.stream('clocks');
  const reach = draws.pick([20, 20, 500, 20_000]);
  const driftPpmMax = draws.pick([0, 50, 200, 2_000]);
  return nodes.map((node) => ({
    node,
    offsetMs: draws.integer({ min: -reach, max: reach }),
    driftPpm: draws.integer({ min: -driftPpmMax, max: driftPpmMax }),
  }));
}

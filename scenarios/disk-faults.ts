/**
 * Disk faults: disks that lie, refuse, fill up and stand still, while the nodes on them lose power and come back.
 *
 * Each seed draws some of what disks do. Sectors are torn where the power went during a write. Bits rot; a write that was reported as synced never
 * reached the medium; another landed where a third one should stand; sectors cannot be read, for a while or for good; a checkpoint is spoiled. Writes
 * and syncs fail with EIO, and the node stops itself. The medium is full for a while, and a node starts on it. For seconds nothing completes at all.
 * Whatever is damaged for good, the same records stay intact on another disk: those are the ones that must come back.
 *
 * On few seeds the damage goes further, to records of which there is no other copy. Nobody can promise these; such a run says that it is outside the
 * fault model, and is judged only for what may not be there: values that nobody wrote, and failures that had an effect.
 *
 * What has gone wrong here in other systems: a failed sync tried again and believed, damage taken for the end of the log, a full disk that
 * needs space to free space, and a bad sector that stops the whole node.
 */
import {
  crash,
  type DiskOperation,
  diskBadSectors,
  diskBitRot,
  diskCapacity,
  diskCheckpointRot,
  diskError,
  diskLostWrite,
  diskMisdirectedWrite,
  diskStall,
  type Fault,
  kill,
  restart,
} from './fault-plan.js';
import type { Draws } from './random-streams.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

export const diskFaults: Scenario = {
  name: 'disk-faults',
  nodesMin: 2,
  checkers: usualCheckers,

  plan(stage) {
    const { faults, families } = drawDiskFaults(stage);
    return { faults, splits: [], rest: 'down', families };
  },
};

/** What a disk may do, each drawn on or off by itself and with a stream of its own; at least one is on. */
const kinds: readonly (readonly [family: string, chance: number, draw: (draws: Draws, stage: Stage) => Fault[]])[] = [
  ['crash', 0.7, drawTornWrites],
  [
    'bit-rot',
    0.4,
    (draws, stage) =>
      several(draws, stage, 6, (at) => diskBitRot({ ...at, position: draws.fraction(), bytes: draws.integer({ min: 1, max: 40 }) })),
  ],
  ['lost-write', 0.4, (draws, stage) => several(draws, stage, 5, (at) => diskLostWrite({ ...at, position: draws.fraction() }))],
  [
    'misdirected-write',
    0.4,
    (draws, stage) =>
      several(draws, stage, 5, (at) => diskMisdirectedWrite({ ...at, position: draws.fraction(), toPosition: draws.fraction() })),
  ],
  ['bad-sectors', 0.4, drawBadSectors],
  ['checkpoint-rot', 0.3, drawSpoiltCheckpoints],
  ['disk-error', 0.35, drawErrors],
  ['disk-full', 0.35, drawFullDisks],
  ['disk-stall', 0.35, drawStalls],
];

export function drawDiskFaults(stage: Stage): { readonly faults: Fault[]; readonly families: string[] } {
  const which = stage.random.stream('disks.which');
  const always = which.integer({ min: 0, max: kinds.length - 1 });
  const drawn = kinds.filter(([, chance], at) => which.chance(chance) || at === always);
  const beyond = which.chance(0.06);
  const faults = drawn.flatMap(([family, , draw]) => draw(stage.random.stream(`disks.${family}`), stage));
  if (beyond) faults.push(...drawBeyond(stage.random.stream('disks.beyond'), stage));
  const families = drawn.map(([family]) => family);
  return { faults, families: beyond && !families.includes('bit-rot') ? [...families, 'bit-rot'] : families };
}

/** Two to so many times: when, and whose disk, of those that hold copies. */
function several(
  draws: Draws,
  { nodes, rows, durationMs }: Stage,
  max: number,
  make: (at: { atMs: number; node: string }) => Fault,
): Fault[] {
  const holders = nodes.filter((node) => rows.some(({ copies }) => copies.includes(node)));
  return Array.from({ length: draws.integer({ min: 2, max }) }, () =>
    make({ atMs: Math.round((durationMs * draws.integer({ min: 12, max: 95 })) / 100), node: draws.pick(holders) }),
  );
}

/** Two to seven times the power goes while a disk is writing, or only the process ends. */
function drawTornWrites(draws: Draws, { nodes, durationMs }: Stage): Fault[] {
  return Array.from({ length: draws.integer({ min: 2, max: 7 }) }, (_, at) => {
    const atMs = Math.round((durationMs * draws.integer({ min: 5, max: 88 })) / 100);
    const node = draws.pick(nodes);
    const end = { atMs, node, amid: 'write' } as const;
    const untilMs = atMs + Math.round((durationMs * draws.integer({ min: 5, max: 80 })) / 1_000);
    return [at === 0 ? crash({ atMs, node }) : draws.chance(0.75) ? crash(end) : kill(end), restart({ atMs: untilMs, node })];
  }).flat();
}

function drawBadSectors(draws: Draws, stage: Stage): Fault[] {
  return several(draws, stage, 5, (at) => {
    const untilMs = draws.chance(0.5) ? null : at.atMs + Math.round((stage.durationMs * draws.integer({ min: 1, max: 30 })) / 100);
    return diskBadSectors({ ...at, position: draws.fraction(), untilMs });
  });
}

/** A checkpoint is read when a node starts: the node starts anew soon after. */
function drawSpoiltCheckpoints(draws: Draws, { nodes, durationMs }: Stage): Fault[] {
  return Array.from({ length: draws.integer({ min: 1, max: 4 }) }, () => {
    const atMs = Math.round((durationMs * draws.integer({ min: 20, max: 85 })) / 100);
    const node = draws.pick(nodes);
    const endMs = atMs + Math.round((durationMs * draws.integer({ min: 1, max: 30 })) / 1_000);
    return [
      diskCheckpointRot({ atMs, node, position: draws.fraction(), bytes: draws.integer({ min: 1, max: 64 }) }),
      crash({ atMs: endMs, node }),
      restart({ atMs: endMs + Math.round(durationMs * 0.02), node }),
    ];
  }).flat();
}

function drawErrors(draws: Draws, stage: Stage): Fault[] {
  return several(draws, stage, 5, (at) => {
    const operation = draws.pick<DiskOperation>(['write', 'sync']);
    return diskError({ ...at, operation, untilMs: at.atMs + Math.round((stage.durationMs * draws.integer({ min: 3, max: 60 })) / 1_000) });
  });
}

/** Up to half of the nodes find their disks full, one or two times, for a tenth to a third of the time; most start anew in the middle of it. */
function drawFullDisks(draws: Draws, { nodes, durationMs }: Stage): Fault[] {
  const spells = draws.integer({ min: 1, max: 2 });
  return Array.from({ length: spells }, (_, spell) => {
    const full = draws.subset(nodes, { min: 1, max: Math.max(1, Math.floor(nodes.length / 2)) });
    return full.flatMap((node, at) => {
      const fromMs = Math.round(durationMs * (0.1 + (0.8 * (spell + 0.3 * draws.fraction())) / spells));
      const untilMs = fromMs + Math.round(durationMs * (draws.integer({ min: 10, max: 33 }) / 100));
      const middleMs = fromMs + Math.round((untilMs - fromMs) * 0.4 * draws.fraction());
      const bytes = draws.pick([0, 0, 16_384]);
      const startsAnew = at === 0 || draws.chance(0.5);
      return [
        diskCapacity({ atMs: fromMs, node, bytes }),
        ...(startsAnew ? [kill({ atMs: middleMs, node }), restart({ atMs: middleMs + Math.round(durationMs * 0.01), node })] : []),
        ...(untilMs < durationMs ? [diskCapacity({ atMs: untilMs, node, bytes: null })] : []),
      ];
    });
  }).flat();
}

/** From a tenth of a second to six seconds. */
/** Once the storage behind all nodes stands still, which always holds something up; then single disks do, which may be at rest. */
function drawStalls(draws: Draws, stage: Stage): Fault[] {
  const { nodes, durationMs } = stage;
  const atMs = Math.round((durationMs * draws.integer({ min: 12, max: 90 })) / 100);
  const untilMs = atMs + Math.round((durationMs * draws.integer({ min: 35, max: 60 })) / 1_000);
  const single = several(draws, stage, 5, (at) => {
    const share = draws.chance(0.5) ? draws.integer({ min: 2, max: 20 }) : draws.integer({ min: 20, max: 100 });
    return diskStall({ ...at, untilMs: at.atMs + Math.round((durationMs * share) / 1_000) });
  });
  return [...nodes.map((node) => diskStall({ atMs, node, untilMs })), ...single];
}

/** Rot on every disk, at the same places of their logs: now and then all copies of a record are among them. */
function drawBeyond(draws: Draws, { nodes, durationMs }: Stage): Fault[] {
  const atMs = Math.round((durationMs * draws.integer({ min: 30, max: 80 })) / 100);
  return Array.from({ length: draws.integer({ min: 3, max: 8 }) }, () => draws.fraction()).flatMap((position) =>
    nodes.map((node) => diskBitRot({ atMs, node, position, bytes: draws.integer({ min: 1, max: 40 }), beyond: true })),
  );
}

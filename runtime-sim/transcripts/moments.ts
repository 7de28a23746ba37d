/**
 * Key moments of the protocol, each as a small plan made by hand and the part of its story that is worth reading. Links take 2 ms, a sync 5 ms, and nothing is
 * left to chance but when nodes start and what a crash does to sectors.
 */
import { simulatedReplication, simulatedStorage } from '../../scenarios/configuration-draw.js';
import { crash, cutLinks, diskBitRot, type Fault, healLinks, type LinkRates, restart } from '../../scenarios/fault-plan.js';
import { planFormat, type RunPlan } from '../../scenarios/run-plan.js';
import type { PlannedAck, PlannedOperation } from '../../scenarios/workload.js';
import type { NarrationFilter } from '../trace/narration.js';

export interface Moment {
  /** Names the file, too. */
  readonly name: string;
  /** What to look for, in a sentence. */
  readonly about: string;
  readonly seed: number;
  readonly plan: RunPlan;
  /** Parts of the story in order; what lies between them is left out. */
  readonly parts: readonly Pick<NarrationFilter, 'fromMs' | 'untilMs' | 'detail'>[];
  /** What must have happened for the transcript to be about what it says. */
  readonly shows: readonly string[];
}

const links: LinkRates = {
  delayUsMin: 2_000,
  jitterUs: 0,
  slow: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderUs: 0,
  bytesPerUs: 1_000,
};

interface Story {
  readonly durationMs: number;
  readonly faults?: readonly Fault[];
  readonly operations: readonly PlannedOperation[];
  readonly storage?: RunPlan['configuration']['storage'];
}

function plan({ durationMs, faults = [], operations, storage = {} }: Story): RunPlan {
  return {
    format: planFormat,
    nodes: ['n1', 'n2', 'n3'],
    clients: ['c1', 'c2'],
    durationMs,
    rows: [{ space: 'default', copies: ['n1', 'n2', 'n3'] }],
    configuration: { storage: { ...simulatedStorage, ...storage }, memory: {}, replication: simulatedReplication },
    background: links,
    disk: { writeUs: [1_000, 1_000], syncUs: [5_000, 5_000], readUs: [1_000, 1_000], slow: 0 },
    clocks: [],
    restartAfterMs: 500,
    faults,
    splits: [],
    liveness: { majority: ['n1', 'n2'], rest: 'down' },
    families: [],
    acknowledgementsPerSideMin: 0,
    operations,
  };
}

function remember(
  atMs: number,
  client: string,
  write: {
    readonly id: string;
    readonly value: string;
    readonly ack?: PlannedAck;
    readonly confidence?: number;
    readonly paddingBytes?: number;
  },
): PlannedOperation {
  return { atMs, client, kind: 'remember', space: 'default', ack: 'local', confidence: 1, ...write };
}

function read(atMs: number, client: string, id: string): PlannedOperation {
  return { atMs, client, kind: 'get', space: 'default', id, ack: 'local' };
}

const [left, right] = [
  ['n1', 'c1'],
  ['n2', 'n3', 'c2'],
];
const split = (atMs: number): Fault[] => [cutLinks({ atMs, from: left, to: right }), cutLinks({ atMs, from: right, to: left })];
const heal = (atMs: number): Fault[] => [healLinks({ atMs, from: left, to: right }), healLinks({ atMs, from: right, to: left })];

export const moments: readonly Moment[] = [
  {
    name: 'write-acknowledged-by-all-copies',
    about: 'The record goes to the other copies together with the local append; the answer waits for the sync of all three.',
    seed: 1,
    plan: plan({ durationMs: 1_000, operations: [remember(100, 'c1', { id: 'tea', value: 'green', ack: 'all' })] }),
    parts: [{ fromMs: 100, untilMs: 200, detail: 'normal' }],
    shows: ['on 3 of 3 copies', 'acknowledges to c1'],
  },
  {
    name: 'primary-killed-and-term-taken-over',
    about:
      'The next copy in row order waits a second, pulls what the other holds, and is primary; the first takes its term again once it is back.',
    seed: 1,
    plan: plan({
      durationMs: 10_000,
      faults: [crash({ atMs: 500, node: 'n1' }), restart({ atMs: 6_000, node: 'n1' })],
      operations: [
        remember(100, 'c1', { id: 'tea', value: 'green' }),
        remember(700, 'c1', { id: 'tea', value: 'black' }),
        remember(9_000, 'c2', { id: 'tea', value: 'white' }),
      ],
    }),
    parts: [{ fromMs: 100, untilMs: 9_100, detail: 'normal' }],
    shows: ['has lost n1', 'claims a term', 'is primary of default in the provisional term', 'is no longer primary'],
  },
  {
    name: 'catch-up-from-the-log',
    about: 'A copy that was down fetches what it lacks from the log of a peer.',
    seed: 1,
    plan: plan({
      durationMs: 5_000,
      faults: [crash({ atMs: 500, node: 'n3' }), restart({ atMs: 3_000, node: 'n3' })],
      operations: [1, 2, 3].map((turn) => remember(1_000 * turn - 200, 'c1', { id: `m${turn}`, value: `v${turn}` })),
    }),
    parts: [{ fromMs: 500, untilMs: 4_000, detail: 'normal' }],
    shows: ['catches up on default', 'has caught up on default'],
  },
  {
    name: 'snapshot-merge-below-the-horizon',
    about: 'The log that the absent copy would need has been compacted: it is given what is still needed instead, and adopts the horizon.',
    seed: 1,
    plan: plan({
      durationMs: 9_000,
      storage: { segmentBytes: 4_096, groupBytesMax: 2_048, retainGarbageBytesMax: 1_024, compactLiveShareMax: 0.9 },
      faults: [crash({ atMs: 500, node: 'n3' }), restart({ atMs: 6_000, node: 'n3' })],
      operations: Array.from({ length: 24 }, (_, turn) =>
        remember(600 + 200 * turn, 'c1', { id: `m${1 + (turn % 2)}`, value: `v${turn + 1}`, paddingBytes: 800 }),
      ),
    }),
    parts: [
      { fromMs: 500, untilMs: 650, detail: 'normal' },
      { fromMs: 1_200, untilMs: 1_450, detail: 'normal' },
      { fromMs: 5_200, untilMs: 6_900, detail: 'normal' },
    ],
    shows: ['compacts segment', 'by snapshot merge'],
  },
  {
    name: 'stranded-tail-merged-after-a-heal',
    about:
      'A primary that was cut off acknowledges a write, and dies with it. Others have taken over when it comes back: what it wrote is merged, never truncated.',
    seed: 1,
    plan: plan({
      durationMs: 9_000,
      faults: [...split(500), crash({ atMs: 2_000, node: 'n1' }), ...heal(5_000), restart({ atMs: 5_000, node: 'n1' })],
      operations: [
        remember(1_000, 'c1', { id: 'tea', value: 'green' }),
        remember(2_500, 'c2', { id: 'cake', value: 'lemon' }),
        read(8_000, 'c2', 'tea'),
      ],
    }),
    parts: [{ fromMs: 500, untilMs: 8_100, detail: 'normal' }],
    shows: ['merges a stranded tail into default: 1 record of n1.1', 'tea = green, as'],
  },
  {
    name: 'conflict-resolved',
    about:
      'The same memory is written on both sides of a split. Neither write includes the other: both are kept, and the more confident one is read.',
    seed: 1,
    plan: plan({
      durationMs: 8_000,
      faults: [...split(500), ...heal(5_000)],
      operations: [
        remember(2_500, 'c1', { id: 'tea', value: 'green', confidence: 0.6 }),
        remember(3_000, 'c2', { id: 'tea', value: 'black', confidence: 0.9 }),
        read(7_000, 'c1', 'tea'),
      ],
    }),
    parts: [
      { fromMs: 2_500, untilMs: 3_100, detail: 'normal' },
      { fromMs: 5_000, untilMs: 7_100, detail: 'normal' },
    ],
    shows: ['resolves a conflict', 'tea = black, alternates green'],
  },
  {
    name: 'hole-found-and-refilled',
    about: 'Synced bytes have rotted, and a read finds out: the record is a hole from then on, until a peer has given it again.',
    seed: 1,
    plan: plan({
      durationMs: 5_000,
      storage: { cacheBytesMax: 1 },
      faults: [diskBitRot({ atMs: 2_000, node: 'n1', position: 0.5, bytes: 160 })],
      operations: [
        ...[1, 2, 3].map((turn) => remember(300 * turn, 'c1', { id: `m${turn}`, value: `v${turn}` })),
        read(2_500, 'c2', 'm2'),
        read(3_500, 'c2', 'm2'),
      ],
    }),
    parts: [{ fromMs: 1_900, untilMs: 3_600, detail: 'normal' }],
    shows: ['damaged at', 'has a hole in default', 'has refilled the hole in default', 'answers c2: m2 = v2'],
  },
  {
    name: 'damage-found-at-a-restart',
    about:
      'Synced bytes have rotted, and a restart finds out: below the watermark that is corruption, never a torn tail. A peer has the record.',
    seed: 1,
    plan: plan({
      durationMs: 7_000,
      storage: { watermarkAfterQuietMs: 50 },
      faults: [
        diskBitRot({ atMs: 2_000, node: 'n2', position: 0.5, bytes: 20 }),
        crash({ atMs: 2_500, node: 'n2' }),
        restart({ atMs: 3_000, node: 'n2' }),
      ],
      operations: [1, 2, 3].map((turn) => remember(300 * turn, 'c1', { id: `m${turn}`, value: `v${turn}` })),
    }),
    parts: [{ fromMs: 1_900, untilMs: 4_500, detail: 'normal' }],
    shows: ['damaged at', 'below what was synced', 'as asked to n2', 'has synced 2@n1.1'],
  },
  {
    name: 'torn-tail-cut',
    about: 'Power goes in the middle of a write. What reached the disk is no whole group: it is cut, and nothing of it was acknowledged.',
    seed: 3,
    plan: plan({
      durationMs: 9_000,
      faults: [crash({ atMs: 950, node: 'n1', amid: 'write' }), restart({ atMs: 1_500, node: 'n1' })],
      operations: [
        remember(300, 'c1', { id: 'tea', value: 'green' }),
        remember(1_000, 'c1', { id: 'tea', value: 'black', paddingBytes: 2_000 }),
      ],
    }),
    parts: [{ fromMs: 300, untilMs: 4_500, detail: 'normal' }],
    shows: ['cuts a torn tail'],
  },
];

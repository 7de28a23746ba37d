/** Key moments of the control log, each a run that shows it: their transcripts are kept beside this file and compared with what happens. */
import type { ControlEntry } from '../../core/control/entries.js';
import { ControlCluster } from './control-cluster.js';
import { type ControlFault, calmPlan } from './control-plan.js';
import { ControlStory } from './control-story.js';

export interface ControlMoment {
  /** Of its file. */
  readonly name: string;
  readonly about: string;
  readonly seed: string;
  readonly nodes: number;
  /** The stretch that is told. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly faults: readonly ControlFault[];
  /** Proposed to whoever leads then. */
  readonly proposals: readonly { readonly atMs: number; readonly entry: (cluster: ControlCluster) => ControlEntry }[];
  /** What its transcript must show. */
  readonly shows: readonly string[];
}

const spaceMade =
  (name: string) =>
  ({ members }: ControlCluster): ControlEntry => ({
    kind: 'space-created',
    name,
    generation: 0,
    copies: members.slice(0, 3).map(({ id }) => id),
  });

export const controlMoments: readonly ControlMoment[] = [
  {
    name: 'leader-elected',
    about:
      'Three founders start. One asks whether it would be voted for, stands, is elected, and what it begins its term with is committed.',
    seed: 'elected',
    nodes: 3,
    fromMs: 0,
    untilMs: 1_500,
    faults: [],
    proposals: [{ atMs: 1_400, entry: spaceMade('notes') }],
    shows: ['stands for election in term 2: no leader heard', 'leads the control log in term 2', 'applies entry 3: space notes is made'],
  },
  {
    name: 'leader-lost-and-replaced',
    about:
      'The leader loses power with a proposal under way. Another is elected; nobody hears the lost node any more, and one entry gives its spaces another primary.',
    seed: 'replaced-1',
    nodes: 3,
    fromMs: 3_990,
    untilMs: 6_500,
    faults: [{ kind: 'crash', atMs: 4_001, forMs: 1_500, node: 'leader', how: 'power', amidWrite: null }],
    proposals: [
      { atMs: 1_000, entry: spaceMade('notes') },
      { atMs: 1_100, entry: spaceMade('people') },
      { atMs: 4_000, entry: spaceMade('places') },
    ],
    shows: ['takes the power of', 'stands for election in term 3: no leader heard', '3 spaces of n1 get another primary', 'follows'],
  },
  {
    name: 'node-let-in-and-removed',
    about:
      'A fourth node is let in: it learns the log by a snapshot, then votes. Then it is to leave: it votes no more, and is removed once all know the new electorate.',
    seed: 'let-in',
    nodes: 4,
    fromMs: 1_990,
    untilMs: 6_200,
    faults: [],
    proposals: [
      { atMs: 2_000, entry: ({ members }) => ({ kind: 'node-added', member: members[3] }) },
      { atMs: 2_500, entry: ({ members }) => ({ kind: 'node-changed', member: members[3], isDraining: true }) },
      { atMs: 6_000, entry: ({ members }) => ({ kind: 'node-removed', node: members[3].id, isForced: false }) },
    ],
    shows: ['n4 is a member', 'begins to send a snapshot', 'is to leave', 'is no member any more'],
  },
];

/** The transcript of a moment as it happens now. */
export function tellMoment({ about, seed, nodes, fromMs, untilMs, faults, proposals }: ControlMoment): string {
  const lines: string[] = [];
  const story = new ControlStory(
    () => cluster,
    (line) => {
      if (Number(line.slice(0, 8)) >= fromMs) lines.push(line);
    },
  );
  const cluster: ControlCluster = new ControlCluster(seed, { ...calmPlan(nodes, untilMs), faults }, story.listener);
  for (const { atMs, entry } of proposals) {
    cluster.runUntil(atMs);
    cluster.leader?.propose(entry(cluster));
  }
  cluster.runUntil(untilMs);
  story.end();
  return `${about}\n\n${lines.join('\n')}\n`;
}

/**
 * Who votes: all members up to seven, then seven spread over the zones. A pure judgement of the leader, one step at a time: members learn before they vote, and one
 * voter changes at once. A dead node goes on to count as a voter: only a committed entry takes it out, so that nobody's silence makes a majority smaller.
 */
import { compareText, type NodeId } from '../identifiers.js';
import type { ControlState } from './control-state.js';
import { votersMax } from './entries.js';
import type { Raft } from './raft/raft.js';
import { type Configuration, isVoter, quorumOf } from './raft/vocabulary.js';

export interface Electorate {
  readonly self: NodeId;
  readonly state: ControlState;
  readonly configuration: Configuration;
  /** What each other node is known to have of the log. */
  readonly matches: ReadonlyMap<NodeId, number>;
  readonly committed: number;
  /** Whether the node answers the leader now. */
  readonly isHeard: (node: NodeId) => boolean;
  /** Who may have forgotten something: to be taken out altogether, so that nothing is known of it any more. */
  readonly forgetful: ReadonlySet<NodeId>;
}

/** What a leader does about who votes. */
export type LeadingRaft = Pick<
  Raft,
  'configuration' | 'matches' | 'committed' | 'isHeard' | 'mayReconfigure' | 'reconfigure' | 'hasOffered' | 'handOver'
>;

/** As leader: proposes what is to change about who votes, if anything is and may be now. */
export function keepElectorate(
  { self, state, forgetful }: Pick<Electorate, 'self' | 'state' | 'forgetful'>,
  raft: LeadingRaft,
  nowMs: number,
): void {
  if (!raft.mayReconfigure) return;
  const { configuration, matches, committed } = raft;
  const isHeard = (id: NodeId): boolean => raft.isHeard(id, nowMs);
  const next = nextConfiguration({ self, state, configuration, matches, committed, isHeard, forgetful });
  if (next === null) return;
  if (isVoter(configuration, self) && !isVoter(next, self) && !raft.hasOffered) leaveToAnother({ self, state, next, isHeard }, raft, nowMs);
  else raft.reconfigure(next);
}

/**
 * A leader that is to vote no more has another lead first, which then takes it out: else nobody would lead until the others miss it. Not while a primary has paused,
 * so that no write waits for an election as well. Offered once: whom nobody follows takes itself out.
 */
function leaveToAnother(
  { self, state, next, isHeard }: Pick<Electorate, 'self' | 'state' | 'isHeard'> & { readonly next: Configuration },
  raft: LeadingRaft,
  nowMs: number,
): void {
  if (Object.values(state.rows).some(({ move }) => move?.stage === 'paused')) return;
  const voters = next.voters.filter((id) => isHeard(id) && state.members[id]?.isDraining === false);
  const best = mostCaughtUp(self, { configuration: { ...next, voters }, matches: raft.matches });
  if (best === undefined || !raft.handOver(best, nowMs)) raft.reconfigure(next);
}

/** The configuration to propose next; null while all is as it should be, or nothing can be done yet. */
export function nextConfiguration(electorate: Electorate): Configuration | null {
  const { state, configuration, forgetful } = electorate;
  const { voters, learners } = configuration;
  const members = Object.values(state.members);
  const known = new Set([...voters, ...learners]);
  const added = members.map(({ id }) => id).filter((id) => !known.has(id) && !forgetful.has(id));
  const kept = learners.filter((id) => state.members[id] !== undefined && !forgetful.has(id));
  if (added.length > 0 || kept.length < learners.length) return { voters, learners: sorted([...kept, ...added]) };
  const leaving = voterToLeave(electorate);
  const left = voters.filter((id) => id !== leaving);
  // Without that one those who are left have to agree, to this change as well: while too many of them are silent it would be the leader's last.
  if (leaving !== null && left.length > 0 && left.filter(electorate.isHeard).length >= quorumOf({ voters: left, learners })) {
    const stays = state.members[leaving] === undefined || forgetful.has(leaving) ? [] : [leaving];
    return { voters: left, learners: sorted([...learners, ...stays]) };
  }
  const promoted = learnerToPromote(electorate);
  if (promoted === null) return null;
  return { voters: sorted([...voters, promoted]), learners: learners.filter((id) => id !== promoted) };
}

function sorted(nodes: readonly NodeId[]): readonly NodeId[] {
  return [...nodes].sort(compareText);
}

function zoneOf({ members }: ControlState, node: NodeId): string {
  return members[node]?.zone ?? '';
}

/** Voters in each zone. */
function votersByZone({ state, configuration }: Electorate): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const voter of configuration.voters) counts.set(zoneOf(state, voter), (counts.get(zoneOf(state, voter)) ?? 0) + 1);
  return counts;
}

/** Of the learners that have everything and may vote, the first of those whose zone has the fewest voters; null: none is ready. */
function nextReady({ state, configuration, matches, committed }: Electorate, counts: ReadonlyMap<string, number>): NodeId | null {
  let best: NodeId | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const id of configuration.learners) {
    if (state.members[id]?.isDraining !== false || (matches.get(id) ?? 0) < committed) continue;
    const inZone = counts.get(zoneOf(state, id)) ?? 0;
    if (inZone > fewest || (inZone === fewest && best !== null && compareText(id, best) > 0)) continue;
    best = id;
    fewest = inZone;
  }
  return best;
}

/** Who is no member any more or is to leave; else one of a zone with two voters more than that of a learner which is ready. */
function voterToLeave(electorate: Electorate): NodeId | null {
  const { self, state, configuration, forgetful } = electorate;
  const gone =
    configuration.voters.find((id) => forgetful.has(id)) ?? configuration.voters.find((id) => state.members[id]?.isDraining !== false);
  if (gone !== undefined) return gone;
  if (configuration.voters.length < votersMax) return null;
  const counts = votersByZone(electorate);
  const next = nextReady(electorate, counts);
  if (next === null) return null;
  const wanted = (counts.get(zoneOf(state, next)) ?? 0) + 2;
  return configuration.voters.find((id) => id !== self && (counts.get(zoneOf(state, id)) ?? 0) >= wanted) ?? null;
}

function learnerToPromote(electorate: Electorate): NodeId | null {
  if (electorate.configuration.voters.length >= votersMax) return null;
  return nextReady(electorate, votersByZone(electorate));
}

/** The other voter that has most of the log: who it is best to hand over to. Undefined: there is none. */
export function mostCaughtUp(self: NodeId, { configuration, matches }: Pick<Electorate, 'configuration' | 'matches'>): NodeId | undefined {
  const others = configuration.voters.filter((id) => id !== self);
  return others.sort((left, right) => (matches.get(right) ?? 0) - (matches.get(left) ?? 0) || compareText(left, right))[0];
}

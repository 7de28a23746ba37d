/**
 * The words of the control log's agreement: entries, configurations, what is kept on disk, what voters say to each other.
 *
 * Follows Raft (Ongaro and Ousterhout 2014; Ongaro's thesis 2014 for pre-vote, check-quorum, leader transfer and one change of members at a time).
 */
import type { NodeId } from '../../identifiers.js';

/** Who decides (voters) and who only follows until it has caught up (learners). Both in id order, without repetition, and nobody in both. */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export type Entry = EntryAt & EntryContent;

export interface EntryAt {
  /** From 1 on, gapless. */
  readonly index: number;
  readonly term: number;
}

export type EntryContent =
  /** A leader's first entry: what stands before it is committed with it. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'command'; readonly bytes: Uint8Array }
  /** In force from the moment it stands in a log, committed or not. */
  | { readonly kind: 'configuration'; readonly configuration: Configuration };

/** All that was committed up to an entry, in its owner's form. */
export interface Snapshot extends EntryAt {
  readonly configuration: Configuration;
  readonly state: Uint8Array;
}

/** What a voter must not forget: the greatest term it has seen, and for whom it voted in it. */
export interface Ballot {
  readonly term: number;
  readonly vote: NodeId | null;
}

/** What was durable when the process ended. */
export interface Recovered {
  readonly ballot: Ballot;
  readonly snapshot: Snapshot | null;
  /** Behind the snapshot, gapless. */
  readonly entries: readonly Entry[];
  /** Up to here this node knew that they are committed; later ones may be as well. 0 when it knew of none. */
  readonly committed: number;
  /** This voter has begun anew after it may have forgotten something: it has no voice before its log reaches so far. 0 for all others. */
  readonly votesFrom: number;
}

/** What is to become durable, all of it or nothing, in the order of the calls. */
export interface Change {
  readonly ballot: Ballot | null;
  /** Takes the place of all entries up to its own, and of all behind as well if `keepsEntries` is false. */
  readonly snapshot: { readonly snapshot: Snapshot; readonly keepsEntries: boolean } | null;
  /** Take the place of whatever stood at the first one's index and behind it. */
  readonly entries: readonly Entry[];
}

/** A round of heartbeats, counted by each leader from 1 on. */
export interface RoundOfLeader {
  readonly term: number;
  readonly round: number;
}

export type RaftMessage =
  /** Would you vote for me in this term? Asked before a term is begun, so that who was cut off does not disturb those who were not. */
  | { readonly kind: 'ask-pre-vote'; readonly term: number; readonly last: EntryAt }
  | { readonly kind: 'pre-vote'; readonly term: number; readonly isGranted: boolean }
  /** `handedOver`: the leader of that term itself has asked for this election. Who has not heard it after that round need not protect it. */
  | { readonly kind: 'ask-vote'; readonly term: number; readonly last: EntryAt; readonly handedOver: RoundOfLeader | null }
  | { readonly kind: 'vote'; readonly term: number; readonly isGranted: boolean }
  | {
      readonly kind: 'append';
      readonly term: number;
      /** The leader's round of heartbeats: the answer to it proves contact as of that round's beginning. */
      readonly round: number;
      readonly previous: EntryAt;
      readonly entries: readonly Entry[];
      readonly committed: number;
    }
  /** All up to `match` is durable here and as the leader has it. */
  | { readonly kind: 'appended'; readonly term: number; readonly round: number; readonly match: number }
  /** What stood before those entries is not here: nothing of term `conflict.term` or behind `conflict.index` can be taken for granted. */
  | {
      readonly kind: 'refused';
      readonly term: number;
      readonly round: number;
      readonly previousIndex: number;
      readonly conflict: EntryAt;
    }
  | {
      readonly kind: 'snapshot';
      readonly term: number;
      readonly round: number;
      readonly last: EntryAt;
      readonly configuration: Configuration;
      readonly offset: number;
      readonly bytes: Uint8Array;
      readonly isEnd: boolean;
    }
  /** So many bytes of the snapshot up to `index` are here. */
  | { readonly kind: 'snapshot-part'; readonly term: number; readonly round: number; readonly index: number; readonly received: number }
  /** The leader wants the receiver to take its place at once. What it was told in rounds up to this one makes no lease any more. */
  | { readonly kind: 'take-over'; readonly term: number; readonly round: number };

export interface RaftOptions {
  /** Who hears no leader for a time drawn anew from this range stands for election. Shorter: faster failover, more elections for nothing. Milliseconds. */
  readonly electionMsMin: number;
  readonly electionMsMax: number;
  /** A leader speaks to everyone at least this often. Twice within electionMsMin: its lease has to last from one to the next. */
  readonly heartbeatMs: number;
  /** Entries in one message, by the bytes of their commands; one at least. */
  readonly appendBytesMax: number;
  /** Appends on their way to one follower that it has not answered. */
  readonly appendsInFlightMax: number;
  /** Bytes of commands that are not committed yet; beyond, proposals are refused. */
  readonly uncommittedBytesMax: number;
  readonly snapshotPartBytes: number;
}

export const defaultRaftOptions: RaftOptions = {
  electionMsMin: 300,
  electionMsMax: 600,
  heartbeatMs: 125,
  appendBytesMax: 256 * 1_024,
  appendsInFlightMax: 16,
  uncommittedBytesMax: 4 * 2 ** 20,
  snapshotPartBytes: 512 * 1_024,
};

/** A voter that has heard a leader refuses rivals for this many times the leader's lease, which is electionMsMin: clocks may differ by that much. */
export const refusalPerLease = 1.1;

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export type Proposed =
  | { readonly kind: 'proposed'; readonly index: number; readonly term: number }
  | {
      readonly kind: 'refused';
      readonly why: 'not leader' | 'handing over' | 'overloaded' | 'a change is under way' | 'more than one change' | 'no voters';
      readonly leader: NodeId | null;
    };

export type WhySteppedDown = 'higher term' | 'no majority heard' | 'no voter any more' | 'lacks what is committed';

export type RaftEvent =
  | { readonly kind: 'control.election-started'; readonly term: number; readonly why: 'no leader heard' | 'asked to take over' }
  | { readonly kind: 'control.leader-elected'; readonly term: number; readonly votes: readonly NodeId[] }
  | { readonly kind: 'control.leader-followed'; readonly term: number; readonly leader: NodeId }
  | { readonly kind: 'control.stepped-down'; readonly term: number; readonly why: WhySteppedDown }
  | { readonly kind: 'control.configuration-changed'; readonly index: number; readonly configuration: Configuration }
  | { readonly kind: 'control.entries-replaced'; readonly from: number; readonly count: number }
  | { readonly kind: 'control.snapshot-installed'; readonly index: number }
  | { readonly kind: 'control.snapshot-sent'; readonly to: NodeId; readonly index: number };

/** What agreement may ask of the node it runs in. Write-only, like all effects of the core. */
export interface RaftEffects {
  /** May be lost, doubled, reordered or late. */
  send(to: NodeId, message: RaftMessage): void;
  /** Ends in `saved(ticket)`, in the order of the calls; a failure stops the node. */
  save(change: Change, ticket: number): void;
  /** `wake` is to be called then or later. Replaces the time asked for before. */
  wakeAt(atMs: number): void;
  /** Committed and durable here: each entry once per boot, in order. */
  committed(entry: Entry): void;
  /** The state as of the snapshot takes the place of everything committed before. */
  restored(snapshot: Snapshot): void;
  note(event: RaftEvent): void;
}

export function compareEntries(left: EntryAt, right: EntryAt): number {
  return left.term - right.term || left.index - right.index;
}

/** Majority of the voters. */
export function quorumOf({ voters }: Configuration): number {
  return Math.floor(voters.length / 2) + 1;
}

/** Up to when a majority of the voters has come, who have come as far as `momentOf` says; -Infinity when there is no majority. Asked at nearly every event. */
export function majorityMoment(configuration: Configuration, momentOf: (voter: NodeId) => number): number {
  // In falling order: voters are few.
  const moments: number[] = [];
  for (const voter of configuration.voters) {
    const moment = momentOf(voter);
    let at = moments.length;
    moments.push(moment);
    for (; at > 0 && moments[at - 1] < moment; at -= 1) moments[at] = moments[at - 1];
    moments[at] = moment;
  }
  return moments[quorumOf(configuration) - 1] ?? Number.NEGATIVE_INFINITY;
}

export function isVoter({ voters }: Configuration, node: NodeId): boolean {
  return voters.includes(node);
}

/** Everybody a leader speaks to. */
export function everyone({ voters, learners }: Configuration): readonly NodeId[] {
  return [...voters, ...learners];
}

/** What the control log tells: beside what the agreement itself notes. */
import type { Patch } from 'immer';
import type { NodeId, SpaceKey } from '../identifiers.js';
import type { Outcome } from './apply-entry.js';
import type { ControlEntry } from './entries.js';
import type { RaftEvent } from './raft/vocabulary.js';

/** What a recovery rests on. */
export interface RecoveryBasis {
  /** The node's own control log was damaged: what it goes by may be older than what it had known itself. */
  readonly isDamaged: boolean;
  /** All that was committed up to here is known. */
  readonly committed: number;
  /** So many entries behind that were here too: they may have been committed, and count from now on. */
  readonly doubtful: number;
  /** The farthest place of which anything here, or anybody who was heard, tells. What stood between what is known and there, and all behind it, is given up. */
  readonly reached: number;
  /** Which other node has told what is known; null: it was here. */
  readonly toldBy: NodeId | null;
}

export type ProposalAnswer =
  /** To a recovery alone: a generation has begun. */
  | { readonly kind: 'recovered'; readonly index: number; readonly generation: number; readonly basis: RecoveryBasis }
  | { readonly kind: 'committed'; readonly index: number; readonly outcome: Outcome }
  /** Another leader's entry stands in its place: it has had no effect and will have none. */
  | { readonly kind: 'replaced' }
  /** It may or may not have been committed: a snapshot has taken the place of what would have told. */
  | { readonly kind: 'unknown' }
  /** Not taken up: nothing has happened. */
  | { readonly kind: 'refused'; readonly why: ProposalRefusal; readonly leader: NodeId | null };

export type ProposalRefusal =
  | 'not leader'
  | 'handing over'
  | 'overloaded'
  | 'electorate changed lately'
  | 'no control log'
  /** This node knows of a cluster already, or has voted for who makes one. */
  | 'cluster already made'
  /** The entries that are to make a cluster do not fit together. */
  | 'no such cluster'
  /** There is nothing to recover: a leader is heard, or there never was a cluster. */
  | 'nothing to recover'
  | 'recovery under way'
  /** Of a damaged control log nothing can be read that says which members there are, and nobody has told. */
  | 'nothing readable'
  /** By what can be read of the control log, this node is no member: it would lead others that do not know it. */
  | 'not a member';

export type WhyGivenUp = 'target silent' | 'target leaves' | 'no progress' | 'writes paused too long';

export type ControlDomainEvent =
  | RaftEvent
  /** This node had a control log, or begins one: who it agrees with, and up to where. */
  | { readonly kind: 'control.opened'; readonly term: number; readonly index: number; readonly voters: number }
  /** A committed entry has done what it says, or nothing. `entry` is null for what only the agreement itself needs. */
  | {
      readonly kind: 'control.applied';
      readonly index: number;
      readonly term: number;
      readonly entry: ControlEntry | null;
      readonly outcome: Outcome;
      /** What has changed in the state, as paths and values: the event stream. */
      readonly patches: readonly Patch[];
    }
  /** A committed entry that cannot be read, and so does nothing anywhere. */
  | { readonly kind: 'control.entry-unreadable'; readonly index: number }
  /** Entries up to here are in a snapshot from now on. */
  | { readonly kind: 'control.compacted'; readonly index: number; readonly bytes: number }
  /** Records of the control log were lost on this disk: this node votes no more, since it may have forgotten a vote. */
  | { readonly kind: 'control.log-damaged' }
  /** Whose control log was damaged is out of the electorate, and takes part again as one that has just been let in; it votes once its log reaches `votesFrom`. */
  | { readonly kind: 'control.begun-anew'; readonly term: number; readonly votesFrom: number }
  /** An operator has given up a majority of the voters: this node has begun a generation, as its only voter. */
  | { readonly kind: 'control.recovered'; readonly generation: number; readonly index: number; readonly basis: RecoveryBasis }
  /** A node whose control log is damaged goes by the state that others have committed up to here. */
  | { readonly kind: 'control.state-followed'; readonly index: number }
  /** A voter has said that the entry at that index removed this node: it takes no part any more, and hands over what it holds. */
  | { readonly kind: 'control.removed'; readonly index: number }
  /** What became of a proposal that was made here. Never told, when the process ends before it is known. */
  | { readonly kind: 'control.proposal-answered'; readonly handle: number; readonly answer: ProposalAnswer }
  /** As leader: a copy is to go from one node to another, and the entry that begins it is proposed. `from` null: one more copy. */
  | { readonly kind: 'move.begun'; readonly space: SpaceKey; readonly from: NodeId | null; readonly to: NodeId }
  /** A new leader goes on with what an earlier one has begun. */
  | { readonly kind: 'move.taken-over'; readonly space: SpaceKey; readonly to: NodeId }
  | { readonly kind: 'move.given-up'; readonly space: SpaceKey; readonly to: NodeId; readonly why: WhyGivenUp }
  | { readonly kind: 'control.message-rejected'; readonly bytes: number };

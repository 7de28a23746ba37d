/** What membership tells, as data: part of the core's domain events. */
import type { NodeId } from '../identifiers.js';
import type { Address } from './address.js';
import type { Incarnation, MemberState } from './inspection.js';
import type { PacketFault } from './packet-faults.js';

/** Why a node believes that another does not answer: which paths failed, and in what shape it was itself. */
export interface FailedPaths {
  /** How long the direct ping went unanswered. */
  readonly directMs: number;
  /** Who was asked to ping on this node's behalf, and who of them said that it got no answer either. The others said nothing: their silence is this node's trouble. */
  readonly indirect: readonly NodeId[];
  readonly nacks: readonly NodeId[];
  /** The ping over the reliable channel: unanswered, refused or broken, or not tried for want of room. */
  readonly reliable: 'no answer' | 'failed' | 'not tried';
  /** Local health at the time: 0 is well. */
  readonly localHealth: number;
}

export type MembershipDomainEvent =
  | { readonly kind: 'membership.started'; readonly node: NodeId; readonly address: Address; readonly incarnation: Incarnation }
  /** Another node's table has been merged: the first time since the start. */
  | { readonly kind: 'membership.joined'; readonly through: NodeId; readonly members: number }
  /** Others have been told of the planned absence: so many packets with it have gone out. */
  | { readonly kind: 'membership.left'; readonly packets: number }
  | {
      readonly kind: 'member.joined';
      readonly node: NodeId;
      readonly name: string;
      readonly address: Address;
      readonly incarnation: Incarnation;
    }
  /** It was dead or had left, and is alive in a higher incarnation. */
  | {
      readonly kind: 'member.returned';
      readonly node: NodeId;
      readonly address: Address;
      readonly incarnation: Incarnation;
      readonly was: MemberState;
      readonly absentMs: number;
    }
  /** It never was away as far as this node knows, and has a new boot. */
  | { readonly kind: 'member.restarted'; readonly node: NodeId; readonly incarnation: Incarnation }
  | { readonly kind: 'member.moved'; readonly node: NodeId; readonly from: Address; readonly to: Address }
  /**
   * A suspicion begins here: `paths` says why if this node raised it, null if it heard of it from `accuser`. `isPrivate`: this node reaches nobody, and keeps it to
   * itself. `timeoutMs` is what the suspect has, unless others confirm.
   */
  | {
      readonly kind: 'member.suspected';
      readonly node: NodeId;
      readonly incarnation: Incarnation;
      readonly accuser: NodeId;
      readonly paths: FailedPaths | null;
      readonly isPrivate: boolean;
      readonly timeoutMs: number;
      readonly confirmationsMax: number;
    }
  /** One more has found it out of reach: the time left shrinks. `paths` as above. */
  | {
      readonly kind: 'suspicion.confirmed';
      readonly node: NodeId;
      readonly accuser: NodeId;
      readonly paths: FailedPaths | null;
      readonly confirmations: number;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'member.refuted'; readonly node: NodeId; readonly incarnation: Incarnation; readonly suspectedForMs: number }
  /** Its time to refute has run out here. `confirmedBy` begins with the first accuser; `paths` are this node's own, if it found it out of reach itself. */
  | {
      readonly kind: 'member.declared-dead';
      readonly node: NodeId;
      readonly incarnation: Incarnation;
      readonly confirmedBy: readonly NodeId[];
      readonly paths: FailedPaths | null;
      readonly isPrivate: boolean;
      readonly suspectedForMs: number;
      readonly timeoutMs: number;
      readonly localHealth: number;
    }
  /** Somebody else has declared it. */
  | { readonly kind: 'member.died'; readonly node: NodeId; readonly incarnation: Incarnation; readonly declaredBy: NodeId }
  | { readonly kind: 'member.left'; readonly node: NodeId; readonly incarnation: Incarnation }
  /** Somebody is in reach again: what this node had concluded while it reached nobody is void, and this holds as before. */
  | { readonly kind: 'member.reconsidered'; readonly node: NodeId; readonly state: MemberState; readonly incarnation: Incarnation }
  /** It was gone before this node heard of it. */
  | { readonly kind: 'member.found-gone'; readonly node: NodeId; readonly state: 'dead' | 'left'; readonly incarnation: Incarnation }
  /** Forgotten to keep the bound on members. */
  | { readonly kind: 'member.forgotten'; readonly node: NodeId; readonly was: MemberState }
  /** Two processes under one identity: `boots` are those of the two, or one boot answers at two addresses. */
  | {
      readonly kind: 'member.conflict-seen';
      readonly node: NodeId;
      readonly addresses: readonly Address[];
      readonly boots: readonly string[];
    }
  /** Somebody had said that this node is suspect or dead: it says otherwise. */
  | {
      readonly kind: 'membership.refuted-itself';
      readonly claim: MemberState;
      readonly incarnation: Incarnation;
      readonly localHealth: number;
    }
  | { readonly kind: 'local-health.changed'; readonly from: number; readonly to: number }
  /** This process stood still: nobody else's silence counts for that time. */
  | { readonly kind: 'membership.paused'; readonly pausedMs: number }
  | { readonly kind: 'partition.began'; readonly reachable: number; readonly total: number; readonly isolated: boolean }
  | { readonly kind: 'partition.healing'; readonly reachable: number; readonly total: number; readonly partitionedForMs: number }
  | { readonly kind: 'partition.ended'; readonly reachable: number; readonly total: number; readonly healingForMs: number }
  /** Found by this node, which is one of its ends. */
  | { readonly kind: 'link.broken'; readonly from: NodeId; readonly to: NodeId }
  | { readonly kind: 'link.mended'; readonly from: NodeId; readonly to: NodeId }
  /** Told at the first, second, fourth, eighth … of each reason: `count` so many so far. */
  | {
      readonly kind: 'packet.rejected';
      readonly reason: PacketFault;
      readonly from: Address | null;
      readonly bytes: number;
      readonly count: number;
    }
  /** A bound was reached, and what it keeps out was dropped: told like rejected packets. */
  | { readonly kind: 'membership.overloaded'; readonly bound: string; readonly count: number };

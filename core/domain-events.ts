/**
 * What happened, as data. One emission, many uses: logs, metrics and the event stream of the real runtime; trace, rare-state marks and checks of
 * the simulator. Names are `subject.past-participle`; fields carry units.
 */
import type { ControlDomainEvent } from './control/control-events.js';
import type { Author, NodeId, SpaceKey, Term } from './identifiers.js';
import type { MembershipDomainEvent } from './membership/domain-events.js';

export type DomainEvent =
  | MembershipDomainEvent
  | ControlDomainEvent
  | { readonly kind: 'node.started'; readonly node: NodeId; readonly boot: number; readonly records: number; readonly segments: number }
  | { readonly kind: 'node.identity-made'; readonly node: NodeId }
  | { readonly kind: 'node.halted'; readonly reason: string }
  /** The end of the log was incomplete when the node stopped: cut at `offset`; nothing in it was ever acknowledged. */
  | { readonly kind: 'log.tail-cut'; readonly segment: number; readonly offset: number; readonly bytes: number }
  /** Bytes that were once synced can no longer be read: never truncated, fetched again from a peer. */
  | { readonly kind: 'log.damage-found'; readonly segment: number; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'log.segment-sealed'; readonly segment: number; readonly bytes: number }
  | { readonly kind: 'log.segment-compacted'; readonly segment: number; readonly kept: number; readonly dropped: number }
  | { readonly kind: 'checkpoint.written'; readonly number: number }
  | { readonly kind: 'checkpoint.unreadable'; readonly file: string; readonly reason: string }
  | { readonly kind: 'storage.full'; readonly file: string }
  | { readonly kind: 'storage.space-returned' }
  | { readonly kind: 'hole.found'; readonly space: SpaceKey; readonly author: Author; readonly from: number; readonly to: number }
  | { readonly kind: 'hole.refilled'; readonly space: SpaceKey; readonly author: Author; readonly from: number; readonly to: number }
  /** No copy has these dots any more, and all once did or knew them dominated: they count as compacted. */
  | { readonly kind: 'hole.settled'; readonly space: SpaceKey; readonly author: Author; readonly from: number; readonly to: number }
  | { readonly kind: 'record.damaged'; readonly space: SpaceKey; readonly author: Author; readonly sequence: number }
  /** Found by reading what nobody had asked for. */
  | { readonly kind: 'scrub.rot-found'; readonly space: SpaceKey; readonly author: Author; readonly sequence: number }
  | {
      readonly kind: 'scrub.pass-finished';
      readonly records: number;
      readonly bytes: number;
      readonly damaged: number;
      readonly tookMs: number;
    }
  | { readonly kind: 'peer.reached'; readonly peer: NodeId }
  | { readonly kind: 'peer.lost'; readonly peer: NodeId; readonly silentMs: number }
  | { readonly kind: 'frame.rejected'; readonly reason: string; readonly bytes: number }
  | { readonly kind: 'term.claim-started'; readonly space: SpaceKey; readonly sources: number }
  | { readonly kind: 'term.taken'; readonly space: SpaceKey; readonly term: Term }
  | { readonly kind: 'term.ended'; readonly space: SpaceKey; readonly term: Term; readonly reason: string }
  /** Another node acknowledges in a term of its own for the same space at the same time. */
  | { readonly kind: 'term.overlap-seen'; readonly space: SpaceKey; readonly rival: NodeId }
  | {
      readonly kind: 'replication.gap-seen';
      readonly space: SpaceKey;
      readonly author: Author;
      readonly expected: number;
      readonly got: number;
    }
  /** Records of another term have come to a primary and are merged: each has a receipt. */
  | { readonly kind: 'replication.superseded'; readonly space: SpaceKey; readonly records: number }
  /** Records written elsewhere while this node was cut off, or by it in an ended term, have been merged. */
  | { readonly kind: 'tail.merged'; readonly space: SpaceKey; readonly author: Author; readonly records: number }
  /** A copy of a space that this node is primary of is more than a second behind; more than five; and up to date again, or nearly. */
  | {
      readonly kind: 'replication.lag-alert' | 'replication.degraded';
      readonly space: SpaceKey;
      readonly copy: NodeId;
      readonly records: number;
      readonly ms: number;
    }
  | { readonly kind: 'replication.lag-cleared'; readonly space: SpaceKey; readonly copy: NodeId }
  /** A node that shares no row with this one hands over what it holds of a space. */
  | { readonly kind: 'guest.admitted'; readonly peer: NodeId }
  /** The copies of the row hold all that was held here outside it: this node lets go of it. `hints`: how many of the records it had taken itself, in this boot. */
  | { readonly kind: 'space.handed-over'; readonly space: SpaceKey; readonly records: number; readonly hints: number }
  /** Records of a space that was deleted have been found here: they are kept, and neither served nor handed over. */
  | { readonly kind: 'space.quarantined'; readonly space: SpaceKey; readonly records: number }
  | { readonly kind: 'catch-up.started'; readonly space: SpaceKey; readonly from: NodeId; readonly how: 'log' | 'snapshot' }
  | { readonly kind: 'catch-up.finished'; readonly space: SpaceKey; readonly from: NodeId; readonly how: 'log' | 'snapshot' }
  | { readonly kind: 'conflict.resolved'; readonly space: SpaceKey; readonly rule: ConflictRule }
  | { readonly kind: 'write.duplicate'; readonly space: SpaceKey; readonly by: 'content' | 'request-id' }
  | { readonly kind: 'clock.jumped-back'; readonly byMs: number }
  | { readonly kind: 'clock.foreign-bounded'; readonly aheadMs: number }
  | { readonly kind: 'session.unsatisfied'; readonly space: SpaceKey }
  | { readonly kind: 'request.overloaded'; readonly bound: string };

/** Which rule chose the readable one of several causally maximal versions (SPEC section 3, Versions and conflicts). */
export type ConflictRule = 'confidence' | 'logical-time' | 'content-hash' | 'delete-wins' | 'superseded-request';

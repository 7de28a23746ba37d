/**
 * What can happen to a node. `EngramNode.handle(event, now)` is a synchronous, deterministic function of (state, event, now): a recorded list of
 * these, replayed, leads to the same state.
 */
import type { ComputeResult } from './compute.js';
import type { ControlEntry } from './control/entries.js';
import type { ControlView } from './control/members-and-rows.js';
import type { ExchangeHandle, RequestHandle, Ticket } from './effects.js';
import type { NodeId } from './identifiers.js';
import type { Address } from './membership/address.js';
import type { Request } from './wire/generated/engram/v1/service.js';

/** Both in whole milliseconds. Timeouts run on monotonic time; wall time only labels. */
export interface Now {
  /** Since an arbitrary moment of this boot; never goes back. */
  readonly monotonicMs: number;
  /** Since 1970 as this machine believes; may jump either way. */
  readonly wallMs: number;
}

export interface DiskFile {
  readonly name: string;
  readonly bytes: number;
}

export type DiskFailure = 'EIO' | 'ENOSPC' | 'ENOENT' | 'EOTHER';

export type DiskResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'read'; readonly bytes: Uint8Array }
  | { readonly kind: 'listed'; readonly files: readonly DiskFile[] }
  | { readonly kind: 'failed'; readonly code: DiskFailure; readonly message: string };

export type CoreEvent =
  /** The first event of a boot. `candidateNodeId` becomes the node's identity when the data directory has none. */
  | { readonly kind: 'start'; readonly candidateNodeId: NodeId }
  /** Members and rows have changed: this view takes the place of the one before. Until the first the configuration's is in force. */
  | { readonly kind: 'control'; readonly view: ControlView }
  /** Proposes an entry for the control log; answered by a `control.proposal-answered` event with this handle. */
  | { readonly kind: 'propose'; readonly handle: RequestHandle; readonly entry: ControlEntry }
  /**
   * This node makes a cluster: the first of these entries says of whom, the others who else is a member and which spaces exist. None of them may belong to a
   * cluster already, nor be asked at the same time by another node. Answered like a proposal.
   */
  | { readonly kind: 'found'; readonly handle: RequestHandle; readonly entries: readonly ControlEntry[] }
  /** A majority of voters is gone for good, says an operator: this node alone begins another generation with what it knows. Answered like a proposal. */
  | { readonly kind: 'recover'; readonly handle: RequestHandle }
  /** As leader: plan anew what is wanted of the rows. Nothing happens where another node leads. */
  | { readonly kind: 'plan-moves' }
  | { readonly kind: 'request'; readonly handle: RequestHandle; readonly request: Request }
  /** The client has gone or no longer wants the answer: nothing is undone, nobody is answered. */
  | { readonly kind: 'cancel'; readonly handle: RequestHandle }
  /** Bytes from a peer; the sender is named inside and believed only as far as the cluster id goes. */
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'timer'; readonly name: string }
  | { readonly kind: 'disk'; readonly ticket: Ticket; readonly result: DiskResult }
  | { readonly kind: 'compute'; readonly ticket: Ticket; readonly result: ComputeResult }
  | MembershipEvent;

export type MembershipEvent =
  /** A packet, from wherever it says: its sender is believed only as far as its checksum or key goes. */
  | { readonly kind: 'datagram'; readonly from: Address; readonly bytes: Uint8Array }
  /** Another node asks over the reliable channel; null: the channel does not tell from where. */
  | { readonly kind: 'exchange'; readonly handle: ExchangeHandle; readonly from: Address | null; readonly bytes: Uint8Array }
  /** What came of a question of ours; null: refused, not answered in time, broken. */
  | { readonly kind: 'exchanged'; readonly ticket: Ticket; readonly bytes: Uint8Array | null }
  /** What discovery finds now, all of it: takes the place of what it found before. The core decides whom to contact, and when. */
  | { readonly kind: 'seeds'; readonly addresses: readonly Address[] }
  /** The share of this node's capacity that was in use lately. The core decides whether that is worth telling. */
  | { readonly kind: 'load'; readonly percent: number }
  /** A planned absence: the others are told; `membership.left` is noted when they are, and the process may end. */
  | { readonly kind: 'leave' };

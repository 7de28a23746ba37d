/**
 * What can happen to a node. `EngramNode.handle(event, now)` is a synchronous, deterministic function of (state, event, now): a recorded list of
 * these, replayed, leads to the same state.
 */
import type { ControlView } from './control/members-and-rows.js';
import type { RequestHandle, Ticket } from './effects.js';
import type { NodeId } from './identifiers.js';
import type { ScanResult } from './memory/scan-kernel.js';
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
  | { readonly kind: 'request'; readonly handle: RequestHandle; readonly request: Request }
  /** The client has gone or no longer wants the answer: nothing is undone, nobody is answered. */
  | { readonly kind: 'cancel'; readonly handle: RequestHandle }
  /** Bytes from a peer; the sender is named inside and believed only as far as the cluster id goes. */
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'timer'; readonly name: string }
  | { readonly kind: 'disk'; readonly ticket: Ticket; readonly result: DiskResult }
  | { readonly kind: 'compute'; readonly ticket: Ticket; readonly result: ScanResult };

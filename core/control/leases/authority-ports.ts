/** What the authority over primaries knows of the agreement, and what it acts by. */
import type { Timers } from '../../effects.js';
import type { Now } from '../../events.js';
import type { Author, NodeId } from '../../identifiers.js';
import type { PureFunctions } from '../../pure-functions.js';
import type { AuthorityOptions } from '../control-log-options.js';
import type { ControlState } from '../control-state.js';
import type { ControlEntry } from '../entries.js';
import type { Configuration } from '../raft/vocabulary.js';
import type { AuthorityMessage } from './authority-messages.js';

/** What the agreement knows now. */
export interface Agreement {
  readonly self: NodeId;
  readonly state: ControlState;
  readonly configuration: Configuration;
  /** Whether all that a leader had committed lately is here. */
  readonly isCurrent: boolean;
  /** Whether this node leads, and no other can have been followed up to now. */
  readonly holdsLease: boolean;
  /** Whether this node leads, and has applied all that was committed before it did. */
  readonly knowsWhatWasBefore: boolean;
}

export interface AuthorityPorts {
  /** `leaderMsMax`: for so long at most somebody may lead whom a majority has left. */
  readonly options: AuthorityOptions & { readonly leaderMsMax: number };
  agreement(): Agreement;
  send(to: NodeId, message: Uint8Array): void;
  /** When the node last answered a ping of this one; minus infinity when it never has, or is not pinged. */
  pingedMs(node: NodeId): number;
  readonly timers: Timers;
  readonly pure: PureFunctions;
  /** A round of this leader's heartbeats: a majority of voters does not hear those nodes. */
  led(isSilent: (node: NodeId) => boolean, now: Now): void;
  /** Whether this node may call itself confirmed may be judged otherwise now. */
  leasesChanged(): void;
  /** Whether this node's log has room: a primary that cannot write is of no use either. */
  canWrite(): boolean;
  /** A voter may have forgotten what it said. Returns what it is to be told; null for nothing yet. */
  forgot(from: NodeId, boot: Author): AuthorityMessage | null;
  /** A voter says what is committed: to a node that it holds for removed, for one. */
  told(state: Uint8Array, now: Now): void;
  /** As leader. `done` is called when it is settled, whatever became of it. */
  propose(entry: ControlEntry, done: () => void, now: Now): void;
}

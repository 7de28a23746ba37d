/** What the control log of a node stands on: the node's own log, its network, its timers, and who goes by what it says. */
import type { Effects } from '../effects.js';
import type { Now } from '../events.js';
import type { NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import type { JournalStore } from './control-journal.js';
import type { ControlLogOptions } from './control-log-options.js';
import type { ControlState } from './control-state.js';
import type { RebalancingPorts } from './moves/rebalancing.js';

export interface ControlLogPorts {
  readonly options: ControlLogOptions;
  readonly store: JournalStore;
  /** To the control log of another node. May be lost, doubled, reordered or late. */
  send(to: NodeId, message: Uint8Array): void;
  canWrite(): boolean;
  /** When the node last answered a ping of this one; minus infinity when it never has, or is not pinged. */
  pingedMs(node: NodeId): number;
  readonly effects: Pick<Effects, 'timers' | 'journal' | 'lifecycle'>;
  readonly pure: PureFunctions;
  readonly plan: RebalancingPorts['plan'];
  /** The state is another now. */
  changed(state: ControlState, now: Now): void;
  /** What this node may call itself may be another now. */
  leasesChanged(): void;
}

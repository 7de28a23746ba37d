/** What everybody stands on who makes, keeps or changes the cluster of a node. */
import type { PureFunctions } from '../../core/pure-functions.js';
import type { MemberBook } from '../cluster/member-book.js';
import type { PeerDirectory } from '../cluster/peer-directory.js';
import type { PeerIdentity } from '../cluster/peer-hello.js';
import type { PeerNetwork } from '../cluster/peer-network.js';
import type { NodeHost } from '../node-host.js';
import type { Proposer } from './proposer.js';

export interface ControlParts {
  readonly host: Pick<NodeHost, 'propose' | 'inspectControl' | 'nodeId'>;
  readonly book: MemberBook;
  readonly directory: PeerDirectory;
  readonly network: PeerNetwork;
  readonly proposer: Proposer;
  readonly pure: PureFunctions;
  /** As the node says hello now. */
  readonly own: () => PeerIdentity;
  /** Copies of a space, as the node's configuration has it. */
  readonly replicationFactor: number;
}

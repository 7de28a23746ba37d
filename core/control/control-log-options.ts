/** What can be chosen about the control log of a node. */
import type { ControlEntry } from './entries.js';
import { defaultRaftOptions, type RaftOptions } from './raft/vocabulary.js';
import { defaultRebalancingOptions, type RebalancingOptions } from './rebalancing-options.js';

export interface AuthorityOptions {
  /** For so long a primary may call itself confirmed after it asked a majority of voters. */
  readonly leaseMs: number;
  /** Who holds copies asks each voter this often. Several times within leaseMs and silentAfterMs. */
  readonly askEveryMs: number;
  /** Who is not heard for so long is silent. */
  readonly silentAfterMs: number;
  /** A voter grants leases while it has everything that a leader had committed when it heard it, at most so long ago. */
  readonly contactMs: number;
}

export const defaultAuthorityOptions: AuthorityOptions = { leaseMs: 400, askEveryMs: 100, silentAfterMs: 500, contactMs: 1_500 };

export interface ControlLogOptions {
  readonly raft: RaftOptions;
  readonly authority: AuthorityOptions;
  readonly rebalancing: RebalancingOptions;
  /** A snapshot takes the place of the entries once so many stand behind the one before. */
  readonly snapshotEveryEntries: number;
  /** Proposals of this node that are not settled yet; beyond, it refuses more. */
  readonly proposalsMax: number;
  /** The cluster that this node is a founder of, if its disk knows of none. Null: it waits to be let in. */
  readonly founding: Omit<Extract<ControlEntry, { kind: 'cluster-made' }>, 'kind'> | null;
}

export const defaultControlLogOptions: ControlLogOptions = {
  raft: defaultRaftOptions,
  authority: defaultAuthorityOptions,
  rebalancing: defaultRebalancingOptions,
  snapshotEveryEntries: 1_000,
  proposalsMax: 1_024,
  founding: null,
};

/** What can be chosen about the control log of a node. */
import type { ControlEntry } from './entries.js';
import { defaultRebalancingOptions, type RebalancingOptions } from './moves/rebalancing-options.js';
import { defaultRaftOptions, type RaftOptions } from './raft/vocabulary.js';

export interface AuthorityOptions {
  /** For so long a primary may call itself confirmed after it asked for it. More than two heartbeats of the control log's leader: it asks with one and is answered with the next. */
  readonly leaseMs: number;
  /** Who has heard for so long of no lease that the leader granted asks every voter. More than two heartbeats, and less than leaseMs. */
  readonly askAllAfterMs: number;
  /** And then this often. Several times within silentAfterMs. */
  readonly askEveryMs: number;
  /** The leader names whom it has not heard for so long to the voters: one heartbeat and a half. */
  readonly doubtedAfterMs: number;
  /** A voter calls who was named, and takes for silent who has not answered after so long: two of askEveryMs, two heartbeats of the leader. */
  readonly calledForMs: number;
  /** Whom the leader has not heard for so long it takes for silent. */
  readonly silentAfterMs: number;
  /** A voter grants leases while it has everything that a leader had committed when it heard it, at most so long ago. */
  readonly contactMs: number;
}

/** Those that depend on heartbeats suit a leader that speaks every 125 ms. */
export const defaultAuthorityOptions: AuthorityOptions = {
  leaseMs: 400,
  askAllAfterMs: 300,
  askEveryMs: 100,
  doubtedAfterMs: 190,
  calledForMs: 230,
  silentAfterMs: 500,
  contactMs: 1_500,
};

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

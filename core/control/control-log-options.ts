/** What can be chosen about the control log of a node. */
import type { ControlEntry } from './entries.js';
import { defaultRaftOptions, type RaftOptions } from './raft/vocabulary.js';

export interface ControlLogOptions {
  readonly raft: RaftOptions;
  /** A snapshot takes the place of the entries once so many stand behind the one before. */
  readonly snapshotEveryEntries: number;
  /** Proposals of this node that are not settled yet; beyond, it refuses more. */
  readonly proposalsMax: number;
  /** The cluster that this node is a founder of, if its disk knows of none. Null: it waits to be let in. */
  readonly founding: Omit<Extract<ControlEntry, { kind: 'cluster-made' }>, 'kind'> | null;
}

export const defaultControlLogOptions: ControlLogOptions = {
  raft: defaultRaftOptions,
  snapshotEveryEntries: 1_000,
  proposalsMax: 1_024,
  founding: null,
};

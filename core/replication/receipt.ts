/** What became of one write that reached a primary from another term. */
import type { Dot, SpaceKey, Term } from '../identifiers.js';

/** What a merged write came to, at the moment when it was merged. */
export type Fate = 'readable' | 'alternate' | 'superseded' | 'deleted' | 'delete';

export interface Receipt {
  /** Counts up on this node. */
  readonly number: number;
  readonly space: SpaceKey;
  readonly dot: Dot;
  /** Of the memory. */
  readonly id: string;
  /** By the logical clock of who wrote it: milliseconds since 1970. */
  readonly writtenMs: number;
  /** When it was synced here, by this node's wall clock. */
  readonly mergedMs: number;
  /** The term that it was written in, and the one in which this node took it in. */
  readonly term: Term;
  readonly supersededBy: Term;
  readonly fate: Fate;
}

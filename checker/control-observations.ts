import type { NodeId, SpaceKey } from '../core/identifiers.js';

/** What control logs were seen to send, apply and lead, by an observer from outside: what their checker judges (control-log.ts). */
export type ControlObservation =
  /** Became leader. `terms[i]` is the term of entry `start + 1 + i` of its log. */
  | {
      readonly kind: 'elected';
      readonly atMs: number;
      readonly node: string;
      readonly term: number;
      readonly start: number;
      readonly terms: readonly number[];
    }
  /** Said to somebody that it votes for this candidate; a candidate says it of itself by asking for votes. */
  | { readonly kind: 'voted'; readonly atMs: number; readonly node: string; readonly term: number; readonly candidate: string }
  /** An entry that a node sent to another. */
  | {
      readonly kind: 'sent';
      readonly atMs: number;
      readonly node: string;
      readonly index: number;
      readonly term: number;
      readonly previousTerm: number;
      readonly content: string;
    }
  /** `nodeTerm` is the term that the node was in; `state` tells the state after the entry. */
  | {
      readonly kind: 'applied';
      readonly atMs: number;
      readonly node: string;
      readonly boot: number;
      readonly index: number;
      readonly term: number;
      readonly nodeTerm: number;
      readonly state: string;
    }
  /** The state up to an index was there at once: at a start, or by a snapshot of the leader. */
  | {
      readonly kind: 'restored';
      readonly atMs: number;
      readonly node: string;
      readonly boot: number;
      readonly index: number;
      readonly state: string;
    }
  | { readonly kind: 'answered'; readonly atMs: number; readonly node: string; readonly index: number; readonly content: string }
  | { readonly kind: 'leases'; readonly atMs: number; readonly nodes: readonly string[] }
  /** A node is confirmed primary of a space, and was not a moment before; `besides`: who else is at that instant. */
  | {
      readonly kind: 'confirmed';
      readonly atMs: number;
      readonly node: string;
      readonly space: string;
      readonly epoch: string;
      readonly besides: readonly string[];
    }
  /** At the end, all faults over for long enough: what each node that should has applied. */
  | { readonly kind: 'settled'; readonly atMs: number; readonly node: string; readonly index: number; readonly state: string };

/** Who votes on the control log from a moment on, as committed. */
export interface Electorate {
  readonly atMs: number;
  readonly voters: readonly NodeId[];
}

/** What the committed state said after an entry of what operators order, and of whom and what that is about. */
export interface CommittedState {
  readonly atMs: number;
  readonly index: number;
  readonly generation: number;
  /** About the moving of copies, and its entry; null: none was given. */
  readonly order: { readonly order: 'apply' | 'hold'; readonly index: number } | null;
  readonly members: readonly NodeId[];
  /** Members that are to give up what they hold. */
  readonly leaving: readonly NodeId[];
  readonly removed: readonly NodeId[];
  readonly rows: readonly {
    readonly space: SpaceKey;
    readonly copies: readonly NodeId[];
    readonly move: { readonly to: NodeId } | null;
  }[];
}

export interface ControlTrace {
  readonly observations: readonly ControlObservation[];
  /** Whether all nodes came to agree after the last fault; null when the run did not wait for it. */
  readonly converged: boolean | null;
  /** In order; absent where only the log itself was watched. */
  readonly electorates?: readonly Electorate[];
  /** In order of entries, as whoever applied one first had it; only those after which anything of it was another. */
  readonly states?: readonly CommittedState[];
}

/**
 * What the control log can say: who is a member, which spaces exist, where their copies live and who is primary. Plain data; what an entry does to the state
 * stands in `apply-entry.ts`, its bytes in `entry-codec.ts`.
 *
 * An entry is proposed by a leader that judges by what it has applied so far, and something else may be committed before it. So an entry names what it rests on
 * (`basis`, `generation`), and does nothing when that is no longer so.
 */
import type { NodeId, SpaceKey } from '../identifiers.js';

/** A node as the cluster knows it. */
export interface MemberDescription {
  readonly id: NodeId;
  /** For people: at most `memberTextBytesMax` bytes, like the others. Unique among members. */
  readonly name: string;
  /** Empty: all such nodes are in one zone. */
  readonly zone: string;
  readonly rack: string;
  /** Where others reach it: host and port. Empty where nobody needs to know. */
  readonly address: string;
}

export const partitionPolicies = ['accept', 'reject'] as const;
export type PartitionPolicy = (typeof partitionPolicies)[number];
export const acknowledgementLevels = ['local', 'one', 'quorum', 'all'] as const;
export type AcknowledgementLevel = (typeof acknowledgementLevels)[number];

/** What is chosen for the whole cluster. */
export interface ClusterSettings {
  /** Copies of a space, primary included: 1 to `copiesMax`. */
  readonly replicationFactor: number;
  readonly partitionPolicy: PartitionPolicy;
  /** Of writes that ask for none. */
  readonly acknowledgement: AcknowledgementLevel;
}

/** A place in the control log: its generation, which only a recovery raises, and the index of an entry. A primary's term. */
export interface Epoch {
  readonly generation: number;
  readonly index: number;
}

export interface RowAssignment {
  readonly space: SpaceKey;
  /** The row's revision that this rests on: the index of the last entry that touched it. */
  readonly basis: number;
  /** The primary first. */
  readonly copies: readonly NodeId[];
}

export interface Succession {
  readonly space: SpaceKey;
  readonly basis: number;
  /** One of the row's copies. */
  readonly primary: NodeId;
}

/** A copy that is to be on another node; one more copy (`from` is null); or, when `to` holds a copy already, another primary. */
export type MoveChange =
  /** `to` begins to pull; the row stays as it is. */
  | { readonly kind: 'started'; readonly from: NodeId | null; readonly to: NodeId }
  /** The primary, `from`, takes no more writes: this entry is what makes that durable. Where it is not the primary that goes nobody pauses. */
  | { readonly kind: 'paused' }
  /** `to` stands in the row where `from` stood, or last. Of a primary proposed only after it has said itself that it has paused, and that `to` holds all. */
  | { readonly kind: 'committed' }
  | { readonly kind: 'aborted' };

/** A copy on its way. `copying`: the target pulls. `paused`: the source, which is the primary, takes no more writes, and waits for a committed row. */
export interface Move {
  /** Null: a copy more than there was. */
  readonly from: NodeId | null;
  readonly to: NodeId;
  readonly stage: 'copying' | 'paused';
}

/** What an operator has said of the moving of copies. `apply`: what placement wants is carried out. `hold`: nothing is begun. */
export const rebalancingOrders = ['apply', 'hold'] as const;
export type RebalancingOrder = (typeof rebalancingOrders)[number];

export type ControlEntry =
  | {
      readonly kind: 'cluster-made';
      /** 32 hexadecimal digits. */
      readonly clusterId: string;
      readonly founders: readonly MemberDescription[];
      readonly settings: ClusterSettings;
    }
  | { readonly kind: 'node-added'; readonly member: MemberDescription }
  /** Another name, place or address; or whether it is to give up what it holds. */
  | { readonly kind: 'node-changed'; readonly member: MemberDescription; readonly isDraining: boolean }
  /** With `isForced` it may still stand in rows: it goes out of them, as long as another copy remains in each. */
  | { readonly kind: 'node-removed'; readonly node: NodeId; readonly isForced: boolean }
  /** The agreement's own: a learner was promoted, a voter removed. Proposed as Raft's configuration, never as a command. */
  | { readonly kind: 'voters-changed'; readonly voters: readonly NodeId[]; readonly learners: readonly NodeId[] }
  | { readonly kind: 'space-created'; readonly name: string; readonly generation: number; readonly copies: readonly NodeId[] }
  | { readonly kind: 'space-dropped'; readonly name: string; readonly generation: number }
  /** Each gets a new epoch, also with the copies that it had. */
  | { readonly kind: 'rows-assigned'; readonly rows: readonly RowAssignment[] }
  /** Every space of a dead node gets another primary, by one entry. */
  | { readonly kind: 'primaries-reassigned'; readonly dead: NodeId; readonly successors: readonly Succession[] }
  | { readonly kind: 'move-changed'; readonly space: SpaceKey; readonly basis: number; readonly change: MoveChange }
  | { readonly kind: 'settings-changed'; readonly settings: ClusterSettings }
  /** Stands until the next one, whoever leads. `hold` gives up all moves under way as well. `atMs`: wall clock of `by`, the node that took the command; for people. */
  | { readonly kind: 'rebalancing-ordered'; readonly order: RebalancingOrder; readonly atMs: number; readonly by: NodeId }
  /** A majority of voters is gone for good: an operator has taken the risk and begun another generation. */
  | { readonly kind: 'recovered'; readonly generation: number };

export type ControlEntryKind = ControlEntry['kind'];

/** Bounds of what an entry and the state may hold. */
export const membersMax = 1_024;
export const votersMax = 7;
/** Removed nodes that are remembered: of more the oldest are forgotten. */
export const removedMax = 4_096;
export const spacesMax = 65_536;
/** Names whose generations are remembered, those of dropped spaces among them. */
export const spaceNamesMax = 4 * spacesMax;
export const copiesMax = 16;
export const memberTextBytesMax = 255;
export const clusterIdPattern = /^[0-9a-f]{32}$/;

export const defaultClusterSettings: ClusterSettings = { replicationFactor: 3, partitionPolicy: 'accept', acknowledgement: 'local' };

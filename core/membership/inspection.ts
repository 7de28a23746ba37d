/** What membership knows, as plain data: for status pages, the command line and checkers. A snapshot: later events do not change it. */
import type { Boot, NodeId } from '../identifiers.js';
import type { Address } from './address.js';
import type { MemberMetadata } from './options.js';
import type { PacketFault } from './packet-faults.js';

/** `left` has said so itself; `dead` was found out by others. */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

/** Whether most of the cluster is in reach, as far as this node can tell. */
export type PartitionState = 'connected' | 'partitioned' | 'healing';

/** One direction of a link. `unknown`: nothing has come this way lately, and nothing was missed. */
export type LinkState = 'works' | 'broken' | 'unknown';

/** Orders what is said of a node: by boot (counter, then random bits), then refutation; at equal ones alive < suspect < dead < left. */
export interface Incarnation {
  readonly boot: Boot;
  readonly refutation: number;
}

export interface MemberInspection {
  readonly node: NodeId;
  readonly isSelf: boolean;
  readonly state: MemberState;
  /** Concluded while this node reached nobody: told to nobody, and dropped as soon as it reaches somebody. */
  readonly isPrivate: boolean;
  readonly incarnation: Incarnation;
  readonly address: Address;
  readonly metadata: MemberMetadata;
  /** Monotonic milliseconds of the inspecting node. */
  readonly sinceMs: number;
  /** When a packet came from it last; null: never. */
  readonly heardMs: number | null;
  /** Round trip of its last direct answer; null: none yet. */
  readonly roundTripMs: number | null;
  /** From it to this node, and from this node to it. */
  readonly inbound: LinkState;
  readonly outbound: LinkState;
}

/** A link that one of its ends, `toldBy`, says does not work in this direction. */
export interface BrokenLink {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly toldBy: NodeId;
}

export interface MembershipCounters {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly exchangesAsked: number;
  readonly exchangesAnswered: number;
  readonly exchangesFailed: number;
  readonly exchangeBytesSent: number;
  readonly exchangeBytesReceived: number;
  readonly probes: number;
  readonly probesFailed: number;
  /** Not answered directly, and answered through another node, or over the reliable channel. */
  readonly probesRelayed: number;
  readonly probesReliable: number;
  /** Direct answers by how long they took: at most roundTripBoundsMs[i] milliseconds and more than the bound before; the last: more than all bounds. */
  readonly roundTrips: readonly number[];
  readonly roundTripMsSum: number;
  readonly suspicionsRaised: number;
  readonly suspicionsConfirmed: number;
  readonly deathsDeclared: number;
  readonly refutationsMade: number;
  readonly refutationsSeen: number;
  /** Packets and answers that were dropped, by reason. */
  readonly rejected: Readonly<Record<PacketFault, number>>;
}

export interface MembershipInspection {
  readonly node: NodeId;
  /** Sorted by node id, this node included. */
  readonly members: readonly MemberInspection[];
  /** 0: well. */
  readonly localHealth: number;
  readonly partition: PartitionState;
  /** Alive members and those that did not leave, this node included in both. */
  readonly reachable: number;
  readonly total: number;
  /** This node's own findings and those of others. Sorted by from, to, toldBy. */
  readonly brokenLinks: readonly BrokenLink[];
  readonly seeds: readonly Address[];
  readonly hasLeft: boolean;
  readonly counters: MembershipCounters;
}

/**
 * What can be chosen about membership: who this node is to others, and how the protocol runs. Three presets suit one machine, one site and several
 * sites; every parameter says what it trades against what.
 *
 * n is the number of members that are alive or suspected, this node included; scale(n) = max(1, log10 n).
 */
import type { Address } from './address.js';

export interface MembershipOptions extends MembershipParameters {
  /** Where other nodes reach this one: never 0.0.0.0, and the same for all of them. */
  readonly address: Address;
  readonly metadata: MemberMetadata;
  /**
   * Cluster secrets. The first signs, all are accepted, so that a key is changed in three steps: add the new one behind the old everywhere, put it first
   * everywhere, take the old one away. Empty: packets carry a checksum only, and anybody who can send some is believed.
   */
  readonly keys: readonly Uint8Array[];
}

/** What a member says of itself. Rides along with its announcement, so it is short: 512 bytes in all. */
export interface MemberMetadata {
  /** For people; identity is the NodeId. */
  readonly name: string;
  readonly zone: string;
  readonly rack: string;
  readonly roles: readonly string[];
  /** Of the program. */
  readonly version: string;
  /** host:port of its gRPC server; empty: none. */
  readonly grpcAddress: string;
  /** Share of its capacity in use, in percent, 0 to 255; above 100: overloaded. */
  readonly loadPercent: number;
}

export interface MembershipParameters {
  /** One member is pinged per interval, each once per n intervals. Shorter: earlier detection, more packets. */
  readonly probeIntervalMs: number;
  /** A direct ping that has not been answered for this long is tried indirectly and reliably. Above the usual round trip, below the interval. */
  readonly probeTimeoutMs: number;
  /** So many members are asked to ping on our behalf. More: fewer false suspicions when packets are lost, more packets per failed ping. */
  readonly indirectProbes: number;
  /**
   * Shortest suspicion = suspicionMultiplier · scale(n) · probeTimeoutMs, reached with suspicionMultiplier − 1 confirmations (fewer when there are not as
   * many others). Higher: more time to refute, later declaration.
   */
  readonly suspicionMultiplier: number;
  /** Longest suspicion = suspicionMaxMultiplier · shortest: what one accuser alone gets. Higher: a slow accuser does less harm, unconfirmed deaths take longer. */
  readonly suspicionMaxMultiplier: number;
  /** About so many members that hear of a suspicion ping the suspect at once. More: earlier confirmation or refutation, more packets per suspicion. */
  readonly confirmingProbes: number;
  /**
   * Local health counts from 0 (well) to this; timeouts and intervals are multiplied by (health + 1). Higher: a node in trouble accuses fewer others and
   * detects later.
   */
  readonly localHealthMax: number;
  /** false: no multiplier, no nacks asked for, no allowance for pauses of this process: for measuring what they are worth. */
  readonly localHealth: boolean;
  /** News are sent to `gossipFanout` random members this often, as long as there are any. Shorter: faster news, more packets while there are some. */
  readonly gossipIntervalMs: number;
  readonly gossipFanout: number;
  /** Each update is sent retransmitMultiplier · ⌈log10(n + 1)⌉ times by each node. More: fewer nodes are missed, more bytes. */
  readonly retransmitMultiplier: number;
  /** Whole tables are exchanged with one member every pushPullIntervalMs · max(1, n / 32), so that bytes per second do not grow with the cluster. */
  readonly pushPullIntervalMs: number;
  /** Given up after this long without an answer. */
  readonly exchangeTimeoutMs: number;
  /**
   * Dead members and seeds are tried again for ever, a few per round, rounds this far apart at first and doubling up to the maximum. Shorter: a healed partition is found
   * earlier, more packets to nodes that are gone for good.
   */
  readonly reconnectIntervalMsMin: number;
  readonly reconnectIntervalMsMax: number;
  readonly reconnectsPerRound: number;
  /** From this share of members out of reach on (and from two on) the cluster counts as partitioned. Lower: earlier, and more crashes are taken for partitions. */
  readonly partitionedShare: number;
  /** It must hold for this long. */
  readonly partitionedAfterMs: number;
  /** After this long without a single round trip, to anyone, this node counts as cut off. */
  readonly isolatedAfterMs: number;
  /** So long everybody must stay in reach before a healing cluster counts as connected. */
  readonly connectedAfterMs: number;
  /** Members remembered, the dead and those that left included; beyond, the ones that left first are forgotten, then the ones dead for longest. */
  readonly membersMax: number;
}

/** One machine: round trips far below a millisecond, nothing lost; tests and demos want to see things happen. */
export const localMembership: MembershipParameters = {
  probeIntervalMs: 200,
  probeTimeoutMs: 100,
  indirectProbes: 2,
  suspicionMultiplier: 3,
  suspicionMaxMultiplier: 6,
  confirmingProbes: 6,
  localHealthMax: 8,
  localHealth: true,
  gossipIntervalMs: 50,
  gossipFanout: 3,
  retransmitMultiplier: 3,
  pushPullIntervalMs: 15_000,
  exchangeTimeoutMs: 2_000,
  reconnectIntervalMsMin: 500,
  reconnectIntervalMsMax: 2_000,
  reconnectsPerRound: 2,
  partitionedShare: 0.25,
  partitionedAfterMs: 500,
  isolatedAfterMs: 3_000,
  connectedAfterMs: 2_000,
  membersMax: 4_096,
};

/** One site: round trips of a millisecond, some loss. The default. */
export const lanMembership: MembershipParameters = {
  ...localMembership,
  probeIntervalMs: 500,
  probeTimeoutMs: 250,
  indirectProbes: 3,
  gossipIntervalMs: 100,
  retransmitMultiplier: 4,
  pushPullIntervalMs: 30_000,
  exchangeTimeoutMs: 5_000,
  reconnectIntervalMsMin: 1_000,
  reconnectIntervalMsMax: 4_000,
  partitionedAfterMs: 1_000,
  isolatedAfterMs: 5_000,
  connectedAfterMs: 5_000,
};

/** Several sites: round trips of 100 ms and more. */
export const wanMembership: MembershipParameters = {
  ...lanMembership,
  probeIntervalMs: 2_000,
  probeTimeoutMs: 1_000,
  suspicionMultiplier: 4,
  gossipIntervalMs: 300,
  gossipFanout: 4,
  pushPullIntervalMs: 60_000,
  exchangeTimeoutMs: 15_000,
  reconnectIntervalMsMin: 2_000,
  reconnectIntervalMsMax: 8_000,
  partitionedAfterMs: 3_000,
  isolatedAfterMs: 15_000,
  connectedAfterMs: 15_000,
};

export const membershipPresets = { local: localMembership, lan: lanMembership, wan: wanMembership } as const;

export type MembershipPreset = keyof typeof membershipPresets;

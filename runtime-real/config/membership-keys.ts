/** The parameters of membership as keys: bounds and meanings. Formulas and trade-offs in full stand in core/membership/options.ts. */
import type { MembershipParameters } from '../../core/membership/options.js';
import type { Bounds } from './bounds.js';

const time = { min: 10, max: 3_600_000 };

export const membershipKeys: Readonly<Record<Exclude<keyof MembershipParameters, 'localHealth'>, readonly [Bounds, string]>> = {
  probeIntervalMs: [time, 'One member is pinged this often. Shorter: earlier detection, more packets.'],
  probeTimeoutMs: [
    time,
    'A ping without an answer for this long is tried over others and over TCP. Above the usual round trip, below the interval.',
  ],
  indirectProbes: [{ min: 0, max: 20 }, 'So many members are asked to ping on our behalf. More: fewer false suspicions, more packets.'],
  suspicionMultiplier: [
    { min: 1, max: 20 },
    'Shortest suspicion = this × max(1, log10 n) × probe_timeout_ms, n members. Higher: more time to refute.',
  ],
  suspicionMaxMultiplier: [
    { min: 1, max: 60 },
    'Longest suspicion = this × shortest: what one accuser alone gets. Higher: a slow accuser does less harm.',
  ],
  confirmingProbes: [
    { min: 0, max: 20 },
    'So many that hear of a suspicion ping the suspect at once. More: earlier confirmation or refutation.',
  ],
  localHealthMax: [
    { min: 0, max: 20 },
    'A node in trouble multiplies its timeouts by up to this + 1. Higher: it accuses fewer others and detects later.',
  ],
  gossipIntervalMs: [time, 'News are sent to gossip_fanout members this often. Shorter: faster news, more packets while there are some.'],
  gossipFanout: [{ min: 1, max: 20 }, 'Members that each round of news goes to.'],
  retransmitMultiplier: [
    { min: 1, max: 20 },
    'Each node sends news this × ⌈log10(n + 1)⌉ times. More: fewer nodes are missed, more bytes.',
  ],
  pushPullIntervalMs: [{ min: 100, max: 3_600_000 }, 'Whole tables are exchanged with one member every this × max(1, n / 32).'],
  exchangeTimeoutMs: [time, 'An exchange without an answer is given up after this long.'],
  reconnectIntervalMsMin: [time, 'Dead members and seeds are tried again for ever, this far apart at first,'],
  reconnectIntervalMsMax: [
    time,
    'and this far apart in the end. Shorter: a healed partition is found earlier, more packets to nodes gone for good.',
  ],
  reconnectsPerRound: [{ min: 1, max: 100 }, 'So many of them each time.'],
  partitionedShare: [
    { min: 0, max: 1, share: true },
    'From this share of members out of reach on (and from two on) the cluster counts as partitioned,',
  ],
  partitionedAfterMs: [{ min: 0, max: 3_600_000 }, 'when it holds for this long.'],
  isolatedAfterMs: [time, 'After this long without a single round trip to anyone this node counts as cut off.'],
  connectedAfterMs: [time, 'So long everybody must stay in reach before a healing cluster counts as connected.'],
  membersMax: [{ min: 2, max: 100_000 }, 'Members remembered, the dead and those that left included.'],
};

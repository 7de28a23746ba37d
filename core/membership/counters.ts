/** What membership counts since its start. */
import type { MembershipCounters } from './inspection.js';
import { type PacketFault, packetFaults } from './packet-faults.js';

type Mutable<Counts> = { -readonly [Name in keyof Counts]: Counts[Name] };

/** Upper bounds of the counts of round trips, in milliseconds; the last count has none. */
export const roundTripBoundsMs: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];

export class Counters {
  readonly all: Mutable<MembershipCounters> & { readonly rejected: Record<PacketFault, number>; readonly roundTrips: number[] } = {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    exchangesAsked: 0,
    exchangesAnswered: 0,
    exchangesFailed: 0,
    exchangeBytesSent: 0,
    exchangeBytesReceived: 0,
    probes: 0,
    probesFailed: 0,
    probesRelayed: 0,
    probesReliable: 0,
    roundTrips: new Array(roundTripBoundsMs.length + 1).fill(0),
    roundTripMsSum: 0,
    suspicionsRaised: 0,
    suspicionsConfirmed: 0,
    deathsDeclared: 0,
    refutationsMade: 0,
    refutationsSeen: 0,
    rejected: Object.fromEntries(packetFaults.map((fault) => [fault, 0])) as Record<PacketFault, number>,
  };

  roundTrip(ms: number): void {
    const at = roundTripBoundsMs.findIndex((bound) => ms <= bound);
    this.all.roundTrips[at < 0 ? roundTripBoundsMs.length : at] += 1;
    this.all.roundTripMsSum += ms;
  }

  /** A copy that does not change any more. */
  snapshot(): MembershipCounters {
    return { ...this.all, roundTrips: [...this.all.roundTrips], rejected: { ...this.all.rejected } };
  }
}

/** Whether to tell of the `count`-th: the first, second, fourth, eighth … */
export function isTold(count: number): boolean {
  return (count & (count - 1)) === 0;
}

/**
 * Pings: one member per interval, all of them in a shuffled round. Unanswered directly, the ping is tried through others and over the reliable channel; who
 * answers on none of these paths is suspected (SWIM section 3.1; last resort and nacks: memberlist, Lifeguard section IV-A).
 *
 *   0                    direct ping
 *   timeout · health     still silent: indirect pings through k others, and one over the reliable channel
 *   interval · health    still silent: suspicion
 *
 * Beside the round there are pings of members that others suspect (to confirm or refute soon), of links that seem broken, and of dead members.
 */
import { type Author, authorNode, type NodeId } from '../identifiers.js';
import type { FailedPaths } from './domain-events.js';
import { writeNode } from './fields.js';
import type { Member } from './member-table.js';
import { type MembershipServices, membershipTimers } from './membership-services.js';
import { directPing, messageKinds, relayNumbersFrom } from './messages.js';

/** Why a member is pinged. A dead one is pinged directly alone: its silence says nothing new. */
export type ProbeReason = 'round' | 'suspicion' | 'link' | 'dead';

export interface Probe {
  readonly number: number;
  readonly member: Member;
  readonly reason: ProbeReason;
  /** Number of the packet with the direct ping. */
  readonly packet: number;
  startedMs: number;
  directMs: number;
  endMs: number;
  isIndirect: boolean;
  helpers: readonly NodeId[];
  readonly nacks: NodeId[];
  reliable: FailedPaths['reliable'];
}

/** What comes of probes. */
export interface ProbingOwner {
  /** Asks over the reliable channel; false: not now, too many are asked already. */
  askReliably(probe: Probe): boolean;
  answered(probe: Probe, how: 'direct' | 'relayed' | 'reliable'): void;
  failed(probe: Probe, paths: FailedPaths): void;
  /** It answers others and not this node's direct ping, which had `arrived` there or not. */
  linkMissed(member: Member, arrived: boolean): void;
}

/** Probes on their way beside that of the round. */
const probesMax = 32;
/** Links that are looked at again soon. */
const rechecksMax = 8;

export class Probing {
  readonly #services: MembershipServices;
  readonly #owner: ProbingOwner;
  #ring: Member[] = [];
  #ringAt = 0;
  /** Those that the round has not come to yet. */
  #waiting = new Set<Member>();
  readonly #rechecks: Member[] = [];
  readonly #probes = new Map<number, Probe>();
  #lastNumber = 0;
  #nextRoundMs = Number.POSITIVE_INFINITY;
  /** When the timer is due: an event after that tells that this process stood still. */
  timerDueMs = Number.POSITIVE_INFINITY;

  constructor(services: MembershipServices, owner: ProbingOwner) {
    this.#services = services;
    this.#owner = owner;
  }

  /** The first ping comes at a random moment of the first interval, so that nodes started together do not ping together. */
  start(): void {
    const { nowMs, options, random } = this.#services;
    this.#nextRoundMs = nowMs + Math.floor(random.fraction() * options.probeIntervalMs);
    this.arm();
  }

  stop(): void {
    this.#nextRoundMs = Number.POSITIVE_INFINITY;
    this.#probes.clear();
    this.timerDueMs = Number.POSITIVE_INFINITY;
    this.#services.effects.timers.disarm(membershipTimers.probe);
  }

  /** It is pinged again together with the next of the round: its link may be broken. */
  recheck(member: Member): void {
    if (this.#rechecks.length < rechecksMax && !this.#rechecks.includes(member)) this.#rechecks.push(member);
  }

  /** It comes up at a random moment of the round that runs: once, however often it died and returned meanwhile. */
  include(member: Member): void {
    if (this.#waiting.has(member)) return;
    this.#waiting.add(member);
    const left = this.#ring.length - this.#ringAt;
    const place = this.#ringAt + (left === 0 ? 0 : this.#services.random.uint32() % (left + 1));
    this.#ring.splice(place, 0, member);
  }

  /** The timer has fired, or the time may have come for other reasons. */
  advance(): void {
    const { nowMs, options, health } = this.#services;
    for (const probe of [...this.#probes.values()]) {
      if (nowMs >= probe.endMs) this.#fail(probe);
      else if (nowMs >= probe.directMs && !probe.isIndirect) this.#tryOtherPaths(probe);
    }
    if (nowMs >= this.#nextRoundMs) {
      const member = this.#next();
      if (member !== undefined) this.probe(member, 'round');
      const again = this.#rechecks.shift();
      if (again !== undefined && again.liveAt >= 0) this.probe(again, 'link');
      this.#nextRoundMs = nowMs + options.probeIntervalMs * health.multiplier;
    }
    this.arm();
  }

  arm(): void {
    let dueMs = this.#nextRoundMs;
    for (const { isIndirect, directMs, endMs } of this.#probes.values()) dueMs = Math.min(dueMs, isIndirect ? endMs : directMs);
    if (dueMs === this.timerDueMs || dueMs === Number.POSITIVE_INFINITY) return;
    this.timerDueMs = dueMs;
    this.#services.effects.timers.arm(membershipTimers.probe, dueMs);
  }

  #next(): Member | undefined {
    for (let looked = 0; looked <= this.#ring.length; looked += 1) {
      if (this.#ringAt >= this.#ring.length) this.#shuffle();
      const member = this.#ring[this.#ringAt];
      this.#ringAt += 1;
      this.#waiting.delete(member);
      if (member !== undefined && member.liveAt >= 0) return member;
    }
    return undefined;
  }

  /**
   * All live members once, in a new order: each half of the old round is shuffled for itself (Fisher and Yates), so that no member waits for longer than one and
   * a half rounds.
   */
  #shuffle(): void {
    const live = new Set(this.#ring);
    for (const member of live) if (member.liveAt < 0) live.delete(member);
    // Whoever has no place in the round that ends, gets one in the next.
    if (live.size < this.#services.table.live.length) for (const member of this.#services.table.live) live.add(member);
    this.#ring = [...live];
    this.#waiting = live;
    this.#ringAt = 0;
    const middle = this.#ring.length >> 1;
    this.#shuffleSpan(0, middle);
    this.#shuffleSpan(middle, this.#ring.length);
  }

  #shuffleSpan(from: number, to: number): void {
    for (let at = to - 1; at > from; at -= 1) {
      const other = from + (this.#services.random.uint32() % (at - from + 1));
      [this.#ring[at], this.#ring[other]] = [this.#ring[other], this.#ring[at]];
    }
  }

  /** Pings the member now, unless that is under way or too much is. */
  probe(member: Member, reason: ProbeReason): void {
    const { nowMs, options, health, codec, counters } = this.#services;
    for (const probe of this.#probes.values()) if (probe.member === member) return;
    if (this.#probes.size >= probesMax) {
      this.#services.overloaded('pings under way');
      return;
    }
    this.#lastNumber = (this.#lastNumber + 1) % relayNumbersFrom;
    const number = this.#lastNumber;
    const writer = this.#services.packet();
    writeNode(writer.u8(messageKinds.ping).u32(number), member.id);
    this.#probes.set(number, {
      number,
      member,
      reason,
      packet: codec.lastNumber('packet'),
      startedMs: nowMs,
      directMs: nowMs + options.probeTimeoutMs * health.multiplier,
      endMs: nowMs + options.probeIntervalMs * health.multiplier,
      isIndirect: reason === 'dead',
      helpers: [],
      nacks: [],
      reliable: 'not tried',
    });
    if (reason !== 'dead') counters.all.probes += 1;
    this.#services.send(member.description.address, member, { digests: true });
    this.arm();
  }

  #tryOtherPaths(probe: Probe): void {
    const { table, options, claimWriter } = this.#services;
    probe.isIndirect = true;
    const helpers: Member[] = [];
    for (let count = 0; count < options.indirectProbes; count += 1) {
      const helper = table.randomLive((member) => member !== probe.member && member.state === 'alive' && !helpers.includes(member));
      if (helper === undefined) break;
      helpers.push(helper);
    }
    probe.helpers = helpers.map(({ id }) => id);
    for (const helper of helpers) {
      const writer = writeNode(this.#services.packet().u8(messageKinds.pingRequest).u32(probe.number), probe.member.id);
      claimWriter.address(writer, probe.member.description.address).u48(probe.packet);
      this.#services.send(helper.description.address, helper);
    }
    if (this.#owner.askReliably(probe)) probe.reliable = 'no answer';
  }

  #fail(probe: Probe): void {
    this.#probes.delete(probe.number);
    if (probe.reason === 'dead' || probe.member.liveAt < 0) return;
    const { counters, health, options, nowMs } = this.#services;
    counters.all.probesFailed += 1;
    const { helpers, nacks, reliable } = probe;
    // Helpers that say nothing, not even that they got no answer, are a sign that the trouble is here.
    if (options.localHealth) health.change(helpers.length > 0 ? helpers.length - nacks.length : 1);
    const directMs = nowMs - probe.startedMs;
    this.#owner.failed(probe, { directMs, indirect: helpers, nacks: [...nacks], reliable, localHealth: health.score });
  }

  // What comes back.

  acked(number: number, from: Author): void {
    const probe = this.#probes.get(number);
    if (probe === undefined || authorNode(from) !== probe.member.id) return;
    const roundTripMs = this.#services.nowMs - probe.startedMs;
    probe.member.roundTripMs = roundTripMs;
    probe.member.answeredMs = this.#services.nowMs;
    this.#services.counters.roundTrip(roundTripMs);
    this.#succeed(probe, 'direct');
  }

  relayedAck(number: number, from: Author, direct: number): void {
    const probe = this.#probes.get(number);
    if (probe === undefined || !probe.helpers.includes(authorNode(from))) return;
    this.#succeed(probe, 'relayed');
    if (direct !== directPing.unknown) this.#owner.linkMissed(probe.member, direct === directPing.arrived);
  }

  nacked(number: number, from: Author): void {
    const probe = this.#probes.get(number);
    const node = authorNode(from);
    if (probe?.helpers.includes(node) && !probe.nacks.includes(node)) probe.nacks.push(node);
  }

  reliablyAnswered(number: number, answered: boolean): void {
    const probe = this.#probes.get(number);
    if (probe === undefined) return;
    if (answered) this.#succeed(probe, 'reliable');
    else probe.reliable = 'failed';
  }

  #succeed(probe: Probe, how: 'direct' | 'relayed' | 'reliable'): void {
    this.#probes.delete(probe.number);
    this.#services.health.change(-1);
    this.#owner.answered(probe, how);
    this.arm();
  }

  /** Nobody was in reach when these pings were sent, somebody is now: silence up to here says nothing. Pings of dead members go on, one of them was answered. */
  abandon(): void {
    for (const [number, { reason }] of this.#probes) if (reason !== 'dead') this.#probes.delete(number);
  }

  /** This process stood still: those asked have so much longer to answer. */
  forgive(byMs: number): void {
    this.#nextRoundMs = Math.max(this.#nextRoundMs, this.#services.nowMs);
    for (const probe of this.#probes.values()) {
      probe.startedMs += byMs;
      probe.directMs += byMs;
      probe.endMs += byMs;
    }
  }
}

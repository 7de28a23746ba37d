/**
 * Who is in the cluster, and who of them is alive, as far as this node can tell. This file wires the parts together and hands each event to the part that
 * it is for.
 *
 * Follows SWIM (Das, Gupta, Motivala 2002) and Lifeguard (Dadgar, Phillips, Currey 2017), and differs in this: whoever hears of a suspicion may ping the suspect
 * at once; who reaches nobody keeps its suspicions to itself; dead members are pinged for ever.
 */
import type { MembershipEvent, Now } from '../events.js';
import type { NodeId } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import type { Address } from './address.js';
import { refutationMax } from './claim.js';
import { encodeMetadata, metadataBytesMax } from './claim-bytes.js';
import { Claims } from './claims.js';
import { isTold } from './counters.js';
import { type DigestSource, Digests } from './digests.js';
import { inspectMembership } from './inspect-membership.js';
import type { MembershipInspection, PartitionState } from './inspection.js';
import { Links } from './links.js';
import type { Member } from './member-table.js';
import { incarnationOf, MembershipServices, type MembershipWorld, membershipTimers } from './membership-services.js';
import type { MemberMetadata } from './options.js';
import type { PacketFault } from './packet-faults.js';
import { PacketReceiver } from './packet-receiver.js';
import { PartitionDetector } from './partition-detector.js';
import { Probing } from './probing.js';
import { Reconnection } from './reconnection.js';
import { Relaying } from './relaying.js';
import { TableExchange } from './table-exchange.js';

export type { DigestSource } from './digests.js';
export type { MembershipWorld } from './membership-services.js';

/** Departures go to so many at once, before the news take their course. */
const partingPackets = 8;
/** Every description goes to every member: load is told again when it has changed by so many percentage points, and not more often than this. */
const loadToldPoints = 20;
const loadToldEveryMs = 10_000;
/** As it travels: a byte. */
const loadPercentMax = 255;

export class Membership {
  readonly #services: MembershipServices;
  readonly #digests: Digests;
  readonly #claims: Claims;
  readonly #probing: Probing;
  readonly #relaying: Relaying;
  readonly #links: Links;
  readonly #exchange: TableExchange;
  readonly #reconnection: Reconnection;
  readonly #partition: PartitionDetector;
  readonly #receiver: PacketReceiver;
  readonly #pure: PureFunctions;
  #lastEventMs = 0;
  #tableChanges = 0;
  #packetsAtLeave: number | null = null;
  #loadToldMs = Number.NEGATIVE_INFINITY;

  constructor(world: MembershipWorld) {
    this.#pure = world.pure;
    this.#digests = new Digests(world.pure);
    const services = new MembershipServices(world, this.#digests);
    this.#services = services;
    invariant(services.self.description.metadataBytes.length <= metadataBytesMax, `metadata take at most ${metadataBytesMax} bytes`);
    this.#claims = new Claims(services, {
      becameLive: (member) => this.#becameLive(member),
      becameGone: (member) => this.#becameGone(member),
      suspicionHeard: (member) => this.#suspicionHeard(member),
      reachesSomebody: () => this.#reachesSomebody(),
    });
    this.#links = new Links(services, (member) => this.#probing.recheck(member));
    this.#probing = new Probing(services, {
      askReliably: (probe) => this.#exchange.askPing(probe.number, probe.member.id, probe.member.description.address),
      answered: ({ member, reason }, how) => {
        if (how === 'direct') this.#links.answered(member);
        else if (how === 'relayed') services.counters.all.probesRelayed += 1;
        else services.counters.all.probesReliable += 1;
        if (reason === 'round') this.#partition.probed(true);
        if (reason === 'dead') this.#reconnection.deadAnswered(member);
      },
      failed: ({ member, reason, startedMs }, paths) => {
        if (reason === 'round') this.#partition.probed(false);
        // Not one answer from anybody while it waited: the trouble is here, and nobody is told.
        const isPrivate = world.options.localHealth && services.lastRoundTripMs < startedMs;
        this.#claims.foundUnreachable(member, paths, { isPrivate });
      },
      linkMissed: (member, arrived) => this.#links.missed(member, arrived),
    });
    this.#relaying = new Relaying(services);
    this.#exchange = new TableExchange(services, this.#claims, this.#links, {
      reliablyAnswered: (probe, answered) => {
        this.#probing.reliablyAnswered(probe, answered);
        if (answered) this.#roundTrip();
      },
      tableExchanged: (address, from) => {
        if (from !== null) this.#roundTrip();
        this.#reconnection.tableExchanged(address, from);
      },
      isOwn: (address) => this.#reconnection.isOwn(address),
      admit: (from, number, channel) => this.#receiver.admit(from, number, channel),
    });
    this.#reconnection = new Reconnection(services, this.#exchange, (member) => this.#probing.probe(member, 'dead'));
    this.#partition = new PartitionDetector(services);
    this.#receiver = new PacketReceiver(services, {
      claims: this.#claims,
      probing: this.#probing,
      relaying: this.#relaying,
      links: this.#links,
      digests: this.#digests,
      roundTrip: () => this.#roundTrip(),
      stranger: (address, options) => this.#reconnection.strangerHeard(address, options),
    });
  }

  /** Begins to take part: once, before anything else. */
  start(now: Now): void {
    this.#begin(now);
    const { self, services } = { self: this.#services.self, services: this.#services };
    self.sinceMs = now.monotonicMs;
    services.note({ kind: 'membership.started', node: self.id, address: self.description.address, incarnation: incarnationOf(self) });
    this.#probing.start();
    this.#reconnection.start();
  }

  /** Another part of the node has something that rides along. Before the start. */
  carry(source: DigestSource): void {
    this.#digests.add(source);
  }

  handle(event: MembershipEvent, now: Now): void {
    this.#begin(now);
    switch (event.kind) {
      case 'datagram':
        this.#reject(this.#receiver.receive(event.from, event.bytes), event.from, event.bytes);
        break;
      case 'exchange': {
        const { all } = this.#services.counters;
        all.exchangeBytesReceived += event.bytes.length;
        this.#reject(this.#exchange.question(event.handle, event.bytes), event.from, event.bytes);
        break;
      }
      case 'exchanged':
        this.#services.counters.all.exchangeBytesReceived += event.bytes?.length ?? 0;
        this.#reject(this.#exchange.exchanged(event.ticket, event.bytes), null, event.bytes);
        break;
      case 'seeds':
        if (!this.#services.hasLeft) this.#reconnection.seedsFound(event.addresses);
        break;
      case 'load':
        this.#loadMeasured(event.percent);
        break;
      case 'leave':
        this.#leave();
        break;
    }
    this.#end();
  }

  /** False when the timer is none of membership's. */
  timer(name: string, now: Now): boolean {
    if (!name.startsWith('membership.')) return false;
    this.#begin(now);
    switch (name) {
      case membershipTimers.probe:
        this.#probing.timerDueMs = Number.POSITIVE_INFINITY;
        if (!this.#services.hasLeft) this.#probing.advance();
        this.#partition.review();
        break;
      case membershipTimers.nack:
        this.#relaying.nack();
        break;
      case membershipTimers.suspicion:
        this.#claims.expire();
        break;
      case membershipTimers.gossip:
        this.#gossip();
        break;
      case membershipTimers.reconnect:
        if (!this.#services.hasLeft) this.#reconnection.round();
        break;
      case membershipTimers.pushPull:
        if (!this.#services.hasLeft) this.#reconnection.exchangeTables();
        break;
      case membershipTimers.partition:
        this.#partition.review();
        break;
      default:
    }
    this.#end();
    return true;
  }

  /** This node's metadata have changed: everybody is told. Each change is sent to every member, so not more often than every few seconds. */
  describe(metadata: MemberMetadata, now: Now): void {
    this.#begin(now);
    this.#describe(metadata);
  }

  #describe(metadata: MemberMetadata): void {
    const { self, table } = this.#services;
    const metadataBytes = encodeMetadata(metadata, this.#pure);
    invariant(metadataBytes.length <= metadataBytesMax, `metadata take at most ${metadataBytesMax} bytes`);
    if (this.#services.hasLeft || self.refutation === refutationMax) return;
    table.setIncarnation(self, self.author, self.refutation + 1);
    self.description = { described: self.refutation, address: self.description.address, metadata, metadataBytes };
    this.#services.tell(self, { described: true });
  }

  #loadMeasured(percent: number): void {
    const { self, nowMs } = this.#services;
    const { metadata } = self.description;
    const loadPercent = Math.max(0, Math.min(loadPercentMax, Math.round(percent)));
    if (Math.abs(loadPercent - metadata.loadPercent) < loadToldPoints || nowMs - this.#loadToldMs < loadToldEveryMs) return;
    this.#loadToldMs = nowMs;
    this.#describe({ ...metadata, loadPercent });
  }

  get partitionState(): PartitionState {
    return this.#partition.state;
  }

  /** Alive members and those that did not leave, this node included in both. */
  get reach(): { readonly reachable: number; readonly total: number } {
    return this.#partition.reach;
  }

  /** Whether that member lives, is heard, and answers over its own link: whatever it sends by itself arrives here. */
  isAtHand(node: NodeId): boolean {
    const member = this.#services.table.get(node);
    if (member === undefined || member.state !== 'alive') return false;
    const { inbound, outbound } = this.#links.states(member);
    return inbound === 'works' && outbound === 'works';
  }

  inspect(): MembershipInspection {
    const { reconnection, partition, links } = { reconnection: this.#reconnection, partition: this.#partition, links: this.#links };
    return inspectMembership(this.#services, { seeds: reconnection.seeds, partition: partition.state, reach: partition.reach, links });
  }

  #begin(now: Now): void {
    this.#services.nowMs = now.monotonicMs;
    this.#digests.now = now;
    this.#forgiveOwnPause();
    this.#lastEventMs = now.monotonicMs;
  }

  /**
   * While this process stood still, stopped or without a processor, it could hear nobody: that time is no silence of the others. Told at each event, since the
   * first one after a pause may be any.
   */
  #forgiveOwnPause(): void {
    const { nowMs, options, health, hasLeft } = this.#services;
    if (!options.localHealth || hasLeft || nowMs - this.#probing.timerDueMs <= options.probeTimeoutMs / 2) return;
    const pausedMs = nowMs - this.#lastEventMs;
    this.#services.lastRoundTripMs += pausedMs;
    this.#probing.forgive(pausedMs);
    this.#claims.forgive(pausedMs);
    this.#partition.forgive(pausedMs);
    this.#probing.arm();
    health.change(1);
    this.#services.note({ kind: 'membership.paused', pausedMs });
  }

  #end(): void {
    const { table, news, counters } = this.#services;
    if (table.changes !== this.#tableChanges) {
      this.#tableChanges = table.changes;
      this.#partition.review();
    }
    if (this.#packetsAtLeave === null || news.has(this.#services.self.id)) return;
    this.#services.note({ kind: 'membership.left', packets: counters.all.packetsSent - this.#packetsAtLeave });
    this.#packetsAtLeave = null;
  }

  #reject(fault: PacketFault | null, from: Address | null, bytes: Uint8Array | null): void {
    if (fault === null) return;
    const { rejected } = this.#services.counters.all;
    rejected[fault] += 1;
    const count = rejected[fault];
    if (isTold(count)) this.#services.note({ kind: 'packet.rejected', reason: fault, from, bytes: bytes?.length ?? 0, count });
  }

  /** Somebody has answered something: this node reaches others. */
  #roundTrip(): void {
    const { nowMs, lastRoundTripMs, options } = this.#services;
    this.#services.lastRoundTripMs = nowMs;
    const wasPrivate = this.#claims.dropPrivate();
    if (wasPrivate) {
      this.#partition.forget();
      this.#probing.abandon();
    }
    const wasCutOff = lastRoundTripMs !== Number.NEGATIVE_INFINITY && nowMs - lastRoundTripMs >= options.isolatedAfterMs;
    if (wasPrivate || wasCutOff) this.#reconnection.newsMissed();
  }

  /** Whether an answer has come lately, from anybody. */
  #reachesSomebody(): boolean {
    const { nowMs, options, health, lastRoundTripMs } = this.#services;
    return !options.localHealth || nowMs - lastRoundTripMs <= 2 * options.probeIntervalMs * health.multiplier;
  }

  #becameLive(member: Member): void {
    this.#probing.include(member);
    this.#reconnection.hurry();
    if (this.#services.news.size > 0) this.#services.wakeGossip();
  }

  #becameGone(member: Member): void {
    this.#links.gone(member);
    if (member.state === 'dead') this.#reconnection.hurry();
  }

  /** About confirmingProbes of all members ping the suspect at once: soon it is either confirmed or refuted. */
  #suspicionHeard(member: Member): void {
    const { random, options, table, hasLeft } = this.#services;
    if (hasLeft) return;
    const others = Math.max(1, table.liveCount - 2);
    if (random.fraction() * others < options.confirmingProbes) this.#probing.probe(member, 'suspicion');
  }

  /** News for a few random members, as long as there are any. */
  #gossip(): void {
    const { table, news, options } = this.#services;
    this.#services.gossipFired();
    const sentTo: Member[] = [];
    for (let count = 0; count < options.gossipFanout && news.size > 0; count += 1) {
      const member = table.randomLive((each) => each.state === 'alive' && !sentTo.includes(each));
      if (member === undefined) break;
      sentTo.push(member);
      this.#services.packet();
      this.#services.send(member.description.address, member);
    }
    this.#tellASuspect();
    if (news.size > 0 && table.count('alive') > 1) this.#services.wakeGossip();
  }

  /** Whoever is suspected is told by everybody who gossips: where links fail one way, only few of them reach it. Takes no news from the others. */
  #tellASuspect(): void {
    const { table } = this.#services;
    if (table.count('suspect') === 0) return;
    const suspect = table.randomLive(({ sharedState }) => sharedState === 'suspect');
    if (suspect === undefined) return;
    this.#services.packet();
    this.#services.send(suspect.description.address, suspect);
  }

  #leave(): void {
    const { self, table, nowMs, counters, news } = this.#services;
    if (this.#services.hasLeft) return;
    table.setState(self, 'left', nowMs, { isShared: true });
    this.#services.hasLeft = true;
    this.#probing.stop();
    this.#reconnection.stop();
    this.#packetsAtLeave = counters.all.packetsSent;
    this.#services.tell(self);
    const told: Member[] = [];
    for (let count = 0; count < partingPackets && news.has(self.id); count += 1) {
      const member = table.randomLive((each) => !told.includes(each));
      if (member === undefined) break;
      told.push(member);
      this.#services.packet();
      this.#services.send(member.description.address, member);
    }
    if (table.live.length === 0) news.remove(self.id);
  }
}

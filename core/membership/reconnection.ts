/**
 * Finding each other, at the start and again: seeds are asked for their tables until one of their nodes is known to live, dead members are pinged, both for
 * ever. Otherwise two halves of a cluster that took each other for dead would never meet again.
 *
 *   round    up to reconnectsPerRound seeds and as many dead members, half of them in turn and half of those that died last; rounds are
 *            reconnectIntervalMsMin apart at first, then twice as far each, up to reconnectIntervalMsMax. Back to the minimum when somebody
 *            dies or returns, when discovery finds other seeds, and for who knows nobody alive.
 *   return   a dead member that answers is asked for its table, at most one per healExchangeMs: whole sides come back at once
 *   tables   with a random live member every pushPullIntervalMs · max(1, n / 32), so that what news have missed is found
 */
import type { Author } from '../identifiers.js';
import type { Address } from './address.js';
import type { Member } from './member-table.js';
import { type MembershipServices, membershipTimers } from './membership-services.js';
import type { TableExchange } from './table-exchange.js';

/** Seeds that are remembered of what discovery finds. */
const seedsMax = 256;
/** Asked together when the node knows nobody yet. */
const firstSeedsMax = 3;
const membersWithoutScaling = 32;
/** Every other ping of a dead member goes to one of those that died last: where many are gone for good, these are the likeliest to be only cut off. */
const latestDead = 8;

export class Reconnection {
  readonly #services: MembershipServices;
  readonly #exchange: TableExchange;
  readonly #ping: (member: Member) => void;
  seeds: readonly Address[] = [];
  /** Who answered there last. The boot as well: started again it may be elsewhere, and somebody else there. */
  readonly #seedNodes = new Map<Address, Author>();
  #seedAt = 0;
  #deadAt = 0;
  #latestAt = 0;
  #intervalMs: number;
  #dueMs = Number.POSITIVE_INFINITY;
  #lastHealMs = Number.NEGATIVE_INFINITY;
  #lastStrangerMs = Number.NEGATIVE_INFINITY;

  constructor(services: MembershipServices, exchange: TableExchange, ping: (member: Member) => void) {
    this.#services = services;
    this.#exchange = exchange;
    this.#ping = ping;
    this.#intervalMs = services.options.reconnectIntervalMsMin;
  }

  start(): void {
    const { random, options } = this.#services;
    this.#armTables(random.fraction());
    this.#arm(Math.floor(random.fraction() * options.reconnectIntervalMsMin));
  }

  stop(): void {
    const { timers } = this.#services.effects;
    timers.disarm(membershipTimers.reconnect);
    timers.disarm(membershipTimers.pushPull);
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  /** What discovery finds now. Whoever is new among them is asked at once. */
  seedsFound(addresses: readonly Address[]): void {
    const own = this.#services.self.description.address;
    const found = [...new Set(addresses)].filter((address) => address !== own);
    if (found.length > seedsMax) this.#services.overloaded('seeds');
    const known = new Set(this.seeds);
    const isNew = found.some((address) => !known.has(address));
    this.seeds = found.slice(0, seedsMax);
    for (const address of this.#seedNodes.keys()) if (!this.seeds.includes(address)) this.#seedNodes.delete(address);
    if (!isNew) return;
    this.hurry();
    this.#askSeeds(this.#services.table.live.length === 0 ? firstSeedsMax : 1);
  }

  /** Something has changed: the next round comes soon. */
  hurry(): void {
    this.#intervalMs = this.#services.options.reconnectIntervalMsMin;
    this.#arm(this.#intervalMs);
  }

  #arm(inMs: number): void {
    const { nowMs, effects } = this.#services;
    const dueMs = nowMs + inMs;
    if (this.#dueMs <= dueMs && this.#dueMs > nowMs) return;
    this.#dueMs = dueMs;
    effects.timers.arm(membershipTimers.reconnect, dueMs);
  }

  /** The timer has fired. */
  round(): void {
    const { options } = this.#services;
    this.#askSeeds(options.reconnectsPerRound);
    this.#pingDead(options.reconnectsPerRound);
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#arm(this.#intervalMs);
    // Who is alone looks for others without a pause.
    const isAlone = this.#services.table.live.length === 0;
    this.#intervalMs = isAlone ? options.reconnectIntervalMsMin : Math.min(2 * this.#intervalMs, options.reconnectIntervalMsMax);
  }

  #askSeeds(most: number): void {
    let asked = 0;
    for (let looked = 0; looked < this.seeds.length && asked < most; looked += 1) {
      const address = this.seeds[this.#seedAt % this.seeds.length];
      this.#seedAt = (this.#seedAt + 1) % this.seeds.length;
      if (this.#isKnownAlive(address)) continue;
      if (this.#exchange.askTable(address, null)) asked += 1;
    }
  }

  /** Whoever answered there last is alive, or is this node under another name. */
  #isKnownAlive(address: Address): boolean {
    const author = this.#seedNodes.get(address);
    const member = author === undefined ? undefined : this.#services.table.byAuthor(author);
    return member !== undefined && member.state === 'alive' && !member.isPrivate;
  }

  #pingDead(most: number): void {
    const { dead } = this.#services.table;
    for (let count = 0; count < Math.min(most, dead.length); count += 1) {
      if (count % 2 === 1 && dead.length > latestDead) {
        this.#latestAt = (this.#latestAt + 1) % latestDead;
        this.#ping(dead[dead.length - 1 - this.#latestAt]);
      } else {
        this.#deadAt = (this.#deadAt + 1) % dead.length;
        this.#ping(dead[this.#deadAt]);
      }
    }
  }

  /** A dead member has answered a ping: it is asked what its side knows. */
  deadAnswered(member: Member): void {
    const { nowMs, options } = this.#services;
    if (nowMs - this.#lastHealMs < 4 * options.probeIntervalMs || this.#exchange.isAskingForTable) return;
    if (this.#exchange.askTable(member.description.address, member.id)) this.#lastHealMs = nowMs;
  }

  /** This node had nobody in reach: what happened meanwhile, somebody who had can tell. */
  newsMissed(): void {
    const member = this.#services.table.randomLive(({ state }) => state === 'alive');
    if (member !== undefined) this.deadAnswered(member);
  }

  /**
   * Somebody speaks whom this node does not know: it is asked who it is, now and then. Any other table that is under way may tell as well and is waited for;
   * not when a member has restarted: who hangs elsewhere must not keep its earlier boot alive here.
   */
  strangerHeard(address: Address, { isRestarted }: { readonly isRestarted: boolean }): void {
    const { nowMs, options, hasLeft } = this.#services;
    if (hasLeft || nowMs - this.#lastStrangerMs < 2 * options.probeIntervalMs) return;
    if (!isRestarted && this.#exchange.isAskingForTable) return;
    if (this.#exchange.askTable(address, null)) this.#lastStrangerMs = nowMs;
  }

  tableExchanged(address: Address, from: Author | null): void {
    if (from !== null && this.seeds.includes(address)) this.#seedNodes.set(address, from);
  }

  /** Who is at the address is this node itself, by another name. */
  isOwn(address: Address): void {
    if (this.seeds.includes(address)) this.#seedNodes.set(address, this.#services.author);
  }

  // Tables with random members.

  #armTables(share: number): void {
    const { nowMs, options, table, effects } = this.#services;
    const intervalMs = options.pushPullIntervalMs * Math.max(1, table.liveCount / membersWithoutScaling);
    effects.timers.arm(membershipTimers.pushPull, nowMs + Math.max(1, Math.round(share * intervalMs)));
  }

  /** The timer has fired. */
  exchangeTables(): void {
    const { table, random } = this.#services;
    const member = table.randomLive(({ state }) => state === 'alive');
    if (member !== undefined) this.#exchange.askTable(member.description.address, member.id);
    this.#armTables(0.75 + random.fraction() / 2);
  }
}

/**
 * The network: for each directed link what it does to messages, and whether it is cut. Bytes go in, bytes come out later, twice, or never.
 *
 * Every chance has a generator of its own per link, drawn only when its rate is above zero: a fault taken away leaves all other draws in place.
 */
import type { LinkRates } from '../scenarios/fault-plan.js';
import { Draws, type Seed } from '../scenarios/random-streams.js';
import type { EventHeap } from './event-heap.js';
import type { LinkLog } from './link-log.js';
import { eventKinds } from './trace.js';

/** A connection's pause before it sends again what was lost: doubled each time, as often as this. */
const retransmitUsMin = 200_000;
const retransmissionsMax = 6;

/** The sender and the process that was meant are folded into the heap's extra number. */
const sendersMax = 1_024;

export function senderOf(extra: number): number {
  return extra % sendersMax;
}

export function incarnationOf(extra: number): number {
  return Math.floor(extra / sendersMax);
}

/** With a queue of 0 bytes messages do not wait for each other. */
type ShapedRates = Required<LinkRates>;

/** What faults do to links beyond cuts, one entry for each link. */
interface LinkCongestion {
  /** When the last message in the link's queue has left. */
  readonly freeAtUs: Float64Array;
  readonly clogUntilUs: Float64Array;
  /** Messages that went under an override or into a clog. */
  readonly impaired: Float64Array;
}

interface LinkDraws {
  delay: Draws | null;
  loss: Draws | null;
  duplicate: Draws | null;
  reorder: Draws | null;
}

export class NetworkModel {
  readonly #seed: Seed;
  readonly #heap: EventHeap;
  readonly #names: readonly string[];
  readonly #count: number;
  readonly #perSender: boolean;
  readonly #draws: (LinkDraws | null)[];
  readonly #overrides: (ShapedRates | null)[];
  readonly #cut: Uint8Array;
  /** Of links under an override or a clog; null until there is one. */
  #congestion: LinkCongestion | null = null;
  readonly #dropped: Float64Array;
  #background: ShapedRates;
  /** Which process of each endpoint is meant by what is sent now; kept by its owner. */
  readonly incarnations: Int32Array;
  /** Where cuts and the like are written down; null where nobody asks. */
  log: LinkLog | null = null;
  /** Messages lost, doubled or delayed by chance: what the `network` family did. */
  mishaps = 0;
  /** Messages for which a queue had no room, and messages that a clog held back. */
  overflowed = 0;
  clogged = 0;

  constructor(options: {
    readonly seed: Seed;
    readonly heap: EventHeap;
    readonly names: readonly string[];
    readonly background: LinkRates;
    /**
     * Of how many links one generator draws: `sender`: of all that leave an endpoint. For a thousand endpoints, whose million links would each need
     * memory; then taking one link's loss away shifts what happens on its neighbours.
     */
    readonly drawsPer?: 'link' | 'sender';
  }) {
    this.#seed = options.seed;
    this.#heap = options.heap;
    this.#names = options.names;
    this.#count = options.names.length;
    this.#background = uniform(options.background);
    const links = this.#count * this.#count;
    this.#perSender = options.drawsPer === 'sender';
    this.#draws = new Array<LinkDraws | null>(this.#perSender ? this.#count : links).fill(null);
    this.#overrides = new Array<ShapedRates | null>(links).fill(null);
    this.#cut = new Uint8Array(links);
    this.#dropped = new Float64Array(links);
    this.incarnations = new Int32Array(this.#count);
  }

  /** Sends `payload`, `length` bytes long, as heap events of `kind`: none, one or two of them. */
  transmit(departUs: number, from: number, to: number, kind: number, payload: unknown, length: number): void {
    const link = from * this.#count + to;
    if (this.#cut[link] === 1) {
      this.#dropped[link] += 1;
      return;
    }
    const rates = this.#overrides[link] ?? this.#background;
    const draws = this.#drawsOf(link);
    if (rates.loss > 0 && this.#chance(this.#lossOf(draws, link), rates.loss)) return;
    if (this.#congestion !== null) {
      const freeUs = this.#crowded(this.#congestion, link, rates, departUs, length);
      if (freeUs === null) return;
      departUs = freeUs;
    }
    const extra = this.incarnations[to] * sendersMax + from;
    this.#heap.push(departUs + this.#delayUs(rates, draws, link, length), kind, to, extra, payload);
    // A client's connection does not repeat a request by itself: its retries are its own, and it must know of each.
    if (rates.duplicate > 0 && kind !== eventKinds.request && this.#chance(this.#duplicateOf(draws, link), rates.duplicate)) {
      this.#heap.push(departUs + this.#delayUs(rates, draws, link, length), kind, to, extra, payload);
    }
  }

  /**
   * Sends over a connection: what the link loses is sent again after a while, and costs time. Cuts are found out at the arrival; whoever keeps the connection
   * then tries again.
   */
  transmitReliably(departUs: number, from: number, to: number, kind: number, payload: unknown, length: number): void {
    const link = from * this.#count + to;
    const rates = this.#overrides[link] ?? this.#background;
    const draws = this.#drawsOf(link);
    let leavesUs = departUs;
    for (let tries = 0, pauseUs = retransmitUsMin; tries < retransmissionsMax; tries += 1, pauseUs *= 2) {
      const isLost = rates.loss > 0 && this.#chance(this.#lossOf(draws, link), rates.loss);
      const freeUs = isLost ? null : this.#congestion === null ? leavesUs : this.#crowded(this.#congestion, link, rates, leavesUs, length);
      leavesUs = freeUs ?? leavesUs + pauseUs;
      if (freeUs !== null) break;
    }
    this.#heap.push(leavesUs + this.#delayUs(rates, draws, link, length), kind, to, this.incarnations[to] * sendersMax + from, payload);
  }

  /** Whether a message of that link, sent before, arrives: a cut also takes what is under way. */
  arrives(from: number, to: number): boolean {
    const link = from * this.#count + to;
    if (this.#cut[link] === 0) return true;
    this.#dropped[link] += 1;
    return false;
  }

  isCut(from: number, to: number): boolean {
    return this.#cut[from * this.#count + to] === 1;
  }

  cut(from: readonly number[], to: readonly number[]): void {
    this.#each(from, to, (link, one, other) => {
      this.#cut[link] = 1;
      this.log?.began('cut', one, other);
    });
  }

  /** Returns how many of the links had been cut. */
  heal(from: readonly number[], to: readonly number[]): number {
    let healed = 0;
    this.#each(from, to, (link, one, other) => {
      healed += this.#cut[link];
      this.#cut[link] = 0;
      this.log?.ended('cut', one, other);
    });
    return healed;
  }

  setRates(from: readonly number[], to: readonly number[], rates: LinkRates | null): void {
    const shaped = rates === null ? null : uniform(rates);
    this.#congested();
    this.#each(from, to, (link, one, other) => {
      this.#overrides[link] = shaped;
      if (shaped === null) this.log?.ended('rates', one, other);
      else this.log?.began('rates', one, other);
    });
  }

  /** What is sent on these links is held back until then. */
  clog(from: readonly number[], to: readonly number[], untilUs: number): void {
    const { clogUntilUs } = this.#congested();
    this.#each(from, to, (link, one, other) => {
      clogUntilUs[link] = untilUs;
      this.log?.clogged(one, other, untilUs);
    });
  }

  /** All links keep their delays and lose, double and reorder nothing more. Cuts stay. */
  calm(): void {
    this.#overrides.fill(null);
    this.log?.allEnded('rates');
    this.#congestion?.clogUntilUs.fill(0);
    this.#background = uniform({ ...this.#background, slow: 0, loss: 0, duplicate: 0, reorder: 0 });
  }

  /** Messages that were sent so far on these links while a fault held them back or set their rates. */
  impairedOn(from: readonly number[], to: readonly number[]): number {
    const congestion = this.#congestion;
    if (congestion === null) return 0;
    let impaired = 0;
    this.#each(from, to, (link) => {
      impaired += congestion.impaired[link];
    });
    return impaired;
  }

  /** Messages that cuts have swallowed on these links so far. */
  droppedOn(from: readonly number[], to: readonly number[]): number {
    let dropped = 0;
    this.#each(from, to, (link) => {
      dropped += this.#dropped[link];
    });
    return dropped;
  }

  #congested(): LinkCongestion {
    const links = this.#cut.length;
    this.#congestion ??= { freeAtUs: new Float64Array(links), clogUntilUs: new Float64Array(links), impaired: new Float64Array(links) };
    return this.#congestion;
  }

  /** When a message that a fault may hold back leaves, or null when there is no room for it. */
  #crowded(congestion: LinkCongestion, link: number, rates: ShapedRates, departUs: number, length: number): number | null {
    let leavesUs = departUs;
    if (this.#overrides[link] !== null) {
      congestion.impaired[link] += 1;
      if (rates.queueBytes > 0) {
        const waitsUs = Math.max(0, congestion.freeAtUs[link] - departUs);
        if (waitsUs * rates.bytesPerUs + length > rates.queueBytes) {
          this.overflowed += 1;
          return null;
        }
        leavesUs += Math.ceil(waitsUs);
        // The time on the wire is part of every delay.
        congestion.freeAtUs[link] = leavesUs + length / rates.bytesPerUs;
      }
    }
    if (leavesUs < congestion.clogUntilUs[link]) {
      congestion.impaired[link] += 1;
      this.clogged += 1;
      leavesUs = congestion.clogUntilUs[link];
    }
    return leavesUs;
  }

  #each(from: readonly number[], to: readonly number[], visit: (link: number, one: number, other: number) => void): void {
    for (const one of from) for (const other of to) if (one !== other) visit(one * this.#count + other, one, other);
  }

  #delayUs(rates: ShapedRates, draws: LinkDraws, link: number, length: number): number {
    draws.delay ??= this.#stream('delay', link);
    let delayUs = rates.delayUsMin + Math.floor(draws.delay.fraction() * rates.jitterUs) + Math.floor(length / rates.bytesPerUs);
    if (rates.slow > 0 && draws.delay.fraction() < rates.slow) delayUs += 10 * rates.jitterUs;
    if (rates.reorder > 0) {
      draws.reorder ??= this.#stream('reorder', link);
      if (this.#chance(draws.reorder, rates.reorder)) delayUs += Math.floor(draws.reorder.fraction() * rates.reorderUs);
    }
    return delayUs;
  }

  #lossOf(draws: LinkDraws, link: number): Draws {
    draws.loss ??= this.#stream('loss', link);
    return draws.loss;
  }

  #duplicateOf(draws: LinkDraws, link: number): Draws {
    draws.duplicate ??= this.#stream('duplicate', link);
    return draws.duplicate;
  }

  #chance(stream: Draws, probability: number): boolean {
    if (stream.fraction() >= probability) return false;
    this.mishaps += 1;
    return true;
  }

  #drawsOf(link: number): LinkDraws {
    const at = this.#perSender ? Math.floor(link / this.#count) : link;
    const known = this.#draws[at];
    if (known !== null) return known;
    const draws: LinkDraws = { delay: null, loss: null, duplicate: null, reorder: null };
    this.#draws[at] = draws;
    return draws;
  }

  #stream(purpose: string, link: number): Draws {
    const from = this.#names[Math.floor(link / this.#count)];
    const to = this.#perSender ? 'all' : this.#names[link % this.#count];
    return new Draws(this.#seed, `network.${purpose}/${from}>${to}`);
  }
}

/** The same rates in an object of the one shape that the code for each message is compiled for: plans put them together in many ways. */
function uniform(rates: LinkRates): ShapedRates {
  const { delayUsMin, jitterUs, slow, loss, duplicate, reorder, reorderUs, bytesPerUs, queueBytes = 0 } = rates;
  return { delayUsMin, jitterUs, slow, loss, duplicate, reorder, reorderUs, bytesPerUs, queueBytes };
}

/**
 * The network: for each directed link what it does to messages, and whether it is cut. Bytes go in, bytes come out later, twice, or never.
 *
 * Every chance has a generator of its own per link, drawn only when its rate is above zero: a fault taken away leaves all other draws in place.
 */
import type { LinkRates } from '../scenarios/fault-plan.js';
import { Draws, type Seed } from '../scenarios/random-streams.js';
import type { EventHeap } from './event-heap.js';
import { eventKinds } from './trace.js';

/** The sender and the process that was meant are folded into the heap's extra number. */
const sendersMax = 1_024;

export function senderOf(extra: number): number {
  return extra % sendersMax;
}

export function incarnationOf(extra: number): number {
  return Math.floor(extra / sendersMax);
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
  readonly #draws: (LinkDraws | null)[];
  readonly #overrides: (LinkRates | null)[];
  readonly #cut: Uint8Array;
  readonly #dropped: Float64Array;
  #background: LinkRates;
  /** Which process of each endpoint is meant by what is sent now; kept by its owner. */
  readonly incarnations: Int32Array;
  /** Messages lost, doubled or delayed by chance: what the `network` family did. */
  mishaps = 0;

  constructor(options: {
    readonly seed: Seed;
    readonly heap: EventHeap;
    readonly names: readonly string[];
    readonly background: LinkRates;
  }) {
    this.#seed = options.seed;
    this.#heap = options.heap;
    this.#names = options.names;
    this.#count = options.names.length;
    this.#background = uniform(options.background);
    const links = this.#count * this.#count;
    this.#draws = new Array<LinkDraws | null>(links).fill(null);
    this.#overrides = new Array<LinkRates | null>(links).fill(null);
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
    const draws = this.#draws[link] ?? this.#newDraws(link);
    if (rates.loss > 0 && this.#chance(draws, 'loss', link, rates.loss)) return;
    const extra = this.incarnations[to] * sendersMax + from;
    this.#heap.push(departUs + this.#delayUs(rates, draws, link, length), kind, to, extra, payload);
    // A client's connection does not repeat a request by itself: its retries are its own, and it must know of each.
    if (rates.duplicate > 0 && kind !== eventKinds.request && this.#chance(draws, 'duplicate', link, rates.duplicate)) {
      this.#heap.push(departUs + this.#delayUs(rates, draws, link, length), kind, to, extra, payload);
    }
  }

  /** Whether a message of that link, sent before, arrives: a cut also takes what is under way. */
  arrives(from: number, to: number): boolean {
    const link = from * this.#count + to;
    if (this.#cut[link] === 0) return true;
    this.#dropped[link] += 1;
    return false;
  }

  cut(from: readonly number[], to: readonly number[]): void {
    this.#each(from, to, (link) => {
      this.#cut[link] = 1;
    });
  }

  /** Returns how many of the links had been cut. */
  heal(from: readonly number[], to: readonly number[]): number {
    let healed = 0;
    this.#each(from, to, (link) => {
      healed += this.#cut[link];
      this.#cut[link] = 0;
    });
    return healed;
  }

  setRates(from: readonly number[], to: readonly number[], rates: LinkRates | null): void {
    const shaped = rates === null ? null : uniform(rates);
    this.#each(from, to, (link) => {
      this.#overrides[link] = shaped;
    });
  }

  /** All links keep their delays and lose, double and reorder nothing more. Cuts stay. */
  calm(): void {
    this.#overrides.fill(null);
    this.#background = uniform({ ...this.#background, slow: 0, loss: 0, duplicate: 0, reorder: 0 });
  }

  /** Messages that cuts have swallowed on these links so far. */
  droppedOn(from: readonly number[], to: readonly number[]): number {
    let dropped = 0;
    this.#each(from, to, (link) => {
      dropped += this.#dropped[link];
    });
    return dropped;
  }

  #each(from: readonly number[], to: readonly number[], visit: (link: number) => void): void {
    for (const one of from) for (const other of to) if (one !== other) visit(one * this.#count + other);
  }

  #delayUs(rates: LinkRates, draws: LinkDraws, link: number, length: number): number {
    draws.delay ??= this.#stream('delay', link);
    let delayUs = rates.delayUsMin + Math.floor(draws.delay.fraction() * rates.jitterUs) + Math.floor(length / rates.bytesPerUs);
    if (rates.slow > 0 && draws.delay.fraction() < rates.slow) delayUs += 10 * rates.jitterUs;
    if (rates.reorder > 0 && this.#chance(draws, 'reorder', link, rates.reorder)) {
      delayUs += Math.floor((draws.reorder as Draws).fraction() * rates.reorderUs);
    }
    return delayUs;
  }

  #chance(draws: LinkDraws, purpose: 'loss' | 'duplicate' | 'reorder', link: number, probability: number): boolean {
    const stream = draws[purpose] ?? this.#stream(purpose, link);
    draws[purpose] = stream;
    if (stream.fraction() >= probability) return false;
    this.mishaps += 1;
    return true;
  }

  #newDraws(link: number): LinkDraws {
    const draws: LinkDraws = { delay: null, loss: null, duplicate: null, reorder: null };
    this.#draws[link] = draws;
    return draws;
  }

  #stream(purpose: string, link: number): Draws {
    const from = this.#names[Math.floor(link / this.#count)];
    const to = this.#names[link % this.#count];
    return new Draws(this.#seed, `network.${purpose}/${from}>${to}`);
  }
}

/** The same rates in an object of the one shape that the code for each message is compiled for: plans put them together in many ways. */
function uniform(rates: LinkRates): LinkRates {
  const { delayUsMin, jitterUs, slow, loss, duplicate, reorder, reorderUs, bytesPerUs } = rates;
  return { delayUsMin, jitterUs, slow, loss, duplicate, reorder, reorderUs, bytesPerUs };
}

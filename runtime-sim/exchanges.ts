/**
 * Requests and answers over connections, between nodes: what the core asks for as exchanges.
 *
 * A connection loses nothing: what a link drops is sent again after a while, the pause doubling, so that loss and cuts cost time. It needs the link both ways
 * before the request is heard. A machine that is up and runs no process refuses at once; one without power, or an address that nobody has, says nothing until
 * the asker has waited long enough. The asker hears of each exchange once, the asked is asked once.
 */
import type { Address } from '../core/membership/address.js';
import type { Addresses } from './addresses.js';
import type { EventHeap } from './event-heap.js';
import type { NetworkModel } from './network-model.js';
import { eventKinds } from './trace.js';

const againUsMin = 200_000;

interface Exchange {
  readonly asker: number;
  /** The process that asked. */
  readonly askerProcess: number;
  readonly ticket: number;
  readonly asked: number;
  /** Once it was asked: by which handle, and which process. */
  handle: number;
  askedProcess: number;
  readonly deadlineUs: number;
  /** The pause before a lost piece is sent again. */
  againUs: number;
  ended: boolean;
}

/** What travels, or what a clock says. */
export interface ExchangeStep {
  readonly exchange: Exchange;
  readonly what: 'request' | 'answer' | 'refusal' | 'timeout';
  readonly bytes: Uint8Array | null;
}

/** What exchanges do to a node. */
export interface ExchangingNode {
  readonly alive: boolean;
  /** Whether its machine has power. */
  readonly powered: boolean;
  readonly incarnation: number;
  asked(handle: number, bytes: Uint8Array): void;
  exchanged(ticket: number, bytes: Uint8Array | null): void;
}

interface Parts {
  readonly heap: EventHeap;
  readonly network: NetworkModel;
  readonly addresses: Addresses;
  /** Whoever asks waits this long; then the exchange has failed. */
  readonly timeoutUs: number;
  readonly nodeAt: (place: number) => ExchangingNode;
  /** Is told when something arrives that nobody takes. */
  readonly lost?: (why: 'receiver-down' | 'receiver-restarted' | 'given-up') => void;
}

export class Exchanges {
  readonly #parts: Parts;
  /** Those that were asked and have not been answered, by handle. Bounded by the timeout. */
  readonly #open = new Map<number, Exchange>();
  #lastHandle = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A node asks another one, by address. */
  ask(departUs: number, asker: number, to: Address, bytes: Uint8Array, ticket: number): void {
    const { heap, addresses, timeoutUs, nodeAt } = this.#parts;
    const asked = addresses.placeOf(to);
    const exchange: Exchange = {
      asker,
      askerProcess: nodeAt(asker).incarnation,
      ticket,
      asked: asked ?? asker,
      handle: 0,
      askedProcess: -1,
      deadlineUs: departUs + timeoutUs,
      againUs: againUsMin,
      ended: false,
    };
    heap.push(exchange.deadlineUs, eventKinds.exchange, asker, 0, { exchange, what: 'timeout', bytes: null } satisfies ExchangeStep);
    if (asked !== undefined && asked !== asker) this.#send(departUs, { exchange, what: 'request', bytes });
  }

  /** A node answers what it was asked; too late, or twice, does nothing. */
  answer(departUs: number, place: number, handle: number, bytes: Uint8Array): void {
    const exchange = this.#open.get(handle);
    if (exchange === undefined || exchange.asked !== place || exchange.askedProcess !== this.#parts.nodeAt(place).incarnation) return;
    this.#open.delete(handle);
    this.#send(departUs, { exchange, what: 'answer', bytes });
  }

  /** What was scheduled comes up. */
  comesUp(step: ExchangeStep, nowUs: number): void {
    const { exchange, what } = step;
    if (exchange.ended) {
      if (what !== 'timeout') this.#parts.lost?.('given-up');
      return;
    }
    if (what === 'timeout') this.#end(exchange, null);
    else if (what === 'request') this.#requested(step, nowUs);
    else if (this.#parts.network.arrives(exchange.asked, exchange.asker)) this.#answered(step);
    else this.#again(step, nowUs);
  }

  #requested(step: ExchangeStep, nowUs: number): void {
    const { network, nodeAt } = this.#parts;
    const { exchange } = step;
    const { asker, asked } = exchange;
    if (!network.arrives(asker, asked) || !network.arrives(asked, asker)) {
      this.#again(step, nowUs);
      return;
    }
    const node = nodeAt(asked);
    if (node.alive) {
      this.#lastHandle += 1;
      this.#open.set(this.#lastHandle, exchange);
      exchange.handle = this.#lastHandle;
      exchange.askedProcess = node.incarnation;
      node.asked(this.#lastHandle, step.bytes as Uint8Array);
      return;
    }
    this.#parts.lost?.('receiver-down');
    if (node.powered) this.#send(nowUs, { exchange, what: 'refusal', bytes: null });
  }

  #answered({ exchange, what, bytes }: ExchangeStep): void {
    const asker = this.#parts.nodeAt(exchange.asker);
    if (!asker.alive || asker.incarnation !== exchange.askerProcess)
      this.#parts.lost?.(asker.alive ? 'receiver-restarted' : 'receiver-down');
    this.#end(exchange, what === 'answer' ? bytes : null);
  }

  #again(step: ExchangeStep, nowUs: number): void {
    const { exchange } = step;
    const atUs = nowUs + exchange.againUs;
    exchange.againUs *= 2;
    if (atUs < exchange.deadlineUs) this.#send(atUs, step);
  }

  #send(departUs: number, step: ExchangeStep): void {
    const { asker, asked } = step.exchange;
    const [from, to] = step.what === 'request' ? [asker, asked] : [asked, asker];
    this.#parts.network.transmitReliably(departUs, from, to, eventKinds.exchange, step, step.bytes?.length ?? 0);
  }

  #end(exchange: Exchange, bytes: Uint8Array | null): void {
    exchange.ended = true;
    this.#open.delete(exchange.handle);
    const asker = this.#parts.nodeAt(exchange.asker);
    if (asker.alive && asker.incarnation === exchange.askerProcess) asker.exchanged(exchange.ticket, bytes);
  }
}

/**
 * A machine with nothing on it but membership: no store, no clients, a processor that costs nothing. For experiments with many nodes and much time.
 *
 * It can stand still, as a process that is stopped or starved: what arrives meanwhile waits, and when it goes on the timers that have run out come first, as in
 * the event loop of the real runtime, then what has arrived, in order.
 */
import type { Effects } from '../../core/effects.js';
import type { MembershipEvent } from '../../core/events.js';
import type { Boot, NodeId } from '../../core/identifiers.js';
import type { Address } from '../../core/membership/address.js';
import type { MembershipInspection } from '../../core/membership/inspection.js';
import { Membership } from '../../core/membership/membership.js';
import type { MembershipOptions, MembershipParameters } from '../../core/membership/options.js';
import { Draws, type Seed } from '../../scenarios/random-streams.js';
import type { Addresses } from '../addresses.js';
import { ClockModel } from '../clock-model.js';
import type { EventHeap } from '../event-heap.js';
import type { Exchanges, ExchangingNode } from '../exchanges.js';
import type { NetworkModel } from '../network-model.js';
import { NodeTimers, type TimerState } from '../node-timers.js';
import { simulatedPureFunctions } from '../pure-functions.js';
import { eventKinds } from '../trace.js';

/** What the hosts of one experiment share. */
export interface Stage {
  readonly seed: Seed;
  readonly heap: EventHeap;
  readonly network: NetworkModel;
  readonly addresses: Addresses;
  readonly exchanges: Exchanges;
  nowUs: number;
  noted(host: LoneHost, event: Parameters<Effects['journal']['note']>[0]): void;
}

/** Bytes and packets that a node has sent: the bytes of membership, without the headers of the network. */
export interface Traffic {
  packets: number;
  packetBytes: number;
  exchanges: number;
  exchangeBytes: number;
}

const driftPpmMax = 50;

export class LoneHost implements ExchangingNode {
  readonly index: number;
  readonly id: NodeId;
  readonly name: string;
  readonly traffic: Traffic = { packets: 0, packetBytes: 0, exchanges: 0, exchangeBytes: 0 };
  readonly #stage: Stage;
  readonly #parameters: MembershipParameters;
  readonly #clock: ClockModel;
  readonly #effects: Pick<Effects, 'datagrams' | 'exchanges' | 'timers' | 'journal'>;
  #timers: NodeTimers;
  #core: Membership | null = null;
  #boots = 0;
  incarnation = 0;
  powered = true;
  #pausedUntilUs = 0;
  /** While it stands still. */
  #timersDue: TimerState[] = [];
  #arrived: MembershipEvent[] = [];

  constructor(
    stage: Stage,
    node: { readonly index: number; readonly id: NodeId; readonly name: string },
    parameters: MembershipParameters,
  ) {
    this.#stage = stage;
    this.index = node.index;
    this.id = node.id;
    this.name = node.name;
    this.#parameters = parameters;
    const draws = new Draws(stage.seed, `clock/${node.name}`);
    this.#clock = new ClockModel({ atUs: 0, wallMs: 0, driftPpm: draws.integer({ min: -driftPpmMax, max: driftPpmMax }) });
    this.#timers = new NodeTimers(stage.heap, this.#clock, node.index);
    this.#effects = this.#effectsOfOwn();
  }

  get alive(): boolean {
    return this.#core !== null;
  }

  get paused(): boolean {
    return this.#stage.nowUs < this.#pausedUntilUs;
  }

  start(seeds: readonly Address[]): void {
    const { seed, heap, addresses, nowUs } = this.#stage;
    this.#boots += 1;
    this.incarnation += 1;
    this.#timers = new NodeTimers(heap, this.#clock, this.index);
    const purpose = `membership/${this.name}/${this.#boots}`;
    const boot: Boot = { counter: this.#boots, random: new Draws(seed, `boot/${purpose}`).hex(16) };
    this.#core = new Membership({
      self: this.id,
      boot,
      clusterId: 'experiment',
      options: optionsOf(this.#parameters, addresses.of(this.index), this.name),
      effects: this.#effects,
      pure: simulatedPureFunctions(seed, purpose),
    });
    this.#core.start(this.#now(nowUs));
    this.#core.handle({ kind: 'seeds', addresses: seeds }, this.#now(nowUs));
  }

  /** The machine loses power. */
  crash(): void {
    this.#core = null;
    this.incarnation += 1;
    this.powered = false;
    this.#timersDue = [];
    this.#arrived = [];
    this.#pausedUntilUs = 0;
  }

  leave(): void {
    this.take({ kind: 'leave' });
  }

  /** The process stands still for so long. */
  pause(forUs: number): void {
    this.#pausedUntilUs = this.#stage.nowUs + forUs;
    this.#stage.heap.push(this.#pausedUntilUs, eventKinds.nodeFree, this.index, this.incarnation, null);
  }

  /** It goes on. */
  free(): void {
    if (this.paused) return;
    const timers = this.#timersDue;
    const arrived = this.#arrived;
    this.#timersDue = [];
    this.#arrived = [];
    for (const timer of timers) if (timer.armed) this.#fire(timer);
    for (const event of arrived) this.take(event);
  }

  timer(timer: TimerState, version: number): void {
    if (this.#core === null || !this.#timers.due(timer, version, this.#stage.nowUs)) return;
    if (this.paused) this.#timersDue.push(timer);
    else this.#fire(timer);
  }

  take(event: MembershipEvent): void {
    if (this.#core === null) return;
    if (this.paused) this.#arrived.push(event);
    else this.#core.handle(event, this.#now(this.#stage.nowUs));
  }

  asked(handle: number, bytes: Uint8Array): void {
    this.take({ kind: 'exchange', handle, from: null, bytes });
  }

  exchanged(ticket: number, bytes: Uint8Array | null): void {
    this.take({ kind: 'exchanged', ticket, bytes });
  }

  inspect(): MembershipInspection | null {
    return this.#core?.inspect() ?? null;
  }

  #fire(timer: TimerState): void {
    timer.armed = false;
    this.#core?.timer(timer.event.name, this.#now(this.#stage.nowUs));
  }

  #now(nowUs: number): { readonly monotonicMs: number; readonly wallMs: number } {
    return { monotonicMs: this.#clock.monotonicMs(nowUs), wallMs: this.#clock.wallMs(nowUs) };
  }

  /** Performed at once: all of them only schedule what happens later. */
  #effectsOfOwn(): Pick<Effects, 'datagrams' | 'exchanges' | 'timers' | 'journal'> {
    const { traffic } = this;
    const stage = this.#stage;
    return {
      datagrams: {
        send: (to, packet) => {
          traffic.packets += 1;
          traffic.packetBytes += packet.length;
          const place = stage.addresses.placeOf(to);
          if (place !== undefined) stage.network.transmit(stage.nowUs, this.index, place, eventKinds.datagram, packet, packet.length);
        },
      },
      exchanges: {
        ask: (to, bytes, ticket) => {
          traffic.exchanges += 1;
          traffic.exchangeBytes += bytes.length;
          stage.exchanges.ask(stage.nowUs, this.index, to, bytes, ticket);
        },
        answer: (handle, bytes) => {
          traffic.exchangeBytes += bytes.length;
          stage.exchanges.answer(stage.nowUs, this.index, handle, bytes);
        },
      },
      timers: {
        arm: (name, atMs) => this.#timers.arm(name, atMs, stage.nowUs),
        disarm: (name) => this.#timers.disarm(name),
      },
      journal: { note: (event) => stage.noted(this, event) },
    };
  }
}

function optionsOf(parameters: MembershipParameters, address: Address, name: string): MembershipOptions {
  const metadata = {
    name,
    zone: 'zone-1',
    rack: 'rack-1',
    roles: ['store'],
    version: '0.1.0',
    grpcAddress: `${name}:7947`,
    loadPercent: 10,
  };
  return { ...parameters, address, metadata, keys: [] };
}

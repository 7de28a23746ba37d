/**
 * Many machines with nothing on them but membership, over the simulator's network. Experiments start, stop and part them, let time pass, and read what they say
 * of each other. A run is a function of the seed and of what the experiment does.
 */
import type { DomainEvent } from '../../core/domain-events.js';
import { type NodeId, nodeId } from '../../core/identifiers.js';
import type { Address } from '../../core/membership/address.js';
import { lanMembership, type MembershipParameters } from '../../core/membership/options.js';
import type { LinkRates } from '../../scenarios/fault-plan.js';
import { Draws, type Seed } from '../../scenarios/random-streams.js';
import { Addresses } from '../addresses.js';
import { EventHeap } from '../event-heap.js';
import { type ExchangeStep, Exchanges } from '../exchanges.js';
import { NetworkModel, senderOf } from '../network-model.js';
import type { TimerState } from '../node-timers.js';
import { siteLinks } from '../site-links.js';
import { eventKinds } from '../trace.js';
import { LoneHost, type Stage } from './lone-host.js';
import { ViewTable } from './view-table.js';

/** All nodes start within this time. */
const startsWithinUs = 1_000_000;

export interface LoneClusterOptions {
  readonly seed: Seed;
  readonly nodes: number;
  readonly parameters?: MembershipParameters;
  /** What differs from links within one site. */
  readonly links?: Partial<LinkRates>;
  /** How many nodes' addresses everybody starts from. */
  readonly seeds?: number;
}

export type NoteListener = (host: LoneHost, event: DomainEvent) => void;

export class LoneCluster {
  readonly hosts: readonly LoneHost[];
  readonly views: ViewTable;
  readonly network: NetworkModel;
  readonly draws: Draws;
  /** Is told of what nodes note, after it has changed `views`. */
  listener: NoteListener | null = null;
  readonly #stage: Stage;
  readonly #heap = new EventHeap();
  readonly #indexOf: ReadonlyMap<NodeId, number>;
  readonly #seedAddresses: readonly Address[];
  #alive = 0;
  /** Since `isOver` was asked last. */
  #hasNoted = false;

  constructor({ seed, nodes, parameters = lanMembership, links = {}, seeds = 3 }: LoneClusterOptions) {
    const names = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
    const heap = this.#heap;
    this.draws = new Draws(seed, 'experiment');
    this.network = new NetworkModel({ seed, heap, names, background: { ...siteLinks, ...links }, drawsPer: 'sender' });
    const addresses = new Addresses({ nodes: names });
    const { network } = this;
    const exchanges = new Exchanges({
      heap,
      network,
      addresses,
      timeoutUs: parameters.exchangeTimeoutMs * 1_000,
      nodeAt: (place) => this.hosts[place],
    });
    this.#stage = { seed, heap, network, addresses, exchanges, nowUs: 0, noted: (host, event) => this.#noted(host, event) };
    this.hosts = names.map((name, index) => {
      const id = nodeId(new Draws(seed, `identity/${name}`).hex(32));
      return new LoneHost(this.#stage, { index, id, name }, parameters);
    });
    this.#indexOf = new Map(this.hosts.map(({ id, index }) => [id, index]));
    this.#seedAddresses = names.slice(0, seeds).map((_, index) => addresses.of(index));
    this.views = new ViewTable(nodes);
    const starts = new Draws(seed, 'start');
    for (const { index } of this.hosts) heap.push(starts.integer({ min: 0, max: startsWithinUs }), eventKinds.start, index, 0, null);
  }

  get nowMs(): number {
    return this.#stage.nowUs / 1_000;
  }

  /** Lets time pass: until then, or until `isOver` says so, which is asked whenever a node has noted something. Returns whether it did. */
  run(untilMs: number, isOver: () => boolean = () => false): boolean {
    const heap = this.#heap;
    heap.push(Math.round(untilMs * 1_000), eventKinds.phase, 0, 0, null);
    this.#hasNoted = true;
    for (;;) {
      if (this.#hasNoted && isOver()) return true;
      this.#hasNoted = false;
      if (!heap.pop()) return false;
      this.#stage.nowUs = Math.max(this.#stage.nowUs, heap.timeUs);
      if (heap.kind !== eventKinds.phase) this.#dispatch(heap);
      else if (heap.timeUs >= Math.round(untilMs * 1_000)) return isOver();
    }
  }

  /** Every node that is up takes exactly those for alive that are. */
  get agreed(): boolean {
    const up = this.hosts.filter(({ alive }) => alive);
    // Counts first, since they are cheap.
    if (up.some(({ index }) => this.views.aliveSeenBy(index) !== up.length)) return false;
    return up.every(({ index }) => up.every((other) => this.views.says(index, other.index, 'alive')));
  }

  get alive(): number {
    return this.#alive;
  }

  /** Until all have started and agree. Throws when they do not: what follows would measure nothing. */
  form(withinMs: number): void {
    const formed = this.run(withinMs, () => this.#alive === this.hosts.length && this.agreed);
    if (!formed) throw new Error(`${this.hosts.length} nodes do not agree after ${withinMs} ms`);
  }

  crash(index: number): void {
    this.hosts[index].crash();
    this.views.clear(index);
    this.#alive -= 1;
    this.network.incarnations[index] = this.hosts[index].incarnation;
  }

  part(left: readonly number[], right: readonly number[]): void {
    this.network.cut(left, right);
    this.network.cut(right, left);
  }

  mend(left: readonly number[], right: readonly number[]): void {
    this.network.heal(left, right);
    this.network.heal(right, left);
  }

  #dispatch(heap: EventHeap): void {
    const host = this.hosts[heap.target];
    switch (heap.kind) {
      case eventKinds.timer:
        host.timer(heap.payload as TimerState, heap.extra);
        return;
      case eventKinds.datagram: {
        const sender = senderOf(heap.extra);
        if (host.alive && this.network.arrives(sender, heap.target)) {
          host.take({ kind: 'datagram', from: this.#stage.addresses.of(sender), bytes: heap.payload as Uint8Array });
        }
        return;
      }
      case eventKinds.exchange:
        this.#stage.exchanges.comesUp(heap.payload as ExchangeStep, this.#stage.nowUs);
        return;
      case eventKinds.nodeFree:
        if (host.incarnation === heap.extra) host.free();
        return;
      case eventKinds.start:
        this.#alive += 1;
        host.start(this.#seedAddresses);
        return;
      default:
    }
  }

  #noted(host: LoneHost, event: DomainEvent): void {
    this.#hasNoted = true;
    switch (event.kind) {
      case 'membership.started':
        this.views.set(host.index, host.index, 'alive');
        break;
      case 'member.joined':
      case 'member.returned':
      case 'member.restarted':
      case 'member.refuted':
        this.#says(host, event.node, 'alive');
        break;
      case 'member.suspected':
        this.#says(host, event.node, 'suspect');
        break;
      case 'member.declared-dead':
      case 'member.died':
        this.#says(host, event.node, 'dead');
        break;
      case 'member.left':
        this.#says(host, event.node, 'left');
        break;
      case 'member.reconsidered':
      case 'member.found-gone':
        this.#says(host, event.node, event.state);
        break;
      case 'member.forgotten':
        this.#says(host, event.node, 'unknown');
        break;
      default:
    }
    this.listener?.(host, event);
  }

  #says(host: LoneHost, member: NodeId, state: Parameters<ViewTable['set']>[2]): void {
    this.views.set(host.index, this.indexOf(member), state);
  }

  indexOf(member: NodeId): number {
    return this.#indexOf.get(member) ?? -1;
  }
}

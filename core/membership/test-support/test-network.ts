/**
 * Membership of several nodes over a network in memory, for tests: packets take a drawn time, are lost at a drawn rate or cut by the test's hand; questions over
 * the reliable channel are delayed and cut but never lost. The same seed gives the same run.
 */
import type { MembershipEvent } from '../../events.js';
import { type NodeId, nodeId } from '../../identifiers.js';
import type { PureFunctions, RandomStream } from '../../pure-functions.js';
import { testPureFunctions } from '../../test-support/pure-functions.js';
import { type Address, parseAddress } from '../address.js';
import type { MembershipDomainEvent } from '../domain-events.js';
import type { MemberState } from '../inspection.js';
import { Membership } from '../membership.js';
import { lanMembership, type MembershipOptions, type MembershipParameters } from '../options.js';

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export interface TestNetworkOptions {
  readonly seed?: string;
  readonly parameters?: Partial<MembershipParameters>;
  readonly lossShare?: number;
  readonly delayMs?: readonly [number, number];
  /** Bits of packets that are flipped under way, in this share of them. */
  readonly damageShare?: number;
  readonly keys?: readonly Uint8Array[];
}

export interface Noted {
  readonly atMs: number;
  readonly by: TestMember;
  readonly event: MembershipDomainEvent;
}

export function testAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new Error(`${text} is no address`);
  return address;
}

/** One node of a test: its process can be stopped, killed, started again, and moved. */
export class TestMember {
  readonly #network: TestNetwork;
  readonly index: number;
  id: NodeId;
  address: Address;
  boot = 0;
  up = false;
  /** While true its process stands still: what comes waits. */
  stopped = false;
  #membership: Membership | null = null;
  #timers = new Map<string, number>();
  #waiting: (() => void)[] = [];
  parameters: Partial<MembershipParameters> = {};
  keys: readonly Uint8Array[] | null = null;

  constructor(network: TestNetwork, index: number) {
    this.#network = network;
    this.index = index;
    this.id = nodeId((index + 1).toString(16).padStart(4, '0').repeat(8));
    this.address = testAddress(`n${index + 1}:7946`);
  }

  get membership(): Membership {
    if (this.#membership === null) throw new Error(`n${this.index + 1} was never started`);
    return this.#membership;
  }

  start(seeds: readonly TestMember[] = [], { bootRandom }: { readonly bootRandom?: string } = {}): this {
    this.boot += 1;
    this.up = true;
    this.stopped = false;
    this.#timers = new Map();
    this.#waiting = [];
    const network = this.#network;
    const options: MembershipOptions = {
      ...lanMembership,
      ...network.options.parameters,
      ...this.parameters,
      address: this.address,
      metadata: {
        name: `n${this.index + 1}`,
        zone: 'a',
        rack: '',
        roles: ['data'],
        version: '0.1.0',
        grpcAddress: `n${this.index + 1}:50051`,
        loadPercent: 0,
      },
      keys: this.keys ?? network.options.keys ?? [],
    };
    const { boot } = this;
    const pure: PureFunctions = network.pureFor(`n${this.index} boot ${boot}`);
    const random = bootRandom ?? (0x1000_0000 + boot).toString(16).padStart(16, '0');
    this.#membership = new Membership({
      self: this.id,
      boot: { counter: boot, random },
      clusterId: 'test',
      options,
      pure,
      effects: {
        datagrams: { send: (to, bytes) => network.send(this, to, bytes) },
        exchanges: {
          ask: (to, bytes, ticket) => network.ask(this, to, bytes, ticket),
          answer: (handle, bytes) => network.answer(handle, bytes),
        },
        timers: {
          arm: (name, atMs) => {
            this.#timers.set(name, atMs);
            network.schedule(Math.max(atMs, network.nowMs), () => this.#fire(name, atMs, boot));
          },
          disarm: (name) => this.#timers.delete(name),
        },
        journal: {
          note: (event) => network.notes.push({ atMs: network.nowMs, by: this, event: event as MembershipDomainEvent }),
        },
      },
    });
    this.#membership.start(network.now);
    this.#membership.handle({ kind: 'seeds', addresses: seeds.map(({ address }) => address) }, network.now);
    return this;
  }

  kill(): void {
    this.up = false;
  }

  /** The process goes on after it stood still: everything that came meanwhile is there at once. */
  resume(): void {
    this.stopped = false;
    for (const run of this.#waiting.splice(0)) run();
  }

  #fire(name: string, atMs: number, boot: number): void {
    this.take(boot, () => {
      if (this.#timers.get(name) !== atMs) return;
      this.#timers.delete(name);
      this.membership.timer(name, this.#network.now);
    });
  }

  deliver(event: MembershipEvent, boot: number = this.boot): void {
    this.take(boot, () => this.membership.handle(event, this.#network.now));
  }

  take(boot: number, run: () => void): void {
    if (!this.up || boot !== this.boot) return;
    if (this.stopped) this.#waiting.push(() => this.take(boot, run));
    else run();
  }

  /** As this node sees the other; `unknown`: it does not. */
  sees(other: TestMember): MemberState | 'unknown' {
    return this.membership.inspect().members.find(({ node }) => node === other.id)?.state ?? 'unknown';
  }

  /** How many it sees in that state, itself included. */
  count(state: MemberState): number {
    return this.membership.inspect().members.filter((member) => member.state === state).length;
  }
}

export class TestNetwork {
  readonly options: TestNetworkOptions;
  readonly members: TestMember[] = [];
  readonly notes: Noted[] = [];
  nowMs = 1_000;
  #order = 0;
  readonly #heap: Scheduled[] = [];
  readonly #cuts = new Set<string>();
  readonly #random: RandomStream;
  readonly #exchanges = new Map<number, (bytes: Uint8Array) => void>();
  #handles = 0;
  packets = 0;
  bytes = 0;
  /** False: no question over the reliable channel gets anywhere. */
  reliableWorks = true;

  constructor(nodes: number, options: TestNetworkOptions = {}) {
    this.options = options;
    this.#random = this.pureFor('network').random('network');
    for (let index = 0; index < nodes; index += 1) this.members.push(new TestMember(this, index));
  }

  /** All nodes started, through the first, and known to each other. */
  static formed(nodes: number, options: TestNetworkOptions = {}): TestNetwork {
    const network = new TestNetwork(nodes, options);
    for (const member of network.members) member.start([network.members[0]]);
    network.passUntil(() => network.members.every((member) => member.count('alive') === nodes), 30_000);
    network.pass(5_000);
    return network;
  }

  get now(): { readonly monotonicMs: number; readonly wallMs: number } {
    return { monotonicMs: this.nowMs, wallMs: this.nowMs };
  }

  pureFor(purpose: string): PureFunctions {
    return testPureFunctions(`${this.options.seed ?? 'test'} ${purpose}`);
  }

  /** Nothing gets from one to the other any more; the other way it does. */
  cut(from: TestMember, to: TestMember): void {
    this.#cuts.add(`${from.index} ${to.index}`);
  }

  mend(from: TestMember, to: TestMember): void {
    this.#cuts.delete(`${from.index} ${to.index}`);
  }

  /** Nothing gets from one group to the other, nor back. */
  split(left: readonly TestMember[], right: readonly TestMember[]): void {
    for (const one of left) {
      for (const other of right) {
        this.cut(one, other);
        this.cut(other, one);
      }
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  #passes(from: TestMember, to: TestMember): boolean {
    return !this.#cuts.has(`${from.index} ${to.index}`);
  }

  #delay(): number {
    const [min, max] = this.options.delayMs ?? [1, 5];
    return min + (this.#random.uint32() % (max - min + 1));
  }

  send(from: TestMember, toAddress: Address, bytes: Uint8Array): void {
    this.packets += 1;
    this.bytes += bytes.length;
    if (bytes.length > 1_400) throw new Error(`a packet of ${bytes.length} bytes`);
    const delay = this.#delay();
    if (this.#random.fraction() < (this.options.lossShare ?? 0)) return;
    let sent = bytes;
    if (this.#random.fraction() < (this.options.damageShare ?? 0)) {
      sent = bytes.slice();
      sent[this.#random.uint32() % sent.length] ^= 1 << (this.#random.uint32() % 8);
    }
    const fromAddress = from.address;
    this.schedule(this.nowMs + delay, () => {
      const to = this.members.find((member) => member.address === toAddress);
      if (to !== undefined && this.#passes(from, to)) to.deliver({ kind: 'datagram', from: fromAddress, bytes: sent });
    });
  }

  ask(from: TestMember, toAddress: Address, bytes: Uint8Array, ticket: number): void {
    const { boot } = from;
    let isOver = false;
    const end = (answer: Uint8Array | null): void => {
      if (isOver) return;
      isOver = true;
      from.deliver({ kind: 'exchanged', ticket, bytes: answer }, boot);
    };
    this.schedule(this.nowMs + 3_000, () => end(null));
    this.schedule(this.nowMs + this.#delay() + this.#delay(), () => {
      const to = this.members.find((member) => member.address === toAddress);
      if (to === undefined || !this.reliableWorks || !this.#passes(from, to) || !this.#passes(to, from)) return;
      if (!to.up) return end(null);
      this.#handles += 1;
      const handle = this.#handles;
      this.#exchanges.set(handle, (answer) => {
        this.schedule(this.nowMs + this.#delay(), () => {
          if (this.#passes(to, from)) end(answer);
        });
      });
      to.deliver({ kind: 'exchange', handle, from: null, bytes });
    });
  }

  answer(handle: number, bytes: Uint8Array): void {
    this.#exchanges.get(handle)?.(bytes);
    this.#exchanges.delete(handle);
  }

  // Time.

  schedule(atMs: number, run: () => void): void {
    this.#order += 1;
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order, run });
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at], heap[parent])) break;
      [heap[at], heap[parent]] = [heap[parent], heap[at]];
      at = parent;
    }
  }

  #pop(): Scheduled {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < heap.length && isBefore(heap[child], heap[least])) least = child;
      if (least === at) return first;
      [heap[at], heap[least]] = [heap[least], heap[at]];
      at = least;
    }
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.#heap.length > 0 && this.#heap[0].atMs <= untilMs) {
      const { atMs, run } = this.#pop();
      this.nowMs = Math.max(this.nowMs, atMs);
      run();
    }
    this.nowMs = untilMs;
  }

  /** Lets time pass until something is so, and returns how long that took; fails when it has not come in time. */
  passUntil(isSo: () => boolean, withinMs: number): number {
    const startMs = this.nowMs;
    while (!isSo()) {
      if (this.nowMs - startMs >= withinMs) throw new Error(`it has not come within ${withinMs} ms`);
      this.pass(10);
    }
    return this.nowMs - startMs;
  }

  /** What was noted of that kind, by anybody, since then. */
  noted<Kind extends MembershipDomainEvent['kind']>(
    kind: Kind,
    sinceMs = 0,
  ): (Noted & { readonly event: Extract<MembershipDomainEvent, { kind: Kind }> })[] {
    return this.notes.filter(
      (note): note is Noted & { readonly event: Extract<MembershipDomainEvent, { kind: Kind }> } =>
        note.event.kind === kind && note.atMs >= sinceMs,
    );
  }
}

function isBefore(left: Scheduled, right: Scheduled): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

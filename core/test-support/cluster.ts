/**
 * Several nodes over disks in memory, for tests of what happens between them. Nothing happens but by the test's hand: it moves the clock, cuts links,
 * holds or drops single messages, holds syncs and reads of the log, takes the power away, kills a process alone, and lets stored bytes rot.
 */
import type { StorageOptions } from '../configuration.js';
import { type ControlView, type Row, withRows } from '../control/members-and-rows.js';
import type { Now } from '../events.js';
import type { NodeId } from '../identifiers.js';
import { PeerCodec, type PeerMessage } from '../wire/peer-message.js';
import { type ClusterOptions, Host, type HostWorld, type Posted, testClusterId, testSpace } from './host.js';
import { testPureFunctions } from './pure-functions.js';

/** Segments that fill after a dozen records and are compacted as soon as others hold what is in them: horizons rise quickly. */
export const smallSegments: Partial<StorageOptions> = { segmentBytes: 4_096, retainGarbageBytesMax: 0, compactLiveShareMax: 0.6 };

/** More events than this without the clock moving are a loop. */
const eventsAtOnceMax = 50_000;

export interface Transmission {
  readonly from: Host;
  readonly to: Host;
  readonly message: PeerMessage;
  readonly bytes: Uint8Array;
}

export class Cluster implements HostWorld {
  readonly hosts: readonly Host[];
  readonly options: ClusterOptions;
  readonly codec = new PeerCodec(testClusterId, testPureFunctions());
  now: Now = { monotonicMs: 1_000, wallMs: 1_700_000_000_000 };
  /** How long a message travels; 0 delivers within the event that sent it. */
  latencyMs = 0;
  /** Asked for each message that no cut stops; what it holds waits for `deliverHeld`. */
  filter: ((transmission: Transmission) => 'drop' | 'hold' | 'pass') | null = null;
  held: Transmission[] = [];
  /** Messages sent over whole links, by kind. */
  readonly sent = new Map<PeerMessage['kind'], number>();
  readonly #cuts = new Set<string>();
  readonly #queue: Posted[] = [];
  readonly #travelling: { readonly atMs: number; readonly host: Host; readonly bytes: Uint8Array }[] = [];
  #settling = false;

  /** Nodes that have all started and found each other; the first is primary. */
  constructor(nodes: number, options: ClusterOptions = {}) {
    this.options = options;
    this.hosts = Array.from({ length: nodes }, (_, index) => new Host(this, index));
    for (const host of this.hosts) host.start();
    this.pass(3_000);
  }

  control(): ControlView {
    if (this.options.view !== undefined) return this.options.view;
    const members = this.hosts.map(({ id, index }) => ({ id, name: `n${index + 1}` }));
    const row: Row = { space: testSpace, copies: this.hosts.map(({ id }) => id) };
    return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, [row]);
  }

  cut(left: Host, right: Host): void {
    this.#cuts.add(`${left.index} ${right.index}`).add(`${right.index} ${left.index}`);
  }

  /** Cuts the host off from all others. */
  isolate(host: Host): void {
    for (const other of this.hosts) if (other !== host) this.cut(host, other);
  }

  heal(): void {
    this.#cuts.clear();
  }

  transmit(from: Host, toId: NodeId, bytes: Uint8Array): void {
    const to = this.hosts.find(({ id }) => id === toId);
    if (to === undefined || this.#cuts.has(`${from.index} ${to.index}`)) return;
    const envelope = this.codec.decode(bytes);
    if (typeof envelope === 'string') throw new Error(`n${from.index + 1} sent what nobody can read: ${envelope}`);
    const { message } = envelope;
    this.sent.set(message.kind, (this.sent.get(message.kind) ?? 0) + 1);
    const transmission = { from, to, message, bytes };
    const fate = this.filter?.(transmission) ?? 'pass';
    if (fate === 'hold') this.held.push(transmission);
    if (fate !== 'pass') return;
    if (this.latencyMs > 0) this.#travelling.push({ atMs: this.now.monotonicMs + this.latencyMs, host: to, bytes });
    else this.post({ host: to, boot: null, event: { kind: 'message', bytes } });
  }

  /** Delivers what the filter held, or other transmissions kept from before. */
  deliverHeld(transmissions: readonly Transmission[] = this.held.splice(0)): void {
    for (const { to, bytes } of transmissions) this.post({ host: to, boot: null, event: { kind: 'message', bytes } });
    this.settle();
  }

  post(posted: Posted): void {
    this.#queue.push(posted);
  }

  /** Handles everything that is due at this moment. */
  settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    let events = 0;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { host, boot, event } = next;
      if (!host.up || (boot !== null && boot !== host.boot)) continue;
      events += 1;
      if (events > eventsAtOnceMax) throw new Error(`more than ${eventsAtOnceMax} events at one moment`);
      host.node.handle(event, this.now);
    }
    this.#settling = false;
  }

  /** Lets time pass; timers fire and messages arrive on their way. */
  pass(ms: number): void {
    const untilMs = this.now.monotonicMs + ms;
    for (;;) {
      const timer = this.#nextTimer();
      const arrival = this.#travelling[0];
      const atMs = Math.min(timer?.atMs ?? Number.POSITIVE_INFINITY, arrival?.atMs ?? Number.POSITIVE_INFINITY);
      if (atMs > untilMs) break;
      this.#moveTo(Math.max(this.now.monotonicMs, atMs));
      if (arrival !== undefined && arrival.atMs === atMs) {
        this.#travelling.shift();
        this.post({ host: arrival.host, boot: null, event: { kind: 'message', bytes: arrival.bytes } });
        this.settle();
      } else if (timer !== null) {
        timer.host.timers.delete(timer.name);
        timer.host.deliver({ kind: 'timer', name: timer.name });
      }
    }
    this.#moveTo(untilMs);
  }

  /** Lets time pass until something is so; fails when it has not come within 10 s. */
  passUntil(isSo: () => boolean): void {
    for (let waited = 0; !isSo(); waited += 10) {
      if (waited >= 10_000) throw new Error('it has not come within 10 s');
      this.pass(10);
    }
  }

  #nextTimer(): { readonly host: Host; readonly name: string; readonly atMs: number } | null {
    let first: { host: Host; name: string; atMs: number } | null = null;
    for (const host of this.hosts) {
      for (const [name, atMs] of host.timers) if (first === null || atMs < first.atMs) first = { host, name, atMs };
    }
    return first;
  }

  #moveTo(monotonicMs: number): void {
    this.now = { monotonicMs, wallMs: this.now.wallMs + monotonicMs - this.now.monotonicMs };
  }

  /** Writes one memory again and again: segments fill with what is dominated, and the horizon rises over them. */
  rewrite(host: Host, times: number): void {
    for (let count = 0; count < times; count += 1) {
      host.remember({ id: 'hot', text: `hot ${count} `.padEnd(300, 'x') });
      this.pass(5);
    }
  }
}

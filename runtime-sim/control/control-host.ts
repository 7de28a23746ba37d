/**
 * A machine with a whole node on it that is given nothing but its control log to keep: no clients, a processor that costs nothing. Its disk, clock and links are
 * the simulator's. What the node sends, applies and leads is told as observations, from the bytes where there are any.
 */
import type { NodeConfiguration } from '../../core/configuration.js';
import { partsOf } from '../../core/control/bundle.js';
import type { ControlEntry, Epoch } from '../../core/control/entries.js';
import type { RaftMessage } from '../../core/control/raft/vocabulary.js';
import type { DomainEvent } from '../../core/domain-events.js';
import type { Effects } from '../../core/effects.js';
import { EngramNode } from '../../core/engram-node.js';
import type { CoreEvent } from '../../core/events.js';
import type { NodeId, SpaceKey } from '../../core/identifiers.js';
import { PeerCodec } from '../../core/wire/peer-message.js';
import type { Seed } from '../../scenarios/random-streams.js';
import { ClockModel } from '../clock-model.js';
import type { ControlInspection, ControlObserver } from '../control-observer.js';
import { DiskModel, type DiskRequest, type DiskRequestKind } from '../disk-model.js';
import type { EventHeap } from '../event-heap.js';
import type { NetworkModel } from '../network-model.js';
import { NodeTimers, type TimerState } from '../node-timers.js';
import { simulatedPureFunctions } from '../pure-functions.js';
import { eventKinds } from '../trace.js';
import type { ControlPlan } from './control-plan.js';

export const controlClusterId = 'control';
const noParts: readonly Uint8Array[] = [];
const reading = simulatedPureFunctions('control-host', 'reading');
const codec = new PeerCodec(controlClusterId, reading);

/** What the hosts of one run share. */
export interface ControlStage {
  readonly seed: Seed;
  readonly plan: ControlPlan;
  readonly heap: EventHeap;
  readonly network: NetworkModel;
  nowUs: number;
  placeOf(node: NodeId): number | undefined;
  readonly observer: ControlObserver;
  /** For who tells the run as a story. */
  noted(host: ControlHost, event: DomainEvent): void;
  said(host: ControlHost, to: number, message: RaftMessage | null, bytes: Uint8Array): void;
}

export class ControlHost {
  readonly index: number;
  readonly id: NodeId;
  readonly name: string;
  readonly disk: DiskModel;
  readonly clock: ClockModel;
  readonly #stage: ControlStage;
  readonly #configuration: NodeConfiguration;
  #timers: NodeTimers;
  #core: EngramNode | null = null;
  incarnation = 0;
  /** Power goes during the next write, at this share of what it and a sync take. */
  crashAmidWrite: number | null = null;
  halted: string | null = null;
  #lastHandle = 0;

  constructor(
    stage: ControlStage,
    node: { readonly index: number; readonly id: NodeId; readonly name: string },
    configuration: NodeConfiguration,
  ) {
    this.#stage = stage;
    this.index = node.index;
    this.id = node.id;
    this.name = node.name;
    this.#configuration = configuration;
    this.disk = new DiskModel({ seed: stage.seed, node: node.name, rates: stage.plan.disk });
    this.clock = new ClockModel({ atUs: 0, wallMs: 0, driftPpm: stage.plan.driftPpm[node.index] });
    this.#timers = new NodeTimers(stage.heap, this.clock, node.index);
  }

  get alive(): boolean {
    return this.#core !== null;
  }

  /** What its control log knows; null while it is down or still recovers. */
  inspect(): ControlInspection | null {
    return this.#core?.inspectControl() ?? null;
  }

  get leads(): boolean {
    return this.inspect()?.raft?.role === 'leader';
  }

  get holdsLease(): boolean {
    return this.inspect()?.holdsLease(this.#now()) ?? false;
  }

  /** The epoch in which it is confirmed primary of the space; null when it is not. */
  confirmed(space: SpaceKey): Epoch | null {
    return this.inspect()?.confirmed(space, this.#now()) ?? null;
  }

  start(): void {
    const { heap, seed } = this.#stage;
    this.incarnation += 1;
    this.#stage.network.incarnations[this.index] = this.incarnation;
    this.#timers = new NodeTimers(heap, this.clock, this.index);
    const pure = simulatedPureFunctions(seed, `core/${this.name}/${this.incarnation}`);
    this.#core = new EngramNode(this.#configuration, this.#effects(this.incarnation), pure);
    this.take({ kind: 'start', candidateNodeId: this.id });
  }

  end(how: 'power' | 'kill'): void {
    if (how === 'power') this.disk.crash(this.#stage.nowUs);
    else this.disk.kill(this.#stage.nowUs);
    this.#core = null;
    this.incarnation += 1;
    this.#stage.network.incarnations[this.index] = this.incarnation;
    this.crashAmidWrite = null;
  }

  take(event: CoreEvent): void {
    this.#core?.handle(event, this.#now());
    if (this.halted !== null && this.#core !== null) this.end('power');
  }

  propose(entry: ControlEntry): void {
    this.#lastHandle += 1;
    this.#stage.observer.proposed({ name: this.name, boot: this.incarnation }, this.#lastHandle, entry);
    this.take({ kind: 'propose', handle: this.#lastHandle, entry });
  }

  timer(timer: TimerState, version: number): void {
    if (this.#core === null || !this.#timers.due(timer, version, this.#stage.nowUs)) return;
    timer.armed = false;
    this.take(timer.event);
  }

  diskDone(request: DiskRequest): void {
    const { nowUs, heap } = this.#stage;
    if (nowUs < this.disk.stalledUntilUs) heap.push(this.disk.stalledUntilUs, eventKinds.disk, this.index, this.incarnation, request);
    else this.take({ kind: 'disk', ticket: request.ticket, result: this.disk.complete(request, nowUs) });
  }

  #now(): { readonly monotonicMs: number; readonly wallMs: number } {
    const { nowUs } = this.#stage;
    return { monotonicMs: this.clock.monotonicMs(nowUs), wallMs: this.clock.wallMs(nowUs) };
  }

  /** Performed at once: all of them only schedule what happens later, or tell what has happened. What an ended process still asks for is nothing. */
  #effects(incarnation: number): Effects {
    const stage = this.#stage;
    const isUp = (): boolean => this.incarnation === incarnation && this.halted === null;
    const ask = (
      kind: DiskRequestKind,
      file: string,
      offset: number,
      length: number,
      parts: readonly Uint8Array[],
      ticket: number,
    ): void => {
      if (isUp()) this.#submit({ kind, file, offset, length, parts, ticket });
    };
    const bytesOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);
    return {
      network: { send: (to, bytes) => (isUp() ? this.#send(to, bytes) : undefined) },
      datagrams: { send: () => undefined },
      exchanges: { ask: () => undefined, answer: () => undefined },
      disk: {
        list: (ticket) => ask('list', '', 0, 0, noParts, ticket),
        read: (file, { offset, length }, ticket) => ask('read', file, offset, length, noParts, ticket),
        reserve: (file, bytes, ticket) => ask('reserve', file, 0, bytes, noParts, ticket),
        write: (file, offset, parts, ticket) =>
          ask(
            'write',
            file,
            offset,
            bytesOf(parts),
            parts.map((part) => part.slice()),
            ticket,
          ),
        sync: (file, ticket) => ask('sync', file, 0, 0, noParts, ticket),
        replace: (file, bytes, ticket) => ask('replace', file, 0, bytes.length, [bytes.slice()], ticket),
        remove: (file, ticket) => ask('remove', file, 0, 0, noParts, ticket),
      },
      timers: {
        arm: (name, atMs) => (isUp() ? this.#timers.arm(name, atMs, stage.nowUs) : undefined),
        disarm: (name) => this.#timers.disarm(name),
      },
      compute: { run: () => undefined },
      replies: { send: () => undefined },
      journal: { note: (event) => (isUp() ? this.#noted(event) : undefined) },
      lifecycle: {
        halt: (reason) => {
          this.halted = reason;
        },
      },
    };
  }

  #submit(request: DiskRequest): void {
    const { heap, nowUs, plan } = this.#stage;
    const endUs = this.disk.submit(request, nowUs);
    heap.push(endUs, eventKinds.disk, this.index, this.incarnation, request);
    if (this.crashAmidWrite === null || request.kind !== 'write') return;
    const atUs = nowUs + Math.floor(this.crashAmidWrite * (endUs - nowUs + plan.disk.syncUs[1]));
    this.crashAmidWrite = null;
    heap.push(atUs, eventKinds.powerLoss, this.index, this.incarnation, null);
  }

  #send(to: NodeId, bytes: Uint8Array): void {
    const { network, nowUs } = this.#stage;
    const place = this.#stage.placeOf(to);
    if (place === undefined) return;
    this.#observeSent(place, bytes);
    network.transmit(nowUs, this.index, place, eventKinds.message, bytes, bytes.length);
  }

  #observeSent(to: number, bytes: Uint8Array): void {
    const envelope = codec.decode(bytes);
    if (typeof envelope === 'string' || envelope.message.kind !== 'control') return;
    const { observer, plan } = this.#stage;
    for (const part of partsOf(envelope.message.bytes) ?? []) {
      const message = observer.said({ name: this.name, boot: this.incarnation }, plan.nodes[to], part);
      this.#stage.said(this, to, message, part);
    }
  }

  #noted(event: DomainEvent): void {
    this.#stage.noted(this, event);
    const control = this.inspect();
    if (control !== null) this.#stage.observer.noted({ name: this.name, boot: this.incarnation }, event, control);
  }
}

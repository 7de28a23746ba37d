/**
 * A simulated machine: one core, the disk that outlives it, its clocks, its timers and its processor.
 *
 * What the core asks for is collected while it handles an event and done when it has returned, at the moment when its processor is done with
 * the event. What arrives meanwhile waits. A crash drops the core and everything in memory; the next process knows the disk only.
 */
import { type ComputeJob, compute } from '../core/compute.js';
import type { NodeConfiguration } from '../core/configuration.js';
import type { ControlEntry } from '../core/control/entries.js';
import type { DomainEvent } from '../core/domain-events.js';
import type { NodeInspection } from '../core/engram-node.js';
import type { CoreEvent, Now } from '../core/events.js';
import type { NodeId } from '../core/identifiers.js';
import type { Address } from '../core/membership/address.js';
import type { MembershipInspection } from '../core/membership/inspection.js';
import type { Reply } from '../core/wire/generated/engram/v1/service.js';
import { messageChecksum } from '../core/wire/peer-message.js';
import { Draws } from '../scenarios/random-streams.js';
import type { PlannedClock } from '../scenarios/run-plan.js';
import { ClockModel } from './clock-model.js';
import { asked, CollectedEffects, type Question } from './collected-effects.js';
import type { ControlInspection } from './control-observer.js';
import { computeCostUs, effectUs, eventCostUs } from './cpu-costs.js';
import { DiskModel, type DiskRequest, detailOf } from './disk-model.js';
import type { Identities } from './identities.js';
import { NodeTimers, type TimerState } from './node-timers.js';
import { crc32, simulatedPureFunctions } from './pure-functions.js';
import { decodeRequest } from './service-decoding.js';
import { encodeReply } from './service-encoding.js';
import type { CoreFactory, SimulatedCore } from './simulated-core.js';
import { eventKinds } from './trace.js';
import type { Answer, Call, World } from './world.js';

/** Wall clock of all nodes at the start of a run, before offsets: 2026-01-01. */
const startWallMs = 1_767_225_600_000;
/** The first answer of discovery takes so long at most. */
const resolvedUsMax = 50_000;

export interface NodeHostOptions {
  readonly index: number;
  readonly id: NodeId;
  /** Of a process that others reach at this address. */
  readonly configuration: (address: Address) => NodeConfiguration;
  readonly clock: PlannedClock | undefined;
  readonly createCore: CoreFactory;
  /** Who everybody is. */
  readonly identities: Identities;
}

const kernelFunctions = simulatedPureFunctions('compute', 'kernels');

export class NodeHost {
  readonly index: number;
  id: NodeId;
  disk: DiskModel;
  /** Its disk was destroyed: who starts here next is a new node. */
  withoutDisk = false;
  readonly clock: ClockModel;
  readonly #world: World;
  readonly #options: NodeHostOptions;
  readonly #asks = new CollectedEffects();
  #core: SimulatedCore | null = null;
  /** Whether the machine has power: without a process it then refuses connections. Before the first start it waits for its process. */
  powered = true;
  #timers: NodeTimers;
  /** Counts processes: what was meant for an earlier one is lost. */
  incarnation = 0;
  /** What this process has seen that could change what it holds: inspections are kept while it stays. */
  #changes = 0;
  #inspectedAt = -1;
  #inspection: NodeInspection | null = null;
  #busyUntilUs = 0;
  #inbox: { event: CoreEvent; kind: number; detail: number; bytes: number }[] = [];
  #inboxHead = 0;
  #calls = new Map<number, Call>();
  #lastHandle = 0;
  #disks = 1;
  /** Power goes during the next write to the disk: at this share of the time that the write and a sync take. */
  crashAmidWrite: number | null = null;
  /** Whether the machine then stays up, and only the process ends. */
  amidWriteKills = false;
  /** Whether this process has ended its recovery. */
  serving = false;

  constructor(world: World, options: NodeHostOptions) {
    this.#world = world;
    this.#options = options;
    this.index = options.index;
    this.id = options.id;
    const name = world.plan.nodes[options.index];
    this.disk = new DiskModel({ seed: world.seed, node: name, rates: world.plan.disk });
    this.clock = new ClockModel({ atUs: 0, wallMs: startWallMs + (options.clock?.offsetMs ?? 0), driftPpm: options.clock?.driftPpm ?? 0 });
    this.#timers = new NodeTimers(world.heap, this.clock, options.index);
  }

  get alive(): boolean {
    return this.#core !== null;
  }

  /** Power on. */
  start(): void {
    this.incarnation += 1;
    if (this.withoutDisk) this.#becomeNewNode();
    this.#world.network.incarnations[this.index] = this.incarnation;
    this.#timers = new NodeTimers(this.#world.heap, this.clock, this.index);
    this.#busyUntilUs = this.#world.nowUs;
    const pure = simulatedPureFunctions(this.#world.seed, `core/${this.#world.plan.nodes[this.index]}/${this.incarnation}`);
    const configuration = this.#options.configuration(this.#world.addresses.of(this.index));
    this.#core = this.#options.createCore(configuration, this.#asks.effects, pure);
    this.serving = false;
    this.powered = true;
    this.#take({ kind: 'start', candidateNodeId: this.id }, eventKinds.start, this.incarnation, 0);
    const resolution = new Draws(this.#world.seed, `discovery/${this.#world.plan.nodes[this.index]}/${this.incarnation}`);
    this.discoverAt(this.#world.nowUs + resolution.integer({ min: 500, max: resolvedUsMax }));
  }

  /** Discovery answers then: with the addresses that the seeds have at that moment. */
  discoverAt(atUs: number): void {
    this.#world.heap.push(atUs, eventKinds.discovery, this.index, this.incarnation, null);
  }

  discovered(): void {
    const { plan, addresses } = this.#world;
    const found = (plan.seeds ?? plan.nodes).map((name) => addresses.of(plan.nodes.indexOf(name)));
    if (this.#core !== null) this.#take({ kind: 'seeds', addresses: found }, eventKinds.discovery, found.length, 0);
  }

  /** It is asked to say that it will be absent. */
  leave(): void {
    this.#take({ kind: 'leave' }, eventKinds.fault, 0, 0);
  }

  datagram(from: Address, bytes: Uint8Array): void {
    this.#take({ kind: 'datagram', from, bytes }, eventKinds.datagram, crc32(bytes), bytes.length);
  }

  asked(handle: number, bytes: Uint8Array): void {
    this.#take({ kind: 'exchange', handle, from: null, bytes }, eventKinds.exchange, crc32(bytes), bytes.length);
  }

  exchanged(ticket: number, bytes: Uint8Array | null): void {
    this.#take({ kind: 'exchanged', ticket, bytes }, eventKinds.exchange, bytes === null ? ticket : crc32(bytes), bytes?.length ?? 0);
  }

  /** The disk is gone for good, and whatever ran on it has ended. Returns it. */
  loseDisk(): DiskModel {
    const destroyed = this.disk;
    const { seed, plan } = this.#world;
    this.#disks += 1;
    this.disk = new DiskModel({ seed, node: `${plan.nodes[this.index]}/${this.#disks}`, rates: plan.disk });
    this.withoutDisk = true;
    return destroyed;
  }

  /** Everybody else is told who answers under this name now, each a little later; where a control log says who is a member, an operator tells it. */
  #becomeNewNode(): void {
    const { heap, nowUs, seed, plan } = this.#world;
    this.withoutDisk = false;
    this.id = this.#options.identities.renew(this.index);
    if (plan.configuration.controlLog !== undefined) return;
    const delays = new Draws(seed, `control/${this.id}`);
    for (const peer of plan.nodes.keys()) {
      const atUs = nowUs + delays.integer({ min: 1_000, max: 500_000 });
      if (peer !== this.index) heap.push(atUs, eventKinds.control, peer, this.#world.network.incarnations[peer], null);
    }
  }

  /** Power off: memory is gone, the disk keeps what it keeps. Returns the sectors and operations that were at stake. */
  crash(): { readonly inFlight: number; readonly sectors: number } {
    const inFlight = this.disk.inFlight;
    const sectors = this.disk.crash(this.#world.nowUs);
    this.powered = false;
    this.#endProcess();
    return { inFlight, sectors };
  }

  /** The process ends, the machine goes on. Returns whether writes are left that no sync covers. */
  kill(): boolean {
    const unsynced = this.disk.kill(this.#world.nowUs);
    this.#endProcess();
    return unsynced;
  }

  #endProcess(): void {
    this.#core = null;
    this.incarnation += 1;
    this.#world.network.incarnations[this.index] = this.incarnation;
    this.crashAmidWrite = null;
    this.#inbox = [];
    this.#inboxHead = 0;
    this.#calls = new Map();
    this.#inspection = null;
    this.#inspectedAt = -1;
    this.#changes += 1;
  }

  /** What the core says of itself, not older than its last change; null while it is down. */
  inspect(): NodeInspection | null {
    if (this.#core === null) return null;
    if (this.#inspectedAt !== this.#changes || this.#inspection === null) {
      this.#inspection = this.#core.inspect();
      this.#inspectedAt = this.#changes;
    }
    return this.#inspection;
  }

  /** What it says now of the other nodes; null while it is down or takes no part. */
  inspectMembership(): MembershipInspection | null {
    return this.#core?.inspect().membership ?? null;
  }

  /** What time its clocks show. */
  now(): Now {
    const { nowUs } = this.#world;
    return { monotonicMs: this.clock.monotonicMs(nowUs), wallMs: this.clock.wallMs(nowUs) };
  }

  /** What its control log knows; null while it is down or keeps none. */
  inspectControl(): ControlInspection | null {
    return this.#core?.inspectControl?.() ?? null;
  }

  /** An operator asks it to have an entry committed. */
  propose(handle: number, entry: ControlEntry): void {
    this.#take({ kind: 'propose', handle, entry }, eventKinds.operator, entry.kind.length, 0);
  }

  message(bytes: Uint8Array): void {
    this.#take({ kind: 'message', bytes }, eventKinds.message, messageChecksum(bytes), bytes.length);
  }

  request(call: Call): void {
    this.#lastHandle += 1;
    this.#calls.set(this.#lastHandle, call);
    const event: CoreEvent = { kind: 'request', handle: this.#lastHandle, request: decodeRequest(call.bytes) };
    this.#take(event, eventKinds.request, crc32(call.bytes), call.bytes.length);
  }

  timer(timer: TimerState, version: number): void {
    if (this.#core === null || !this.#timers.due(timer, version, this.#world.nowUs)) return;
    timer.armed = false;
    this.#take(timer.event, eventKinds.timer, timer.event.name.length, 0);
  }

  diskDone(request: DiskRequest): void {
    const { nowUs, heap } = this.#world;
    if (nowUs < this.disk.stalledUntilUs) {
      this.disk.disturbed += 1;
      heap.push(this.disk.stalledUntilUs, eventKinds.disk, this.index, this.incarnation, request);
      return;
    }
    const result = this.disk.complete(request, nowUs);
    this.#take({ kind: 'disk', ticket: request.ticket, result }, eventKinds.disk, detailOf(request, result), request.length);
  }

  /** A new node has said who it is. */
  membersChanged(): void {
    if (this.#core !== null) this.#take({ kind: 'control', view: this.#options.identities.view }, eventKinds.control, 0, 0);
  }

  computed(event: CoreEvent): void {
    this.#take(event, eventKinds.compute, 0, 0);
  }

  /** The processor is free again: the next of what waits. */
  free(): void {
    if (this.#core === null || this.#inboxHead === this.#inbox.length) return;
    const next = this.#inbox[this.#inboxHead];
    if (this.#world.tracer !== null) this.#world.tracer.unqueued(this.index);
    this.#inboxHead += 1;
    if (this.#inboxHead === this.#inbox.length) {
      this.#inbox = [];
      this.#inboxHead = 0;
    }
    this.#handle(next.event, next.kind, next.detail, next.bytes);
    if (this.#inboxHead < this.#inbox.length) this.#wakeWhenFree();
  }

  #take(event: CoreEvent, kind: number, detail: number, bytes: number): void {
    if (this.#world.nowUs >= this.#busyUntilUs && this.#inbox.length === 0) {
      this.#handle(event, kind, detail, bytes);
      return;
    }
    this.#inbox.push({ event, kind, detail, bytes });
    if (this.#world.tracer !== null) this.#world.tracer.queued(this.index);
    if (this.#inbox.length - this.#inboxHead === 1) this.#wakeWhenFree();
  }

  #wakeWhenFree(): void {
    this.#world.heap.push(this.#busyUntilUs, eventKinds.nodeFree, this.index, this.incarnation, null);
  }

  #handle(event: CoreEvent, kind: number, detail: number, bytes: number): void {
    const world = this.#world;
    const core = this.#core as SimulatedCore;
    world.trace.event(world.nowUs, kind, this.index, detail);
    if (event.kind === 'disk' || event.kind === 'compute' || event.kind === 'request') this.#changes += 1;
    this.#busyUntilUs = world.nowUs + eventCostUs(event.kind, bytes);
    this.#asks.reset();
    try {
      core.handle(event, this.now());
    } catch (error) {
      this.#asks.count = 0;
      world.recorder.coreThrew(this.index, error);
      this.#asks.halted = 'threw';
    }
    this.#perform();
    if (world.recorder.hasRecovered) world.recorder.settle();
    if (this.#asks.halted !== null) this.#stop(this.#asks.halted);
  }

  #stop(reason: string): void {
    this.#world.recorder.halted(this.index, reason);
    this.#world.heap.push(this.#world.nowUs, eventKinds.restart, this.index, this.incarnation, reason);
  }

  /** Does what the core asked for, in the order of its calls, each a little later than the one before. */
  #perform(): void {
    const { heap, network, addresses, exchanges, trace, recorder } = this.#world;
    const { kinds, values, count } = this.#asks;
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      this.#busyUntilUs += effectUs;
      const departUs = this.#busyUntilUs;
      const first = values[at];
      const second = values[at + 1];
      at += 2;
      switch (kinds[index]) {
        case asked.message: {
          const to = this.#options.identities.whereIs(first as NodeId);
          const bytes = second as Uint8Array;
          recorder.sent(this.index, bytes);
          if (to !== undefined) network.transmit(departUs, this.index, to, eventKinds.message, bytes, bytes.length);
          break;
        }
        case asked.datagram: {
          const to = addresses.placeOf(first as Address);
          const bytes = second as Uint8Array;
          if (to !== undefined && to !== this.index) network.transmit(departUs, this.index, to, eventKinds.datagram, bytes, bytes.length);
          break;
        }
        case asked.exchange: {
          const { bytes, ticket } = second as Question;
          exchanges.ask(departUs, this.index, first as Address, bytes, ticket);
          break;
        }
        case asked.answer:
          exchanges.answer(departUs, this.index, first as number, second as Uint8Array);
          break;
        case asked.disk: {
          const request = first as DiskRequest;
          const endUs = this.disk.submit(request, departUs);
          heap.push(endUs, eventKinds.disk, this.index, this.incarnation, request);
          if (this.crashAmidWrite !== null && request.kind === 'write') this.#losePower(departUs, endUs);
          break;
        }
        case asked.arm:
          this.#timers.arm(first as string, second as number, departUs);
          break;
        case asked.disarm:
          this.#timers.disarm(first as string);
          break;
        case asked.compute: {
          const job = first as ComputeJob;
          const event: CoreEvent = { kind: 'compute', ticket: second as number, result: compute(job, kernelFunctions) };
          heap.push(departUs + computeCostUs(job), eventKinds.compute, this.index, this.incarnation, event);
          break;
        }
        case asked.reply:
          this.#reply(first as number, second as Reply, departUs);
          break;
        default:
          trace.consequence(index, (first as DomainEvent).kind.length);
          if ((first as DomainEvent).kind === 'node.started') this.serving = true;
          recorder.noted(this.index, first as DomainEvent);
      }
    }
    this.#asks.count = 0;
  }

  #losePower(startUs: number, writtenUs: number): void {
    const { heap, plan } = this.#world;
    const atUs = startUs + Math.floor((this.crashAmidWrite as number) * (writtenUs - startUs + plan.disk.syncUs[1]));
    this.crashAmidWrite = null;
    heap.push(atUs, eventKinds.powerLoss, this.index, this.incarnation, null);
  }

  #reply(handle: number, reply: Reply, departUs: number): void {
    const call = this.#calls.get(handle);
    if (call === undefined) return;
    this.#calls.delete(handle);
    const answer: Answer = { attempt: call.attempt, node: this.index, bytes: encodeReply(reply) };
    this.#world.recorder.answered(this.index, reply, call.space);
    this.#world.network.transmit(departUs, this.index, call.client, eventKinds.reply, answer, answer.bytes.length);
  }
}

/**
 * One run: nodes, clients, network, disks and faults of a plan, driven by the heap of events until the plan's story and the liveness that follows it
 * are told. Synchronous from the first event to the last; nothing in here knows what time it really is.
 */
import type { History } from '../checker/history.js';
import { defaultMemoryOptions } from '../core/configuration.js';
import type { CoreEvent } from '../core/events.js';
import type { NodeId } from '../core/identifiers.js';
import { invariant } from '../core/invariant.js';
import type { Fault } from '../scenarios/fault-plan.js';
import { RandomStreams, type Seed } from '../scenarios/random-streams.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { PlannedOperation } from '../scenarios/workload.js';
import { Addresses } from './addresses.js';
import { type ClientEndpoint, type ClientFactory, SimulatedClient } from './client.js';
import { ControlOperator, operatorTickUs } from './control-operator.js';
import { ControlWatch } from './control-watch.js';
import { LogReader, spaceOf } from './core-formats.js';
import { syncedDots } from './disk-contents.js';
import type { DiskModel, DiskRequest } from './disk-model.js';
import type { EventHeap } from './event-heap.js';
import { type ExchangeStep, Exchanges } from './exchanges.js';
import { FaultInjector } from './fault-injector.js';
import { HistoryRecorder, splitBrainHealed, termsOfOneSpace } from './history-recorder.js';
import { Identities } from './identities.js';
import { LinkLog } from './link-log.js';
import { Liveness, tickUs } from './liveness.js';
import { MembershipRecorder } from './membership-recorder.js';
import { incarnationOf, senderOf } from './network-model.js';
import { configurationOf, membershipParameters } from './node-configuration.js';
import { NodeHost } from './node-host.js';
import type { TimerState } from './node-timers.js';
import type { CoreFactory } from './simulated-core.js';
import { splitRecords } from './split-records.js';
import { type Surroundings, traced, untraced } from './trace/surroundings.js';
import type { TraceSink } from './trace/trace-events.js';
import { eventKinds, type Trace } from './trace.js';
import type { Answer, Call, World } from './world.js';

/** Nodes start at zero, load a little later: the first terms take a moment. */
const loadStartUs = 2_000_000;
/** A fault that found nothing to act on tries again. */
const laterUs = 1_000_000;
/** A run that needs more is caught in a circle. */
const eventsMax = 100_000_000;

export interface SimulationOptions {
  readonly plan: RunPlan;
  readonly seed: Seed;
  readonly trace: Trace;
  readonly createCore: CoreFactory;
  /** Who stands at the plan's clients; SimulatedClient when absent. */
  readonly createClient?: ClientFactory;
  /** Takes the events of the run, under the scenario's name; without it nothing is traced. */
  readonly tracing?: { readonly sink: TraceSink; readonly scenario: string };
}

export class Simulation {
  readonly #world: World;
  readonly #identities: Identities;
  readonly #hosts: readonly NodeHost[];
  readonly #clients: readonly ClientEndpoint[];
  readonly #readers: readonly ClientEndpoint[];
  readonly #injector: FaultInjector;
  /** Null where no control log is kept. */
  readonly #operator: ControlOperator | null;
  readonly #watch: ControlWatch | null;
  readonly liveness: Liveness;

  constructor({ plan, seed, trace, createCore, createClient, tracing }: SimulationOptions) {
    const random = new RandomStreams(seed);
    const identities = new Identities(seed, plan);
    this.#identities = identities;
    const { ids, endpointOf } = identities;
    const endpoints = [...plan.nodes, ...plan.clients, ...plan.nodes.map((name) => `reader-${name}`)];
    const surroundings: Surroundings =
      tracing === undefined ? untraced({ seed, plan, endpoints }) : traced({ seed, plan, endpoints, ids, loadStartUs, ...tracing });
    const { heap, network, tracer } = surroundings;
    const addresses = new Addresses(plan);
    const nowMs = (): number => this.#world.loadMs(this.#world.nowUs);
    const links = new LinkLog(plan.nodes, { nowMs, msOf: (us) => this.#world.loadMs(us) });
    network.log = links;
    const recorder: HistoryRecorder = new HistoryRecorder({
      ids,
      names: plan.nodes,
      nowMs,
      inspect: (node) => this.#hosts[node].inspect(),
      onDisk: (node) => syncedDots(this.#hosts[node].disk),
      membership: new MembershipRecorder({
        places: plan.nodes,
        nowMs,
        links,
        mark: (name) => recorder.mark(name),
        placeOf: (node) => endpointOf.get(node),
        isCut: (from, to) => network.isCut(from, to),
      }),
    });
    this.#world = {
      seed,
      plan,
      random,
      heap,
      network,
      addresses,
      exchanges: new Exchanges({
        heap,
        network,
        addresses,
        timeoutUs: membershipParameters(plan).exchangeTimeoutMs * 1_000,
        nodeAt: (place) => this.#hosts[place],
        lost: (why) => tracer?.lost(why),
      }),
      trace,
      recorder,
      tracer,
      endpoints,
      nowUs: 0,
      loadMs: (us) => (us - loadStartUs) / 1_000,
      loadUs: (ms) => Math.round(ms * 1_000) + loadStartUs,
      nodeOf: (id) => endpointOf.get(id as NodeId) ?? null,
    };
    const watch =
      plan.configuration.controlLog === undefined
        ? null
        : new ControlWatch({ world: () => this.#world, hosts: () => this.#hosts, identities });
    this.#watch = watch;
    this.#hosts = ids.map(
      (id, index) =>
        new NodeHost(this.#world, {
          index,
          id,
          configuration: (address) => configurationOf({ plan, index, identities, address }),
          clock: plan.clocks.find(({ node }) => node === plan.nodes[index]),
          createCore: surroundings.cores(index, watch?.cores(index, createCore) ?? createCore),
          identities,
        }),
    );
    const planned = plan.rows.map(({ space, copies }) => [space, copies.map((name) => plan.nodes.indexOf(name))] as const);
    const copiesOf = new Map<string, readonly number[]>(planned);
    const client: ClientFactory = (world, index) => new SimulatedClient(world, index, new Map(planned));
    this.#clients = plan.clients.map((_, at) => (createClient ?? client)(this.#world, plan.nodes.length + at));
    // Readers stand for the judges: they go by the rows as they are, also where copies have moved since the plan.
    this.#readers = plan.nodes.map((_, at) => new SimulatedClient(this.#world, plan.nodes.length + plan.clients.length + at, copiesOf));
    this.#operator = watch === null ? null : new ControlOperator(this.#world, { hosts: this.#hosts, identities, copiesOf, watch });
    this.#injector = new FaultInjector(this.#world, this.#hosts);
    this.liveness = new Liveness({
      world: this.#world,
      hosts: this.#hosts,
      clients: this.#clients,
      readers: this.#readers,
      injector: this.#injector,
      copiesOf,
    });
  }

  get recorder(): HistoryRecorder {
    return this.#world.recorder;
  }

  /** Virtual milliseconds since the first node started. */
  get simulatedMs(): number {
    return Math.round(this.#world.nowUs / 1_000);
  }

  run(): void {
    const { trace } = this.#world;
    this.schedulePlan();
    while (!this.liveness.done && this.step()) invariant(trace.events < eventsMax, 'a run ends');
    this.#injector.settle();
    const reader = new LogReader();
    const keepLog = (id: NodeId, disk: DiskModel): void => {
      const groups: number[] = [];
      this.recorder.logs.set(id, reader.read(disk.durableWrites, groups));
      const durableMs = groups.map((group) => this.#world.loadMs(disk.durableWrites[group].atUs));
      this.recorder.logDurableMs.set(id, durableMs);
    };
    for (const { id, disk } of this.#injector.destroyedDisks) keepLog(id, disk);
    for (const host of this.#hosts) if (!host.withoutDisk) keepLog(host.id, host.disk);
    if (this.#injector.destroyedDisks.length > 0 && this.liveness.settled === true) this.recorder.mark('copy lost for good and refilled');
    this.recorder.splits.push(...splitRecords(this.#world, this.#hosts, this.#watch));
    if (splitBrainHealed(this.recorder.terms)) this.recorder.mark('split-brain healed');
    if (termsOfOneSpace(this.recorder.terms, 20)) this.recorder.mark('twenty terms of one space');
    if (this.#world.network.overflowed > 0) this.recorder.mark('queue of a link overflowed');
    if (!this.#injector.insideFaultModel) this.recorder.mark('damaged beyond the fault model');
    if (this.#world.network.clogged > 0) this.recorder.mark('messages held back by a clog');
  }

  history(): History {
    const { recorder, liveness } = this;
    const { plan, network } = this.#world;
    const networkFault = { fault: 'loss, duplication and reordering', family: 'network', atMs: 0, tookEffect: network.mishaps > 0 };
    return {
      operations: recorder.operations,
      membership: recorder.membership.record((place) => this.#hosts[place].inspectMembership()),
      logs: recorder.logs,
      logDurableMs: recorder.logDurableMs,
      copies: new Map(plan.rows.map(({ space, copies }) => [spaceOf(space), copies.length])),
      copyHolders: new Map(plan.rows.map(({ space, copies }) => [spaceOf(space), this.#identities.everAt(copies)])),
      destroyedDisks: recorder.destroyedDisks,
      recoveries: recorder.recoveries,
      terms: recorder.terms,
      samples: liveness.samples,
      faults: plan.families.includes('network') ? [...recorder.faults, networkFault] : recorder.faults,
      splits: recorder.splits,
      healedMs: liveness.healedMs,
      majorityHealedMs: liveness.majorityHealedMs,
      endedMs: this.#world.loadMs(this.#world.nowUs),
      insideFaultModel: this.#injector.insideFaultModel,
      acknowledgementsPerSideMin: plan.acknowledgementsPerSideMin,
      retryWindowMs: plan.configuration.memory?.retryWindowMs ?? defaultMemoryOptions.retryWindowMs,
      familiesDrawn: plan.families,
      ...this.#controlHistory(),
    };
  }

  #controlHistory(): Pick<History, 'partitionPolicy' | 'control' | 'placement'> {
    if (this.#watch === null) return {};
    const { plan } = this.#world;
    const replicationFactor = Math.max(...plan.rows.map(({ copies }) => copies.length));
    const partitionPolicy = plan.configuration.controlLog?.partitionPolicy ?? 'accept';
    return {
      partitionPolicy,
      control: this.#watch.trace(this.liveness.convergenceMs !== null),
      placement: this.#watch.placement(replicationFactor),
    };
  }

  /** Lets the next event happen; false when there is none. `run` does this till the end; whoever asks from outside does it for as long as it waits. */
  step(): boolean {
    const { heap } = this.#world;
    if (!heap.pop()) return false;
    invariant(heap.timeUs >= this.#world.nowUs, 'time does not go back');
    this.#world.nowUs = heap.timeUs;
    this.#dispatch(heap);
    return true;
  }

  schedulePlan(): void {
    const { heap, plan, loadUs } = this.#world;
    const starts = this.#world.random.stream('start');
    for (const host of this.#hosts) heap.push(starts.integer({ min: 0, max: 300_000 }), eventKinds.start, host.index, 0, null);
    for (const fault of plan.faults) heap.push(loadUs(fault.atMs), eventKinds.fault, 0, 0, fault);
    for (const operation of plan.operations) {
      heap.push(loadUs(operation.atMs), eventKinds.operation, plan.nodes.length + plan.clients.indexOf(operation.client), 0, operation);
    }
    heap.push(loadUs(plan.durationMs), eventKinds.phase, 0, 0, null);
    if (this.#operator !== null) heap.push(operatorTickUs, eventKinds.operator, 0, 0, null);
  }

  #dispatch(heap: EventHeap): void {
    const { kind, target, extra } = heap;
    switch (kind) {
      case eventKinds.message:
      case eventKinds.request:
        if (this.#hosts[target].incarnation === incarnationOf(extra)) this.#deliver(kind, target, senderOf(extra), heap.payload);
        else this.#world.tracer?.lost(this.#hosts[target].alive ? 'receiver-restarted' : 'receiver-down');
        return;
      case eventKinds.datagram:
        this.#deliverDatagram(target, senderOf(extra), heap.payload as Uint8Array);
        return;
      case eventKinds.exchange:
        this.#world.exchanges.comesUp(heap.payload as ExchangeStep, this.#world.nowUs);
        return;
      case eventKinds.discovery:
        if (this.#hosts[target].incarnation === extra) this.#hosts[target].discovered();
        return;
      case eventKinds.timer:
        this.#hosts[target].timer(heap.payload as TimerState, extra);
        return;
      case eventKinds.disk:
        if (this.#hosts[target].incarnation === extra) this.#hosts[target].diskDone(heap.payload as DiskRequest);
        return;
      case eventKinds.control:
        if (this.#hosts[target].incarnation === extra) this.#hosts[target].membersChanged();
        return;
      case eventKinds.compute:
        if (this.#hosts[target].incarnation === extra) this.#hosts[target].computed(heap.payload as CoreEvent);
        return;
      case eventKinds.nodeFree:
        if (this.#hosts[target].incarnation === extra) this.#hosts[target].free();
        return;
      case eventKinds.start:
      case eventKinds.restart:
      case eventKinds.powerLoss:
        this.#startOrStop(kind, target, extra);
        return;
      default:
        this.#happenOutside(kind, target, extra, heap.payload);
    }
  }

  #deliver(kind: number, target: number, sender: number, payload: unknown): void {
    const host = this.#hosts[target];
    if (!host.alive) {
      this.#world.tracer?.lost('receiver-down');
      return;
    }
    if (!this.#world.network.arrives(sender, target)) return;
    if (kind === eventKinds.message) host.message(payload as Uint8Array);
    else host.request(payload as Call);
  }

  /** A datagram is meant for an address: whoever is there now takes it. */
  #deliverDatagram(target: number, sender: number, bytes: Uint8Array): void {
    const host = this.#hosts[target];
    if (!host.alive) this.#world.tracer?.lost('receiver-down');
    else if (this.#world.network.arrives(sender, target)) host.datagram(this.#world.addresses.of(sender), bytes);
  }

  #startOrStop(kind: number, target: number, incarnation: number): void {
    const host = this.#hosts[target];
    if (host.incarnation !== incarnation || (kind === eventKinds.powerLoss && this.liveness.faultsOver)) return;
    if (kind === eventKinds.start) {
      if (!host.alive) host.start();
      return;
    }
    this.#world.trace.event(this.#world.nowUs, kind, target, incarnation);
    if (kind === eventKinds.powerLoss) {
      if (host.amidWriteKills) this.#injector.kill(host);
      else this.#injector.crash(host);
      return;
    }
    // It stopped itself: memory is gone as in any crash, and a supervisor starts it again.
    this.#injector.crash(host);
    const { heap, nowUs, plan } = this.#world;
    heap.push(nowUs + plan.restartAfterMs * 1_000, eventKinds.start, target, host.incarnation, null);
  }

  /** What happens to clients, and to the whole. */
  #happenOutside(kind: number, target: number, extra: number, payload: unknown): void {
    const { trace, nowUs, heap } = this.#world;
    trace.event(nowUs, kind, target, extra);
    switch (kind) {
      case eventKinds.reply:
        if (this.#world.network.arrives(senderOf(extra), target)) this.#clientAt(target).answer(payload as Answer);
        return;
      case eventKinds.tryTimeout:
        this.#clientAt(target).timedOut(extra);
        return;
      case eventKinds.operation: {
        const planned = payload as PlannedOperation;
        this.#clientAt(target).submit({ planned, kind: planned.kind, only: null });
        return;
      }
      case eventKinds.fault:
        if (!this.liveness.faultsOver && this.#injector.apply(payload as Fault) === 'later')
          heap.push(nowUs + laterUs, kind, target, extra, payload);
        return;
      case eventKinds.phase:
        if (!this.liveness.faultsOver) this.liveness.endLoad();
        else this.liveness.tick();
        heap.push(nowUs + tickUs, eventKinds.phase, 0, 0, null);
        return;
      case eventKinds.operator:
        this.#operator?.tick();
        heap.push(nowUs + operatorTickUs, eventKinds.operator, 0, 0, null);
        return;
      default:
        invariant(false, `an event of kind ${kind} is known`);
    }
  }

  #clientAt(endpoint: number): ClientEndpoint {
    const at = endpoint - this.#hosts.length;
    return at < this.#clients.length ? this.#clients[at] : this.#readers[at - this.#clients.length];
  }
}

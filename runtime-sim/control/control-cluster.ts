/**
 * Control logs alone, over the simulator's network, disks and clocks, while nodes crash, links break and changes are proposed. A run is a function of the seed and
 * of the plan.
 */
import type { ControlObservation, ControlTrace } from '../../checker/control-observations.js';
import type { ControlState } from '../../core/control/control-state.js';
import type { MemberDescription } from '../../core/control/entries.js';
import type { RaftMessage } from '../../core/control/raft/vocabulary.js';
import type { DomainEvent } from '../../core/domain-events.js';
import { type NodeId, nodeId, type SpaceKey } from '../../core/identifiers.js';
import { invariant } from '../../core/invariant.js';
import { Draws, type Seed } from '../../scenarios/random-streams.js';
import { ControlObserver, digestOf } from '../control-observer.js';
import type { DiskRequest } from '../disk-model.js';
import { EventHeap } from '../event-heap.js';
import { NetworkModel, senderOf } from '../network-model.js';
import type { TimerState } from '../node-timers.js';
import { crc32 } from '../pure-functions.js';
import { eventKinds, Trace } from '../trace.js';
import { controlConfiguration } from './control-configuration.js';
import { ControlHost, type ControlStage } from './control-host.js';
import type { ControlFault, ControlPlan } from './control-plan.js';
import { drawEntry } from './control-proposals.js';
import { VotersInDoubt } from './voters-in-doubt.js';

/** After the last fault all must agree within this time. */
const settleMsMax = 15_000;
const lookEveryMs = 100;
const eventsMax = 5_000_000;

export interface ControlListener {
  noted?(host: ControlHost, event: DomainEvent): void;
  said?(host: ControlHost, to: string, message: RaftMessage | null, bytes: Uint8Array): void;
  /** What the world does to the nodes. */
  happened?(text: string): void;
}

export class ControlCluster {
  readonly hosts: readonly ControlHost[];
  readonly plan: ControlPlan;
  readonly #observer = new ControlObserver(() => this.nowMs);
  readonly trace = new Trace();
  readonly #stage: ControlStage;
  readonly #heap = new EventHeap();
  readonly #listener: ControlListener;
  readonly #members: readonly MemberDescription[];
  readonly #draws: Draws;
  #leasesSeen = '';
  /** By host: the spaces that it was last seen to be confirmed in, and the epoch. */
  readonly #confirmed: ReadonlyMap<SpaceKey, string>[];
  /** Strike whoever votes next. */
  readonly #awaitVotes: (ControlFault & { readonly kind: 'crash-after-vote' })[] = [];
  /** Strike whoever begins anew. */
  readonly #awaitBeginners: (ControlFault & { readonly kind: 'forgetful-company' })[] = [];
  readonly #inDoubt: VotersInDoubt;
  /** Voters that may have forgotten something have begun anew so often. */
  begunAnew = 0;

  constructor(seed: Seed, plan: ControlPlan, listener: ControlListener = {}) {
    this.plan = plan;
    this.#listener = listener;
    this.#draws = new Draws(seed, 'proposals');
    const ids = plan.nodes.map((name) => nodeId(new Draws(seed, `identity/${name}`).hex(32)));
    const places = new Map(ids.map((id, index) => [id, index]));
    this.#members = plan.nodes.map((name, index) => ({
      id: ids[index],
      name,
      zone: plan.zones[index],
      rack: '',
      address: `${name}:50051`,
    }));
    const network = new NetworkModel({ seed, heap: this.#heap, names: plan.nodes, background: plan.links });
    this.#stage = {
      seed,
      plan,
      heap: this.#heap,
      network,
      nowUs: 0,
      placeOf: (node) => places.get(node),
      observer: this.#observer,
      noted: (host, event) => {
        if (event.kind === 'control.begun-anew') this.#begunAnew(host, event.votesFrom);
        this.#listener.noted?.(host, event);
      },
      said: (host, to, message, bytes) => {
        if (message?.kind === 'vote' && message.isGranted) this.#voted(host);
        this.#listener.said?.(host, plan.nodes[to], message, bytes);
      },
    };
    const founding = { clusterId: new Draws(seed, 'identity/cluster').hex(32), founders: this.#members.slice(0, plan.founders) };
    this.hosts = plan.nodes.map(
      (name, index) => new ControlHost(this.#stage, { index, id: ids[index], name }, controlConfiguration(plan, name, founding)),
    );
    this.#confirmed = plan.nodes.map(() => new Map());
    this.#inDoubt = new VotersInDoubt(this.hosts);
    const starts = new Draws(seed, 'start');
    for (const { index } of this.hosts) this.#heap.push(starts.integer({ min: 0, max: 100_000 }), eventKinds.start, index, 0, null);
    for (const fault of plan.faults) this.#heap.push(fault.atMs * 1_000, eventKinds.fault, 0, 0, fault);
    for (const { atMs, toLeader } of plan.proposals) this.#heap.push(atMs * 1_000, eventKinds.operation, toLeader ? 1 : 0, 0, null);
  }

  get observations(): ControlObservation[] {
    return this.#observer.observations;
  }

  get nowMs(): number {
    return this.#stage.nowUs / 1_000;
  }

  get members(): readonly MemberDescription[] {
    return this.#members;
  }

  /** Who leads, in the latest term of which anybody leads. */
  get leader(): ControlHost | null {
    const termOf = (host: ControlHost): number => host.inspect()?.raft?.term ?? 0;
    return this.hosts.filter(({ leads }) => leads).sort((left, right) => termOf(right) - termOf(left))[0] ?? null;
  }

  /** Runs the plan to its end, lets everything recover, and waits until all agree. */
  run(): ControlTrace {
    this.runUntil(this.plan.durationMs);
    this.#mendAll();
    const untilMs = this.nowMs + settleMsMax;
    while (!this.agreed && this.nowMs < untilMs) this.runUntil(this.nowMs + lookEveryMs);
    const converged = this.agreed;
    if (converged) this.#observeEnd();
    return { observations: this.observations, converged, states: this.#observer.states };
  }

  runUntil(untilMs: number): void {
    const heap = this.#heap;
    const untilUs = Math.round(untilMs * 1_000);
    heap.push(untilUs, eventKinds.phase, 0, 0, null);
    while (heap.pop()) {
      this.#stage.nowUs = Math.max(this.#stage.nowUs, heap.timeUs);
      if (heap.kind === eventKinds.phase && heap.timeUs >= untilUs) return;
      this.#dispatch(heap);
      this.#watchLeases();
      this.#watchConfirmed(this.hosts[heap.target]);
      invariant(this.trace.events < eventsMax, 'a run of control logs ends');
    }
  }

  /** Members that are up, by what the leader says of who is one. */
  get #present(): readonly ControlHost[] {
    const state = this.leader?.inspect()?.state;
    return state === undefined ? [] : this.hosts.filter(({ id }) => state.members[id] !== undefined);
  }

  /** All members are up, and have applied the same. */
  get agreed(): boolean {
    const present = this.#present;
    const said = present.map((host) => host.inspect());
    const first = said[0];
    if (first == null || said.some((each) => each?.raft == null)) return false;
    return said.every((each) => each?.state.applied === first.state.applied && each.raft?.committed === each.raft?.last.index);
  }

  #observeEnd(): void {
    for (const host of this.#present) {
      const control = host.inspect();
      if (control === null) continue;
      this.observations.push({
        kind: 'settled',
        atMs: this.nowMs,
        node: host.name,
        index: control.state.applied,
        state: digestOf(control),
      });
    }
  }

  #mendAll(): void {
    const all = this.hosts.map(({ index }) => index);
    this.#stage.network.heal(all, all);
    this.#stage.network.calm();
    this.#awaitVotes.length = 0;
    this.#awaitBeginners.length = 0;
    for (const host of this.hosts) {
      host.crashAmidWrite = null;
      host.disk.mend();
      if (!host.alive) host.start();
    }
  }

  #dispatch(heap: EventHeap): void {
    const { target, extra, kind } = heap;
    const host = this.hosts[target];
    switch (kind) {
      case eventKinds.timer:
        this.trace.event(this.#stage.nowUs, kind, target, extra);
        return host.timer(heap.payload as TimerState, extra);
      case eventKinds.message:
        return this.#deliver(target, extra, heap.payload as Uint8Array);
      case eventKinds.disk:
        this.trace.event(this.#stage.nowUs, kind, target, (heap.payload as DiskRequest).ticket);
        if (host.incarnation === extra) host.diskDone(heap.payload as DiskRequest);
        return;
      case eventKinds.powerLoss:
        if (host.incarnation === extra) this.#end(host, 'power', (heap.payload as { readonly forMs: number } | null)?.forMs ?? 200);
        return;
      case eventKinds.start:
        this.trace.event(this.#stage.nowUs, kind, target, extra);
        if (!host.alive && host.incarnation === extra) host.start();
        return;
      case eventKinds.fault:
        return this.strike(heap.payload as ControlFault);
      case eventKinds.restart:
        return this.#heal(heap.payload as ControlFault & { readonly kind: 'cut' });
      case eventKinds.operation:
        return this.#propose(target === 1);
      default:
    }
  }

  #deliver(target: number, extra: number, bytes: Uint8Array): void {
    const host = this.hosts[target];
    const sender = senderOf(extra);
    if (!host.alive || !this.#stage.network.arrives(sender, target)) return;
    this.trace.event(this.#stage.nowUs, eventKinds.message, target, crc32(bytes));
    host.take({ kind: 'message', bytes });
  }

  #hostNamed(name: string): ControlHost | null {
    if (name === 'leader') return this.leader;
    if (name === 'follower') return this.#follower;
    return this.hosts.find((host) => host.name === name) ?? null;
  }

  get #follower(): ControlHost | null {
    const { leader } = this;
    const voters = leader?.inspect()?.raft?.configuration.voters ?? [];
    return this.hosts.find((host) => host !== leader && voters.includes(host.id)) ?? null;
  }

  strike(fault: ControlFault): void {
    this.trace.event(this.#stage.nowUs, eventKinds.fault, 0, fault.kind.length);
    switch (fault.kind) {
      case 'cut': {
        const [from, to] = [this.#indexes(fault.from), this.#indexes(fault.to)];
        this.#stage.network.cut(from, to);
        if (fault.isBothWays) this.#stage.network.cut(to, from);
        this.#listener.happened?.(`cuts the links ${this.#linksOf(from, to, fault.isBothWays)}`);
        const healed = { ...fault, from: from.map((at) => this.plan.nodes[at]), to: to.map((at) => this.plan.nodes[at]) };
        this.#heap.push(this.#stage.nowUs + fault.forMs * 1_000, eventKinds.restart, 0, 0, healed);
        return;
      }
      case 'crash': {
        const host = this.#hostNamed(fault.node);
        if (host === null || !host.alive) return;
        if (fault.amidWrite === null || fault.how === 'kill') this.#end(host, fault.how, fault.forMs);
        else host.crashAmidWrite = fault.amidWrite;
        return;
      }
      case 'blackout':
        for (const [at, host] of this.hosts.entries()) if (host.alive) this.#end(host, 'power', fault.forMs * (1 + at / 2));
        return;
      case 'crash-after-vote':
        this.#awaitVotes.push(fault);
        return;
      case 'stall': {
        const host = this.#hostNamed(fault.node);
        if (host !== null) host.disk.stalledUntilUs = this.#stage.nowUs + fault.forMs * 1_000;
        return;
      }
      case 'leave':
        this.#hostNamed(fault.node)?.take({ kind: 'leave' });
        return;
      case 'let-in':
        return this.#letIn();
      case 'forget':
        return this.#forget(fault);
      case 'forgetful-company':
        this.#awaitBeginners.push(fault);
    }
  }

  #letIn(): void {
    const { leader } = this;
    const state = leader?.inspect()?.state;
    const member = this.#members.find(({ id }) => state?.members[id] === undefined);
    if (state !== undefined && member !== undefined) leader?.propose({ kind: 'node-added', member });
  }

  #forget({ forMs }: ControlFault & { readonly kind: 'forget' }): void {
    const { leader, nowMs } = this;
    const draws = new Draws(this.#stage.seed, `forget/${nowMs}`);
    const candidates = leader === null ? [] : this.#inDoubt.candidates(leader);
    if (candidates.length === 0) return;
    const host = draws.pick(candidates);
    this.#end(host, 'power', forMs);
    this.#inDoubt.rot(host, draws);
    this.#listener.happened?.(`lets something rot that ${host.name} had synced`);
  }

  /** Those beside it that lack something would win by its vote, if it gave one. */
  #begunAnew(beginner: ControlHost, votesFrom: number): void {
    this.begunAnew += 1;
    const lacking = this.hosts.filter((host) => (host.inspect()?.raft?.last.index ?? votesFrom) < votesFrom);
    const fault = lacking.length === 0 ? undefined : this.#awaitBeginners.shift();
    if (fault === undefined) return;
    const all = this.hosts.map(({ index }) => index);
    this.#stage.network.heal(all, all);
    const from = [beginner, ...lacking].map(({ name }) => name);
    this.strike({ ...fault, kind: 'cut', from, to: this.plan.nodes.filter((name) => !from.includes(name)), isBothWays: true });
  }

  #voted(host: ControlHost): void {
    const fault = this.#awaitVotes.shift();
    if (fault !== undefined) this.#heap.push(this.#stage.nowUs + fault.afterUs, eventKinds.powerLoss, host.index, host.incarnation, fault);
  }

  #indexes(names: readonly string[]): number[] {
    return [...new Set(names.flatMap((name) => this.#hostNamed(name)?.index ?? []))];
  }

  #linksOf(from: readonly number[], to: readonly number[], isBothWays: boolean): string {
    const [one, other] = [from, to].map((indexes) => indexes.map((index) => this.plan.nodes[index]).join(', '));
    return isBothWays ? `between ${one} and ${other}` : `from ${one} to ${other}`;
  }

  #heal({ from, to, isBothWays }: ControlFault & { readonly kind: 'cut' }): void {
    const [one, other] = [this.#indexes(from), this.#indexes(to)];
    this.#stage.network.heal(one, other);
    if (isBothWays) this.#stage.network.heal(other, one);
    this.#listener.happened?.(`heals the links ${this.#linksOf(one, other, isBothWays)}`);
  }

  #end(host: ControlHost, how: 'power' | 'kill', forMs: number): void {
    this.#listener.happened?.(how === 'power' ? `takes the power of ${host.name}` : `kills ${host.name}`);
    host.end(how);
    this.trace.event(this.#stage.nowUs, eventKinds.powerLoss, host.index, host.incarnation);
    this.#heap.push(this.#stage.nowUs + forMs * 1_000, eventKinds.start, host.index, host.incarnation, null);
  }

  #propose(toLeader: boolean): void {
    const host = toLeader ? this.leader : this.#draws.pick(this.hosts);
    const state = host?.inspect()?.state;
    if (host == null || state === undefined) return;
    this.propose(host, state);
  }

  propose(host: ControlHost, state: ControlState): void {
    const entry = drawEntry(this.#draws, state, this.plan.changesMembers ? this.#members : null);
    this.trace.event(this.#stage.nowUs, eventKinds.operation, host.index, entry.kind.length);
    host.propose(entry);
  }

  /** Two leases at one instant are an observation of their own, once for each pair. */
  #watchLeases(): void {
    const holders = this.hosts.filter(({ holdsLease }) => holdsLease).map(({ name }) => name);
    if (holders.length < 2) return;
    const key = holders.join(' ');
    if (key === this.#leasesSeen) return;
    this.#leasesSeen = key;
    this.observations.push({ kind: 'leases', atMs: this.nowMs, nodes: holders });
  }

  /** Only its own events make a node confirmed: then all others are looked at, at that instant. */
  #watchConfirmed(host: ControlHost): void {
    const rows = host.inspect()?.state.rows;
    const was = this.#confirmed[host.index];
    const now = new Map<SpaceKey, string>();
    for (const space of Object.keys(rows ?? {}) as SpaceKey[]) {
      const epoch = host.confirmed(space);
      if (epoch !== null) now.set(space, `${epoch.generation}.${epoch.index}`);
    }
    this.#confirmed[host.index] = now;
    for (const [space, epoch] of now) {
      if (was.get(space) === epoch) continue;
      const besides = this.hosts.filter((other) => other !== host && other.confirmed(space) !== null).map(({ name }) => name);
      this.observations.push({ kind: 'confirmed', atMs: this.nowMs, node: host.name, space, epoch, besides });
    }
  }
}

/** The node ids of a run's nodes by name, for who tells it. */
export function namesOf({ members }: ControlCluster): ReadonlyMap<NodeId, string> {
  return new Map(members.map(({ id, name }) => [id, name]));
}

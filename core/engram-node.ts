/**
 * One Engram node: the pure core. Everything it knows came in as events, everything it wants goes out as effects, and nothing in here can touch
 * the world. Two runtimes drive it: real files and sockets, or the simulator.
 *
 * This file only wires the parts together and hands each event to the part that it is for.
 */
import { HybridLogicalClock } from './clock/hybrid-logical-clock.js';
import type { NodeConfiguration } from './configuration.js';
import type { ProposalAnswer } from './control/control-events.js';
import { ControlLog } from './control/control-log.js';
import { controlSpace } from './control/control-records.js';
import { viewOfState } from './control/control-state.js';
import type { Effects } from './effects.js';
import type { CoreEvent, MembershipEvent, Now } from './events.js';
import type { NodeId, SpaceKey } from './identifiers.js';
import { unreachable } from './invariant.js';
import type { MembershipInspection } from './membership/inspection.js';
import { Membership } from './membership/membership.js';
import { Acknowledgements } from './memory/acknowledgements.js';
import { Answers, type CopyStanding } from './memory/answers.js';
import { MemoryStore } from './memory/memory-store.js';
import { Reads } from './memory/reads.js';
import { Requests } from './memory/requests.js';
import { Scrub } from './memory/scrub.js';
import { Writes } from './memory/writes.js';
import { inspectSpace, type NodeInspection } from './node-inspection.js';
import { NodeServices } from './node-services.js';
import type { PureFunctions } from './pure-functions.js';
import type { CopyLag } from './replication/lag-watch.js';
import type { ReceiptPage, ReceiptsAsked } from './replication/receipts.js';
import { Replication } from './replication/replication.js';

export type { NodeInspection, SpaceInspection, VersionInspection } from './node-inspection.js';

type Phase = NodeInspection['phase'];

export interface ReplicationInspection {
  /** Copies that are behind this node, of the spaces that it is primary of. */
  readonly lags: readonly CopyLag[];
  /** Whether it holds anything that is to be handed over. */
  readonly holdsForOthers: boolean;
  /** Of its divergence ledger. */
  readonly receipts: { readonly kept: number; readonly dropped: number };
}

export class EngramNode {
  readonly #effects: Effects;
  readonly #services: NodeServices;
  readonly #store: MemoryStore;
  readonly #replication: Replication;
  readonly #acknowledgements: Acknowledgements;
  readonly #answers: Answers;
  readonly #reads: Reads;
  readonly #requests: Requests;
  readonly #scrub: Scrub;
  /** Null: members and rows come from the configuration. */
  readonly #control: ControlLog | null;
  #controlChanged = false;
  #leasesChanged = false;
  #membership: Membership | null = null;
  /** What discovery told before the node had opened its store. */
  #earlySeeds: (MembershipEvent & { readonly kind: 'seeds' }) | null = null;
  #phase: Phase = 'new';
  /** Recovered, but not able to begin a boot yet: reads are served. */
  #readable = false;
  #started = false;
  #lastWallMs = Number.NEGATIVE_INFINITY;

  constructor(configuration: NodeConfiguration, effects: Effects, pure: PureFunctions) {
    this.#effects = effects;
    const clock = new HybridLogicalClock({ aheadMsMax: configuration.memory.foreignClockAheadMsMax });
    this.#store = new MemoryStore(configuration, effects, pure, {
      storeOpened: (recovered, now) => this.#opened(recovered.nodeId, now),
      storeBlocked: (readable, now) => {
        this.#services.identify(readable.nodeId, now);
        this.#readable = true;
        this.#noteStarted();
      },
      groupSent: (group, now) => this.#replication.groupSent(group, now),
      groupDurable: (now) => this.#groupDurable(now),
      roomChanged: (now) => {
        this.#noteStarted();
        this.#control?.roomChanged();
        this.#requests.roomChanged(now);
      },
      heldByCopies: (space, author, sequence) => this.#replication.heldByCopies(space, { author, sequence }),
      ledger: () => this.#replication.receipts.encode(),
      ledgerRecovered: (bytes) => this.#replication.receipts.recovered(bytes),
    });
    this.#services = new NodeServices({ configuration, effects, pure }, clock, this.#store);
    this.#replication = new Replication(
      this.#services,
      (space, now) => this.#acknowledgements.advance(space, now),
      (from, bytes, now) => this.#control?.receive(from, bytes, now),
    );
    this.#control = this.#controlLog(configuration, effects, pure);
    this.#acknowledgements = new Acknowledgements(this.#services, (peer, space, dot) => this.#replication.knows(peer, space, dot));
    const copies: CopyStanding = this.#replication;
    this.#scrub = new Scrub(this.#services);
    this.#answers = new Answers(this.#services, copies);
    this.#reads = new Reads(this.#services, copies);
    const writes = new Writes(this.#services, this.#acknowledgements);
    const parts = { answers: this.#answers, copies, writes, reads: this.#reads, acknowledgements: this.#acknowledgements };
    this.#requests = new Requests(this.#services, parts);
  }

  /** Takes one event. Synchronous, deterministic, short; effects are performed by the runtime after it returns. Not re-entrant. */
  handle(event: CoreEvent, now: Now): void {
    if (this.#phase === 'halted') return;
    this.#watchClock(now);
    if (this.#phase === 'serving') this.#replication.noteTime(now);
    switch (event.kind) {
      case 'start':
        this.#phase = 'recovering';
        this.#store.start(event.candidateNodeId);
        break;
      case 'control':
        this.#services.adopt(event.view);
        if (this.#phase === 'serving') this.#replication.membersChanged(now);
        break;
      case 'propose':
      case 'found':
      case 'recover':
        this.#propose(event, now);
        break;
      case 'plan-moves':
        this.#control?.underway?.planAnew();
        break;
      case 'request':
        if (this.#phase === 'serving' || this.#readable) this.#requests.take(event.handle, event.request, now);
        else this.#answers.fail(event.handle, 'STARTING', { message: 'the node is still recovering' });
        break;
      case 'cancel':
        this.#requests.cancel(event.handle);
        break;
      case 'message':
        if (this.#phase === 'serving') this.#replication.receive(event.bytes, now);
        break;
      case 'timer':
        this.#timer(event.name, now);
        break;
      case 'disk':
        this.#store.disk.settle(event.ticket, event.result, now);
        break;
      case 'compute':
        this.#services.computations.computed(event.ticket, event.result, now);
        break;
      case 'leave':
        if (this.#phase === 'serving') this.#replication.keepReceipts();
        this.#control?.leave(now);
        this.#membership?.handle(event, now);
        break;
      case 'datagram':
      case 'exchange':
      case 'exchanged':
      case 'seeds':
      case 'load':
        if (this.#membership !== null) this.#membership.handle(event, now);
        else if (event.kind === 'seeds') this.#earlySeeds = event;
        break;
      default:
        unreachable(event);
    }
    if (this.#controlChanged) this.#adoptControl(now);
    if (this.#leasesChanged) this.#judgeTerms(now);
    this.#control?.endTurn();
    this.#store.endTurn(now);
  }

  #controlLog({ controlLog: options }: NodeConfiguration, effects: Effects, pure: PureFunctions): ControlLog | null {
    if (options === undefined) return null;
    const control = new ControlLog({
      options,
      store: this.#store,
      send: (to, message) => this.#replication.sendControl(to, message),
      pingedMs: (node) => this.#replication.pingedMs(node),
      canWrite: () => !this.#store.log.full && !this.#store.blocked,
      effects,
      pure,
      plan: (job, done) => this.#services.computations.plan(job, done),
      changed: () => {
        this.#controlChanged = true;
      },
      leasesChanged: () => {
        this.#leasesChanged = true;
      },
    });
    this.#store.keepControl(control.records);
    this.#services.authority = control;
    return control;
  }

  /** Once an event, however many entries it has brought. */
  #adoptControl(now: Now): void {
    this.#controlChanged = false;
    if (this.#control === null) return;
    const matters = this.#services.adopt(viewOfState(this.#control.state));
    if (!matters || this.#phase !== 'serving') return;
    this.#replication.membersChanged(now);
    this.#requests.primariesChanged(now);
  }

  #judgeTerms(now: Now): void {
    this.#leasesChanged = false;
    if (this.#phase !== 'serving') return;
    this.#replication.judgeTerms(now);
    this.#requests.primariesChanged(now);
  }

  #propose(event: Extract<CoreEvent, { kind: 'propose' | 'found' | 'recover' }>, now: Now): void {
    const { handle } = event;
    const answered = (answer: ProposalAnswer): void => this.#effects.journal.note({ kind: 'control.proposal-answered', handle, answer });
    if (this.#control === null) answered({ kind: 'refused', why: 'no control log', leader: null });
    else if (event.kind === 'propose') this.#control.propose(event.entry, answered, now);
    else if (event.kind === 'found') this.#control.found(event.entries, answered, now);
    else this.#control.recover(answered, now);
  }

  #timer(name: string, now: Now): void {
    if (this.#store.timer(name, now) || this.#scrub.timer(name, now)) return;
    if (this.#membership?.timer(name, now) === true) return;
    if (this.#control?.timer(name, now) === true) return;
    if (this.#phase === 'serving' && !this.#replication.timer(name, now)) this.#requests.timer(name, now);
  }

  #opened(self: NodeId, now: Now): void {
    this.#services.identify(self, now);
    for (const [author, time] of this.#store.timesFound()) {
      if (author.startsWith(self)) this.#services.clock.resumeFrom(time);
      else this.#services.clock.observe(time, now.wallMs);
    }
    this.#phase = 'serving';
    this.#replication.start(now);
    this.#scrub.start(now);
    this.#control?.open(self, this.#store.recovered?.holes.get(controlSpace) ?? null, now);
    this.#startMembership(self, now);
  }

  /** Not before the boot is on disk: others order what is said of this node by it. */
  #startMembership(self: NodeId, now: Now): void {
    const { configuration, effects, pure } = this.#services;
    const { recovered } = this.#store;
    if (configuration.membership === null || recovered === null) return;
    const { membership: options, clusterId } = configuration;
    this.#membership = new Membership({ self, boot: recovered.boot, clusterId, options, effects, pure });
    this.#services.partition = this.#membership;
    this.#membership.start(now);
    if (this.#earlySeeds !== null) this.#membership.handle(this.#earlySeeds, now);
  }

  /** Told once: when writes are taken, or when it is clear that the disk is too full for them. */
  #noteStarted(): void {
    const { recovered, log, blocked } = this.#store;
    if (this.#started || !(log.writable || log.full || blocked)) return;
    this.#started = true;
    this.#effects.journal.note({
      kind: 'node.started',
      node: this.#services.self,
      boot: recovered?.boot.counter ?? 0,
      records: recovered?.records ?? 0,
      segments: recovered?.segments.length ?? 0,
    });
  }

  #groupDurable(now: Now): void {
    this.#acknowledgements.advanceAll(now);
    this.#replication.groupDurable(now);
  }

  #watchClock(now: Now): void {
    if (now.wallMs < this.#lastWallMs) this.#effects.journal.note({ kind: 'clock.jumped-back', byMs: this.#lastWallMs - now.wallMs });
    this.#lastWallMs = now.wallMs;
  }

  /** A snapshot of what this node holds, for status pages and checkers. */
  inspect(): NodeInspection {
    if (!this.#services.identified) return { nodeId: null, phase: this.#phase, spaces: [], membership: null };
    const spaces = [...this.#store.spaces()].map((space) => inspectSpace(space, this.#replication.term(space.key, null)));
    return { nodeId: this.#services.self, phase: this.#phase, spaces, membership: this.#membership?.inspect() ?? null };
  }

  /** The control log of this node; null without one. */
  inspectControl(): Pick<ControlLog, 'state' | 'raft' | 'isDamaged' | 'holdsLease' | 'confirmed' | 'underway'> | null {
    return this.#control;
  }

  /** What replication knows beyond single copies: cheap enough for metrics. */
  inspectReplication(): ReplicationInspection {
    const { kept, dropped } = this.#replication.receipts;
    const holdsForOthers = this.#services.identified && this.#replication.holdsForOthers();
    return { lags: this.#replication.lags(), holdsForOthers, receipts: { kept, dropped } };
  }

  /** Receipts of writes that reached this node from other terms, with greater numbers than `after`. */
  receipts(asked: ReceiptsAsked): ReceiptPage {
    return this.#replication.receipts.page(asked);
  }

  /** What membership knows, without the rest: cheap enough to look at often. Null: switched off, or not started yet. */
  inspectMembership(): MembershipInspection | null {
    return this.#membership?.inspect() ?? null;
  }

  /** Changes whenever what a copy holds of the space changes: a cheap way to see that nothing has. */
  changesOf(space: SpaceKey): number {
    return this.#store.spaceIfHeld(space)?.coverageChanges ?? 0;
  }
}

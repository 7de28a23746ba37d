/**
 * Watches the control logs of a run from outside: what their nodes say to each other, note and lead, for the checker that judges agreement; and which rows were committed
 * when, for the one that judges placement. Nothing of it reaches a node.
 */
import type { ControlTrace, Electorate } from '../checker/control-observations.js';
import type { PlacedRow, PlacementRecord } from '../checker/history.js';
import { partsOf } from '../core/control/bundle.js';
import type { ControlState } from '../core/control/control-state.js';
import { isAuthorityMessage } from '../core/control/leases/authority-messages.js';
import type { DomainEvent } from '../core/domain-events.js';
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import { controlBytesOf, isControlMessage } from '../core/wire/peer-message.js';
import { type ControlInspection, ControlObserver, digestOf, type ObservedNode } from './control-observer.js';
import type { Identities } from './identities.js';
import type { NodeHost } from './node-host.js';
import { ReturnedNodes } from './returned-nodes.js';
import type { CoreFactory, SimulatedCore } from './simulated-core.js';
import type { World } from './world.js';

/** What was committed so shortly before the end need not be everywhere. */
const underWayMs = 2_000;

interface WatchedNode {
  readonly zone: string;
  readonly fromMs: number;
  untilMs: number;
}

export class ControlWatch {
  readonly observer: ControlObserver;
  readonly #world: () => World;
  readonly #hosts: () => readonly NodeHost[];
  readonly #identities: Identities;
  #leasesSeen = '';
  /** Who was elected last. */
  #leader: string | null = null;
  #applied = 0;
  #appliedMs = 0;
  readonly #rows: PlacedRow[] = [];
  readonly #electorates: Electorate[] = [];
  readonly #rowTexts = new Map<SpaceKey, string>();
  readonly #nodes = new Map<NodeId, WatchedNode>();
  readonly #returned = new ReturnedNodes();

  constructor(parts: { readonly world: () => World; readonly hosts: () => readonly NodeHost[]; readonly identities: Identities }) {
    this.#world = parts.world;
    this.#hosts = parts.hosts;
    this.#identities = parts.identities;
    this.observer = new ControlObserver(() => this.#nowMs);
  }

  get #nowMs(): number {
    const { loadMs, nowUs } = this.#world();
    return loadMs(nowUs);
  }

  /** Makes the processes of one node, with all that they send and note seen. */
  cores(index: number, createCore: CoreFactory): CoreFactory {
    return (configuration, effects, pure) => {
      const core: SimulatedCore = createCore(
        configuration,
        {
          ...effects,
          network: {
            send: (to, bytes) => {
              if (isControlMessage(bytes)) this.#sent(index, to, bytes);
              effects.network.send(to, bytes);
            },
          },
          journal: {
            note: (event) => {
              this.#noted(index, event, core.inspectControl?.() ?? null);
              effects.journal.note(event);
            },
          },
        },
        pure,
      );
      return core;
    };
  }

  #nodeAt(index: number): ObservedNode {
    const { id, incarnation } = this.#hosts()[index];
    return { name: this.#identities.nameOf(id), boot: incarnation };
  }

  #sent(index: number, to: NodeId, bytes: Uint8Array): void {
    const from = this.#nodeAt(index);
    for (const part of partsOf(controlBytesOf(bytes)) ?? [])
      if (!isAuthorityMessage(part)) this.observer.said(from, this.#identities.nameOf(to), part);
  }

  #noted(index: number, event: DomainEvent, control: ControlInspection | null): void {
    if (control === null) return;
    if (event.kind.startsWith('control.')) this.observer.noted(this.#nodeAt(index), event, control);
    if (event.kind === 'control.applied' && control.state.applied > this.#applied) this.#committed(control.state);
    if (event.kind === 'control.leader-elected') {
      const { name } = this.#nodeAt(index);
      if (this.#leader !== null && this.#leader !== name) this.#world().recorder.mark('leader of the control log replaced');
      this.#leader = name;
      this.watchLeases();
    }
    if (this.#returned.hasHandedOver(index, event, this.#hosts)) this.#world().recorder.mark('removed node returned');
    if (event.kind === 'term.taken' && event.term.counter === 0)
      this.#confirmed(index, event.space, `${event.term.generation}.${event.term.index}`);
  }

  proposed(host: NodeHost, handle: number, entry: Parameters<ControlObserver['proposed']>[2]): void {
    this.observer.proposed(this.#nodeAt(host.index), handle, entry);
  }

  /** Two leases at one instant are an observation of their own, once for each pair. */
  watchLeases(): void {
    const holders = this.#hosts().filter((host) => host.inspectControl()?.holdsLease(host.now()) === true);
    if (holders.length < 2) return;
    const nodes = holders.map(({ index }) => this.#nodeAt(index).name);
    if (nodes.join(' ') === this.#leasesSeen) return;
    this.#leasesSeen = nodes.join(' ');
    this.observer.observations.push({ kind: 'leases', atMs: this.#nowMs, nodes });
  }

  /** Who else is confirmed at the instant at which a node begins to be. */
  #confirmed(index: number, space: SpaceKey, epoch: string): void {
    const besides = this.#hosts()
      .filter((host) => host.index !== index && (host.inspectControl()?.confirmed(space, host.now()) ?? null) !== null)
      .map((host) => this.#nodeAt(host.index).name);
    this.observer.observations.push({ kind: 'confirmed', atMs: this.#nowMs, node: this.#nodeAt(index).name, space, epoch, besides });
  }

  #committed(state: ControlState): void {
    const atMs = this.#nowMs;
    this.#applied = state.applied;
    this.#appliedMs = atMs;
    for (const { space, copies } of Object.values(state.rows)) {
      const text = copies.join(' ');
      if (this.#rowTexts.get(space) === text) continue;
      this.#rowTexts.set(space, text);
      this.#rows.push({ space, copies, atMs });
    }
    if (this.#electorates.at(-1)?.voters.join(' ') !== state.voters.join(' ')) this.#electorates.push({ atMs, voters: state.voters });
    for (const { id, zone, isDraining } of Object.values(state.members))
      if (!isDraining && !this.#nodes.has(id)) this.#nodes.set(id, { zone, fromMs: atMs, untilMs: Number.POSITIVE_INFINITY });
    for (const [id, node] of this.#nodes) if (state.members[id]?.isDraining !== false) node.untilMs = Math.min(node.untilMs, atMs);
  }

  /** Told at the end. `settled`: whether all faults have been over for long enough that all must agree. */
  trace(settled: boolean): ControlTrace {
    const { nodeOf } = this.#world();
    const present = this.#hosts().flatMap((host) => {
      const control = host.inspectControl();
      return control?.raft == null || nodeOf(host.id) === null ? [] : [{ host, control }];
    });
    // Who was removed is told nothing any more, and goes on with what it knew.
    const latest = present.reduce<ControlState | null>(
      (best, { control: { state } }) => (best === null || state.applied > best.applied ? state : best),
      null,
    );
    const members = present.filter(({ host }) => latest?.members[host.id] !== undefined);
    const [first] = members;
    const agree = members.every(
      ({ control }) => control.state.applied === first.control.state.applied && digestOf(control) === digestOf(first.control),
    );
    if (agree) {
      for (const { host, control } of members) {
        const { name: node } = this.#nodeAt(host.index);
        this.observer.observations.push({
          kind: 'settled',
          atMs: this.#nowMs,
          node,
          index: control.state.applied,
          state: digestOf(control),
        });
      }
    }
    const isJudged = settled && this.#nowMs - this.#appliedMs > underWayMs;
    const { observations, states } = this.observer;
    return { observations, converged: isJudged ? agree : null, electorates: this.#electorates, states };
  }

  /** Where copies were to be, as it was committed, in order of time. */
  get rows(): readonly PlacedRow[] {
    return this.#rows;
  }

  /** Who voted, as it was committed, in order of time. */
  get electorates(): readonly Electorate[] {
    return this.#electorates;
  }

  /** Copies that a row names serve from then on until it names them no more. Plans choose rows freely: there are no caps on nodes. */
  placement(replicationFactor: number): PlacementRecord {
    const serving: { space: SpaceKey; node: NodeId; fromMs: number; untilMs: number }[] = [];
    for (const { space, copies, atMs } of this.#rows) {
      for (const span of serving) if (span.space === space && !copies.includes(span.node)) span.untilMs = Math.min(span.untilMs, atMs);
      for (const node of copies) {
        const isOpen = serving.some((span) => span.space === space && span.node === node && span.untilMs === Number.POSITIVE_INFINITY);
        if (!isOpen) serving.push({ space, node, fromMs: atMs, untilMs: Number.POSITIVE_INFINITY });
      }
    }
    return {
      replicationFactor,
      copiesPerNodeMax: Number.POSITIVE_INFINITY,
      primariesPerNodeMax: Number.POSITIVE_INFINITY,
      nodes: [...this.#nodes].map(([node, { zone, fromMs, untilMs }]) => ({ node, zone, fromMs, untilMs })),
      rows: this.#rows,
      serving,
    };
  }
}

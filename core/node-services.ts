/**
 * What the parts of a node share. Made once by EngramNode; each part takes what it needs from here and owns its own state.
 */
import type { HybridLogicalClock } from './clock/hybrid-logical-clock.js';
import type { NodeConfiguration } from './configuration.js';
import { type ControlView, type Row, rowOf } from './control/members-and-rows.js';
import type { Effects } from './effects.js';
import type { Now } from './events.js';
import type { NodeId, SpaceKey } from './identifiers.js';
import { invariant } from './invariant.js';
import type { MemoryStore } from './memory/memory-store.js';
import type { PureFunctions } from './pure-functions.js';

export class NodeServices {
  readonly configuration: NodeConfiguration;
  readonly effects: Effects;
  readonly pure: PureFunctions;
  readonly clock: HybridLogicalClock;
  readonly store: MemoryStore;
  #self: NodeId | null = null;
  #control: ControlView | null = null;
  #startedMs = 0;
  #ownRows: readonly Row[] = [];
  /** The row's other copies by space: asked for at every message. */
  readonly #earlier = new Map<SpaceKey, readonly NodeId[]>();
  readonly #others = new Map<SpaceKey, readonly NodeId[]>();

  constructor(
    world: { readonly configuration: NodeConfiguration; readonly effects: Effects; readonly pure: PureFunctions },
    clock: HybridLogicalClock,
    store: MemoryStore,
  ) {
    this.configuration = world.configuration;
    this.effects = world.effects;
    this.pure = world.pure;
    this.clock = clock;
    this.store = store;
  }

  /** Recovery has told who this node is. */
  identify(self: NodeId, now: Now): void {
    this.#self = self;
    this.#startedMs = now.monotonicMs;
    this.#control = this.configuration.control(self);
    this.#ownRows = Object.values(this.#control.rows).filter((row) => row.copies.includes(self));
  }

  get identified(): boolean {
    return this.#self !== null;
  }

  get self(): NodeId {
    invariant(this.#self !== null, 'a node knows who it is once it has recovered');
    return this.#self;
  }

  get control(): ControlView {
    invariant(this.#control !== null, 'the control view is known once the node is');
    return this.#control;
  }

  /** Milliseconds since this boot began to serve. */
  sinceStartMs(now: Now): number {
    return now.monotonicMs - this.#startedMs;
  }

  /** Rows in which this node is a copy. */
  get ownRows(): readonly Row[] {
    return this.#ownRows;
  }

  row(space: SpaceKey): Row | null {
    return rowOf(this.control, space);
  }

  /** Whether this node holds a copy of the space. */
  isCopy(space: SpaceKey): boolean {
    return this.row(space)?.copies.includes(this.self) ?? false;
  }

  /** The row's other copies, in row order. */
  otherCopies(space: SpaceKey): readonly NodeId[] {
    let others = this.#others.get(space);
    if (others === undefined) {
      others = this.row(space)?.copies.filter((copy) => copy !== this.self) ?? [];
      // Names of spaces that have no row are anybody's: they are not remembered.
      if (this.#isConfigured(space)) this.#others.set(space, others);
    }
    return others;
  }

  /** Copies that come before this node in the row. */
  earlierCopies(space: SpaceKey): readonly NodeId[] {
    let earlier = this.#earlier.get(space);
    if (earlier === undefined) {
      earlier = this.otherCopies(space).slice(0, this.row(space)?.copies.indexOf(this.self) ?? 0);
      if (this.#isConfigured(space)) this.#earlier.set(space, earlier);
    }
    return earlier;
  }

  #isConfigured(space: SpaceKey): boolean {
    return this.#ownRows.some((row) => row.space === space);
  }
}

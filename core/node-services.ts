/**
 * What the parts of a node share. Made once by EngramNode; each part takes what it needs from here and owns its own state.
 */
import type { HybridLogicalClock } from './clock/hybrid-logical-clock.js';
import { Computations } from './computations.js';
import type { NodeConfiguration } from './configuration.js';
import type { Epoch } from './control/entries.js';
import { type ControlView, type Row, rowOf } from './control/members-and-rows.js';
import type { MoveMessage } from './control/moves/move-messages.js';
import type { Effects } from './effects.js';
import type { Now } from './events.js';
import { compareText, type NodeId, type SpaceKey, spaceGeneration, spaceName } from './identifiers.js';
import { invariant } from './invariant.js';
import type { PartitionState } from './membership/inspection.js';
import type { MemoryStore } from './memory/memory-store.js';
import type { PureFunctions } from './pure-functions.js';

/** What a row means to this node. */
interface Placement {
  readonly row: Row | null;
  readonly isCopy: boolean;
  readonly others: readonly NodeId[];
  readonly earlier: readonly NodeId[];
  /** Who is shipped to and told: the other copies, and who learns to be one; for who learns, the copies. */
  readonly audience: readonly NodeId[];
  /** This node pulls what the copies hold, and is none yet. */
  readonly isLearner: boolean;
}

/** What membership knows of a cut through the cluster. */
export interface PartitionView {
  readonly partitionState: PartitionState;
  readonly reach: { readonly reachable: number; readonly total: number };
  /** Whether a member lives, is heard, and answers over its own link. */
  isAtHand(node: NodeId): boolean;
}

/** Who confirms a primary's term: the control log. */
export interface PrimaryAuthority {
  /** The epoch in which this node is confirmed primary of the space now; null when it is not. */
  confirmed(space: SpaceKey, now: Now): Epoch | null;
  /** Whether it may call itself confirmed anywhere. */
  isLeased(now: Now): boolean;
  /** A space of that name is written to and has no row: it is to be made. */
  wantSpace(name: string): void;
  /** Whether a space that has no row here has none anywhere. */
  knowsAllSpaces(now: Now): boolean;
  /** Who leads the control log, as far as this node knows. */
  readonly leader: NodeId | null;
  /** Whether this node has paused so that another may be primary in its place: it takes no term meanwhile. */
  isHandingOver(space: SpaceKey, now: Now): boolean;
  /** To whoever leads the control log; may be lost. */
  tellOfMove(message: MoveMessage, now: Now): void;
  /** Whether copies take writes in terms that nobody has confirmed. */
  readonly allowsProvisional: boolean;
}

/** Rows of so many spaces are remembered. */
const placementsMax = 65_536;

export class NodeServices {
  readonly configuration: NodeConfiguration;
  readonly effects: Effects;
  readonly pure: PureFunctions;
  readonly computations: Computations;
  readonly clock: HybridLogicalClock;
  readonly store: MemoryStore;
  #self: NodeId | null = null;
  #control: ControlView | null = null;
  #startedMs = 0;
  /** null: without membership nobody looks for cuts. */
  partition: PartitionView | null = null;
  /** null: nobody confirms terms, and all are provisional. */
  authority: PrimaryAuthority | null = null;
  /** Spaces of other nodes that this one was asked to write to of late: it looks whether their copies can be reached, and may take hints. */
  readonly watched = new Set<SpaceKey>();
  #ownRows: readonly Row[] = [];
  #moving: readonly Row[] = [];
  /** Spaces of the own rows, and with them those of which this node learns to be a copy: walked over at each round of pings. */
  #ownKeys: readonly SpaceKey[] = [];
  #toldKeys: readonly SpaceKey[] = [];
  /** Asked for at every message and request. */
  readonly #placements = new Map<SpaceKey, Placement>();

  constructor(
    world: { readonly configuration: NodeConfiguration; readonly effects: Effects; readonly pure: PureFunctions },
    clock: HybridLogicalClock,
    store: MemoryStore,
  ) {
    this.configuration = world.configuration;
    this.effects = world.effects;
    this.pure = world.pure;
    this.computations = new Computations(world.effects.compute);
    this.clock = clock;
    this.store = store;
  }

  /** Recovery has told who this node is. */
  identify(self: NodeId, now: Now): void {
    this.#self = self;
    this.#startedMs = now.monotonicMs;
    this.adopt(this.#control ?? this.configuration.control(self));
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

  /** Another view takes the place of the one before; told before recovery ends, it is the first. Says whether it can matter to what this node holds. */
  adopt(view: ControlView): boolean {
    const before = { rows: this.#ownRows, moving: this.#moving, outside: this.#outsideRows(), isListed: this.#control?.unlisted === null };
    this.#control = view;
    this.#placements.clear();
    const rows = this.#self === null ? [] : Object.values(view.rows);
    this.#ownRows = rows.filter((row) => row.copies.includes(this.self));
    this.#moving = rows.filter(({ copies, move }) => move != null && (copies.includes(this.self) || move.to === this.self));
    this.#ownKeys = this.#ownRows.map(({ space }) => space);
    this.#toldKeys = [...this.#ownKeys, ...this.#moving.flatMap(({ space, copies }) => (copies.includes(this.self) ? [] : space))];
    // Without rows the members themselves say who holds what.
    if (!before.isListed || view.unlisted !== null) return true;
    return !(areSame(before.rows, this.#ownRows) && areSame(before.moving, this.#moving) && areSame(before.outside, this.#outsideRows()));
  }

  #outsideRows(): readonly Row[] {
    if (this.#self === null || this.#control === null) return [];
    return [...this.outsideSpaces()].flatMap((space) => this.row(space) ?? []);
  }

  /** Spaces that are told to others: those of which this node holds a copy, and those of which it is to. */
  toldSpaces(): Iterable<SpaceKey> {
    return this.control.unlisted === null ? this.#toldKeys : [...this.#toldKeys, ...this.#unlistedSpaces()];
  }

  /** Rows of this node with a move under way, whatever its part in it. */
  moves(): readonly Row[] {
    return this.#moving;
  }

  /** Spaces of which this node holds a copy: those of its rows, then those without a row that something is held of. */
  ownSpaces(): Iterable<SpaceKey> {
    return this.control.unlisted === null ? this.#ownKeys : [...this.#ownKeys, ...this.#unlistedSpaces()];
  }

  *#unlistedSpaces(): Iterable<SpaceKey> {
    for (const { key } of this.store.spaces()) if (this.control.rows[key] === undefined && this.isCopy(key)) yield key;
  }

  /** Spaces that are held here though their row names others, and that no move brings here: hints, and copies that are none any more. To be handed over. */
  *outsideSpaces(): Iterable<SpaceKey> {
    for (const { key } of this.store.spaces()) if (this.isOutside(key)) yield key;
    for (const key of this.watched) if (this.store.spaceIfHeld(key) === undefined && this.isOutside(key)) yield key;
  }

  /** Whether something is held here of a space whose row does not name this node, or may come to be. */
  isOutside(space: SpaceKey): boolean {
    const { row, isCopy, isLearner } = this.#placement(space);
    return !isCopy && !isLearner && row !== null && (this.watched.has(space) || this.store.spaceIfHeld(space) !== undefined);
  }

  /** Whether the space, in this generation, was deleted. */
  isDeleted(space: SpaceKey): boolean {
    const { rows, generations } = this.control;
    return rows[space] === undefined && (generations?.[spaceName(space)] ?? -1) >= spaceGeneration(space);
  }

  /** Everyone that can share a space with this node, in id order, and those to whom it hands over. */
  neighbours(): readonly NodeId[] {
    const ids = new Set<NodeId>();
    for (const row of this.#ownRows) for (const copy of row.copies) ids.add(copy);
    for (const { copies, move } of this.#moving) {
      for (const copy of copies) ids.add(copy);
      if (move != null) ids.add(move.to);
    }
    for (const space of this.outsideSpaces()) for (const copy of this.otherCopies(space)) ids.add(copy);
    if (this.control.unlisted !== null) for (const { id } of this.control.members) ids.add(id);
    ids.delete(this.self);
    return [...ids].sort(compareText);
  }

  row(space: SpaceKey): Row | null {
    return this.#placement(space).row;
  }

  /** How many copies the space is to have, this one included. */
  copiesWanted(space: SpaceKey): number {
    return this.control.copiesWanted ?? this.otherCopies(space).length + 1;
  }

  /** Whether this node holds a copy of the space. */
  isCopy(space: SpaceKey): boolean {
    return this.#placement(space).isCopy;
  }

  /** Whether records of the space come here and go from here: to copies, and to who learns to be one. */
  takesPart(space: SpaceKey): boolean {
    const { isCopy, isLearner } = this.#placement(space);
    return isCopy || isLearner;
  }

  /** Who is told and shipped what this node has of the space: the other copies and who learns to be one. */
  audience(space: SpaceKey): readonly NodeId[] {
    return this.#placement(space).audience;
  }

  /** The row's other copies, in row order: those that count. */
  otherCopies(space: SpaceKey): readonly NodeId[] {
    return this.#placement(space).others;
  }

  /** Copies that come before this node in the row. */
  earlierCopies(space: SpaceKey): readonly NodeId[] {
    return this.#placement(space).earlier;
  }

  #placement(space: SpaceKey): Placement {
    let placement = this.#placements.get(space);
    if (placement === undefined) {
      placement = placementOf(rowOf(this.control, space, this.pure), this.self);
      // Anybody can ask for any name: what is remembered has a bound.
      if (this.#placements.size >= placementsMax) this.#placements.clear();
      this.#placements.set(space, placement);
    }
    return placement;
  }
}

/** Rows are immutable values: what has changed is another value. */
function areSame(left: readonly Row[], right: readonly Row[]): boolean {
  return left.length === right.length && left.every((row, at) => row === right[at]);
}

function placementOf(row: Row | null, self: NodeId): Placement {
  const copies = row?.copies ?? [];
  const place = copies.indexOf(self);
  const others = copies.filter((copy) => copy !== self);
  const learner = row?.move == null || copies.includes(row.move.to) ? null : row.move.to;
  const audience = learner === null || learner === self ? others : [...others, learner];
  const isLearner = learner !== null && learner === self;
  return { row, isCopy: place >= 0, others, earlier: place < 0 ? others : others.slice(0, place), audience, isLearner };
}

/**
 * Copies of spaces over nodes while a plan is made: who holds what, how much that is, and what may change places with what. Every change keeps each
 * space's copies as the zones and racks demand.
 */
import type { NodeId, SpaceKey } from '../identifiers.js';
import type { KernelFunctions } from '../pure-functions.js';
import type { Topology } from './topology.js';

export interface SpreadSpace {
  readonly key: SpaceKey;
  readonly bytes: number;
  /** Node indexes; the first is the primary. */
  copies: number[];
}

/** Of nodes whose load is this far below their share at the beginning, the share is filled up: else a new node would stay empty among well-filled ones. */
const fillBelow = 0.9;

export class Spread {
  readonly topology: Topology;
  readonly spaces: readonly SpreadSpace[];
  readonly counts: Float64Array;
  readonly bytes: Float64Array;
  /** Fair shares in copies and in bytes, and the most that a node is to hold of either. */
  readonly fairCounts: Float64Array;
  readonly fairBytes: Float64Array;
  readonly capCounts: Float64Array;
  readonly capBytes: Float64Array;
  readonly #held: Set<number>[];
  readonly #pure: KernelFunctions;
  readonly #halves = new Uint32Array(2);
  readonly #names: readonly Uint8Array[];

  constructor(topology: Topology, spaces: readonly SpreadSpace[], given: { readonly capShare: number; readonly pure: KernelFunctions }) {
    this.topology = topology;
    this.spaces = spaces;
    this.#pure = given.pure;
    const { shares, ids } = topology;
    const totalBytes = spaces.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = spaces.reduce((most, { bytes }) => Math.max(most, bytes), 0);
    this.fairCounts = shares.map((share) => share * spaces.length);
    this.fairBytes = shares.map((share) => share * totalBytes);
    this.capCounts = this.fairCounts.map((fair) => Math.max(Math.ceil(fair), Math.floor(fair * given.capShare)));
    // A space is moved whole: no node can be asked to hold less than the largest, if it holds that.
    this.capBytes = this.fairBytes.map((fair) => Math.max(fair * given.capShare, largest));
    this.counts = new Float64Array(ids.length);
    this.bytes = new Float64Array(ids.length);
    this.#held = ids.map(() => new Set<number>());
    this.#names = ids.map((id) => given.pure.utf8Encode(`\n${id}`));
    spaces.forEach(({ copies }, space) => {
      for (const node of copies) this.#take(node, space);
    });
  }

  #take(node: number, space: number): void {
    this.#held[node].add(space);
    this.counts[node] += 1;
    this.bytes[node] += this.spaces[space].bytes;
  }

  #give(node: number, space: number): void {
    this.#held[node].delete(space);
    this.counts[node] -= 1;
    this.bytes[node] -= this.spaces[space].bytes;
  }

  add(space: number, node: number): void {
    this.spaces[space].copies.push(node);
    this.#take(node, space);
  }

  /** The copy on `from` is on `to` from now on, last in the row: it has yet to be filled. */
  move(space: number, from: number, to: number): void {
    const { copies } = this.spaces[space];
    this.spaces[space].copies = [...copies.filter((node) => node !== from), to];
    this.#give(from, space);
    this.#take(to, space);
  }

  mayMove(space: number, from: number, to: number): boolean {
    const rest = this.spaces[space].copies.filter((node) => node !== from);
    // What goes within a zone is made good there; what leaves it must leave it sound.
    return this.topology.fits(rest, to) && this.topology.maySpare([...rest, to], from);
  }

  holds(node: number): Iterable<number> {
    return this.#held[node];
  }

  /** Rendezvous weight (Thaler and Ravishankar, 1998): who weighs most with a space has it first, whoever else comes or goes. */
  weight(space: number, node: number): number {
    const key = this.#pure.utf8Encode(this.spaces[space].key);
    const name = this.#names[node];
    const bytes = new Uint8Array(key.length + name.length);
    bytes.set(key);
    bytes.set(name, key.length);
    this.#pure.hash64(bytes, this.#halves);
    return this.#halves[0];
  }

  /** Gives every space the copies that it lacks: the heaviest nodes first that are not full, the emptiest if all that fit are. */
  complete(): void {
    for (let space = 0; space < this.spaces.length; space += 1) {
      const { copies } = this.spaces[space];
      if (copies.length >= this.topology.copies) continue;
      const order = this.topology.ids.map((_, node) => ({ node, weight: this.weight(space, node) }));
      order.sort((left, right) => right.weight - left.weight || left.node - right.node);
      while (copies.length < this.topology.copies) {
        const fitting = order.filter(({ node }) => this.topology.fits(copies, node));
        if (fitting.length === 0) break;
        const free = fitting.find(({ node }) => this.counts[node] < Math.ceil(this.fairCounts[node]));
        this.add(space, (free ?? emptiest(fitting, (node) => this.#fullness(node))).node);
      }
    }
  }

  #fullness(node: number): number {
    return this.counts[node] / this.fairCounts[node];
  }

  /** Moves what is over the caps, and fills those that are far below their share, until no such move makes anything better. */
  level(): void {
    const wants = this.counts.map((count, node) => (count < fillBelow * this.fairCounts[node] ? Math.floor(this.fairCounts[node]) : 0));
    const nodes = this.topology.ids.map((_, node) => node);
    const stuck = new Set<number>();
    const orders = new Map<number, number[]>();
    for (;;) {
      const pair = this.#mostUneven(nodes, wants, stuck);
      if (pair === null) return;
      const space = this.#bestToMove(pair.from, pair.to, orders);
      if (space === null) stuck.add(pair.from * nodes.length + pair.to);
      else this.move(space, pair.from, pair.to);
    }
  }

  /** The fullest and the emptiest node between which a copy ought to move and may. */
  #mostUneven(
    nodes: readonly number[],
    wants: Float64Array,
    stuck: ReadonlySet<number>,
  ): { readonly from: number; readonly to: number } | null {
    const byFullness = [...nodes].sort((left, right) => this.#fullness(left) - this.#fullness(right) || left - right);
    for (let at = byFullness.length - 1; at > 0; at -= 1) {
      const from = byFullness[at];
      for (const to of byFullness) {
        const ought = this.counts[from] > this.capCounts[from] || this.counts[to] < wants[to];
        const isBetter = (this.counts[to] + 1) / this.fairCounts[to] < this.counts[from] / this.fairCounts[from];
        if (!isBetter) break;
        if (ought && !stuck.has(from * nodes.length + to)) return { from, to };
      }
    }
    return null;
  }

  /** Of the copies that may go there, the one that weighs most with its new node: it would be there if both had been from the beginning. */
  #bestToMove(from: number, to: number, orders: Map<number, number[]>): number | null {
    const pair = from * this.topology.ids.length + to;
    const order = orders.get(pair) ?? this.#byWeight(from, to);
    orders.set(pair, order);
    for (let space = order.pop(); space !== undefined; space = order.pop()) {
      if (this.#held[from].has(space) && this.mayMove(space, from, to)) return space;
    }
    return null;
  }

  /** What the one holds, by its weight with the other: the heaviest last. */
  #byWeight(from: number, to: number): number[] {
    const weighed = [...this.#held[from]].map((space) => ({ space, weight: this.weight(space, to) }));
    weighed.sort((left, right) => left.weight - right.weight || right.space - left.space);
    return weighed.map(({ space }) => space);
  }

  /** Brings bytes under their cap: large copies move away, or change places with small ones where counts must stay. */
  levelBytes(): void {
    const order = this.topology.ids.map((_, node) => node);
    for (let turn = 0; turn < this.spaces.length; turn += 1) {
      order.sort((left, right) => this.#byteFullness(right) - this.#byteFullness(left) || left - right);
      const from = order[0];
      if (from === undefined || this.bytes[from] <= this.capBytes[from] || !this.#lighten(from, order)) return;
    }
  }

  #byteFullness(node: number): number {
    return this.fairBytes[node] === 0 ? 0 : this.bytes[node] / this.fairBytes[node];
  }

  #lighten(from: number, order: readonly number[]): boolean {
    const heavy = [...this.#held[from]].sort((left, right) => this.spaces[right].bytes - this.spaces[left].bytes || left - right);
    for (let at = order.length - 1; at > 0; at -= 1) {
      const to = order[at];
      const gap = Math.min(this.bytes[from] - this.fairBytes[from], this.fairBytes[to] - this.bytes[to]);
      if (gap <= 0) return false;
      // Whatever is no larger than twice the gap leaves both nearer to their share than they were.
      for (const space of heavy) {
        if (this.spaces[space].bytes === 0 || this.spaces[space].bytes > 2 * gap || !this.mayMove(space, from, to)) continue;
        // Counts stay within what is never levelled again.
        if (this.counts[to] < this.capCounts[to] && this.counts[from] - 1 >= fillBelow * this.fairCounts[from]) {
          this.move(space, from, to);
          return true;
        }
        if (this.#exchange(space, from, to, 2 * gap)) return true;
      }
    }
    return false;
  }

  /** Something smaller comes back for what goes. */
  #exchange(space: number, from: number, to: number, bytesMax: number): boolean {
    for (const back of this.#held[to]) {
      const difference = this.spaces[space].bytes - this.spaces[back].bytes;
      if (difference <= 0 || difference > bytesMax || !this.mayMove(back, to, from)) continue;
      this.move(space, from, to);
      this.move(back, to, from);
      return true;
    }
    return false;
  }

  idsOf(space: number): NodeId[] {
    return this.spaces[space].copies.map((node) => this.topology.ids[node]);
  }
}

function emptiest<Candidate extends { readonly node: number }>(
  candidates: readonly Candidate[],
  fullness: (node: number) => number,
): Candidate {
  return candidates.reduce((best, each) => (fullness(each.node) < fullness(best.node) ? each : best));
}

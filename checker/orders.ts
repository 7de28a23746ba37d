/**
 * What an operator was told is ordered holds, whoever leads: judged from what the committed state said after each entry, in their order, and from what was answered.
 *
 * - An order about moves stands until the next one. After `hold` no copy is on its way anywhere until a later `apply`.
 * - A node that is to leave gets no new copy, unless that is taken back. Who led may have begun a move before it knew, so its first seconds are left out.
 * - A node that was removed is no member again, and no row names it.
 *
 * A recovery in which an operator takes the risk may forget what was ordered: a new generation begins with what its state says.
 */
import type { NodeId } from '../core/identifiers.js';
import type { CommittedState, ControlObservation, ControlTrace } from './control-observations.js';

/** So long after it was committed that a node is to leave, nobody begins a move to it any more: an entry proposed before may come behind by an election. */
const knownAfterMs = 5_000;

interface Order {
  readonly order: 'apply' | 'hold';
  readonly index: number;
}

export interface JudgedOrders {
  readonly findings: readonly { readonly reason: string }[];
  /** Orders about moves, nodes that were to leave, and removals: 0 is nothing to judge. */
  readonly orders: number;
}

export function judgeOrders({ observations, states = [] }: Pick<ControlTrace, 'observations' | 'states'>): JudgedOrders {
  const walk = new Walk(observations.flatMap(toldOrder));
  for (const state of states) walk.go(state);
  return { findings: walk.findings, orders: walk.orders };
}

/** An order about moves of which an operator was told that it is committed. */
function toldOrder(each: ControlObservation): Order[] {
  if (each.kind !== 'answered' || !each.content.startsWith('{"kind":"rebalancing-ordered"')) return [];
  const { order } = JSON.parse(each.content) as Pick<Order, 'order'>;
  return [{ order, index: each.index }];
}

class Walk {
  readonly findings: { readonly reason: string }[] = [];
  readonly #told: readonly Order[];
  /** Each is a finding once. */
  readonly #found = new Set<string>();
  readonly #seen = new Set<string>();
  #standing: Order | null = null;
  #generation = 0;
  /** The entry with which the generation began: what was told before says nothing of it. */
  #since = 0;
  #before: CommittedState | null = null;
  readonly #leavingSinceMs = new Map<NodeId, number>();
  readonly #removed = new Set<NodeId>();

  constructor(told: readonly Order[]) {
    this.#told = told;
  }

  get orders(): number {
    return this.#seen.size;
  }

  go(state: CommittedState): void {
    if (state.generation !== this.#generation) this.#beginGeneration(state);
    this.#judgeStanding(state);
    this.#judgeHold(state);
    this.#judgeLeaving(state);
    this.#judgeRemoved(state);
    this.#before = state;
  }

  #beginGeneration({ generation, index }: CommittedState): void {
    if (this.#generation !== 0) this.#since = index;
    this.#generation = generation;
    this.#standing = null;
    this.#leavingSinceMs.clear();
    this.#removed.clear();
  }

  #find(key: string, reason: string): void {
    if (this.#found.has(key)) return;
    this.#found.add(key);
    this.findings.push({ reason });
  }

  #judgeStanding({ order, index, atMs }: CommittedState): void {
    let known = this.#standing;
    for (const told of this.#told) if (told.index > this.#since && told.index <= index && told.index > (known?.index ?? 0)) known = told;
    if (order !== null && order.index > (known?.index ?? 0)) known = order;
    this.#standing = known;
    if (known === null) return;
    this.#seen.add(`order ${known.index}`);
    if (order === null || order.index !== known.index || order.order !== known.order)
      this.#find(
        `forgotten ${known.index}`,
        `the order to ${known.order} of entry ${known.index} is forgotten after entry ${index}, at ${atMs} ms`,
      );
  }

  #judgeHold({ rows, index, atMs }: CommittedState): void {
    const order = this.#standing;
    if (order?.order !== 'hold') return;
    for (const { space, move } of rows) {
      if (move === null) continue;
      const reason = `${space} is on its way to ${move.to} after entry ${index}, at ${atMs} ms: the order to hold of entry ${order.index} stands`;
      this.#find(`held ${order.index} ${space}`, reason);
    }
  }

  #judgeLeaving({ leaving, rows, index, atMs }: CommittedState): void {
    for (const node of [...this.#leavingSinceMs.keys()]) if (!leaving.includes(node)) this.#leavingSinceMs.delete(node);
    for (const node of leaving) {
      this.#seen.add(`leaving ${node}`);
      if (!this.#leavingSinceMs.has(node)) this.#leavingSinceMs.set(node, atMs);
    }
    for (const { space, copies, move } of rows) {
      const sinceMs = move === null || copies.includes(move.to) ? undefined : this.#leavingSinceMs.get(move.to);
      if (move === null || sinceMs === undefined || atMs - sinceMs <= knownAfterMs) continue;
      if (this.#before?.rows.find((row) => row.space === space)?.move?.to === move.to) continue;
      this.#find(
        `leaving ${move.to} ${space}`,
        `${space} begins to move to ${move.to} with entry ${index}, at ${atMs} ms: it is to leave since ${sinceMs} ms`,
      );
    }
  }

  #judgeRemoved({ members, removed, rows, index, atMs }: CommittedState): void {
    for (const node of this.#removed) {
      if (members.includes(node))
        this.#find(`member ${node}`, `${node} is a member again after entry ${index}, at ${atMs} ms: it was removed`);
      const row = rows.find(({ copies, move }) => copies.includes(node) || move?.to === node);
      if (row !== undefined) this.#find(`row ${node}`, `${row.space} names ${node} after entry ${index}, at ${atMs} ms: it was removed`);
    }
    for (const node of removed) {
      this.#seen.add(`removed ${node}`);
      this.#removed.add(node);
    }
  }
}

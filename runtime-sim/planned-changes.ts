/** What the plan has an operator ask for while the run goes on: nodes that join, that are drained, that are removed; that copies stay where they are, or move again. */
import type { ControlState } from '../core/control/control-state.js';
import type { ControlEntry, MemberDescription, RebalancingOrder } from '../core/control/entries.js';
import type { ClusterChange } from '../scenarios/run-plan.js';

export class PlannedChanges {
  readonly #changes: readonly ClusterChange[];

  constructor(changes: readonly ClusterChange[]) {
    this.#changes = changes;
  }

  /** Whether none is there that is carried out over time. */
  areOver(nowMs: number): boolean {
    return this.#changes.every(({ kind, atMs }) => (kind === 'join' || isOrder(kind)) && atMs <= nowMs);
  }

  /** The latest order that is due, until it stands. */
  orders(
    state: ControlState,
    places: readonly { readonly place: string; readonly member: MemberDescription }[],
    nowMs: number,
  ): readonly ControlEntry[] {
    let latest: { readonly order: RebalancingOrder; readonly node: string; readonly atMs: number } | null = null;
    for (const { kind, node, atMs } of this.#changes)
      if (isOrder(kind) && atMs <= nowMs && atMs >= (latest?.atMs ?? 0)) latest = { order: kind, node, atMs };
    const by = places.find(({ place }) => place === latest?.node)?.member.id;
    if (latest === null || by === undefined || state.order?.order === latest.order) return [];
    return [{ kind: 'rebalancing-ordered', order: latest.order, atMs: Math.round(nowMs), by }];
  }

  #due(nowMs: number, ...kinds: readonly ClusterChange['kind'][]): ReadonlySet<string> {
    return new Set(this.#changes.flatMap(({ kind, node, atMs }) => (kinds.includes(kind) && atMs <= nowMs ? [node] : [])));
  }

  /** Whether the node at that place is to be a member now: one that joins later is not, nor is one that was removed as planned. */
  isWanted(place: string, isMember: boolean, nowMs: number): boolean {
    const joinsLater = this.#changes.some(({ kind, node, atMs }) => kind === 'join' && node === place && atMs > nowMs);
    return !joinsLater && (isMember || !this.#due(nowMs, 'remove', 'expel').has(place));
  }

  /** Who is to leave is drained; who is to be removed goes once nothing is left on it, as far as `holdsNothing` can see; for who is away nobody waits. */
  leavings(
    state: ControlState,
    places: readonly { readonly place: string; readonly member: MemberDescription }[],
    { nowMs, holdsNothing, isAway }: { readonly nowMs: number; holdsNothing(place: string): boolean; isAway(place: string): boolean },
  ): readonly ControlEntry[] {
    const [leaving, removed] = [this.#due(nowMs, 'drain', 'remove', 'expel'), this.#due(nowMs, 'remove', 'expel')];
    const expelled = this.#due(nowMs, 'expel');
    return places.flatMap(({ place, member }): ControlEntry[] => {
      const known = state.members[member.id];
      if (known === undefined || !leaving.has(place)) return [];
      if (!known.isDraining) return [{ kind: 'node-changed', member, isDraining: true }];
      const isNeeded =
        state.voters.includes(member.id) ||
        Object.values(state.rows).some(({ copies, move }) => copies.includes(member.id) || move?.to === member.id);
      const mayGo = holdsNothing(place) || (expelled.has(place) && isAway(place));
      if (!removed.has(place) || isNeeded || !mayGo) return [];
      return [{ kind: 'node-removed', node: member.id, isForced: false }];
    });
  }
}

function isOrder(kind: ClusterChange['kind']): kind is RebalancingOrder {
  return kind === 'hold' || kind === 'apply';
}

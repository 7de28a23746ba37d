/**
 * Who runs the cluster, where its nodes keep a control log: has the spaces of the plan made before the load begins, and puts the new node in the place of one whose disk
 * was destroyed. It asks whoever leads, a few times a second, for what is still missing, and never waits for an answer: what has been overtaken does nothing.
 *
 * What it sees of the committed state it also tells the observers: where each space has its copies now.
 */
import { type ControlState, membersInOrder } from '../core/control/control-state.js';
import type { ControlEntry, MemberDescription } from '../core/control/entries.js';
import type { NodeId } from '../core/identifiers.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { ControlWatch } from './control-watch.js';
import { spaceOf } from './core-formats.js';
import type { Identities } from './identities.js';
import type { NodeHost } from './node-host.js';
import { PlannedChanges } from './planned-changes.js';
import type { World } from './world.js';

export const operatorTickUs = 100_000;

/** What is wanted, by the names of the plan. */
export interface WantedCluster {
  readonly rows: RunPlan['rows'];
  /** By the name of each place, who is to stand there. */
  readonly members: ReadonlyMap<string, MemberDescription>;
  /** The place at which a node is or was; null for none of the plan. */
  placeOf(node: NodeId): string | null;
  /** Whether the nodes give copies other places by themselves: then nobody else does. */
  readonly movesByItself?: boolean;
}

export class ControlOperator {
  readonly #world: World;
  readonly #hosts: readonly NodeHost[];
  readonly #identities: Identities;
  /** Endpoints of the copies of each space, by what was seen to be committed last. */
  readonly #copiesOf: Map<string, readonly number[]>;
  readonly #watch: ControlWatch;
  readonly #changes: PlannedChanges;
  #applied = 0;
  #lastHandle = 0;
  /** The state of a leader in which nothing was missing, and how many nodes had been by then. */
  #atRest: { readonly state: ControlState; readonly nodes: number } | null = null;

  constructor(
    world: World,
    {
      hosts,
      identities,
      copiesOf,
      watch,
    }: {
      readonly hosts: readonly NodeHost[];
      readonly identities: Identities;
      readonly copiesOf: Map<string, readonly number[]>;
      readonly watch: ControlWatch;
    },
  ) {
    this.#world = world;
    this.#hosts = hosts;
    this.#identities = identities;
    this.#copiesOf = copiesOf;
    this.#watch = watch;
    this.#changes = new PlannedChanges(world.plan.configuration.controlLog?.changes ?? []);
  }

  tick(): void {
    this.#follow();
    const leader = this.#leader();
    const state = leader?.inspectControl()?.state;
    if (leader === null || state === undefined) return;
    this.#watch.watchLeases();
    const { plan, nowUs } = this.#world;
    const { ids, endpointOf } = this.#identities;
    if (this.#atRest !== null && this.#atRest.state === state && this.#atRest.nodes === endpointOf.size) return;
    const nowMs = nowUs / 1_000;
    const places = plan.nodes.map((place, index) => ({ place, member: this.#identities.describe(ids[index]) }));
    const present = places.filter(({ place, member }) => this.#changes.isWanted(place, state.members[member.id] !== undefined, nowMs));
    const wanted: WantedCluster = {
      rows: plan.rows,
      members: new Map(present.map(({ place, member }) => [place, member])),
      placeOf: (node) => plan.nodes[endpointOf.get(node) ?? -1] ?? null,
      movesByItself: plan.configuration.controlLog?.rebalancing?.isAutomatic === true,
    };
    const hostAt = (place: string): NodeHost => this.#hosts[plan.nodes.indexOf(place)];
    const seen = { holdsNothing: (place: string) => isEmpty(hostAt(place)), isAway: (place: string) => !hostAt(place).alive };
    const entries = [
      ...missingEntries(state, wanted),
      ...this.#changes.leavings(state, places, { nowMs, ...seen }),
      ...this.#changes.orders(state, places, nowMs),
    ];
    this.#atRest = entries.length === 0 && this.#changes.areOver(nowMs) ? { state, nodes: endpointOf.size } : null;
    for (const entry of entries) {
      if (!leader.alive) return;
      this.#lastHandle += 1;
      this.#world.tracer?.operatorAsked(plan.nodes[leader.index], entry.kind);
      this.#watch.proposed(leader, this.#lastHandle, entry);
      leader.propose(this.#lastHandle, entry);
    }
  }

  /** Who leads, in the latest term of which anybody leads. */
  #leader(): NodeHost | null {
    let best: { readonly host: NodeHost; readonly term: number } | null = null;
    for (const host of this.#hosts) {
      const raft = host.inspectControl()?.raft;
      if (raft?.role === 'leader' && raft.term > (best?.term ?? -1)) best = { host, term: raft.term };
    }
    return best?.host ?? null;
  }

  #follow(): void {
    let latest: ControlState | null = null;
    for (const host of this.#hosts) {
      const state = host.inspectControl()?.state;
      if (state !== undefined && state.applied > (latest?.applied ?? this.#applied)) latest = state;
    }
    if (latest === null) return;
    this.#applied = latest.applied;
    for (const { space } of this.#world.plan.rows) {
      const row = latest.rows[spaceOf(space)];
      if (row !== undefined)
        this.#copiesOf.set(
          space,
          // Who has taken the place of a node whose disk is gone is no copy by that.
          row.copies.flatMap((copy) => this.#hosts.find(({ id }) => id === copy)?.index ?? []),
        );
    }
  }
}

/** Whether nothing is held there any more, as far as its process can tell. */
function isEmpty(host: NodeHost): boolean {
  return host.alive && host.inspect()?.spaces.every(({ versions }) => versions.length === 0) === true;
}

/** The entries that bring the state a step nearer to what is wanted; none when all is as it should be, or another step has to be committed first. */
export function missingEntries(state: ControlState, wanted: WantedCluster): readonly ControlEntry[] {
  return [
    ...formerMembers(state, wanted),
    ...missingMembers(state, wanted),
    ...missingSpaces(state, wanted),
    ...(wanted.movesByItself === true ? [] : misplacedCopies(state, wanted)),
  ];
}

function missingMembers(state: ControlState, { members }: WantedCluster): ControlEntry[] {
  const missing = [...members.values()].filter(({ id }) => state.members[id] === undefined && state.removed[id] === undefined);
  return missing.map((member) => ({ kind: 'node-added', member }));
}

function missingSpaces(state: ControlState, { rows, members }: WantedCluster): ControlEntry[] {
  return rows.flatMap(({ space, copies }): ControlEntry[] => {
    const ids = copies.flatMap((name) => members.get(name)?.id ?? []);
    const canBeMade = state.generations[space] === undefined && ids.every((id) => state.members[id] !== undefined);
    return canBeMade ? [{ kind: 'space-created', name: space, generation: 0, copies: ids }] : [];
  });
}

/** Whoever is no longer at its place, because its disk was destroyed, gives way to who is there now. */
function misplacedCopies(state: ControlState, { rows, members, placeOf }: WantedCluster): ControlEntry[] {
  const assignments = rows.flatMap(({ space: name }) => {
    const row = state.rows[spaceOf(name)];
    if (row === undefined) return [];
    const successors = row.copies.map((copy) => members.get(placeOf(copy) ?? '')?.id ?? copy);
    const kept = successors.filter((id, at) => id === row.copies[at]);
    const added = successors.filter((id, at) => id !== row.copies[at] && state.members[id] !== undefined && !row.copies.includes(id));
    const gone = row.copies.length - kept.length;
    if (added.length === 0 || kept.length === 0 || added.length < gone) return [];
    // Who comes with nothing stands behind those that have something.
    return [{ space: row.space, basis: row.revision, copies: [...kept, ...added] }];
  });
  return assignments.length === 0 ? [] : [{ kind: 'rows-assigned', rows: assignments }];
}

/**
 * Who is no longer at its place, because its disk was destroyed, votes no more, from before its successor does: of four voters with one gone no other may be
 * lost, of three one. It goes once it is to hold nothing any more.
 */
function formerMembers(state: ControlState, { members, placeOf }: WantedCluster): ControlEntry[] {
  const holders = new Set(Object.values(state.rows).flatMap(({ copies, move }) => (move === null ? copies : [...copies, move.to])));
  return membersInOrder(state).flatMap((member): ControlEntry[] => {
    const successor = members.get(placeOf(member.id) ?? '');
    if (successor === undefined || successor.id === member.id) return [];
    const { since: _, isDraining, ...description } = member;
    if (!isDraining) return [{ kind: 'node-changed', member: description, isDraining: true }];
    if (holders.has(member.id) || state.members[successor.id] === undefined) return [];
    return state.voters.includes(member.id) ? [] : [{ kind: 'node-removed', node: member.id, isForced: false }];
  });
}

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
import { spaceOf } from './core-formats.js';
import type { Identities } from './identities.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

export const operatorTickUs = 100_000;

/** What is wanted, by the names of the plan. */
export interface WantedCluster {
  readonly rows: RunPlan['rows'];
  /** Who is to stand in the place of each node. */
  readonly members: readonly MemberDescription[];
}

export function memberOf(plan: RunPlan, index: number, id: NodeId): MemberDescription {
  const name = plan.nodes[index];
  return { id, name, zone: '', rack: '', address: `${name}:50051` };
}

export class ControlOperator {
  readonly #world: World;
  readonly #hosts: readonly NodeHost[];
  readonly #identities: Identities;
  /** Endpoints of the copies of each space, by what was seen to be committed last. */
  readonly #copiesOf: Map<string, readonly number[]>;
  #applied = 0;

  constructor(
    world: World,
    {
      hosts,
      identities,
      copiesOf,
    }: {
      readonly hosts: readonly NodeHost[];
      readonly identities: Identities;
      readonly copiesOf: Map<string, readonly number[]>;
    },
  ) {
    this.#world = world;
    this.#hosts = hosts;
    this.#identities = identities;
    this.#copiesOf = copiesOf;
  }

  tick(): void {
    this.#follow();
    const leader = this.#leader();
    const state = leader?.inspectControl()?.state;
    if (leader === null || state === undefined) return;
    const { plan } = this.#world;
    const members = this.#identities.ids.map((id, index) => memberOf(plan, index, id));
    for (const entry of missingEntries(state, { rows: plan.rows, members })) if (leader.alive) leader.propose(entry);
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
    const states = this.#hosts.flatMap((host) => host.inspectControl()?.state ?? []);
    const latest = states.reduce<ControlState | null>(
      (best, state) => (state.applied > (best?.applied ?? this.#applied) ? state : best),
      null,
    );
    if (latest === null) return;
    this.#applied = latest.applied;
    const { endpointOf } = this.#identities;
    for (const { space } of this.#world.plan.rows) {
      const row = latest.rows[spaceOf(space)];
      if (row !== undefined)
        this.#copiesOf.set(
          space,
          row.copies.flatMap((copy) => endpointOf.get(copy) ?? []),
        );
    }
  }
}

/** The entries that bring the state a step nearer to what is wanted; none when all is as it should be, or another step has to be committed first. */
export function missingEntries(state: ControlState, { rows, members }: WantedCluster): readonly ControlEntry[] {
  return [...missingSpaces(state, rows, members), ...missingMembers(state, members), ...missingCopies(state, rows, members)];
}

function missingSpaces(state: ControlState, rows: RunPlan['rows'], members: readonly MemberDescription[]): ControlEntry[] {
  const idOf = new Map(members.map(({ name, id }) => [name, id]));
  return rows.flatMap(({ space, copies }): ControlEntry[] => {
    const ids = copies.flatMap((name) => idOf.get(name) ?? []);
    const canBeMade = state.generations[space] === undefined && ids.every((id) => state.members[id] !== undefined);
    return canBeMade ? [{ kind: 'space-created', name: space, generation: 0, copies: ids }] : [];
  });
}

/** Who lost its disk votes no more, then goes, then the new node under its name is let in. */
function missingMembers(state: ControlState, members: readonly MemberDescription[]): ControlEntry[] {
  const present = membersInOrder(state);
  return members.flatMap((member): ControlEntry[] => {
    if (state.members[member.id] !== undefined) return [];
    const former = present.find(({ name }) => name === member.name);
    if (former === undefined) return [{ kind: 'node-added', member }];
    const { since: _, isDraining, ...description } = former;
    if (!isDraining) return [{ kind: 'node-changed', member: description, isDraining: true }];
    return state.voters.includes(former.id) ? [] : [{ kind: 'node-removed', node: former.id, isForced: true }];
  });
}

/** Rows that have fewer copies than the plan gives them, because a node was removed, get the new node of that name, behind the others. */
function missingCopies(state: ControlState, rows: RunPlan['rows'], members: readonly MemberDescription[]): ControlEntry[] {
  const idOf = new Map(members.map(({ name, id }) => [name, id]));
  const assignments = rows.flatMap(({ space: name, copies: wanted }) => {
    const row = state.rows[spaceOf(name)];
    if (row === undefined || row.copies.length >= wanted.length) return [];
    const added = wanted
      .flatMap((each) => idOf.get(each) ?? [])
      .filter((id) => state.members[id] !== undefined && !row.copies.includes(id));
    const copies = [...row.copies, ...added].slice(0, wanted.length);
    return added.length === 0 ? [] : [{ space: row.space, basis: row.revision, copies }];
  });
  return assignments.length === 0 ? [] : [{ kind: 'rows-assigned', rows: assignments }];
}

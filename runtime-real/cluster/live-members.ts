/**
 * The members as membership knows them, for everything outside the core that asks who is where and alive: peer streams, clients, the command line, watchers.
 *
 * It listens to the core's events and looks at the core's table once per turn, so a storm of events costs one look.
 */
import type { DomainEvent } from '../../core/domain-events.js';
import { compareText, type NodeId } from '../../core/identifiers.js';
import type { LinkState, MemberInspection, MemberState, MembershipInspection, PartitionState } from '../../core/membership/inspection.js';
import { reasonOf } from './suspicion-text.js';

export interface LiveMember extends MemberInspection {
  /** Why it is suspect or dead; empty for others. */
  readonly reason: string;
}

export type LiveChange =
  | { readonly kind: 'member'; readonly member: LiveMember; readonly before: MemberState | null }
  | {
      readonly kind: 'partition';
      readonly before: PartitionState;
      readonly now: PartitionState;
      readonly reachable: number;
      readonly total: number;
    };

export interface LiveLink {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly state: LinkState;
  readonly toldBy: NodeId;
}

export interface LiveMembersOptions {
  /** The core's table now; null: no membership, or not started. */
  readonly inspect: () => MembershipInspection | null;
  /** After each turn in which something about a member has changed. */
  readonly changed: () => void;
}

/** Why members are distrusted is kept for so many. */
const reasonsMax = 10_000;

export class LiveMembers {
  readonly #options: LiveMembersOptions;
  readonly #watchers = new Set<(change: LiveChange) => void>();
  readonly #reasons = new Map<NodeId, string>();
  /** As watchers know them. */
  readonly #states = new Map<NodeId, MemberState>();
  #partition: PartitionState = 'connected';
  #news: DomainEvent[] = [];

  constructor(options: LiveMembersOptions) {
    this.#options = options;
  }

  /** Takes a domain event of the node; those of other parts are none of its business. */
  take(event: DomainEvent): void {
    if (!/^(?:member|membership|suspicion|partition)\./.test(event.kind)) return;
    this.#news.push(event);
    if (this.#news.length === 1) setImmediate(() => this.#look());
  }

  /** By name, then by node id; none without membership. */
  all(): readonly LiveMember[] {
    const members = this.#options.inspect()?.members ?? [];
    return members
      .map((member) => this.#withReason(member))
      .sort((left, right) => compareText(left.metadata.name, right.metadata.name) || compareText(left.node, right.node));
  }

  /** Where a member is alive, or may be, host:port for its peers: by identity where that is known, for a name may have been given away. Null: not known. */
  addressOf(name: string, id: NodeId | null): string | null {
    const members = this.#options.inspect()?.members ?? [];
    const fits = members.filter((member) => (id === null ? member.metadata.name === name : member.node === id));
    const found = fits.find(({ state }) => state === 'alive') ?? fits.find(({ state }) => state === 'suspect');
    return found?.metadata.grpcAddress || null;
  }

  inspection(): MembershipInspection | null {
    return this.#options.inspect();
  }

  /** What this node knows of links: its own, and those that others call broken. */
  links(): readonly LiveLink[] {
    const inspection = this.#options.inspect();
    if (inspection === null) return [];
    const { node: self } = inspection;
    const own = inspection.members
      .filter(({ isSelf }) => !isSelf)
      .flatMap(({ node, inbound, outbound }) => [
        { from: node, to: self, state: inbound, toldBy: self },
        { from: self, to: node, state: outbound, toldBy: self },
      ]);
    const told = inspection.brokenLinks.filter(({ toldBy }) => toldBy !== self);
    return [...own, ...told.map((link) => ({ ...link, state: 'broken' as const }))];
  }

  /** Hears of every change from now on. Returns how to stop that. */
  watch(watcher: (change: LiveChange) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #look(): void {
    const news = this.#news;
    this.#news = [];
    const inspection = this.#options.inspect();
    if (inspection === null) return;
    const byNode = new Map(inspection.members.map((member) => [member.node, member]));
    const nameOf = (node: NodeId): string => byNode.get(node)?.metadata.name || node.slice(0, 8);
    for (const event of news) {
      const reason = reasonOf(event, nameOf);
      if (reason !== null && 'node' in event && this.#reasons.size < reasonsMax) this.#reasons.set(event.node, reason);
      const state = stateAfter(event);
      if (state !== null && 'node' in event) this.#became(event.node, { state, member: byNode.get(event.node) });
      if (event.kind === 'member.restarted' || event.kind === 'member.moved') this.#changedItself(byNode.get(event.node));
    }
    // What no event of its own has told: the first look, and members that are not known any more.
    for (const member of inspection.members) if (!member.isSelf) this.#became(member.node, { state: member.state, member });
    for (const node of [...this.#states.keys()]) if (!byNode.has(node)) this.#forget(node);
    this.#partitionNow(inspection);
    this.#options.changed();
  }

  #became(node: NodeId, { state, member }: { state: MemberState; member: MemberInspection | undefined }): void {
    const before = this.#states.get(node) ?? null;
    if (member === undefined || before === state) return;
    this.#isNow(node, state);
    this.#tell({ kind: 'member', member: { ...this.#withReason(member), state }, before });
  }

  /** Another boot, another address: the same state, and news all the same. */
  #changedItself(member: MemberInspection | undefined): void {
    if (member === undefined) return;
    const before = this.#states.get(member.node) ?? null;
    this.#isNow(member.node, member.state);
    this.#tell({ kind: 'member', member: this.#withReason(member), before });
  }

  /** Nobody distrusts a member that is alive or has left: what was held against it before is no longer so. */
  #isNow(node: NodeId, state: MemberState): void {
    if (state === 'alive' || state === 'left') this.#reasons.delete(node);
    this.#states.set(node, state);
  }

  #forget(node: NodeId): void {
    this.#states.delete(node);
    this.#reasons.delete(node);
  }

  #partitionNow({ partition, reachable, total }: MembershipInspection): void {
    if (partition === this.#partition) return;
    const before = this.#partition;
    this.#partition = partition;
    this.#tell({ kind: 'partition', before, now: partition, reachable, total });
  }

  #tell(change: LiveChange): void {
    for (const watcher of this.#watchers) watcher(change);
  }

  #withReason(member: MemberInspection): LiveMember {
    return { ...member, reason: this.#reasons.get(member.node) ?? '' };
  }
}

/** In which state a member is right after the event; null: the event says nothing of it. */
function stateAfter(event: DomainEvent): MemberState | null {
  switch (event.kind) {
    case 'member.joined':
    case 'member.returned':
    case 'member.refuted':
      return 'alive';
    case 'member.suspected':
      return 'suspect';
    case 'member.declared-dead':
    case 'member.died':
      return 'dead';
    case 'member.left':
      return 'left';
    case 'member.reconsidered':
    case 'member.found-gone':
      return event.state;
    default:
      return null;
  }
}

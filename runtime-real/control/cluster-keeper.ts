/**
 * Makes the cluster of the configured members, lets others in, and says why this node takes no requests.
 *
 * Nodes that are configured with the same list of members make their cluster themselves, once: the first of the list does it, after it has heard every other one say
 * that it belongs to no cluster and waits for that first one. A node that has lost its directory hears from the others that there is a cluster, and makes none.
 *
 * Who leads the control log lets nodes in that belong to no cluster: those of its own list, and all that know a secret of the cluster, where there is one. Without a secret an
 * operator has to (`engram cluster add`).
 */
import { randomBytes } from 'node:crypto';
import { type ControlState, isMade } from '../../core/control/control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription, votersMax } from '../../core/control/entries.js';
import { type NodeId, spaceKey } from '../../core/identifiers.js';
import { candidateOrder } from '../../core/placement/candidate-order.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import type { Greeting, PeerIdentity } from '../cluster/peer-hello.js';
import type { Tell } from '../node/runtime-events.js';
import type { ControlInspection } from '../node-host.js';
import type { ControlParts } from './control-parts.js';

/** What nobody tells (a stream that has closed, a proposal that failed) is looked for so often. */
const lookEveryMs = 250;

export interface ClusterKeeperOptions extends ControlParts {
  /** Whoever is heard knows a secret of the cluster. */
  readonly hasSecrets: boolean;
  /** Whether this node takes requests may have changed. */
  readonly changed: () => void;
  readonly tell: Tell;
}

export class ClusterKeeper {
  readonly #options: ClusterKeeperOptions;
  readonly #timer: NodeJS.Timeout;
  /** Nodes of the cluster have said that this one was removed from it. */
  #isRemoved = false;
  #isBusy = false;
  #isLookDue = false;
  /** Why a node was not let in, as it was told. */
  readonly #refusals = new Map<NodeId, string>();

  constructor(options: ClusterKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), lookEveryMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A node has answered to hello. */
  met(name: string, { nodeId, clusterId }: PeerIdentity, { isRemoved }: Greeting): void {
    const { book, own, tell } = this.#options;
    if (book.members.some((member) => member.name === name)) book.learn(name, nodeId);
    if (isRemoved && !this.#isRemoved && clusterId !== '' && (own().clusterId === '' || own().clusterId === clusterId)) {
      this.#isRemoved = true;
      tell({ kind: 'cluster.removed', node: own().nodeId, clusterId, toldBy: name });
      this.#options.changed();
    }
    this.look();
  }

  /** Whether a caller is to be talked to, and what it is told. */
  admit({ nodeId }: PeerIdentity): Greeting {
    const state = this.#state();
    if (state === null || !isMade(state)) return { isRemoved: false };
    // One that still belongs to a generation which was given up is talked to like all others: by its answers it is led into this one, and what it says in its old terms has no weight.
    return { isRemoved: state.removed[nodeId] !== undefined && state.members[nodeId] === undefined };
  }

  /** Why this node takes no requests; null when it does. */
  reason(): string | null {
    const { host, book, own } = this.#options;
    const control = host.inspectControl();
    if (control === null) return 'it has stopped';
    if (this.#isRemoved) return 'it was removed from the cluster: to come back it needs an empty directory';
    if (isMade(control.state)) {
      if (control.state.members[host.nodeId] !== undefined) return null;
      return 'it is no member of the cluster any more: to come back it needs an empty directory';
    }
    if (control.isDamaged)
      return 'its control log is damaged: nothing of it can be read, and no other node has told it anything yet: it waits until the others let it begin anew';
    const stranger = this.#memberOfACluster();
    const { name, founder } = own();
    if (stranger !== null) {
      return `it waits to be let in by the cluster of ${stranger.name}: engram cluster add ${name}, with --server ${stranger.address}`;
    }
    if (book.clusterId !== '') return `it waits for the cluster that it belonged to (${book.clusterId})`;
    if (founder === '')
      return `it belongs to no cluster: make one of it (engram cluster init), or let it into another (engram cluster add ${name})`;
    const missing = this.#missing().map((each) => {
      const address = book.members.find((member) => member.name === each)?.address ?? 'wherever membership finds it';
      return `${each} (${address})`;
    });
    if (missing.length > 0) return `it waits for members that it has never heard of: ${missing.join(', ')}`;
    return founder === name ? 'it makes the cluster' : `it waits for ${founder}, the first of the members, to make the cluster`;
  }

  /** Looks for what there is to do now. */
  look(): void {
    this.#isLookDue = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#lookAgain();
  }

  async #lookAgain(): Promise<void> {
    try {
      while (this.#isLookDue) {
        this.#isLookDue = false;
        await this.#act();
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #act(): Promise<void> {
    const { host, book, changed } = this.#options;
    const control = host.inspectControl();
    if (control === null || control.isDamaged) return;
    if (isMade(control.state)) {
      book.belongsTo(control.state.clusterId);
      if (control.raft?.role === 'leader') await this.#keep(control);
    } else if (this.#mayFound()) await this.#found();
    changed();
  }

  #state(): ControlState | null {
    return this.#options.host.inspectControl()?.state ?? null;
  }

  /** Configured members whose hello has not been heard in this boot. */
  #missing(): readonly string[] {
    const { book, own, network } = this.#options;
    return book.members.map(({ name }) => name).filter((name) => name !== own().name && !network.isReachable(name));
  }

  #memberOfACluster(): PeerIdentity | null {
    return this.#options.directory.identities().find(({ clusterId }) => clusterId !== '') ?? null;
  }

  /** Everybody on the list has just said, on a stream that stands, that there is no cluster and that this node is to make one. */
  #mayFound(): boolean {
    const { book, own } = this.#options;
    const { name, founder, clusterId } = own();
    if (founder !== name || clusterId !== '' || this.#memberOfACluster() !== null || this.#missing().length > 0) return false;
    return (
      this.#others().every((identity) => identity.founder === name && identity.keepsControlLog) &&
      this.#others().length + 1 === book.members.length
    );
  }

  /** The other members of the list, in its order. */
  #others(): readonly PeerIdentity[] {
    const { book, directory } = this.#options;
    return book.members.flatMap(({ name }) => {
      const id = book.idOf(name);
      const identity = id === undefined || id === this.#options.host.nodeId ? null : directory.identity(id);
      return identity === null ? [] : [identity];
    });
  }

  async #found(): Promise<void> {
    const { host, own, pure, replicationFactor, tell } = this.#options;
    const nodes = [own(), ...this.#others()];
    // A list of fewer nodes than copies means one copy on each: else a write that waits for all copies would wait for ever. A list of one is a beginning.
    const copies = nodes.length === 1 ? replicationFactor : Math.min(replicationFactor, nodes.length);
    const answer = await host.propose({ kind: 'found', entries: foundingEntries(nodes, { replicationFactor: copies, pure }) });
    if (answer.kind === 'committed')
      tell({ kind: 'cluster.made', clusterId: this.#state()?.clusterId ?? '', members: 1 + this.#others().length });
  }

  /** As leader: lets in who waits, and notes where members are now. */
  async #keep({ state }: ControlInspection): Promise<void> {
    const { directory, network, book, hasSecrets, proposer } = this.#options;
    for (const identity of directory.identities()) {
      const { nodeId, name, clusterId, keepsControlLog } = identity;
      if (!network.reaches(nodeId)) continue;
      const member = state.members[nodeId];
      const described = descriptionOf(identity);
      if (member !== undefined) {
        if (isSame(member, described)) continue;
        // What fails is looked for and proposed again.
        await proposer.submit({ kind: 'node-changed', member: described, isDraining: member.isDraining }).catch(() => {});
      } else if (clusterId === '' && keepsControlLog && (hasSecrets || book.members.some((each) => each.name === name))) {
        await this.#letIn(described, state);
      }
    }
  }

  async #letIn(member: MemberDescription, state: ControlState): Promise<void> {
    const { proposer, tell } = this.#options;
    const refusal = refusalOf(member, state);
    if (refusal === null) {
      // What fails is looked for and proposed again.
      await proposer.submit({ kind: 'node-added', member }).catch(() => {});
      this.#refusals.delete(member.id);
    } else if (this.#refusals.get(member.id) !== refusal) {
      this.#refusals.set(member.id, refusal);
      tell({ kind: 'cluster.not-let-in', member: member.name, node: member.id, reason: refusal });
    }
  }
}

export function descriptionOf({ nodeId, name, zone, rack, address }: PeerIdentity): MemberDescription {
  return { id: nodeId, name, zone, rack, address };
}

/** Why the control log would not let the node in, in words; null when it would. */
export function refusalOf({ id, name }: MemberDescription, { members, removed }: ControlState): string | null {
  if (removed[id] !== undefined) return `${name} (${id}) was removed by entry ${removed[id]}: to come back it needs an empty directory`;
  const namesake = Object.values(members).find((member) => member.name === name && member.id !== id);
  if (namesake === undefined) return null;
  return `another node, ${namesake.id}, is a member under the name ${name}: if that one is gone for good, engram cluster remove ${namesake.id} --force`;
}

export interface FoundingTerms {
  readonly replicationFactor: number;
  readonly pure: PureFunctions;
}

/**
 * What makes the cluster of these nodes. What they hold already keeps its place: where the nodes' ids have put each space before there was a control log, the first so many
 * in candidate order.
 */
export function foundingEntries(nodes: readonly PeerIdentity[], { replicationFactor, pure }: FoundingTerms): readonly ControlEntry[] {
  const members = nodes.map(descriptionOf);
  const founders = members.slice(0, votersMax);
  const ids = members.map(({ id }) => id);
  const clusterId = randomBytes(16).toString('hex');
  const held = [...new Set(nodes.flatMap(({ heldSpaces }) => heldSpaces))].sort();
  return [
    { kind: 'cluster-made', clusterId, founders, settings: { ...defaultClusterSettings, replicationFactor } },
    ...members.slice(votersMax).map((member): ControlEntry => ({ kind: 'node-added', member })),
    ...held.map((name): ControlEntry => {
      const copies = candidateOrder(spaceKey({ name, generation: 0 }), ids, pure).slice(0, replicationFactor);
      return { kind: 'space-created', name, generation: 0, copies };
    }),
  ];
}

function isSame(known: MemberDescription, said: MemberDescription): boolean {
  return (['name', 'zone', 'rack', 'address'] as const).every((part) => known[part] === said[part]);
}

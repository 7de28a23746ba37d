/** What this node says of its cluster, over gRPC and HTTP: membership's knowledge joined with the committed member list. */
import { type ControlState, isMade } from '../../core/control/control-state.js';
import { compareText, type NodeId } from '../../core/identifiers.js';
import type { MemberState, PartitionState } from '../../core/membership/inspection.js';
import {
  type ClusterChange,
  type ClusterHealth,
  type ClusterMatrix,
  type ClusterMember,
  type ClusterMembers,
  LinkState,
  type MemberHealth,
  PartitionState as PartitionStateCode,
  MemberState as StateCode,
} from '../../core/wire/generated/engram/v1/cluster.js';
import type { LiveChange, LiveMember, LiveMembers } from '../cluster/live-members.js';
import type { MemberBook } from '../cluster/member-book.js';
import type { PeerNetwork } from '../cluster/peer-network.js';
import type { NodeSettings } from '../config/settings.js';
import type { ClusterSource } from '../grpc/cluster-calls.js';
import { version } from './version.js';

const states: Readonly<Record<MemberState, StateCode>> = {
  alive: StateCode.ALIVE,
  suspect: StateCode.SUSPECT,
  dead: StateCode.DEAD,
  left: StateCode.LEFT,
};

const partitions: Readonly<Record<PartitionState, PartitionStateCode>> = {
  connected: PartitionStateCode.CONNECTED,
  partitioned: PartitionStateCode.PARTITIONED,
  healing: PartitionStateCode.HEALING,
};

const links = { works: LinkState.WORKS, broken: LinkState.BROKEN, unknown: LinkState.LINK_STATE_UNSPECIFIED } as const;

export interface ClusterStatusOptions {
  readonly settings: NodeSettings;
  readonly nodeId: NodeId;
  readonly boot: number;
  /** host:port for clients. */
  readonly address: string;
  readonly book: MemberBook;
  readonly network: PeerNetwork;
  readonly live: LiveMembers;
  /** As the control log has it; null without one. */
  readonly control: () => ControlState | null;
  /** Whether requests are taken. */
  readonly isServing: () => boolean;
}

/** A node that may hold copies. */
interface Committed {
  readonly name: string;
  readonly address: string | null;
  /** Empty: not heard yet. */
  readonly id: NodeId | '';
}

/** What a node is to the others: it can hold copies. */
export const nodeRoles: readonly string[] = ['store'];

export class ClusterStatus implements ClusterSource {
  readonly #options: ClusterStatusOptions;

  constructor(options: ClusterStatusOptions) {
    this.#options = options;
  }

  health(): ClusterHealth {
    const { settings, nodeId, isServing, live, control } = this.#options;
    const { node, cluster } = settings;
    const all = live.all();
    const state = control();
    const copies = state !== null && isMade(state) ? state.settings.replicationFactor : cluster.replicationFactor;
    const committed = this.#committedMembers();
    const others = all.filter(({ metadata, isSelf }) => !isSelf && !committed.some(({ name }) => name === metadata.name));
    return {
      cluster: cluster.name,
      nodeId,
      nodeName: node.name,
      replicationFactor: cluster.mode === 'single' ? 1 : Math.min(copies, Math.max(1, committed.length)),
      members: [
        ...committed.map((member) => this.#committed(member, all)),
        ...others.filter(({ state: is }) => is !== 'left').map((member) => this.#joined(member)),
      ],
      complete: isServing(),
      partition: this.#partition(),
    };
  }

  /** Members by the control log, those of the configuration first and in its order; by the configuration alone before there is a cluster. */
  #committedMembers(): readonly Committed[] {
    const { book, control, nodeId, settings } = this.#options;
    const state = control();
    if (state === null || !isMade(state)) {
      return book.members.map(({ name, address }) => ({
        name,
        address,
        id: name === settings.node.name ? nodeId : (book.idOf(name) ?? ''),
      }));
    }
    const order = new Map(book.members.map(({ name }, at) => [name, at]));
    const place = ({ name }: Committed): number => order.get(name) ?? order.size;
    const known = Object.values(state.members).map(({ id, name, address }) => ({ id, name, address: address || null }));
    return known.sort((left, right) => place(left) - place(right) || compareText(left.name, right.name));
  }

  members(): ClusterMembers {
    const { settings, nodeId, live } = this.#options;
    const inspection = live.inspection();
    const members = live.all();
    return {
      cluster: settings.cluster.name,
      nodeId,
      nodeName: settings.node.name,
      partition: this.#partition(),
      reachable: inspection?.reachable ?? 1,
      total: inspection?.total ?? 1,
      localHealth: inspection?.localHealth ?? 0,
      members: members.length === 0 ? [this.#alone()] : members.map((member) => this.#member(member)),
    };
  }

  matrix(): ClusterMatrix {
    const all = this.#options.live.links();
    return {
      members: this.members(),
      links: all.map(({ from, to, state, toldBy }) => ({ fromNodeId: from, toNodeId: to, state: links[state], toldByNodeId: toldBy })),
    };
  }

  watch(watcher: (change: ClusterChange) => void): () => void {
    return this.#options.live.watch((change) => watcher(this.#change(change)));
  }

  #change(change: LiveChange): ClusterChange {
    const atMs = Date.now();
    if (change.kind === 'member') {
      const before = change.before === null ? StateCode.MEMBER_STATE_UNSPECIFIED : states[change.before];
      return { atMs, change: { $case: 'member', value: { member: this.#member(change.member), before } } };
    }
    const { reachable, total } = change;
    const value = { before: partitions[change.before], now: partitions[change.now], reachable, total };
    return { atMs, change: { $case: 'partition', value } };
  }

  /** Where it is, membership knows best. */
  #committed({ id, name, address }: Committed, all: readonly LiveMember[]): MemberHealth {
    const { network, nodeId } = this.#options;
    const self = id === nodeId;
    const live = all.find(({ node, metadata }) => (id === '' ? metadata.name === name : node === id));
    const known = live?.metadata.grpcAddress || address || '';
    return {
      nodeId: id,
      name,
      address: self ? this.#options.address : known,
      self,
      reachable: self || (id === '' ? network.isReachable(name) : network.reaches(id)),
      committed: true,
      state: live === undefined ? (self ? StateCode.ALIVE : StateCode.MEMBER_STATE_UNSPECIFIED) : states[live.state],
      removed: false,
    };
  }

  #joined({ node, state, metadata }: LiveMember): MemberHealth {
    return {
      nodeId: node,
      name: metadata.name,
      address: metadata.grpcAddress,
      self: false,
      reachable: state === 'alive',
      committed: false,
      state: states[state],
      removed: this.#wasRemoved(node),
    };
  }

  #member({ node, state, incarnation, address, metadata, sinceMs, isSelf, reason }: LiveMember): ClusterMember {
    const { zone, rack, roles, version: runs, name, grpcAddress, loadPercent } = metadata;
    return {
      nodeId: node,
      name,
      state: states[state],
      boot: incarnation.boot.counter,
      refutation: incarnation.refutation,
      membershipAddress: address,
      address: grpcAddress,
      ...{ zone, rack, roles: [...roles], version: runs },
      inStateMs: Math.max(0, Math.floor(performance.now() - sinceMs)),
      self: isSelf,
      committed: this.#committedMembers().some(({ id }) => id === node),
      reason,
      loadPercent,
      removed: this.#wasRemoved(node),
    };
  }

  /** Membership goes on speaking with it as long as its process runs. */
  #wasRemoved(node: NodeId): boolean {
    return this.#options.control()?.removed[node] !== undefined;
  }

  /** A node without membership knows of itself. */
  #alone(): ClusterMember {
    const { settings, nodeId, boot, address } = this.#options;
    const { zone, rack } = settings.membership;
    return {
      nodeId,
      name: settings.node.name,
      state: StateCode.ALIVE,
      boot,
      refutation: 0,
      membershipAddress: '',
      address,
      ...{ zone, rack, roles: [...nodeRoles], version },
      inStateMs: Math.floor(performance.now()),
      self: true,
      committed: true,
      reason: '',
      loadPercent: 0,
      removed: false,
    };
  }

  #partition(): PartitionStateCode {
    const inspection = this.#options.live.inspection();
    return inspection === null ? PartitionStateCode.PARTITION_STATE_UNSPECIFIED : partitions[inspection.partition];
  }
}

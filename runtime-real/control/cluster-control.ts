/** The control log of a node in production, with what surrounds it: who is known, who lets nodes in, what operators may ask, what is told. */
import { isMade } from '../../core/control/control-state.js';
import type { DomainEvent } from '../../core/domain-events.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import type { ControlReport, Receipts, ReceiptsRequest } from '../../core/wire/generated/engram/v1/cluster.js';
import type { StatusReport } from '../../core/wire/generated/engram/v1/service.js';
import type { LiveMembers } from '../cluster/live-members.js';
import type { MemberBook } from '../cluster/member-book.js';
import { PeerDirectory } from '../cluster/peer-directory.js';
import { heldSpacesMax, type PeerIdentity } from '../cluster/peer-hello.js';
import type { PeerNetwork } from '../cluster/peer-network.js';
import type { NodeSettings } from '../config/settings.js';
import type { Tell } from '../node/runtime-events.js';
import type { NodeHost } from '../node-host.js';
import { ClusterDesk } from './cluster-desk.js';
import { ClusterKeeper } from './cluster-keeper.js';
import { controlReport } from './control-report.js';
import { MoveDesk } from './move-desk.js';
import { Proposer } from './proposer.js';
import { receiptsPage } from './receipt-messages.js';

export interface ClusterControlOptions {
  readonly settings: NodeSettings;
  readonly host: NodeHost;
  readonly book: MemberBook;
  readonly network: PeerNetwork;
  readonly live: LiveMembers;
  readonly pure: PureFunctions;
  /** host:port for peers and clients. */
  readonly address: string;
  /** host:port for datagrams; empty without membership. */
  readonly membershipAddress: string;
  /** What the node held something of when it started. */
  readonly heldSpaces: readonly string[];
  readonly hasSecrets: boolean;
  /** Whether this node takes requests may have changed. */
  readonly changed: () => void;
  readonly tell: Tell;
}

export class ClusterControl {
  readonly directory: PeerDirectory;
  readonly keeper: ClusterKeeper;
  readonly desk: ClusterDesk;
  readonly moves: MoveDesk;
  readonly proposer: Proposer;
  readonly #options: ClusterControlOptions;
  #isLookDue = false;

  constructor(options: ClusterControlOptions) {
    this.#options = options;
    const { settings, host, book, network, live, pure, hasSecrets, changed, tell } = options;
    const self = { id: host.nodeId, name: settings.node.name };
    this.directory = new PeerDirectory({ self, book, live, control: () => host.inspectControl()?.state ?? null });
    this.proposer = new Proposer({ host, pure, addressOf: (node) => this.#addressOf(node) });
    const own = (): PeerIdentity => this.own();
    const { replicationFactor } = settings.cluster;
    const parts = { host, book, directory: this.directory, network, proposer: this.proposer, pure, own, replicationFactor };
    this.keeper = new ClusterKeeper({ ...parts, hasSecrets, changed, tell });
    this.desk = new ClusterDesk(parts);
    this.moves = new MoveDesk({ host, proposer: this.proposer, addressOf: (node) => this.#addressOf(node) });
  }

  /** As this node says hello now. */
  own(): PeerIdentity {
    const { settings, host, book, address, membershipAddress, heldSpaces } = this.#options;
    const control = host.inspectControl();
    const clusterId = control?.state.clusterId || book.clusterId;
    const { zone, rack } = settings.membership;
    return {
      ...{
        cluster: settings.cluster.name,
        nodeId: host.nodeId,
        name: settings.node.name,
        membershipAddress,
        address,
        zone,
        rack,
        clusterId,
      },
      generation: control?.state.generation ?? 0,
      founder: settings.cluster.mode === 'cluster' ? (book.members[0]?.name ?? '') : '',
      heldSpaces: clusterId === '' ? heldSpaces.slice(0, heldSpacesMax) : [],
      keepsControlLog: control !== null && control.raft !== null,
    };
  }

  /** Hears what happens in the node. */
  take(event: DomainEvent): void {
    if (event.kind === 'control.applied' && event.entry?.kind === 'node-removed') this.#options.network.greetAnew(event.entry.node);
    if (event.kind !== 'control.applied' && event.kind !== 'control.snapshot-installed' && event.kind !== 'control.leader-elected') return;
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    setImmediate(() => {
      this.#isLookDue = false;
      this.#options.network.redial();
      this.keeper.look();
    });
  }

  async report(withoutRows: boolean): Promise<ControlReport> {
    const { settings, host } = this.#options;
    const status = withoutRows ? null : await statusOf(host);
    const reason = this.keeper.reason() ?? '';
    const { node, cluster } = settings;
    return controlReport({
      cluster: cluster.name,
      nodeId: host.nodeId,
      nodeName: node.name,
      control: host.inspectControl(),
      status,
      reason,
    });
  }

  /** What became of writes of other terms that this node has merged. */
  receipts(request: ReceiptsRequest): Receipts {
    const { settings, host } = this.#options;
    const page = receiptsPage(request, (asked) => host.receipts(asked));
    return { nodeId: host.nodeId, nodeName: settings.node.name, ...page };
  }

  /** Whether the node belongs to a cluster, by its own log. */
  get isMade(): boolean {
    const state = this.#options.host.inspectControl()?.state;
    return state !== undefined && isMade(state);
  }

  #addressOf(node: NodeId): string | null {
    const peer = this.directory.peers().find(({ id }) => id === node);
    return peer === undefined ? null : (this.#options.live.addressOf(peer.name, node) ?? peer.address);
  }
}

/** Everything that the node holds; null when it has stopped. */
export async function statusOf(host: Pick<NodeHost, 'call'>): Promise<StatusReport | null> {
  const reply = await host.call({ header: undefined, body: { $case: 'status', value: {} } }).catch(() => null);
  return reply?.body?.$case === 'status' ? reply.body.value : null;
}

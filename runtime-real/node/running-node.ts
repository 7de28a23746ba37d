/**
 * One node of production: data directory, core, peers and servers put together, from start to stop.
 *
 * The order matters. Ports are bound first and the directory locked next, so that what cannot work is known before anything is written; the log is read
 * with the last known members in place; peers are dialled, seeds looked for and requests taken when the node knows who it is. Stopping goes the other way
 * round, and begins by telling the others.
 */
import { resolve } from 'node:path';
import type { DomainEvent } from '../../core/domain-events.js';
import { EngramError } from '../../core/errors.js';
import type { NodeId } from '../../core/identifiers.js';
import { parseAddress } from '../../core/membership/address.js';
import type { Request } from '../../core/wire/generated/engram/v1/service.js';
import { LiveMembers } from '../cluster/live-members.js';
import { MemberBook } from '../cluster/member-book.js';
import { MembershipPort } from '../cluster/membership-port.js';
import { PeerNetwork } from '../cluster/peer-network.js';
import { createScanRunner } from '../compute/scan-runner.js';
import { hostOf, joined, memberText } from '../config/addresses.js';
import { clusterKeys } from '../config/secrets.js';
import type { NodeSettings } from '../config/settings.js';
import { Discovery } from '../discovery/discovery.js';
import { SystemLookup } from '../discovery/name-lookup.js';
import { openDirectoryDisk } from '../disk/directory-disk.js';
import { type DirectoryLock, lockDirectory } from '../disk/directory-lock.js';
import type { FileCalls } from '../disk/file-calls.js';
import { listenAsWished } from '../grpc/cannot-listen.js';
import { NodeServer } from '../grpc/node-server.js';
import type { RequestGate } from '../grpc/request-gate.js';
import { HttpServer } from '../http/http-server.js';
import { type NodeStatus, statusRoutes } from '../http/status-routes.js';
import { type Asker, NodeHost } from '../node-host.js';
import { createPureFunctions } from '../pure-functions.js';
import { LoadMeter } from '../telemetry/load-meter.js';
import { NodeMetrics } from '../telemetry/node-metrics.js';
import { ClusterStatus, nodeRoles } from './cluster-status.js';
import type { NodeEvent, Tell } from './runtime-events.js';
import { version } from './version.js';

export interface RunningNodeOptions {
  readonly settings: NodeSettings;
  readonly tell: (event: NodeEvent) => void;
  /** How files are reached; the system's own calls when absent. */
  readonly fileCalls?: FileCalls | undefined;
}

export const standardHttpPort = 7432;
/** How long others are told of a planned absence, at most. */
const farewellMsMax = 2_000;

/** What is open before there is a node. */
class Doors {
  readonly server = new NodeServer();
  readonly http: HttpServer;
  readonly metrics = new NodeMetrics();
  membership: MembershipPort | null = null;
  lock: DirectoryLock | null = null;
  /** What the node says of itself over HTTP; null while it reads its log. */
  status: () => NodeStatus | null = () => null;

  constructor() {
    this.http = new HttpServer(statusRoutes({ status: () => this.status(), metrics: () => this.metrics.text() }));
  }

  async open(settings: NodeSettings, tell: Tell): Promise<void> {
    const { node, http, cluster } = settings;
    await this.server.listen(node.listen);
    const standard = joined(hostOf(node.listen), standardHttpPort);
    await listenAsWished({ key: 'http.listen', said: http.listen, standard, tell }, (address) => this.http.listen(address));
    if (cluster.mode === 'cluster') this.membership = await MembershipPort.open(settings, tell);
    this.lock = await lockDirectory(resolve(node.dataDir));
  }

  async close(drainMs: number): Promise<boolean> {
    const drained = await this.server.close(drainMs);
    this.http.close();
    this.membership?.close();
    return drained;
  }
}

interface Parts {
  readonly doors: Doors;
  readonly book: MemberBook;
  readonly network: PeerNetwork;
  readonly live: LiveMembers;
  readonly host: NodeHost;
}

export class RunningNode {
  readonly #settings: NodeSettings;
  readonly #tell: Tell;
  readonly #parts: Parts;
  readonly #discovery: Discovery;
  readonly #load: LoadMeter;
  #stopping = false;
  #serving = false;
  #left: () => void = () => {};

  private constructor({ settings, tell }: RunningNodeOptions, parts: Parts) {
    this.#settings = settings;
    this.#tell = tell;
    this.#parts = parts;
    const { seeds, seedsSrv, seedsFile, seedsRefreshMs } = settings.cluster;
    this.#discovery = new Discovery({
      sources: { seeds, services: seedsSrv, file: seedsFile, refreshMs: seedsRefreshMs },
      lookup: new SystemLookup(),
      found: (found) => parts.host.membership({ kind: 'seeds', addresses: found.flatMap((address) => parseAddress(address) ?? []) }),
      tell,
    });
    this.#load = new LoadMeter((percent) => parts.host.membership({ kind: 'load', percent }));
  }

  /** Resolves once the node answers: with what was asked, or with whom it still waits for. Rejects with an EngramError when it cannot start. */
  static async start(options: RunningNodeOptions): Promise<RunningNode> {
    const { settings, tell } = options;
    const doors = new Doors();
    try {
      await doors.open(settings, tell);
      const { cluster, node } = settings;
      const book = new MemberBook({
        dataDir: node.dataDir,
        cluster: cluster.name,
        self: node.name,
        members: cluster.members,
        replicationFactor: Math.min(cluster.replicationFactor, cluster.members.length),
        tell,
      });
      const network = new PeerNetwork(book);
      let left = (): void => {};
      let host: NodeHost | null = null;
      const live = new LiveMembers({ inspect: () => host?.inspectMembership() ?? null, changed: () => network.redial() });
      const boot = { number: 0 };
      const hear = (event: DomainEvent): void => {
        if (event.kind === 'node.started') boot.number = event.boot;
        if (event.kind === 'membership.left') left();
        live.take(event);
        doors.metrics.take(event);
        tell(event);
      };
      host = await startHost(options, { doors, book, network, hear });
      const lock = doors.lock as DirectoryLock;
      const started = host;
      void lock.lost.then((why) => started.halt(why));
      const running = new RunningNode(options, { doors, book, network, live, host });
      left = () => running.#left();
      running.#open(boot.number);
      return running;
    } catch (error) {
      doors.lock?.release();
      await doors.close(0);
      throw error;
    }
  }

  get address(): string {
    return this.#parts.doors.server.address;
  }

  /** Resolves when the node has halted by itself, with the reason; or after `stop`. */
  get ended(): Promise<EngramError> {
    return this.#parts.host.ended;
  }

  /** Says goodbye, takes nothing more, answers what it took, for at most the configured time, and lets go of everything. Says whether all was answered. */
  async stop(): Promise<boolean> {
    this.#stopping = true;
    const { doors, network, host } = this.#parts;
    doors.server.setServing(false);
    this.#discovery.close();
    this.#load.close();
    await this.#leave();
    const drained = await doors.close(this.#settings.node.drainMs);
    network.close();
    await host.close();
    doors.lock?.release();
    return drained;
  }

  /** A planned absence is told, so that nobody takes it for a failure. */
  async #leave(): Promise<void> {
    const { host } = this.#parts;
    const inspection = host.inspectMembership();
    if (inspection === null || inspection.total <= 1) return;
    let timeout: NodeJS.Timeout | undefined;
    const told = new Promise<void>((resolve) => {
      this.#left = resolve;
      timeout = setTimeout(resolve, farewellMsMax);
    });
    host.membership({ kind: 'leave' });
    await told;
    clearTimeout(timeout);
  }

  #open(boot: number): void {
    const { node, cluster } = this.#settings;
    const { doors, host, book, network, live } = this.#parts;
    const address = advertisedBy(this.#settings, doors.server);
    const status = new ClusterStatus({ settings: this.#settings, nodeId: host.nodeId, boot, address, book, network, live });
    doors.server.serve({ gate: this.#gate(), cluster: status, exchange: (stream) => network.exchange(stream) });
    doors.membership?.start((event) => host.membership(event));
    doors.metrics.start({ inspect: () => host.inspectMembership(), network: () => doors.membership?.counts ?? null });
    doors.status = () => this.#status();
    const membershipAddress = doors.membership?.address ?? '';
    network.start({
      own: { cluster: cluster.name, nodeId: host.nodeId, name: node.name, membershipAddress },
      liveAddressOf: (name, id) => live.addressOf(name, id),
      heardOf: (member, heard) => {
        if (this.#settings.cluster.mode === 'cluster') this.#discovery.heard(`peer ${member}`, heard);
      },
      receive: (message) => host.receive(message),
      eventsWaiting: () => host.eventsWaiting,
      membersChanged: () => this.#membersChanged(),
      tell: this.#tell,
    });
    if (doors.membership !== null) {
      void this.#discovery.start();
      this.#load.start();
    }
    this.#tell({
      kind: 'node.listening',
      node: host.nodeId,
      boot,
      pid: process.pid,
      version,
      listen: this.address,
      advertise: address,
      membership: doors.membership?.address ?? null,
      http: doors.http.address,
      dataDir: resolve(node.dataDir),
      cluster: cluster.name,
      members: cluster.members.map(memberText),
    });
    if (book.missing.length > 0) this.#tell({ kind: 'node.waiting', members: book.missing });
    else this.#nowServing();
  }

  #membersChanged(): void {
    const { host, book } = this.#parts;
    host.control(book.viewFor(host.nodeId));
    if (book.missing.length === 0) this.#nowServing();
  }

  #nowServing(): void {
    if (this.#serving || this.#stopping) return;
    this.#serving = true;
    this.#parts.doors.server.setServing(true);
    this.#tell({ kind: 'node.serving' });
  }

  #gate(): RequestGate {
    const { host } = this.#parts;
    return {
      nodeId: host.nodeId,
      nodeName: this.#settings.node.name,
      refusal: () => this.#refusal(),
      ask: (request: Request, asker: Asker) => host.ask(request, asker),
      forget: (handle) => host.forget(handle),
    };
  }

  #refusal(): EngramError | null {
    const { name } = this.#settings.node;
    if (this.#stopping) {
      const hint = 'ask another copy, or this node after its restart';
      return new EngramError('UNAVAILABLE', { message: `the node ${name} is stopping`, hint });
    }
    if (this.#serving) return null;
    const { book } = this.#parts;
    const waitsFor = book.missing.map((missing) => {
      const address = book.members.find((member) => member.name === missing)?.address ?? 'wherever membership finds it';
      return `${missing} (${address})`;
    });
    return new EngramError('UNAVAILABLE', {
      message: `the node ${name} waits for members that it has never heard of: ${waitsFor.join(', ')}`,
      hint: 'start these nodes, or correct cluster.members: the request can be repeated at once they have been seen',
    });
  }

  #status(): NodeStatus {
    const { node, cluster } = this.#settings;
    const { host } = this.#parts;
    const inspection = host.inspectMembership();
    const refusal = this.#refusal();
    return {
      node: node.name,
      nodeId: host.nodeId,
      cluster: cluster.name,
      version,
      serving: refusal === null,
      reason: refusal?.message ?? '',
      partition: inspection?.partition ?? null,
      members: inspection === null ? null : { reachable: inspection.reachable, total: inspection.total },
    };
  }
}

/** Port 0 was a wish for any: the address is the one that it became. */
function advertisedBy({ node }: NodeSettings, server: NodeServer): string {
  if (!node.advertise.endsWith(':0')) return node.advertise;
  return joined(hostOf(node.advertise), Number(server.address.slice(server.address.lastIndexOf(':') + 1)));
}

interface ToStart {
  readonly doors: Doors;
  readonly book: MemberBook;
  readonly network: PeerNetwork;
  readonly hear: (event: DomainEvent) => void;
}

async function startHost({ settings, fileCalls }: RunningNodeOptions, { doors, book, network, hear }: ToStart): Promise<NodeHost> {
  const pure = await createPureFunctions();
  const { membership: port, server } = doors;
  const { listen: _listen, advertise: _advertise, preset: _preset, zone, rack, ...parameters } = settings.membership;
  return NodeHost.start({
    configuration: {
      name: settings.node.name,
      clusterId: settings.cluster.name,
      control: (self: NodeId) => book.viewFor(self),
      storage: settings.storage,
      memory: settings.memory,
      replication: settings.replication,
      membership:
        port === null
          ? null
          : {
              ...parameters,
              localHealth: true,
              address: port.address,
              keys: clusterKeys(settings),
              metadata: {
                name: settings.node.name,
                ...{ zone, rack, roles: [...nodeRoles], version },
                grpcAddress: advertisedBy(settings, server),
                loadPercent: 0,
              },
            },
    },
    pure,
    openDisk: (report) => openDirectoryDisk(resolve(settings.node.dataDir), report, fileCalls),
    openCompute: (report) => createScanRunner(report),
    network,
    datagrams: port?.datagrams,
    exchanges: port?.exchanges,
    onEvent: hear,
  });
}

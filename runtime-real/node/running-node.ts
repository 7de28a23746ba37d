/**
 * One node of production: data directory, core, peers and server put together, from start to stop.
 *
 * The order matters. The port is bound first and the directory locked next, so that what cannot work is known before anything is written; the log is read
 * with the last known members in place; peers are dialled and requests taken when the node knows who it is. Stopping goes the other way round.
 */
import { resolve } from 'node:path';
import { EngramError } from '../../core/errors.js';
import type { NodeId } from '../../core/identifiers.js';
import type { ClusterHealth } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Request } from '../../core/wire/generated/engram/v1/service.js';
import { MemberBook } from '../cluster/member-book.js';
import { PeerNetwork } from '../cluster/peer-network.js';
import { createScanRunner } from '../compute/scan-runner.js';
import type { NodeSettings } from '../config/settings.js';
import { openDirectoryDisk } from '../disk/directory-disk.js';
import { type DirectoryLock, lockDirectory } from '../disk/directory-lock.js';
import type { FileCalls } from '../disk/file-calls.js';
import { NodeServer } from '../grpc/node-server.js';
import type { RequestGate } from '../grpc/request-gate.js';
import { type Asker, NodeHost } from '../node-host.js';
import { createPureFunctions } from '../pure-functions.js';
import type { NodeEvent, Tell } from './runtime-events.js';
import { version } from './version.js';

export interface RunningNodeOptions {
  readonly settings: NodeSettings;
  readonly tell: (event: NodeEvent) => void;
  /** How files are reached; the system's own calls when absent. */
  readonly fileCalls?: FileCalls | undefined;
}

export class RunningNode {
  readonly #settings: NodeSettings;
  readonly #tell: Tell;
  readonly #book: MemberBook;
  readonly #network: PeerNetwork;
  readonly #server: NodeServer;
  readonly #host: NodeHost;
  readonly #lock: DirectoryLock;
  #stopping = false;
  #serving = false;

  private constructor(
    options: RunningNodeOptions,
    parts: { book: MemberBook; network: PeerNetwork; server: NodeServer; host: NodeHost; lock: DirectoryLock },
  ) {
    this.#settings = options.settings;
    this.#tell = options.tell;
    this.#book = parts.book;
    this.#network = parts.network;
    this.#server = parts.server;
    this.#host = parts.host;
    this.#lock = parts.lock;
  }

  /** Resolves once the node answers: with what was asked, or with whom it still waits for. Rejects with an EngramError when it cannot start. */
  static async start(options: RunningNodeOptions): Promise<RunningNode> {
    const { settings, tell, fileCalls } = options;
    const server = new NodeServer();
    await server.listen(settings.node.listen);
    let lock: DirectoryLock | null = null;
    try {
      lock = await lockDirectory(resolve(settings.node.dataDir));
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
      const boot = { number: 0 };
      const host = await startHost(settings, { book, network, fileCalls, tell: watchingBoot(tell, boot) });
      void lock.lost.then((why) => host.halt(why));
      const running = new RunningNode(options, { book, network, server, host, lock });
      running.#open(boot.number);
      return running;
    } catch (error) {
      lock?.release();
      await server.close(0);
      throw error;
    }
  }

  get address(): string {
    return this.#server.address;
  }

  /** Resolves when the node has halted by itself, with the reason; or after `stop`. */
  get ended(): Promise<EngramError> {
    return this.#host.ended;
  }

  /** Takes nothing more, answers what it took, for at most the configured time, and lets go of everything. Says whether all was answered. */
  async stop(): Promise<boolean> {
    this.#stopping = true;
    const drained = await this.#server.close(this.#settings.node.drainMs);
    this.#network.close();
    await this.#host.close();
    this.#lock.release();
    return drained;
  }

  #open(boot: number): void {
    const { node, cluster } = this.#settings;
    const host = this.#host;
    this.#server.serve({
      gate: this.#gate(),
      clusterHealth: () => this.#clusterHealth(),
      exchange: (stream) => this.#network.exchange(stream),
    });
    this.#network.start({
      own: { cluster: cluster.name, nodeId: host.nodeId, name: node.name },
      receive: (message) => host.receive(message),
      eventsWaiting: () => host.eventsWaiting,
      membersChanged: () => this.#membersChanged(),
      tell: this.#tell,
    });
    this.#tell({
      kind: 'node.listening',
      node: host.nodeId,
      boot,
      pid: process.pid,
      version,
      listen: this.address,
      advertise: this.#advertised,
      dataDir: resolve(node.dataDir),
      cluster: cluster.name,
      members: cluster.members.map(({ name, address }) => `${name}=${address}`),
    });
    if (this.#book.missing.length > 0) this.#tell({ kind: 'node.waiting', members: this.#book.missing });
    else this.#nowServing();
  }

  /** Port 0 was a wish for any: the address is the one that it became. */
  get #advertised(): string {
    const { advertise } = this.#settings.node;
    return advertise.endsWith(':0') ? this.address : advertise;
  }

  #membersChanged(): void {
    this.#host.control(this.#book.viewFor(this.#host.nodeId));
    if (this.#book.missing.length === 0) this.#nowServing();
  }

  #nowServing(): void {
    if (this.#serving || this.#stopping) return;
    this.#serving = true;
    this.#server.setServing(true);
    this.#tell({ kind: 'node.serving' });
  }

  #gate(): RequestGate {
    return {
      nodeId: this.#host.nodeId,
      nodeName: this.#settings.node.name,
      refusal: () => this.#refusal(),
      ask: (request: Request, asker: Asker) => this.#host.ask(request, asker),
      forget: (handle) => this.#host.forget(handle),
    };
  }

  #refusal(): EngramError | null {
    if (this.#stopping) {
      const hint = 'ask another copy, or this node after its restart';
      return new EngramError('UNAVAILABLE', { message: `the node ${this.#settings.node.name} is stopping`, hint });
    }
    if (this.#serving) return null;
    const waitsFor = this.#book.missing.map(
      (missing) => `${missing} (${this.#book.members.find(({ name }) => name === missing)?.address})`,
    );
    return new EngramError('UNAVAILABLE', {
      message: `the node ${this.#settings.node.name} waits for members that it has never heard of: ${waitsFor.join(', ')}`,
      hint: 'start these nodes, or correct cluster.members: the request can be repeated at once they have been seen',
    });
  }

  #clusterHealth(): ClusterHealth {
    const { node, cluster } = this.#settings;
    return {
      cluster: cluster.name,
      nodeId: this.#host.nodeId,
      nodeName: node.name,
      replicationFactor: cluster.mode === 'single' ? 1 : Math.min(cluster.replicationFactor, cluster.members.length),
      members: cluster.members.map(({ name, address }) => {
        const self = name === node.name;
        return {
          nodeId: this.#book.idOf(name) ?? '',
          name,
          address: self ? this.#advertised : address,
          self,
          reachable: self || this.#network.isReachable(name),
        };
      }),
      complete: this.#book.missing.length === 0,
    };
  }
}

function startHost(
  settings: NodeSettings,
  { book, network, tell, fileCalls }: Pick<RunningNodeOptions, 'tell' | 'fileCalls'> & { book: MemberBook; network: PeerNetwork },
): Promise<NodeHost> {
  return createPureFunctions().then((pure) =>
    NodeHost.start({
      configuration: {
        name: settings.node.name,
        clusterId: settings.cluster.name,
        control: (self: NodeId) => book.viewFor(self),
        storage: settings.storage,
        memory: settings.memory,
        replication: settings.replication,
        membership: null,
      },
      pure,
      openDisk: (report) => openDirectoryDisk(resolve(settings.node.dataDir), report, fileCalls),
      openCompute: (report) => createScanRunner(report),
      network,
      onEvent: tell,
    }),
  );
}

/** The number of the boot is told when the node starts. */
function watchingBoot(tell: (event: NodeEvent) => void, boot: { number: number }): (event: NodeEvent) => void {
  return (event) => {
    if (event.kind === 'node.started') boot.number = event.boot;
    tell(event);
  };
}

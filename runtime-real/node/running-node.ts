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
import type { PureFunctions } from '../../core/pure-functions.js';
import type { Request } from '../../core/wire/generated/engram/v1/service.js';
import { LiveMembers } from '../cluster/live-members.js';
import { MemberBook } from '../cluster/member-book.js';
import { PeerNetwork } from '../cluster/peer-network.js';
import { memberText } from '../config/addresses.js';
import { clusterKeys } from '../config/secrets.js';
import type { NodeSettings } from '../config/settings.js';
import { ClusterControl, statusOf } from '../control/cluster-control.js';
import { ControlAnswers } from '../control/control-answers.js';
import { Discovery } from '../discovery/discovery.js';
import { SystemLookup } from '../discovery/name-lookup.js';
import type { DirectoryLock } from '../disk/directory-lock.js';
import type { FileCalls } from '../disk/file-calls.js';
import type { RequestGate } from '../grpc/request-gate.js';
import type { Asker } from '../host-calls.js';
import type { NodeStatus } from '../http/status-routes.js';
import type { NodeHost } from '../node-host.js';
import { createPureFunctions } from '../pure-functions.js';
import { LoadMeter } from '../telemetry/load-meter.js';
import { ClusterStatus } from './cluster-status.js';
import { Doors } from './doors.js';
import type { NodeEvent, Tell } from './runtime-events.js';
import { advertisedBy, startHost } from './start-host.js';
import { version } from './version.js';

export interface RunningNodeOptions {
  readonly settings: NodeSettings;
  readonly tell: (event: NodeEvent) => void;
  /** How files are reached; the system's own calls when absent. */
  readonly fileCalls?: FileCalls | undefined;
}

/** How long others are told of a planned absence, at most. */
const farewellMsMax = 2_000;

interface Parts {
  readonly doors: Doors;
  readonly book: MemberBook;
  readonly network: PeerNetwork;
  readonly live: LiveMembers;
  readonly host: NodeHost;
  readonly pure: PureFunctions;
}

export class RunningNode {
  readonly #settings: NodeSettings;
  readonly #tell: Tell;
  readonly #parts: Parts;
  readonly #discovery: Discovery;
  readonly #load: LoadMeter;
  #control: ClusterControl | null = null;
  #stopping = false;
  /** Why no requests are taken, as it was told last; null: they are. */
  #reason: string | null = 'it starts';
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
    const { settings } = options;
    const doors = new Doors();
    const tell = (event: NodeEvent): void => {
      doors.events.take(event);
      options.tell(event);
    };
    try {
      await doors.open(settings, tell);
      const { cluster, node } = settings;
      const book = new MemberBook({
        dataDir: node.dataDir,
        cluster: cluster.name,
        self: node.name,
        members: cluster.members,
        tell,
      });
      const network = new PeerNetwork();
      const pure = await createPureFunctions();
      let left = (): void => {};
      let host: NodeHost | null = null;
      const live = new LiveMembers({ inspect: () => host?.inspectMembership() ?? null, changed: () => network.redial() });
      const boot = { number: 0 };
      let running: RunningNode | null = null;
      const hear = (event: DomainEvent): void => {
        if (event.kind === 'node.started') boot.number = event.boot;
        if (event.kind === 'membership.left') left();
        live.take(event);
        running?.hear(event);
        doors.metrics.take(event);
        tell(event);
      };
      host = await startHost(options, { doors, network, pure, hear });
      const lock = doors.lock as DirectoryLock;
      const started = host;
      void lock.lost.then((why) => started.halt(why));
      const opened = new RunningNode({ ...options, tell }, { doors, book, network, live, host, pure });
      running = opened;
      left = () => opened.#left();
      await opened.#open(boot.number);
      return opened;
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
    const { doors, network, host } = this.#parts;
    doors.server.setServing(false);
    // Others take over while requests are still answered here.
    this.#control?.keeper.close();
    await this.#control?.desk.handOver();
    this.#stopping = true;
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

  private hear(event: DomainEvent): void {
    this.#control?.take(event);
  }

  async #open(boot: number): Promise<void> {
    const { node, cluster } = this.#settings;
    const { doors, host, book, network, live, pure } = this.#parts;
    const address = advertisedBy(this.#settings, doors.server);
    book.isSelf(host.nodeId);
    const keys = clusterKeys(this.#settings, 'hello');
    const isBlank = host.inspectControl()?.state.clusterId === '';
    const control = new ClusterControl({
      ...{ settings: this.#settings, host, book, network, live, pure, address },
      membershipAddress: doors.membership?.address ?? '',
      heldSpaces: isBlank ? ((await statusOf(host))?.spaces ?? []).map(({ name }) => name) : [],
      hasSecrets: keys.length > 0,
      changed: () => this.#judge(),
      tell: this.#tell,
    });
    this.#control = control;
    const source = { settings: this.#settings, nodeId: host.nodeId, boot, address, book, network, live };
    const status = new ClusterStatus({
      ...source,
      control: () => host.inspectControl()?.state ?? null,
      isServing: () => this.#reason === null,
    });
    const answers = new ControlAnswers(control);
    const nameOf = (id: string): string => host.inspectControl()?.state.members[id as NodeId]?.name ?? id;
    doors.server.serve({
      gate: this.#gate(),
      cluster: status,
      control: answers,
      exchange: (stream) => network.exchange(stream),
    });
    doors.membership?.start((event) => host.membership(event));
    doors.metrics.start({
      inspect: () => host.inspectMembership(),
      network: () => doors.membership?.counts ?? null,
      control: { self: host.nodeId, control: () => host.inspectControl() },
      replication: { replication: () => host.inspectReplication(), nameOf },
    });
    doors.cluster = {
      health: () => status.health(),
      members: () => status.members(),
      control: () => control.report(false),
      receipts: (request) => control.receipts(request),
      rebalance: (request) => answers.rebalance(request),
      migrate: (request) => answers.migrate(request),
      nameOf,
    };
    doors.status = () => this.#status();
    this.#meetPeers(control, keys);
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
    this.#judge();
    control.keeper.look();
  }

  #meetPeers(control: ClusterControl, keys: readonly Uint8Array[]): void {
    const { host, network, live } = this.#parts;
    network.start({
      own: () => control.own(),
      keys,
      directory: control.directory,
      liveAddressOf: (name, id) => live.addressOf(name, id),
      admit: (caller) => (this.#isCluster ? control.keeper.admit(caller) : 'it is a single node (cluster.mode)'),
      met: (name, identity, greeting) => {
        if (this.#isCluster && identity.membershipAddress !== '') this.#discovery.heard(`peer ${name}`, identity.membershipAddress);
        control.keeper.met(name, identity, greeting);
      },
      receive: (message) => host.receive(message),
      eventsWaiting: () => host.eventsWaiting,
      tell: this.#tell,
    });
  }

  get #isCluster(): boolean {
    return this.#settings.cluster.mode === 'cluster';
  }

  /** Whether requests are taken, and if not why. Told when it changes. */
  #judge(): void {
    if (this.#stopping) return;
    const reason = this.#isCluster ? (this.#control?.keeper.reason() ?? null) : null;
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#parts.doors.server.setServing(reason === null);
    this.#tell(reason === null ? { kind: 'node.serving' } : { kind: 'node.waiting', reason });
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
    if (this.#reason === null) return null;
    return new EngramError('UNAVAILABLE', {
      message: `the node ${name} takes no requests: ${this.#reason}`,
      hint: 'ask another node; the request can be repeated here at once this has changed',
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

/** What is open before there is a node: its ports and the lock on its directory, so that what cannot work is known before anything is written. */
import { resolve } from 'node:path';
import { MembershipPort } from '../cluster/membership-port.js';
import { hostOf, joined } from '../config/addresses.js';
import type { NodeSettings } from '../config/settings.js';
import { type DirectoryLock, lockDirectory } from '../disk/directory-lock.js';
import { listenAsWished } from '../grpc/cannot-listen.js';
import { NodeServer } from '../grpc/node-server.js';
import { type ClusterRoutesSource, clusterRoutes } from '../http/cluster-routes.js';
import { EventFeed } from '../http/event-feed.js';
import { HttpServer } from '../http/http-server.js';
import { type MoveRoutesSource, moveRoutes } from '../http/move-routes.js';
import { type NodeStatus, statusRoutes } from '../http/status-routes.js';
import { NodeMetrics } from '../telemetry/node-metrics.js';
import type { Tell } from './runtime-events.js';

export const standardHttpPort = 7432;

export class Doors {
  readonly server = new NodeServer();
  readonly http: HttpServer;
  readonly metrics = new NodeMetrics();
  membership: MembershipPort | null = null;
  lock: DirectoryLock | null = null;
  /** What the node says of itself over HTTP; null while it reads its log. */
  status: () => NodeStatus | null = () => null;

  /** What it says of its cluster over HTTP; null while it reads its log. */
  cluster: (ClusterRoutesSource & MoveRoutesSource) | null = null;
  readonly events = new EventFeed();

  constructor() {
    const routes = clusterRoutes(() => this.cluster, this.events);
    routes.route(
      '/',
      moveRoutes(() => this.cluster),
    );
    this.http = new HttpServer(routes.route('/', statusRoutes({ status: () => this.status(), metrics: () => this.metrics.text() })));
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

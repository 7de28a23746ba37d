/** Starts the core of a node on the disk, the network and the clocks of this machine. */
import { resolve } from 'node:path';
import { defaultControlLogOptions } from '../../core/control/control-log-options.js';
import { type ControlView, singleNodeView } from '../../core/control/members-and-rows.js';
import type { DomainEvent } from '../../core/domain-events.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import type { PeerNetwork } from '../cluster/peer-network.js';
import { createComputeRunner } from '../compute/compute-runner.js';
import { hostOf, joined } from '../config/addresses.js';
import { clusterKeys } from '../config/secrets.js';
import type { NodeSettings } from '../config/settings.js';
import { openDirectoryDisk } from '../disk/directory-disk.js';
import type { FileCalls } from '../disk/file-calls.js';
import type { NodeServer } from '../grpc/node-server.js';
import { NodeHost } from '../node-host.js';
import { nodeRoles } from './cluster-status.js';
import type { Doors } from './doors.js';
import { version } from './version.js';

/** Port 0 was a wish for any: the address is the one that it became. */
export function advertisedBy({ node }: NodeSettings, server: NodeServer): string {
  if (!node.advertise.endsWith(':0')) return node.advertise;
  return joined(hostOf(node.advertise), Number(server.address.slice(server.address.lastIndexOf(':') + 1)));
}

export interface ToStart {
  readonly doors: Doors;
  readonly network: PeerNetwork;
  readonly pure: PureFunctions;
  readonly hear: (event: DomainEvent) => void;
}

/** Rejects when the directory cannot be opened, or the node halts before it has started. */
export async function startHost(
  { settings, fileCalls }: { readonly settings: NodeSettings; readonly fileCalls?: FileCalls | undefined },
  { doors, network, pure, hear }: ToStart,
): Promise<NodeHost> {
  const { membership: port, server } = doors;
  const { listen: _listen, advertise: _advertise, preset: _preset, zone, rack, ...parameters } = settings.membership;
  return NodeHost.start({
    configuration: {
      name: settings.node.name,
      clusterId: settings.cluster.name,
      control: (self: NodeId) => viewBefore(settings, self),
      ...(settings.cluster.mode === 'cluster' ? { controlLog: defaultControlLogOptions } : {}),
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
    openCompute: (report) => createComputeRunner(report, pure),
    network,
    datagrams: port?.datagrams,
    exchanges: port?.exchanges,
    onEvent: hear,
  });
}

/** Before the control log says who is a member and where spaces live: alone every space lives here, in a cluster none does. */
function viewBefore({ cluster, node }: NodeSettings, self: NodeId): ControlView {
  const alone = singleNodeView(self, node.name);
  return cluster.mode === 'single' ? alone : { ...alone, unlisted: null };
}

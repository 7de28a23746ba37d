/** The hosts of a small cluster that keep a control log: who founds it, with which first entries, and what a host knows of it. */
import { defaultControlLogOptions } from '../control/control-log-options.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../control/entries.js';
import { nodeId } from '../identifiers.js';
import { Cluster } from './cluster.js';
import { type Host, testSpace } from './host.js';

/** The first three hosts of a cluster. */
export const founders = [1, 2, 3].map(
  (n): MemberDescription => ({ id: nodeId(`${n}${n}`.repeat(16)), name: `n${n}`, zone: '', rack: '', address: '' }),
);
export const founderIds = founders.map(({ id }) => id);

/** A cluster of these three, and its first space, which all of them hold. */
export const foundingEntries: readonly ControlEntry[] = [
  { kind: 'cluster-made', clusterId: 'cd'.repeat(16), founders, settings: defaultClusterSettings },
  { kind: 'space-created', name: 'default', generation: 0, copies: founderIds },
];

/** Three hosts of which none belongs to a cluster yet. */
export function waitingCluster(): Cluster {
  const view = { epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null };
  return new Cluster(3, { view, controlLog: defaultControlLogOptions });
}

export const controlOf = (host: Host) => host.node.inspectControl();
export const stateOf = (host: Host) => controlOf(host)?.state;
/** Whether the host is the confirmed primary of that first space. */
export const isConfirmed = (host: Host) => host.node.inspect().spaces.find((each) => each.space === testSpace)?.term?.counter === 0;

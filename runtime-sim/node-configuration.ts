/** What each node of a run is configured with: what the plan says of it, over the core's own defaults. */
import { defaultMemoryOptions, defaultReplicationOptions, defaultStorageOptions, type NodeConfiguration } from '../core/configuration.js';
import { type ControlLogOptions, defaultControlLogOptions } from '../core/control/control-log-options.js';
import { defaultClusterSettings, votersMax } from '../core/control/entries.js';
import { defaultRebalancingOptions } from '../core/control/moves/rebalancing-options.js';
import type { Address } from '../core/membership/address.js';
import { lanMembership, type MembershipParameters } from '../core/membership/options.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { Identities } from './identities.js';

export function membershipParameters(plan: RunPlan): MembershipParameters {
  return departing(lanMembership, plan.configuration.membership);
}

/**
 * The defaults with what departs from them, in an object of the defaults' own shape: whatever is asked for at every event is compiled for that one. An object that
 * spreads another and then names more gets a shape of its own each time it is made.
 */
function departing<Options extends object>(defaults: Options, departures: Partial<NoInfer<Options>> | undefined): Options {
  return Object.assign({ ...defaults }, departures);
}

/** In every message between nodes. */
export const peerClusterId = 'simulated';

interface Place {
  readonly plan: RunPlan;
  readonly index: number;
  readonly identities: Identities;
  readonly address: Address;
}

export function configurationOf({ plan, index, identities, address }: Place): NodeConfiguration {
  const name = plan.nodes[index];
  const { control, controlLog } = membersAndRows(plan, identities);
  return {
    name,
    clusterId: peerClusterId,
    control,
    controlLog,
    storage: departing(defaultStorageOptions, plan.configuration.storage),
    memory: departing(defaultMemoryOptions, plan.configuration.memory),
    replication: departing(defaultReplicationOptions, plan.configuration.replication),
    membership: {
      address,
      metadata: { name, zone: '', rack: '', roles: [], version: 'simulated', grpcAddress: '', loadPercent: 0 },
      keys: [],
      ...membershipParameters(plan),
    },
  };
}

/** Told by the configuration, or by a control log that all nodes of the plan have founded. */
function membersAndRows(plan: RunPlan, identities: Identities): Pick<NodeConfiguration, 'control' | 'controlLog'> {
  const { controlLog } = plan.configuration;
  if (controlLog === undefined) return { control: () => identities.view };
  const { partitionPolicy, snapshotEveryEntries, rebalancing } = controlLog;
  // As many as vote; the operator lets the others in.
  const late = new Set(controlLog.changes?.flatMap(({ kind, node }) => (kind === 'join' ? [node] : [])));
  const founders = identities.founders
    .map((id) => identities.describe(id))
    .filter(({ name }) => !late.has(name))
    .slice(0, votersMax);
  const replicationFactor = Math.max(...plan.rows.map(({ copies }) => copies.length));
  const settings = { ...defaultClusterSettings, replicationFactor, partitionPolicy };
  const options: ControlLogOptions = {
    ...defaultControlLogOptions,
    snapshotEveryEntries,
    rebalancing: { ...defaultRebalancingOptions, isAutomatic: false, ...rebalancing },
    founding: { clusterId: identities.clusterId, founders, settings },
  };
  return { control: () => ({ epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null }), controlLog: options };
}

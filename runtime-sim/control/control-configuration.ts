/** What the nodes of a run of control logs alone are told to be: whole nodes, of which nobody asks anything but their control log. */
import {
  defaultMemoryOptions,
  defaultReplicationOptions,
  defaultStorageOptions,
  type NodeConfiguration,
} from '../../core/configuration.js';
import { defaultAuthorityOptions } from '../../core/control/control-log-options.js';
import { defaultClusterSettings, type MemberDescription } from '../../core/control/entries.js';
import { defaultRebalancingOptions } from '../../core/control/moves/rebalancing-options.js';
import { controlClusterId } from './control-host.js';
import type { ControlPlan } from './control-plan.js';

export function controlConfiguration(
  plan: ControlPlan,
  name: string,
  founding: { readonly clusterId: string; readonly founders: readonly MemberDescription[] },
): NodeConfiguration {
  return {
    name,
    clusterId: controlClusterId,
    control: () => ({ epoch: { generation: 0, index: 0 }, members: [], rows: {}, unlisted: null }),
    controlLog: {
      raft: plan.raft,
      authority: defaultAuthorityOptions,
      // Entries come from the experiment alone.
      rebalancing: { ...defaultRebalancingOptions, isAutomatic: false },
      snapshotEveryEntries: plan.snapshotEveryEntries,
      proposalsMax: 1_024,
      founding: { ...founding, settings: defaultClusterSettings },
    },
    storage: { ...defaultStorageOptions, ...plan.storage },
    memory: defaultMemoryOptions,
    replication: defaultReplicationOptions,
    membership: null,
  };
}

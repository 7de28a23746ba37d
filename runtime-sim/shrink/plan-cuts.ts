/**
 * What can be taken out of a plan, and the plan that is left: consistent whenever the one before was, so that nothing in it names what is gone.
 *
 * Chance is drawn per purpose and link by name, so whatever stays keeps its draws.
 */
import { simulatedReplication, simulatedStorage } from '../../scenarios/configuration-draw.js';
import type { Fault } from '../../scenarios/fault-plan.js';
import type { ClusterChange, PlannedConfiguration, RunPlan } from '../../scenarios/run-plan.js';

type Names = ReadonlySet<string>;

const within = (names: readonly string[], left: Names): string[] => names.filter((name) => left.has(name));

/** Only these nodes and clients, in the plan's order; what befell the others alone is gone, and the operations that gone clients asked for. */
export function withParticipants(plan: RunPlan, left: { readonly nodes: Names; readonly clients: Names }): RunPlan {
  const all = new Set([...left.nodes, ...left.clients]);
  const changes = changesOf(plan).filter(({ node }) => left.nodes.has(node));
  return {
    ...withChanges(plan, changes),
    nodes: within(plan.nodes, left.nodes),
    clients: within(plan.clients, left.clients),
    rows: plan.rows.map((row) => ({ ...row, copies: within(row.copies, left.nodes) })),
    clocks: plan.clocks.filter(({ node }) => left.nodes.has(node)),
    faults: plan.faults.flatMap((fault) => faultAmong(fault, all)),
    splits: plan.splits.map((split) => ({
      ...split,
      sides: split.sides.map(({ nodes, clients }) => ({ nodes: within(nodes, left.nodes), clients: within(clients, left.clients) })),
    })),
    ...(plan.seeds === undefined ? {} : { seeds: seedsAmong(plan.seeds, within(plan.nodes, left.nodes)) }),
    liveness: { ...plan.liveness, majority: within(plan.liveness.majority, left.nodes) },
    operations: plan.operations.filter(({ client }) => left.clients.has(client)),
  };
}

/** Somebody has to be known: without a seed of its own the plan has the first node for one. */
function seedsAmong(seeds: readonly string[], nodes: readonly string[]): string[] {
  const left = seeds.filter((name) => nodes.includes(name));
  return left.length > 0 ? left : nodes.slice(0, 1);
}

/** Whether a run can be made of it: somebody to ask, somewhere to store. */
export function isPlayable(plan: RunPlan): boolean {
  return (
    plan.nodes.length > 0 &&
    plan.clients.length > 0 &&
    plan.rows.length > 0 &&
    plan.rows.every(({ copies }) => copies.length > 0) &&
    plan.liveness.majority.length > 0
  );
}

/** The fault as far as it concerns these names; none when it concerns none of them. */
function faultAmong(fault: Fault, left: Names): Fault[] {
  if ('node' in fault) return left.has(fault.node) ? [fault] : [];
  const [from, to] = [within(fault.from, left), within(fault.to, left)];
  return from.length === 0 || to.length === 0 ? [] : [{ ...fault, from, to }];
}

/** Only these spaces, and the operations on them. */
export function withSpaces(plan: RunPlan, left: Names): RunPlan {
  return {
    ...plan,
    rows: plan.rows.filter(({ space }) => left.has(space)),
    operations: plan.operations.filter(({ space }) => left.has(space)),
  };
}

/** Without the clients that ask nothing and the spaces that nobody asks of. */
export function withoutIdleClients(plan: RunPlan): RunPlan {
  const spaces = new Set(plan.operations.map(({ space }) => space));
  const used = withSpaces(plan, spaces.size === 0 ? new Set(plan.rows.slice(0, 1).map(({ space }) => space)) : spaces);
  const clients = new Set(used.operations.map(({ client }) => client));
  if (clients.size === 0) for (const first of plan.clients.slice(0, 1)) clients.add(first);
  return withParticipants(used, { nodes: new Set(used.nodes), clients });
}

/** Without the nodes that hold no copy, and of which an operator wants nothing. */
export function withoutIdleNodes(plan: RunPlan): RunPlan {
  const nodes = new Set([...plan.rows.flatMap(({ copies }) => copies), ...changesOf(plan).map(({ node }) => node)]);
  return withParticipants(plan, { nodes, clients: new Set(plan.clients) });
}

/** What an operator changes about the cluster. */
export function changesOf({ configuration }: RunPlan): readonly ClusterChange[] {
  return configuration.controlLog?.changes ?? [];
}

export function withChanges(plan: RunPlan, changes: readonly ClusterChange[]): RunPlan {
  const { controlLog } = plan.configuration;
  if (controlLog?.changes === undefined) return plan;
  return { ...plan, configuration: { ...plan.configuration, controlLog: { ...controlLog, changes } } };
}

/** What every simulated node has, unless the draw says otherwise. */
export const plainConfiguration: PlannedConfiguration = {
  storage: simulatedStorage,
  memory: {},
  replication: simulatedReplication,
  membership: {},
};

/** One option that is not plain. */
export interface ConfiguredOption {
  readonly group: keyof PlannedConfiguration;
  readonly name: string;
  readonly value: unknown;
}

const optionGroups = ['storage', 'memory', 'replication', 'membership'] as const;

export function configuredOptions({ configuration }: RunPlan): readonly ConfiguredOption[] {
  return optionGroups.flatMap((group) => {
    const plain = new Map(Object.entries(plainConfiguration[group] ?? {}));
    const options = Object.entries(configuration[group] ?? {}).map(([name, value]) => ({ group, name, value }));
    return options.filter(({ name, value }) => plain.get(name) !== value);
  });
}

export function withOptions(plan: RunPlan, left: readonly ConfiguredOption[]): RunPlan {
  const chosen = (group: ConfiguredOption['group']): object => ({
    ...plainConfiguration[group],
    ...Object.fromEntries(left.filter((option) => option.group === group).map(({ name, value }) => [name, value])),
  });
  const { controlLog } = plan.configuration;
  const configuration = {
    ...(controlLog === undefined ? {} : { controlLog }),
    storage: chosen('storage'),
    memory: chosen('memory'),
    replication: chosen('replication'),
    membership: chosen('membership'),
  };
  return { ...plan, configuration };
}

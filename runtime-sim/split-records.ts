/**
 * What each side of a planned split acknowledged while it lasted: by who answered, not by who asked.
 */
import type { Electorate } from '../checker/control-observations.js';
import type { PlacedRow, SplitRecord } from '../checker/history.js';
import { isWrite } from '../checker/memory-traces.js';
import { servedShare, servesItself } from '../checker/served-share.js';
import type { NodeId } from '../core/identifiers.js';
import type { PlannedSplit, RunPlan } from '../scenarios/run-plan.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

type Span = Pick<SplitRecord, 'fromMs' | 'untilMs'>;

/** What was committed of where copies are and of who votes, in order of time. */
interface Committed {
  readonly rows: readonly PlacedRow[];
  readonly electorates: readonly Electorate[];
}

/** `committed`: null without a control log. */
export function splitRecords(world: World, hosts: readonly NodeHost[], committed: Committed | null): SplitRecord[] {
  const { plan, recorder } = world;
  const idsOf = (names: readonly string[]): NodeId[] => names.map((name) => hosts[plan.nodes.indexOf(name)].id);
  return plan.splits.map((split) => {
    const { fromMs, untilMs, sides } = split;
    const records = sides.flatMap(({ nodes }) => {
      const ids = idsOf(nodes);
      const share = shareOf(plan, split, nodes, { idsOf, rows: committed?.rows ?? [] });
      if (share === 0) return [];
      const acknowledged = recorder.operations.filter(
        (operation) =>
          isWrite(operation) &&
          operation.outcome === 'ok' &&
          operation.node !== null &&
          ids.includes(operation.node) &&
          operation.completedMs >= fromMs &&
          operation.completedMs < untilMs,
      ).length;
      const readsOnly =
        plan.configuration.controlLog?.partitionPolicy === 'reject' && mayLackMajority(ids, committed?.electorates ?? [], split);
      return [{ nodes: ids, acknowledged, ...(share < 1 ? { servedShare: share } : {}), ...(readsOnly ? { readsOnly } : {}) }];
    });
    if (records.some((side) => side.readsOnly === true && gaveReads(world, side.nodes, split)))
      recorder.mark('side without a majority only read');
    if (records.length > 1 && records.every(({ acknowledged }) => acknowledged > 0)) recorder.mark('acknowledged on both sides of a split');
    return { fromMs, untilMs, sides: records };
  });
}

/** Where copies stay, a scenario parts the nodes so that each side that holds any has enough to serve. */
function shareOf(
  { nodes: all, rows: plannedRows, configuration }: RunPlan,
  { sides, ...span }: PlannedSplit,
  side: readonly string[],
  { idsOf, rows }: { idsOf(names: readonly string[]): NodeId[]; readonly rows: readonly PlacedRow[] },
): number {
  if (configuration.controlLog?.rebalancing?.isAutomatic !== true)
    return plannedRows.some(({ copies }) => side.some((name) => copies.includes(name))) ? 1 : 0;
  const bystanders = idsOf(all.filter((name) => !sides.some(({ nodes }) => nodes.includes(name))));
  const planned = plannedRows.filter(({ copies }) => servesItself(idsOf(side), idsOf(copies), bystanders)).length;
  return servedShare(idsOf(side), rows, { ...span, bystanders, planned });
}

/** Whether these may at some moment be too few of those who vote to confirm anybody, where nobody else may write. */
function mayLackMajority(side: readonly NodeId[], electorates: readonly Electorate[], { fromMs, untilMs }: Span): boolean {
  const inForce = electorates.filter(({ atMs }, at) => atMs < untilMs && (electorates[at + 1]?.atMs ?? untilMs) > fromMs);
  return inForce.length === 0 || inForce.some(({ voters }) => 2 * voters.filter((voter) => side.includes(voter)).length <= voters.length);
}

/** A side that answers reads is there, and would have taken writes if it were allowed to. */
function gaveReads({ recorder }: World, side: readonly NodeId[], { fromMs, untilMs }: Span): boolean {
  return recorder.operations.some(
    ({ kind, outcome, node, invokedMs, completedMs }) =>
      kind === 'get' && outcome === 'ok' && node !== null && side.includes(node) && invokedMs >= fromMs && completedMs < untilMs,
  );
}

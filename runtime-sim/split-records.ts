/**
 * What each side of a planned split acknowledged while it lasted: by who answered, not by who asked.
 */
import type { PlacedRow, SplitRecord } from '../checker/history.js';
import { isWrite } from '../checker/memory-traces.js';
import { votersMax } from '../core/control/entries.js';
import type { NodeId } from '../core/identifiers.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

/**
 * `rows`: what was committed of where copies are, in order of time; empty without a control log. Of sides whose copies move away meanwhile nothing is asked, nor where
 * primaries may have moved to a node that both sides reach.
 */
export function splitRecords(world: World, hosts: readonly NodeHost[], rows: readonly PlacedRow[]): SplitRecord[] {
  const { plan, recorder } = world;
  return plan.splits.map(({ fromMs, untilMs, sides }) => {
    const placed = new Map(rows.filter(({ atMs }) => atMs < untilMs).map(({ space, copies }) => [space, copies]));
    const keeps = (name: string): boolean =>
      placed.size === 0 || [...placed.values()].some((copies) => copies.includes((hosts[plan.nodes.indexOf(name)] as NodeHost).id));
    const holdsCopy = (name: string): boolean => plan.rows.some(({ copies }) => copies.includes(name));
    const isBridged = plan.nodes.some((name) => !sides.some(({ nodes }) => nodes.includes(name)));
    const held = isBridged && isMoving(plan) ? [] : sides.filter(({ nodes }) => nodes.some(holdsCopy) && nodes.some(keeps));
    const records = held.map(({ nodes }) => {
      const ids = nodes.map((name) => hosts[plan.nodes.indexOf(name)].id);
      const acknowledged = recorder.operations.filter(
        (operation) =>
          isWrite(operation) &&
          operation.outcome === 'ok' &&
          operation.node !== null &&
          ids.includes(operation.node) &&
          operation.completedMs >= fromMs &&
          operation.completedMs < untilMs,
      ).length;
      return { nodes: ids, acknowledged, ...(mayOnlyRead(plan, nodes, { untilMs }) ? { readsOnly: true } : {}) };
    });
    if (records.some((side) => side.readsOnly === true && gaveReads(world, side.nodes, { fromMs, untilMs })))
      recorder.mark('side without a majority only read');
    if (records.length > 1 && records.every(({ acknowledged }) => acknowledged > 0)) recorder.mark('acknowledged on both sides of a split');
    return { fromMs, untilMs, sides: records };
  });
}

function isMoving({ configuration }: RunPlan): boolean {
  return configuration.controlLog?.rebalancing?.isAutomatic === true;
}

/** Whether these may be too few voters to confirm anybody, where nobody else may write: who votes while members come and go is for the cluster to decide. */
function mayOnlyRead({ configuration, nodes }: RunPlan, side: readonly string[], { untilMs }: Pick<SplitRecord, 'untilMs'>): boolean {
  if (configuration.controlLog?.partitionPolicy !== 'reject') return false;
  const changes = (configuration.controlLog.changes ?? []).filter(({ kind }) => kind !== 'hold' && kind !== 'apply');
  const later = changes.filter(({ kind, atMs }) => kind === 'join' && atMs >= untilMs).map(({ node }) => node);
  const doubtful = changes.filter(({ atMs }) => atMs < untilMs).map(({ node }) => node);
  const voters = nodes.slice(0, votersMax).filter((name) => !later.includes(name));
  const sure = voters.filter((name) => side.includes(name) && !doubtful.includes(name));
  const others = voters.filter((name) => !side.includes(name));
  return sure.length <= others.length;
}

/** A side that answers reads is there, and would have taken writes if it were allowed to. */
function gaveReads({ recorder }: World, side: readonly NodeId[], { fromMs, untilMs }: Pick<SplitRecord, 'fromMs' | 'untilMs'>): boolean {
  return recorder.operations.some(
    ({ kind, outcome, node, invokedMs, completedMs }) =>
      kind === 'get' && outcome === 'ok' && node !== null && side.includes(node) && invokedMs >= fromMs && completedMs < untilMs,
  );
}

/**
 * What each side of a planned split acknowledged while it lasted: by who answered, not by who asked.
 */
import type { SplitRecord } from '../checker/history.js';
import { isWrite } from '../checker/memory-traces.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

export function splitRecords(world: World, hosts: readonly NodeHost[]): SplitRecord[] {
  const { plan, recorder } = world;
  const holdsCopy = (name: string): boolean => plan.rows.some(({ copies }) => copies.includes(name));
  return plan.splits.map(({ fromMs, untilMs, sides }) => {
    const held = sides.filter(({ nodes }) => nodes.some(holdsCopy));
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
      return { nodes: ids, acknowledged };
    });
    if (records.length > 1 && records.every(({ acknowledged }) => acknowledged > 0)) recorder.mark('acknowledged on both sides of a split');
    return { fromMs, untilMs, sides: records };
  });
}

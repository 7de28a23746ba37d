/** A control log of few nodes, for tests. */
import type { ControlEntry, MemberDescription } from '../control/entries.js';
import { type NodeId, nodeId } from '../identifiers.js';

export const someNodes: readonly NodeId[] = [1, 2, 3, 4, 5].map((n) => nodeId(n.toString(16).padStart(32, '0')));
export const clusterId = 'c1'.repeat(16);

export function describe(id: NodeId): MemberDescription {
  const n = Number.parseInt(id, 16);
  return { id, name: `n${n}`, zone: `zone-${n % 3}`, rack: '', address: `10.0.0.${n}:50051` };
}

export const founding: ControlEntry = {
  kind: 'cluster-made',
  clusterId,
  founders: someNodes.slice(0, 3).map(describe),
  settings: { replicationFactor: 3, partitionPolicy: 'accept', acknowledgement: 'local' },
};

/** Arbitrary entries of a control log over few nodes and few spaces, so that they often concern the same things. */
import fc from 'fast-check';
import { acknowledgementLevels, type ControlEntry, type MemberDescription, partitionPolicies } from '../control/entries.js';
import { type NodeId, nodeId, spaceKey } from '../identifiers.js';

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

/** As literals make them. */
const record = <Shape>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<Shape> =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<Shape>;
const node = fc.constantFrom(...someNodes);
const nodes = fc.uniqueArray(node, { minLength: 1, maxLength: 4 });
const name = fc.constantFrom('default', 'notes', '123');
const generation = fc.nat(2);
const space = record({ name, generation }).map(spaceKey);
const basis = fc.nat(30);
const member = fc.oneof(
  node.map(describe),
  fc.tuple(node, fc.constantFrom('n1', 'ñ')).map(([id, named]) => ({ ...describe(id), name: named })),
);
const settings = record({
  replicationFactor: fc.integer({ min: 1, max: 5 }),
  partitionPolicy: fc.constantFrom(...partitionPolicies),
  acknowledgement: fc.constantFrom(...acknowledgementLevels),
});
const change = fc.oneof(
  record({ kind: fc.constant('started' as const), from: node, to: node }),
  record({ kind: fc.constantFrom('paused' as const, 'committed' as const, 'aborted' as const) }),
);

/** Any entry but the first one of a cluster. */
export const anyEntry: fc.Arbitrary<ControlEntry> = fc.oneof(
  record({ kind: fc.constant('node-added' as const), member }),
  record({ kind: fc.constant('node-changed' as const), member, isDraining: fc.boolean() }),
  record({ kind: fc.constant('node-removed' as const), node, isForced: fc.boolean() }),
  record({ kind: fc.constant('voters-changed' as const), voters: nodes, learners: fc.constant([]) }),
  record({ kind: fc.constant('space-created' as const), name, generation, copies: nodes }),
  record({ kind: fc.constant('space-dropped' as const), name, generation }),
  record({ kind: fc.constant('rows-assigned' as const), rows: fc.array(record({ space, basis, copies: nodes }), { maxLength: 3 }) }),
  record({
    kind: fc.constant('primaries-reassigned' as const),
    dead: node,
    successors: fc.array(record({ space, basis, primary: node }), { maxLength: 3 }),
  }),
  record({ kind: fc.constant('move-changed' as const), space, basis, change }),
  record({ kind: fc.constant('settings-changed' as const), settings }),
  record({ kind: fc.constant('recovered' as const), generation: fc.nat(3) }),
);

/** Logs that mostly rest on what is so: most bases and generations are those of the moment. */
export const anyLog = fc.array(anyEntry, { minLength: 1, maxLength: 40 }).map((entries): readonly ControlEntry[] => [founding, ...entries]);

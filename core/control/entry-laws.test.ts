/** Laws of the control log's entries and of their bytes, for any log: same log, same state; a snapshot and the rest are the whole log. */
import fc from 'fast-check';
import { applyPatches } from 'immer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, type SpaceKey, spaceKey } from '../identifiers.js';
import { describe, founding, someNodes } from '../test-support/control-entries.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { applyEntry } from './apply-entry.js';
import { type ControlState, emptyControlState, rowsInOrder } from './control-state.js';
import { acknowledgementLevels, type ControlEntry, partitionPolicies, rebalancingOrders } from './entries.js';
import { decodeEntry, encodeEntry, entryFormatVersion } from './entry-codec.js';
import { decodeState, encodeState, stateFormatVersion } from './state-codec.js';

const laws = suite('laws of the control log');
const pure = testPureFunctions();
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
  record({ kind: fc.constant('started' as const), from: fc.option(node), to: node }),
  record({ kind: fc.constantFrom('paused' as const, 'committed' as const, 'aborted' as const) }),
);

/** Any entry but the first one of a cluster. */
const anyEntry: fc.Arbitrary<ControlEntry> = fc.oneof(
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
  record({ kind: fc.constant('rebalancing-ordered' as const), order: fc.constantFrom(...rebalancingOrders), atMs: fc.nat(), by: node }),
  record({ kind: fc.constant('recovered' as const), generation: fc.nat(3) }),
);

/** Logs that mostly rest on what is so: most bases and generations are those of the moment. */
const anyLog = fc.array(anyEntry, { minLength: 1, maxLength: 40 }).map((entries): readonly ControlEntry[] => [founding, ...entries]);

const [first] = someNodes as [NodeId];
const anything = fc.oneof(anyEntry, fc.constant(founding));

laws('law: an entry comes out as it went in', () => {
  fc.assert(
    fc.property(anything, (entry) => {
      assert.equal(decodeEntry(encodeEntry(entry, pure), pure), { kind: 'entry', entry });
    }),
  );
});

laws('law: bytes that decode are the only ones for what they decode to, and nothing throws', () => {
  fc.assert(
    fc.property(anything, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, where, flip) => {
      const bytes = encodeEntry(entry, pure).slice();
      bytes[where % bytes.length] ^= flip;
      const reading = decodeEntry(bytes, pure);
      if (reading.kind === 'entry') assert.equal([...encodeEntry(reading.entry, pure)], [...bytes]);
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => assert.ok(decodeEntry(bytes, pure).kind.length > 0)));
});

laws('an entry that was cut short or goes on is damaged, one of a later version says so', () => {
  const bytes = encodeEntry(founding, pure);
  for (let length = 0; length < bytes.length; length += 1) assert.is(decodeEntry(bytes.subarray(0, length), pure).kind, 'damaged');
  assert.is(decodeEntry(Uint8Array.from([...bytes, 0]), pure).kind, 'damaged');
  const later = bytes.slice();
  later[0] = entryFormatVersion + 1;
  assert.equal(decodeEntry(later, pure), { kind: 'newer', version: entryFormatVersion + 1 });
});

laws('law: a state comes out as it went in, and its bytes tell states apart', () => {
  fc.assert(
    fc.property(anyLog, (log) => {
      let state = emptyControlState;
      log.forEach((entry, at) => {
        const before = encodeState(state, pure);
        const applied = applyEntry(state, entry, at + 1);
        assert.equal(decodeState(before, pure), { kind: 'state', state });
        assert.is.not(pure.crc32(before), pure.crc32(encodeState(applied.state, pure)));
        state = applied.state;
      });
    }),
  );
});

/** As version 1 wrote it: three members, one of them no voter, and a space with a copy on its way. */
const stateOfVersion1 =
  '0101dddddddddddddddddddddddddddddddd010000000400000000000300000300a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a102006e3102007a31000008006e313a3530303531000100' +
  '00000000b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b202006e3202007a31000008006e323a353030353100010000000000c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c302006e3302007a310000' +
  '08006e333a35303035310002000000000000000200a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b200000100000005006e6f746573000000000100000' +
  '00300000000000400000000000200a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b20101a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1c3c3c3c3c3c3c3c3c3' +
  'c3c3c3c3c3c3c30100000005006e6f74657300000000';

laws('a state that version 1 wrote is read, and has no order; one is written the old way until an order is given', () => {
  const bytes = Uint8Array.from(Buffer.from(stateOfVersion1, 'hex'));
  const reading = decodeState(bytes, pure);
  if (reading.kind !== 'state') throw new Error(`it is ${reading.kind}`);
  const { state } = reading;
  assert.is(state.order, null);
  assert.equal(
    Object.values(state.members).map((known) => known.name),
    ['n1', 'n2', 'n3'],
  );
  assert.equal(
    Object.values(state.rows).map(({ move }) => move?.stage),
    ['copying'],
  );
  assert.equal([...encodeState(state, pure)], [...bytes]);
  const [by] = state.voters as [NodeId];
  const { state: held } = applyEntry(state, { kind: 'rebalancing-ordered', order: 'hold', atMs: 7, by }, 5);
  assert.equal(held.order, { order: 'hold', index: 5, atMs: 7, by });
  assert.equal(
    Object.values(held.rows).map(({ move, revision }) => [move, revision]),
    [[null, 5]],
  );
  assert.equal([encodeState(state, pure)[0], encodeState(held, pure)[0]], [1, 2]);
});

laws('a state that was cut short is damaged, one of a later version says so', () => {
  const bytes = encodeState(applyEntry(emptyControlState, founding, 1).state, pure);
  for (let length = 0; length < bytes.length; length += 1) assert.is(decodeState(bytes.subarray(0, length), pure).kind, 'damaged');
  const later = bytes.slice();
  later[0] = stateFormatVersion + 1;
  assert.equal(decodeState(later, pure), { kind: 'newer', version: stateFormatVersion + 1 });
});

/** A log most of whose entries rest on what is so when they come: bases and generations are set right, where `isFresh` says so. */
function settle(log: readonly ControlEntry[], isFresh: readonly boolean[]): readonly ControlEntry[] {
  let state = emptyControlState;
  return log.map((entry, at) => {
    const fresh = isFresh[at % isFresh.length] === true ? rest(state, entry) : entry;
    state = applyEntry(state, fresh, at + 1).state;
    return fresh;
  });
}

function rest(state: ControlState, entry: ControlEntry): ControlEntry {
  const spaces = rowsInOrder(state);
  const revisionOf = (space: SpaceKey): number => state.rows[space]?.revision ?? 0;
  if (entry.kind === 'space-created') return { ...entry, generation: (state.generations[entry.name] ?? -1) + 1 };
  if (entry.kind === 'space-dropped') return { ...entry, generation: state.generations[entry.name] ?? 0 };
  if (entry.kind === 'move-changed') return { ...entry, basis: revisionOf(entry.space) };
  if (entry.kind === 'rows-assigned')
    return {
      ...entry,
      rows: spaces.slice(0, 2).map(({ space }, at) => ({ space, basis: revisionOf(space), copies: entry.rows[at]?.copies ?? [first] })),
    };
  if (entry.kind === 'recovered') return { ...entry, generation: state.generation + 1 };
  return entry;
}

const logs = fc.tuple(anyLog, fc.array(fc.boolean(), { minLength: 1, maxLength: 7 })).map(([log, isFresh]) => settle(log, isFresh));

laws('law: the same log leads to the same state, and patches lead from each state to the next', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const [one, again] = [0, 1].map(() => log.reduce((state, entry, at) => applyEntry(state, entry, at + 1).state, emptyControlState));
      assert.equal(one, again);
      let patched = emptyControlState;
      log.forEach((entry, at) => {
        const { patches, state } = applyEntry(patched, entry, at + 1);
        assert.equal({ ...applyPatches(patched, [...patches]), applied: at + 1 }, state);
        patched = state;
      });
      assert.equal(patched, one);
    }),
  );
});

laws('law: a snapshot and the entries behind it lead to the state of the whole log', () => {
  fc.assert(
    fc.property(logs, fc.nat(), (log, drawn) => {
      const cut = drawn % (log.length + 1);
      const apply = (state: ControlState, from: number, to: number): ControlState =>
        log.slice(from, to).reduce((so, entry, at) => applyEntry(so, entry, from + at + 1).state, state);
      const reading = decodeState(encodeState(apply(emptyControlState, 0, cut), pure), pure);
      if (reading.kind !== 'state') throw new Error(`the snapshot is ${reading.kind}`);
      // Also when entries that the snapshot covers come again.
      const rest = apply(apply(reading.state, Math.max(0, cut - 2), cut), cut, log.length);
      assert.equal(encodeState(rest, pure), encodeState(apply(emptyControlState, 0, log.length), pure));
    }),
  );
});

laws('law: rows hold distinct members, the first of them primary, and terms never go back', () => {
  fc.assert(
    fc.property(logs, (log) => {
      let state = emptyControlState;
      log.forEach((entry, at) => {
        const before = state;
        state = applyEntry(state, entry, at + 1).state;
        for (const { space, copies, epoch, revision, move } of rowsInOrder(state)) {
          assert.ok(copies.length > 0 && new Set(copies).size === copies.length);
          for (const copy of copies) assert.ok(state.members[copy] !== undefined);
          assert.ok(epoch.index <= revision && revision <= state.applied);
          if (move !== null && move.from !== null) assert.ok(copies.includes(move.from));
          // Who holds a copy takes nothing but the primary's place.
          if (move !== null) assert.ok(!copies.includes(move.to) || (copies[0] === move.from && move.to !== move.from));
          if (move?.stage === 'paused') assert.is(copies[0], move.from);
          const was = before.rows[space];
          if (was === undefined || was.revision === revision) continue;
          const isSame = was.copies.join() === copies.join();
          if (!isSame) assert.is(epoch.index, revision);
          assert.ok(epoch.index >= was.epoch.index && epoch.generation >= was.epoch.generation);
        }
      });
    }),
  );
});

laws.run();

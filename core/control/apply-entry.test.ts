/** What entries do to the state, and the laws of it: same log, same state; a snapshot and the rest are the whole log. */
import fc from 'fast-check';
import { applyPatches } from 'immer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeId, SpaceKey } from '../identifiers.js';
import { anyLog, clusterId, describe, founding, someNodes } from '../test-support/control-entries.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { type Applied, applyEntry, type RefusalReason, spacesLedBy } from './apply-entry.js';
import { type ControlState, emptyControlState, rowsInOrder, viewOfState } from './control-state.js';
import type { ControlEntry, MoveChange } from './entries.js';
import { decodeState, encodeState } from './state-codec.js';

const entries = suite('entries of the control log');
const pure = testPureFunctions();
const [first, second, third, fourth] = someNodes as [NodeId, NodeId, NodeId, NodeId, NodeId];
const notes = 'notes#0' as SpaceKey;

/** A log under way: each entry gets the next index. */
class Log {
  state: ControlState = emptyControlState;
  last: Applied | null = null;

  constructor(...given: readonly ControlEntry[]) {
    for (const entry of [founding, ...given]) this.add(entry);
  }

  add(entry: ControlEntry): Applied {
    this.last = applyEntry(this.state, entry, this.state.applied + 1);
    this.state = this.last.state;
    return this.last;
  }

  why(entry: ControlEntry): RefusalReason | null {
    const { outcome } = this.add(entry);
    return outcome.kind === 'refused' ? outcome.why : null;
  }

  row(space: SpaceKey = notes) {
    const row = this.state.rows[space];
    if (row === undefined) throw new Error(`${space} has no row`);
    return row;
  }

  move(change: MoveChange): RefusalReason | null {
    return this.why({ kind: 'move-changed', space: notes, basis: this.row().revision, change });
  }
}

const created: ControlEntry = { kind: 'space-created', name: 'notes', generation: 0, copies: [first, second, third] };
const added: ControlEntry = { kind: 'node-added', member: describe(fourth) };

entries('nothing is so before the cluster is made, and it is made once', () => {
  assert.is(applyEntry(emptyControlState, created, 1).outcome.kind, 'refused');
  const log = new Log();
  assert.is(log.state.clusterId, clusterId);
  assert.equal(log.state.voters, [first, second, third]);
  assert.is(log.why(founding), 'cluster already made');
});

entries('a node is added once, under a name of its own, and after its removal never again', () => {
  const log = new Log();
  assert.is(log.why({ kind: 'node-added', member: { ...describe(fourth), name: 'n1' } }), 'name taken');
  assert.is(log.why(added), null);
  assert.is(log.why(added), 'already a member');
  assert.is(log.why({ kind: 'node-removed', node: first, isForced: true }), 'still votes');
  assert.is(log.why({ kind: 'node-removed', node: fourth, isForced: false }), null);
  assert.is(log.why(added), 'was removed');
});

entries('a node that holds copies is removed by force alone, and never with the only copy', () => {
  const log = new Log(added, { ...created, copies: [fourth, first] }, { ...created, name: 'alone', copies: [fourth] });
  assert.is(log.why({ kind: 'node-removed', node: fourth, isForced: false }), 'still holds copies');
  assert.is(log.why({ kind: 'node-removed', node: fourth, isForced: true }), 'the only copy');
  log.add({ kind: 'space-dropped', name: 'alone', generation: 0 });
  assert.is(log.why({ kind: 'node-removed', node: fourth, isForced: true }), null);
  assert.equal(log.row().copies, [first]);
  assert.is(log.row().epoch.index, log.state.applied);
});

entries('a space that is made again after it was dropped has another generation', () => {
  const log = new Log(created);
  assert.is(log.why(created), 'space exists');
  assert.is(log.why({ kind: 'space-dropped', name: 'notes', generation: 1 }), 'no such space');
  assert.is(log.why({ kind: 'space-dropped', name: 'notes', generation: 0 }), null);
  assert.is(log.why(created), 'stale generation');
  assert.is(log.why({ ...created, generation: 1 }), null);
  assert.equal(Object.keys(log.state.rows), ['notes#1']);
  assert.is(log.why({ ...created, name: 'other', copies: [first, first] }), 'copies not legal');
  assert.is(log.why({ ...created, name: 'other', copies: [fourth] }), 'copies not legal');
});

entries('one entry reassigns every space of a dead node, and what changed meanwhile is left alone', () => {
  const log = new Log(created, { ...created, name: 'other', copies: [first, third] }, { ...created, name: 'third', copies: [second] });
  const led = spacesLedBy(log.state, first);
  assert.equal(
    led.map(({ space }) => space),
    ['notes#0', 'other#0'],
  );
  const successors = led.map(({ space, revision, copies }) => ({ space, basis: revision, primary: copies[1] as NodeId }));
  const other = 'other#0' as SpaceKey;
  log.add({ kind: 'rows-assigned', rows: [{ space: other, basis: log.row(other).revision, copies: [third, first] }] });
  const { outcome } = log.add({ kind: 'primaries-reassigned', dead: first, successors });
  assert.equal(outcome, { kind: 'applied', skipped: [other] });
  assert.equal(log.row().copies, [second, third, first]);
  assert.equal(log.row().epoch, { generation: 1, index: log.state.applied });
  assert.is(log.why({ kind: 'primaries-reassigned', dead: first, successors }), 'stale rows');
});

entries('a move goes through its stages, and only its end changes the term', () => {
  const log = new Log(added, created);
  const { epoch } = log.row();
  assert.is(log.move({ kind: 'paused' }), 'no such move');
  assert.is(log.move({ kind: 'started', from: first, to: second }), 'no such move');
  assert.is(log.move({ kind: 'started', from: first, to: fourth }), null);
  assert.is(log.move({ kind: 'committed' }), 'no such move');
  assert.is(log.move({ kind: 'paused' }), null);
  assert.equal(log.row().epoch, epoch);
  assert.is(log.move({ kind: 'committed' }), null);
  assert.equal(log.row().copies, [fourth, second, third]);
  assert.is.not(log.row().epoch.index, epoch.index);
});

entries('a new primary ends the move that was under way', () => {
  const log = new Log(added, created);
  log.move({ kind: 'started', from: first, to: fourth });
  log.add({ kind: 'primaries-reassigned', dead: first, successors: [{ space: notes, basis: log.row().revision, primary: third }] });
  assert.equal([log.row().move, log.row().copies], [null, [third, second, first]]);
  assert.is(log.why({ kind: 'move-changed', space: notes, basis: 3, change: { kind: 'paused' } }), 'stale rows');
});

entries('a recovery begins the next generation, and terms of the old one come before its', () => {
  const log = new Log(created);
  assert.is(log.why({ kind: 'recovered', generation: 3 }), 'stale generation');
  assert.is(log.why({ kind: 'recovered', generation: 2 }), null);
  log.add({ kind: 'primaries-reassigned', dead: first, successors: [{ space: notes, basis: log.row().revision, primary: second }] });
  assert.equal(log.row().epoch, { generation: 2, index: log.state.applied });
});

entries('the view has members in id order and every row', () => {
  const view = viewOfState(new Log(created).state);
  assert.equal(
    view.members.map(({ name }) => name),
    ['n1', 'n2', 'n3'],
  );
  assert.equal(view.rows[notes]?.copies, [first, second, third]);
  assert.equal(view.epoch, { generation: 1, index: 2 });
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

entries('law: the same log leads to the same state, and patches lead from each state to the next', () => {
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

entries('law: a snapshot and the entries behind it lead to the state of the whole log', () => {
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

entries('law: rows hold distinct members, the first of them primary, and terms never go back', () => {
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
          if (move !== null) assert.ok(copies.includes(move.from) && !copies.includes(move.to));
          const was = before.rows[space];
          if (was === undefined || was.revision === revision) continue;
          const isSame = was.copies.join() === copies.join();
          assert.is(epoch.index === was.epoch.index, isSame);
          assert.ok(epoch.index >= was.epoch.index && epoch.generation >= was.epoch.generation);
        }
      });
    }),
  );
});

entries.run();

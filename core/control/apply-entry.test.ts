/** What entries do to the state, one by one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeId, SpaceKey } from '../identifiers.js';
import { clusterId, describe, founding, someNodes } from '../test-support/control-entries.js';
import { type Applied, applyEntry, type RefusalReason, spacesLedBy } from './apply-entry.js';
import { type ControlState, emptyControlState, viewOfState } from './control-state.js';
import type { ControlEntry, MoveChange } from './entries.js';

const entries = suite('entries of the control log');
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
  assert.is(log.move({ kind: 'started', from: second, to: third }), 'no such move');
  assert.is(log.move({ kind: 'started', from: fourth, to: second }), 'no such move');
  assert.is(log.move({ kind: 'started', from: first, to: fourth }), null);
  assert.is(log.move({ kind: 'committed' }), 'no such move');
  assert.is(log.move({ kind: 'paused' }), null);
  assert.equal(log.row().epoch, epoch);
  assert.is(log.move({ kind: 'committed' }), null);
  assert.equal(log.row().copies, [fourth, second, third]);
  assert.is.not(log.row().epoch.index, epoch.index);
});

entries('nobody pauses where a replica moves, or where there is to be one more copy', () => {
  const log = new Log(added, created);
  assert.is(log.move({ kind: 'started', from: second, to: fourth }), null);
  assert.is(log.move({ kind: 'paused' }), 'no such move');
  assert.is(log.move({ kind: 'committed' }), null);
  assert.equal(log.row().copies, [first, fourth, third]);
  assert.is(log.move({ kind: 'started', from: null, to: third }), 'no such move');
  assert.is(log.move({ kind: 'started', from: null, to: second }), null);
  assert.is(log.move({ kind: 'committed' }), null);
  assert.equal([log.row().copies, log.row().move], [[first, fourth, third, second], null]);
});

entries('a copy takes the place of the primary, which stays a copy', () => {
  const log = new Log(added, created);
  assert.is(log.move({ kind: 'started', from: first, to: third }), null);
  assert.is(log.move({ kind: 'committed' }), 'no such move');
  assert.is(log.move({ kind: 'paused' }), null);
  assert.is(log.move({ kind: 'committed' }), null);
  assert.equal(log.row().copies, [third, second, first]);
});

entries('a new primary ends the move that was under way', () => {
  const log = new Log(added, created);
  log.move({ kind: 'started', from: first, to: fourth });
  log.add({ kind: 'primaries-reassigned', dead: first, successors: [{ space: notes, basis: log.row().revision, primary: third }] });
  assert.equal([log.row().move, log.row().copies], [null, [third, second, first]]);
  assert.is(log.why({ kind: 'move-changed', space: notes, basis: 3, change: { kind: 'paused' } }), 'stale rows');
});

entries('a recovery begins a later generation, gives every row a term of it, and ends moves', () => {
  const log = new Log(added, created);
  log.move({ kind: 'started', from: first, to: fourth });
  assert.is(log.why({ kind: 'recovered', generation: 1 }), 'stale generation');
  assert.is(log.why({ kind: 'recovered', generation: 3 }), null);
  assert.equal([log.row().epoch, log.row().move], [{ generation: 3, index: log.state.applied }, null]);
  assert.is(log.why({ kind: 'recovered', generation: 2 }), 'stale generation');
});

entries('terms of an old generation come before those of the next one', () => {
  const log = new Log(created);
  log.add({ kind: 'recovered', generation: 2 });
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

entries.run();

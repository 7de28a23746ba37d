/** Which records of a voter are still needed: those that compaction must keep. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, type Dot, nodeId } from '../identifiers.js';
import type { RecordPlace } from '../storage/dot-positions.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { ControlJournal, type JournalStore } from './control-journal.js';
import { snapshotPartBytesMax } from './control-records.js';
import type { Snapshot } from './raft/vocabulary.js';

const journals = suite('the journal of the control log');
const self = nodeId('ab'.repeat(16));
const author = authorOf(self, { counter: 1, random: '00'.repeat(8) });
const now = { monotonicMs: 0, wallMs: 0 };

/** A log whose records become durable one after the other, when the test says so. */
function openJournal() {
  const appended: Dot[] = [];
  const retained = new Set<number>();
  let durable = 0;
  const store: JournalStore = {
    author,
    authorBytes: new Uint8Array(28),
    termsReached: { generation: 0, index: 0 },
    room: () => 'yes',
    appendControl: (_draft, dot) => appended.push(dot),
    retain: ({ offset }) => retained.add(offset),
    release: ({ offset }) => retained.delete(offset),
    forgiveControlLoss: (then) => then(true, now),
  };
  const placeOf = ({ sequence }: Dot): RecordPlace => ({ segment: 1, offset: sequence, length: 1 });
  const journal = new ControlJournal(store, testPureFunctions());
  journal.finishRecovery(null);
  const sync = (): void => {
    const dot = appended[durable];
    durable += 1;
    journal.durable(dot, placeOf(dot), now);
  };
  const isNeeded = (dot: Dot): boolean => journal.isNeeded(dot, placeOf(dot));
  const needed = (): number[] =>
    appended
      .slice(0, durable)
      .filter(isNeeded)
      .map(({ sequence }) => sequence);
  return { journal, sync, needed, retained, left: () => appended.length - durable };
}

journals('what a voter begins anew with is needed from then on, and all that it takes the place of until then', () => {
  const { journal, sync, needed, retained, left } = openJournal();
  journal.save({ ballot: { term: 1, vote: self }, snapshot: null, entries: [{ index: 1, term: 1, kind: 'begin' }] }, () => {});
  while (left() > 0) sync();
  assert.equal(needed(), [1, 2]);
  const state = new Uint8Array(snapshotPartBytesMax + 1);
  const snapshot: Snapshot = { index: 900, term: 800, configuration: { voters: [self], learners: [] }, state };
  let begun = 0;
  journal.beginAnew({ term: 800, votesFrom: 900, snapshot }, (recovered) => {
    begun += 1;
    assert.equal([recovered.snapshot, recovered.ballot, recovered.committed], [snapshot, { term: 800, vote: self }, 900]);
  });
  assert.is(left(), 3);
  sync();
  sync();
  assert.equal([needed(), begun], [[1, 2, 3, 4], 0]);
  sync();
  assert.equal([needed(), begun], [[3, 4, 5], 1]);
  assert.equal([...retained], [3, 4, 5]);
  assert.equal([journal.reached.index, journal.reached.term], [900, 800]);
  // A later snapshot takes the place of its parts; that it has begun anew is never forgotten.
  const next: Snapshot = { ...snapshot, index: 950, state: new Uint8Array(1) };
  journal.save({ ballot: null, snapshot: { snapshot: next, keepsEntries: true }, entries: [] }, () => {});
  sync();
  assert.equal(needed(), [5, 6]);
});

journals.run();

/** What a recovery takes up of entries that stand in a damaged control log and of which nobody knows whether they were committed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, type NodeId } from '../identifiers.js';
import { founding, someNodes } from '../test-support/control-entries.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { applyEntry } from './apply-entry.js';
import { Beginner, type BeginnerPorts } from './beginner.js';
import type { ProposalAnswer } from './control-events.js';
import { type ControlState, emptyControlState } from './control-state.js';
import type { ControlEntry } from './entries.js';
import { encodeEntry } from './entry-codec.js';
import { nothingReached } from './generations.js';
import type { Entry, Snapshot } from './raft/vocabulary.js';
import { decodeState } from './state-codec.js';

const beginner = suite('beginner');
const pure = testPureFunctions();
const [self, other] = someNodes as [NodeId, NodeId];
const now = { monotonicMs: 0, wallMs: 0 };

const made = (name: string): ControlEntry => ({ kind: 'space-created', name, generation: 0, copies: someNodes.slice(0, 3) });
const dropped: ControlEntry = { kind: 'space-dropped', name: 'notes', generation: 0 };

function logOf(entries: readonly (ControlEntry | 'begin')[], term: number): readonly Entry[] {
  return entries.map((entry, at): Entry => {
    const place = { index: at + 1, term };
    return entry === 'begin' ? { ...place, kind: 'begin' } : { ...place, kind: 'command', bytes: encodeEntry(entry, pure) };
  });
}

function stateOf(entries: readonly ControlEntry[]): ControlState {
  return entries.reduce<ControlState>((state, entry, at) => applyEntry(state, entry, at + 1).state, emptyControlState);
}

/** With these entries in its damaged log, the first two of which are known to be committed, a node that was told that state recovers. The names of the spaces that there are then. */
function recovered(
  entries: readonly ControlEntry[],
  told: ControlState,
): { readonly spaces: readonly string[]; readonly doubtful: number } {
  let snapshot: Snapshot | null = null;
  let answer: ProposalAnswer | null = null;
  const begun = { ballot: { term: 1, vote: null }, snapshot: null, entries: [], committed: 0, votesFrom: 0 };
  const ports: Partial<BeginnerPorts> = {
    journal: {
      reached: nothingReached,
      save: () => {},
      beginAnew: (how, then) => {
        snapshot = how.snapshot;
        then(begun, now);
      },
    },
    store: {
      author: authorOf(self, { counter: 2, random: '0'.repeat(16) }),
      termsReached: { generation: 0, index: 0 },
      forgiveControlLoss: (then) => then(true, now),
    },
    followed: {
      ...{ why: 'damaged', toldBy: other, reached: nothingReached, begin: () => {}, end: () => {} },
      inquire: (done) => {
        done({ kind: 'nobody leads' }, now);
        return true;
      },
    },
    ...{ notes: { note: () => {} }, pure, self: () => self, state: () => told, raft: () => null, rest: () => {}, begin: () => {} },
  };
  const node = new Beginner(ports as BeginnerPorts);
  node.damaged({ ...begun, entries: logOf(entries, 2), committed: 2 });
  node.recover((said) => {
    answer = said;
  }, now);
  const { basis } = answer as unknown as Extract<ProposalAnswer, { kind: 'recovered' }>;
  const reading = decodeState((snapshot as unknown as Snapshot).state, pure);
  const names = reading.kind === 'state' ? Object.keys(reading.state.rows).sort() : [];
  return { spaces: names, doubtful: basis.doubtful };
}

beginner('entries that stand behind what another node has told may have been committed, and count', () => {
  const log = [founding, made('notes'), made('later'), made('last')];
  assert.equal(recovered(log, stateOf(log.slice(0, 3))), { spaces: ['last#0', 'later#0', 'notes#0'], doubtful: 1 });
});

beginner('entries behind others than those that were committed in their place never were, and do not come back', () => {
  // A leader that had been left alone wrote these; its proposals were answered as replaced.
  const log = [founding, made('notes'), made('alone'), dropped];
  const agreed = [founding, made('notes'), made('later')];
  assert.equal(recovered(log, stateOf(agreed)), { spaces: ['later#0', 'notes#0'], doubtful: 0 });
});

beginner.run();

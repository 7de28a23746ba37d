import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Author, authorOf, type NodeId, nodeId } from '../identifiers.js';
import { Forgetful } from './forgetful.js';
import type { Configuration } from './raft/vocabulary.js';

const forgetful = suite('a voter that may have forgotten');
const [leader, second, third] = [1, 2, 3].map((n) => nodeId(`${n}${n}`.repeat(16))) as [NodeId, NodeId, NodeId];
const [boot, later] = [4, 5].map((counter) => authorOf(third, { counter, random: '00'.repeat(8) })) as [Author, Author];
const all: Configuration = { voters: [leader, second, third], learners: [] };
const without: Configuration = { voters: [leader, second], learners: [] };
const learning: Configuration = { voters: [leader, second], learners: [third] };

/** A leader of term 7 whose log ends at 20, all of it committed unless told otherwise. */
function leading(configuration: Configuration, { term = 7, committed = 20, last = 20, mayReconfigure = true } = {}) {
  return { role: 'leader' as const, term, configuration, committed, last: { index: last, term }, mayReconfigure };
}

forgetful('it is taken out, and told to begin anew only once something was committed without it since it said so', () => {
  const known = new Forgetful();
  assert.is(known.told(third, boot, leading(all)), null);
  assert.equal([...known.toTakeOut(leading(all))], [third]);
  const proposed = leading(without, { last: 21, mayReconfigure: false });
  assert.equal([...known.toTakeOut(proposed)], [], 'it is out already');
  assert.is(known.told(third, boot, proposed), null, 'nobody has agreed yet');
  const agreed = leading(without, { last: 21, committed: 21 });
  assert.equal(known.told(third, boot, agreed), { kind: 'begin-anew', boot, term: 7, votesFrom: 21 });
  // Let in again it is told once more, should it not have heard.
  assert.equal(known.told(third, boot, leading(learning, { last: 22, committed: 22 }))?.votesFrom, 22);
});

forgetful('where it only learns it is taken out as well: what was known of its log is known no more', () => {
  const known = new Forgetful();
  assert.is(known.told(third, boot, leading(learning)), null);
  assert.equal([...known.toTakeOut(leading(learning))], [third]);
  assert.is(known.told(third, boot, leading(learning, { last: 25, committed: 25 })), null);
});

forgetful('who is out already waits for an entry of its own: an old leader may not know of later ones', () => {
  const known = new Forgetful();
  assert.is(known.told(third, boot, leading(without)), null);
  assert.equal([...known.toTakeOut(leading(without))], []);
  assert.equal(known.told(third, boot, leading(learning, { last: 21, committed: 21 }))?.term, 7);
});

forgetful('another boot, and another term, begin from the start', () => {
  const known = new Forgetful();
  known.told(third, boot, leading(all));
  known.told(third, boot, leading(without, { last: 21, committed: 21 }));
  assert.is(known.told(third, later, leading(learning, { last: 22, committed: 22 })), null);
  assert.equal([...known.toTakeOut(leading(learning, { last: 22, committed: 22 }))], [third]);
  const next = leading(learning, { term: 8, last: 30, committed: 30 });
  assert.equal([...known.toTakeOut(next)], []);
  assert.is(known.told(third, later, next), null);
  assert.is(known.told(third, later, { ...next, role: 'follower' as never }), null);
});

forgetful.run();

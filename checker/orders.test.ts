/** Each order is seen to be forgotten where it is. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId, type SpaceKey } from '../core/identifiers.js';
import type { CommittedState, ControlObservation } from './control-observations.js';
import { judgeOrders } from './orders.js';

const orders = suite('orders of operators');
const [one, two, three, four] = [1, 2, 3, 4].map((n) => nodeId(`${n}`.repeat(32))) as [NodeId, NodeId, NodeId, NodeId];
const space = 'notes#0' as SpaceKey;

const told = (order: 'apply' | 'hold', index: number): ControlObservation => ({
  kind: 'answered',
  atMs: 10 * index,
  node: 'n1',
  index,
  content: JSON.stringify({ kind: 'rebalancing-ordered', order, atMs: 1, by: one }),
});

/** Three nodes with one space; what is said departs from that. Entries come a second after another. */
const after = (index: number, { to, ...said }: Partial<CommittedState> & { readonly to?: NodeId } = {}): CommittedState => ({
  atMs: 1_000 * index,
  index,
  generation: 1,
  order: null,
  members: [one, two, three, four],
  leaving: [],
  removed: [],
  rows: [{ space, copies: [one, two, three], move: to === undefined ? null : { to } }],
  ...said,
});

const holding = { order: { order: 'hold', index: 5 } } as const;
const applying = { order: { order: 'apply', index: 8 } } as const;

const reasonsOf = (observations: readonly ControlObservation[], ...states: readonly CommittedState[]): readonly string[] =>
  judgeOrders({ observations, states }).findings.map(({ reason }) => reason);

orders('where nobody ordered anything there is nothing to judge', () => {
  assert.equal(judgeOrders({ observations: [] }), { findings: [], orders: 0 });
  assert.equal(judgeOrders({ observations: [], states: [after(2), after(3, { to: four })] }), { findings: [], orders: 0 });
});

orders('after hold nothing is on its way until the next word', () => {
  const sound = [after(4, { to: four }), after(5, holding), after(8, applying), after(9, { ...applying, to: four })];
  assert.equal(judgeOrders({ observations: [told('hold', 5), told('apply', 8)], states: sound }), { findings: [], orders: 2 });
  const [begun, ...others] = reasonsOf([], after(5, holding), after(6, { ...holding, to: four }), after(7, { ...holding, to: four }));
  assert.match(begun, new RegExp(`^notes#0 is on its way to ${four} after entry 6, at 6000 ms: the order to hold of entry 5 stands$`));
  assert.equal(others, [], 'one finding for one move');
  assert.match(
    reasonsOf([], after(5, { ...holding, to: four }))[0],
    /after entry 5/,
    'what was under way is given up with the order itself',
  );
  assert.equal(reasonsOf([], after(5, holding), after(8, applying), after(9, { ...applying, to: four })), []);
});

orders('what an operator was told stands in the state until the next word, also where the state has forgotten it', () => {
  const [forgotten, moved] = reasonsOf([told('hold', 5)], after(4), after(6, { to: four }));
  assert.match(forgotten, /^the order to hold of entry 5 is forgotten after entry 6, at 6000 ms$/);
  assert.match(moved, /is on its way to .* after entry 6/);
  assert.match(reasonsOf([], after(5, holding), after(6))[0], /the order to hold of entry 5 is forgotten after entry 6/);
  assert.match(reasonsOf([], after(8, applying), after(9, holding))[0], /the order to apply of entry 8 is forgotten/);
  assert.match(reasonsOf([told('apply', 5)], after(5, holding))[0], /the order to apply of entry 5 is forgotten/);
  // Not yet applied when a state before it was seen; and of a generation that was given up.
  assert.equal(reasonsOf([told('hold', 5)], after(4, { to: four }), after(5, holding)), []);
  assert.equal(reasonsOf([told('hold', 5)], after(5, holding), after(900, { generation: 2, to: four })), []);
});

orders('a node that is to leave gets no new copy, unless that is taken back', () => {
  const leaving = { leaving: [four] } as const;
  assert.match(
    reasonsOf([], after(4, leaving), after(10, { ...leaving, to: four }))[0],
    /notes#0 begins to move to 4+ with entry 10, at 10000 ms: it is to leave/,
  );
  assert.equal(reasonsOf([], after(4, leaving), after(8, { ...leaving, to: four })), [], 'proposed before it was known');
  assert.equal(
    reasonsOf([], after(3, { to: four }), after(4, { ...leaving, to: four }), after(10, { ...leaving, to: four })),
    [],
    'begun before',
  );
  assert.equal(reasonsOf([], after(4, leaving), after(9), after(10, { to: four })), [], 'taken back');
  const third = { leaving: [three] } as const;
  assert.equal(judgeOrders({ observations: [], states: [after(4, third), after(10, { ...third, to: three })] }), {
    findings: [],
    orders: 1,
  });
});

orders('a node that was removed is no member again, and no row names it', () => {
  const gone = { removed: [four], members: [one, two, three] } as const;
  assert.equal(judgeOrders({ observations: [], states: [after(4), after(5, gone), after(6, gone)] }), { findings: [], orders: 1 });
  assert.match(reasonsOf([], after(5, gone), after(6, { ...gone, members: [one, four] }))[0], /4+ is a member again after entry 6/);
  assert.match(reasonsOf([], after(5, gone), after(6, { ...gone, to: four }))[0], /notes#0 names 4+ after entry 6/);
  const rows = [{ space, copies: [one, four], move: null }];
  assert.match(
    reasonsOf([], after(5, gone), after(6, { removed: [], members: [one], rows }))[0],
    /notes#0 names 4+ after entry 6/,
    'though the state has forgotten it',
  );
});

orders.run();

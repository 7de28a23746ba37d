import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Now } from '../../events.js';
import { type NodeId, nodeId, type SpaceKey } from '../../identifiers.js';
import { defaultAuthorityOptions } from '../control-log-options.js';
import { emptyControlState } from '../control-state.js';
import { type Contact, Contacts } from './contacts.js';

const contacts = suite('whom a majority of voters reaches');
const all = [1, 2, 3, 4, 5].map((n) => nodeId(`${n}${n}`.repeat(16))) as [NodeId, NodeId, NodeId, NodeId, NodeId];
const [leader, primary, third, fourth, fifth] = all;
const space = 'notes#0' as SpaceKey;
const row = { space, epoch: { generation: 1, index: 2 }, revision: 2, copies: [primary, third], move: null };
const state = { ...emptyControlState, rows: { [space]: row } };
const { leaseMs, askAllAfterMs } = defaultAuthorityOptions;
const at = (monotonicMs: number): Now => ({ monotonicMs, wallMs: 0 });
const contactOf = (self: NodeId, voters: readonly NodeId[] = all): Contact => ({ self, state, configuration: { voters, learners: [] } });

/** A voter that watches since the moment 0, and whose pings of all others were answered at that of `pingedMs`. */
function watching(pingedMs: (node: NodeId) => number, contact = contactOf(fourth)): Contacts {
  const watch = new Contacts(defaultAuthorityOptions, pingedMs);
  watch.look(leader, contact, at(0));
  return watch;
}

contacts('while pings are answered nobody is called, and nothing is said', () => {
  const watch = watching(() => 1_000);
  assert.equal(watch.look(leader, contactOf(fourth), at(1_000 + askAllAfterMs - 1)), { calls: [], unreached: null });
});

contacts('who holds copies and has answered nothing for a while is called; it is named only when it does not answer', () => {
  const watch = watching(() => Number.NEGATIVE_INFINITY);
  assert.equal(watch.look(leader, contactOf(fourth), at(leaseMs)), { calls: [primary, third], unreached: null });
  watch.answeredCall(third, at(leaseMs + 1));
  const later = at(leaseMs + 250);
  assert.equal(watch.look(leader, contactOf(fourth), later), { calls: [primary], unreached: [primary] });
  watch.answeredCall(primary, later);
  // Of nobody any more: that is said once.
  assert.equal(watch.look(leader, contactOf(fourth), later).unreached, []);
  assert.equal(watch.look(leader, contactOf(fourth), later).unreached, null);
});

contacts('who stays silent is called ever less often', () => {
  const watch = watching(() => Number.NEGATIVE_INFINITY);
  let calls = 0;
  for (let ms = 0; ms <= 60_000; ms += 125) calls += watch.look(leader, contactOf(fourth), at(ms)).calls.length;
  assert.ok(calls > 2 * 55 && calls < 2 * 80, `${calls} calls`);
});

contacts('where leader and primary are a majority nobody watches; nor does a node watch itself, or the leader', () => {
  const few = contactOf(third, [leader, primary, third]);
  assert.equal(watching(() => 0, few).look(leader, few, at(10_000)).calls, []);
  const own = contactOf(primary);
  assert.equal(watching(() => 0, own).look(third, own, at(10_000)).calls, []);
  // Who is no voter does not count for itself.
  const outside = contactOf(third, [leader, third, fourth]);
  assert.equal(watching(() => 0, outside).look(leader, outside, at(10_000)).calls, [primary]);
});

/** A leader that the voters answered at the moment 0. */
function led(voters: readonly NodeId[]): Contacts {
  const leading = new Contacts(defaultAuthorityOptions, () => Number.NEGATIVE_INFINITY);
  leading.begin();
  for (const voter of voters) leading.answered(voter, at(0));
  return leading;
}

contacts('a node is reached by a majority of voters, leader and itself among them, that have answered lately and do not name it', () => {
  const leading = led([third, fourth, fifth]);
  const isReached = (node: NodeId, ms: number): boolean => leading.isReached(node, contactOf(leader), at(ms));
  leading.named(third, [primary], at(0));
  leading.named(fourth, [primary], at(0));
  assert.ok(isReached(primary, 0));
  leading.named(fifth, [primary], at(0));
  assert.equal([isReached(primary, 0), isReached(third, 0)], [false, true]);
  leading.named(fifth, [], at(1));
  assert.ok(isReached(primary, 1));
  assert.not(isReached(primary, leaseMs + 1));
  assert.not(led([]).isReached(primary, contactOf(leader), at(0)));
});

contacts('what a voter has named and does not repeat is so no more', () => {
  const leading = led([third, fourth, fifth]);
  for (const voter of [third, fourth, fifth]) leading.named(voter, [primary], at(0));
  for (const voter of [third, fourth, fifth]) leading.answered(voter, at(askAllAfterMs + 1));
  assert.ok(leading.isReached(primary, contactOf(leader), at(askAllAfterMs + 1)));
});

contacts('one node alone, two and three are reached by who leads them', () => {
  const leading = led([]);
  for (const voters of [[leader], [leader, primary], [leader, primary, third]])
    assert.ok(leading.isReached(voters.at(-1) as NodeId, contactOf(leader, voters), at(0)));
});

contacts.run();

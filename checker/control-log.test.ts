/** Each of Raft's invariants is seen to be broken where it is. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeControlLog } from './control-log.js';
import type { ControlObservation } from './control-observations.js';

const control = suite('the control log checker');

const elected = (node: string, term: number, terms: readonly number[], start = 1): ControlObservation => ({
  kind: 'elected',
  atMs: 10 * term,
  node,
  term,
  start,
  terms,
});
const voted = (node: string, term: number, candidate: string): ControlObservation => ({ kind: 'voted', atMs: term, node, term, candidate });
const applied = (node: string, index: number, term: number, state = `s${index}`, boot = 1): ControlObservation => ({
  kind: 'applied',
  atMs: 100 + index,
  node,
  boot,
  index,
  term,
  nodeTerm: term,
  state,
});
const restored = (node: string, index: number, boot = 1): ControlObservation => ({
  kind: 'restored',
  atMs: 0,
  node,
  boot,
  index,
  state: `s${index}`,
});
const answered = (index: number, content = `c${index}`): ControlObservation => ({
  kind: 'answered',
  atMs: 200,
  node: 'n1',
  index,
  content,
});
const settled = (node: string, index: number, state = `s${index}`): ControlObservation => ({
  kind: 'settled',
  atMs: 300,
  node,
  index,
  state,
});

/** Two nodes agree on three entries under two leaders. */
const sound: readonly ControlObservation[] = [
  restored('n1', 1),
  restored('n2', 1),
  voted('n1', 2, 'n1'),
  voted('n2', 2, 'n1'),
  elected('n1', 2, []),
  { kind: 'sent', atMs: 20, node: 'n1', index: 2, term: 2, previousTerm: 1, content: 'c2' },
  applied('n1', 2, 2),
  answered(2),
  applied('n2', 2, 2),
  voted('n1', 3, 'n2'),
  voted('n2', 3, 'n2'),
  elected('n2', 3, [2]),
  applied('n2', 3, 3),
  answered(3),
  restored('n1', 1, 2),
  applied('n1', 2, 2, 's2', 2),
  applied('n1', 3, 3, 's3', 2),
  settled('n1', 3),
  settled('n2', 3),
];

const reasonOf = (...more: readonly ControlObservation[]): string => {
  const verdict = judgeControlLog({ observations: [...sound, ...more], converged: true });
  return verdict.verdict === 'violation' ? verdict.reason : verdict.verdict;
};

control('a sound history is ok, and an empty one proves nothing', () => {
  assert.is(reasonOf(), 'ok');
  assert.is(judgeControlLog({ observations: [], converged: true }).verdict, 'unknown');
  const late = judgeControlLog({ observations: sound, converged: false });
  assert.equal([late.verdict, late.notConverged], ['violation', true]);
});

control('two leaders of a term', () => assert.match(reasonOf(elected('n1', 3, [2])), /n2 and, at 30 ms, n1 lead term 3/));

control('two votes in a term', () => assert.match(reasonOf(voted('n2', 2, 'n3')), /n2 votes in term 2 for n1 and, at 2 ms, for n3/));

control('two entries under one name', () => {
  const sent = { kind: 'sent' as const, atMs: 50, node: 'n2', index: 2, term: 2, previousTerm: 1, content: 'c2' };
  assert.is(reasonOf(sent), 'ok');
  assert.match(reasonOf({ ...sent, content: 'other' }), /entry 2 of term 2 is not what it was/);
  assert.match(reasonOf({ ...sent, previousTerm: 2 }), /entry 2 of term 2 is not what it was/);
});

control('another entry at an index, another state after it, and a gap', () => {
  assert.match(reasonOf(restored('n3', 1), applied('n3', 2, 3, 's2')), /n3 has another state than n1 after entry 2/);
  assert.match(reasonOf(restored('n3', 1), applied('n3', 2, 2, 'other')), /n3 has another state than n1 after entry 2/);
  assert.match(reasonOf(restored('n3', 1), applied('n3', 3, 3)), /n3 applies entry 3 at 103 ms after 1/);
  assert.match(reasonOf(applied('n2', 3, 3)), /n2 applies entry 3 at 103 ms after 3/);
});

control('a leader that lacks what was committed', () => {
  assert.match(reasonOf(elected('n3', 4, [2])), /n3, elected at 40 ms in term 4, lacks entry 3, committed in term 3/);
  assert.is(reasonOf(elected('n3', 4, [2, 3])), 'ok');
  assert.is(reasonOf(elected('n3', 4, [], 3)), 'ok');
});

control('two leases at once', () => {
  assert.match(reasonOf({ kind: 'leases', atMs: 7, nodes: ['n1', 'n2'] }), /n1 and n2 hold the lease at 7 ms/);
});

control('two confirmed primaries at once, and of one term', () => {
  const confirmed = (node: string, epoch: string, ...besides: readonly string[]): ControlObservation => ({
    kind: 'confirmed',
    atMs: 9,
    node,
    space: 'notes#0',
    epoch,
    besides,
  });
  assert.is(reasonOf(confirmed('n1', '1.2'), confirmed('n1', '1.2'), confirmed('n2', '1.3')), 'ok');
  assert.match(reasonOf(confirmed('n1', '1.2', 'n2')), /n1 and n2 are confirmed primaries of notes#0 at 9 ms/);
  assert.match(reasonOf(confirmed('n1', '1.2'), confirmed('n2', '1.2')), /n1 and, at 9 ms, n2 are confirmed in term 1.2/);
});

control('answers that nothing stands behind', () => {
  assert.match(reasonOf(answered(4)), /n1 answers at 200 ms that 4 is committed, and nobody applies it/);
  assert.match(reasonOf(answered(3, 'other')), /two proposals were answered as committed at 3/);
  assert.match(reasonOf(settled('n3', 2)), /what was answered as committed at 3 never came to n3/);
  assert.match(reasonOf(settled('n3', 3, 'other')), /end with different states/);
});

control.run();

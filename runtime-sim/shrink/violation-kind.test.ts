/** Which failures are the same: same checker, a kind in common, whatever the names and numbers. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Verdict } from '../../checker/history.js';
import { isSameViolation, type Violation, violationOf } from './violation-kind.js';

const kinds = suite('kinds of violations');

function violation(checker: string, reason: string, figures: object = {}): Violation {
  const found: Verdict = { verdict: 'violation', reason, ...figures };
  const shown = violationOf({ verdict: 'violation', reason: `${checker}: ${reason}`, verdicts: { [checker]: found } });
  if (shown === null) throw new Error('a violation is one');
  return shown;
}

const node = '72413dd4523fb448e753777b3b9a1942';
const other = 'a534707f4268c5d1cd9e41a259a5576a';

kinds('a run that is ok or unknown shows none', () => {
  assert.is(violationOf({ verdict: 'ok', reason: null, verdicts: {} }), null);
  assert.is(violationOf({ verdict: 'unknown', reason: 'exercised: no get succeeded', verdicts: {} }), null);
});

kinds('names, numbers and moments do not matter', () => {
  const one = violation('durability', `${node} lost 1 durable records in the crash at 38421 ms, people#0 4@${node}00000002bbdef807`);
  const another = violation('durability', `${other} lost 12 durable records in the crash at 3.5 ms, default#0 9@${other}00000001aabb`);
  assert.ok(isSameViolation(one, another));
  const invented = violation('durability', `${node} holds 1 records that were never written, people#0 4@${node}00000002bbdef807`);
  assert.not.ok(isSameViolation(one, invented));
});

kinds('the checker matters', () => {
  assert.not.ok(isSameViolation(violation('loss', '1 lost', { lostWrites: 1 }), violation('durability', '1 lost')));
  assert.not.ok(isSameViolation(violation('loss', '1 lost'), null));
});

kinds('the loss of a write is not a delete undone', () => {
  const write = violation('loss', '3 lost', { lostWrites: 3, forgetsUndone: 0, lostAfterBeingRead: 0 });
  const both = violation('loss', '3 lost, 1 failed but visible', { lostWrites: 3, forgetsUndone: 1, lostAfterBeingRead: 0 });
  const forget = violation('loss', '2 lost', { lostWrites: 2, forgetsUndone: 2, lostAfterBeingRead: 0 });
  const visible = violation('loss', '1 failed but visible');
  assert.not.ok(isSameViolation(write, forget));
  assert.ok(isSameViolation(both, write));
  assert.ok(isSameViolation(both, forget));
  assert.ok(isSameViolation(both, visible));
  assert.not.ok(isSameViolation(write, visible));
});

kinds('an exception is known by its message, not by where it passed', () => {
  const thrown = (at: string, message: string): Violation =>
    violation('invariants', `the core threw on ${at}: Error: ${message}\n    at x.ts:1`);
  assert.ok(isSameViolation(thrown('n3 at 123 ms', 'acked exceeds copies'), thrown('n1 at 9.5 ms', 'acked exceeds copies')));
  assert.not.ok(isSameViolation(thrown('n3 at 123 ms', 'acked exceeds copies'), thrown('n3 at 123 ms', 'time goes back')));
});

kinds('copies that differ and copies that lack a write have not converged, both', () => {
  const differ = violation('convergence', `not converged: the copies of people#0 on ${node} and ${other} differ`, { notConverged: true });
  const lack = violation('convergence', `not converged: 3 acknowledged writes are missing from people#0 on ${node}`, {
    notConverged: true,
  });
  assert.ok(isSameViolation(differ, lack));
});

kinds.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convergence } from './convergence.js';
import { HistoryBuilder } from './history-builder.js';
import { differentAnswers } from './same-answers.js';

const answers = suite('same answers');

function conflict() {
  const told = new HistoryBuilder('ab');
  const left = told.remember('x', 'v1', { at: 'a' });
  const right = told.remember('x', 'v2', { at: 'b' });
  told.ship(left, 'b');
  told.ship(right, 'a');
  return { told, copies: [told.copy('a', [left, right]), told.copy('b', [left, right])] };
}

answers('copies that list the same versions in the same order agree', () => {
  const { told } = conflict();
  told.finalReads('x', ['v2', 'v1'], 'ab');
  assert.is(differentAnswers(told.build({}).operations), null);
});

answers('copies that choose another version to be read violate convergence, though they hold the same', () => {
  const { told, copies } = conflict();
  const one = told.get('x', ['v2', 'v1'], { kind: 'final-read', at: 'a', process: 'final', answeredAs: 'replica' });
  const other = told.get('x', ['v1', 'v2'], { kind: 'final-read', at: 'b', process: 'final', answeredAs: 'replica' });
  const history = told.build({ healedMs: 1_000, samples: [{ atMs: 1_100, phase: 'all-healed', copies }] });
  const verdict = convergence(history);
  assert.is(verdict.verdict, 'violation');
  assert.equal(verdict.verdict === 'violation' && verdict.operations, [one.index, other.index]);
  assert.is((verdict as { notConverged?: boolean }).notConverged, undefined);
});

answers('what listed only a part is not compared', () => {
  const { told } = conflict();
  told.get('x', ['v2', 'v1'], { kind: 'final-read', at: 'a', process: 'final', answeredAs: 'replica' });
  told.get('x', ['v2'], { kind: 'final-read', at: 'b', process: 'final', answeredAs: 'replica', unlisted: 1 });
  assert.is(differentAnswers(told.build({}).operations), null);
});

answers.run();

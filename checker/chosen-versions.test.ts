import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { wrongChoice } from './chosen-versions.js';
import { convergence } from './convergence.js';
import { HistoryBuilder } from './history-builder.js';

const choices = suite('chosen versions');

function conflict() {
  const told = new HistoryBuilder('ab');
  const sure = told.remember('x', 'v1', { at: 'a', confidence: 0.9 });
  const unsure = told.remember('x', 'v2', { at: 'b', confidence: 0.5 });
  told.ship(sure, 'b');
  told.ship(unsure, 'a');
  return { told, sure, unsure };
}

choices('the version of greater confidence is read', () => {
  const { told } = conflict();
  told.get('x', ['v1', 'v2']);
  told.get('x', ['v2']);
  told.get('y', []);
  assert.is(wrongChoice(told.build()), null);
});

choices('copies that all read the version of less confidence violate convergence, though they hold the same and answer the same', () => {
  const { told, sure, unsure } = conflict();
  const read = told.get('x', ['v2', 'v1'], { kind: 'final-read', at: 'a', process: 'final', answeredAs: 'replica' });
  const copies = [told.copy('a', [sure, unsure]), told.copy('b', [sure, unsure])];
  const verdict = convergence(told.build({ healedMs: 1_000, samples: [{ atMs: 1_100, phase: 'all-healed', copies }] }));
  assert.is(verdict.verdict, 'violation');
  assert.equal(verdict.verdict === 'violation' && verdict.operations, [sure.index, read.index]);
});

choices('between equal confidences, and where nobody said any, nothing is judged', () => {
  const told = new HistoryBuilder('ab');
  told.remember('x', 'v1', { at: 'a', confidence: 0.5 });
  told.remember('x', 'v2', { at: 'b', confidence: 0.5 });
  told.remember('y', 'v3', { at: 'a' });
  told.remember('y', 'v4', { at: 'b' });
  told.get('x', ['v2', 'v1']);
  told.get('y', ['v4', 'v3']);
  assert.is(wrongChoice(told.build()), null);
});

choices('a write that two primaries carried out may stand behind the others', () => {
  const { told, sure, unsure } = conflict();
  told.log('b', { ...told.recordOf(sure), author: told.recordOf(unsure).author, sequence: 7 });
  told.get('x', ['v2', 'v1']);
  assert.is(wrongChoice(told.build()), null);
});

choices.run();

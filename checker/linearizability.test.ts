import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TermSpan, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { linearizability } from './linearizability.js';

const stretches = suite('linearizability of stretches');

type Figures = Verdict & Record<string, unknown>;
const judged = (told: HistoryBuilder, terms: readonly TermSpan[] = [told.term('a', { fromMs: -1, untilMs: 1e9 })]): Figures =>
  linearizability(told.build({ terms })) as Figures;

stretches('a primary that reads back what was overwritten is convicted', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.remember('x', 'v2');
  told.get('x', ['v2']);
  assert.is(judged(told).verdict, 'ok');
  assert.is(judged(told).readsAfterWrites, 1);
  told.get('x', ['v1']);
  const verdict = judged(told);
  assert.is(verdict.verdict, 'violation');
  assert.equal(verdict.operations, [0, 1, 3]);
});

stretches('outside the fault model a lost value may uncover the one before it', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.remember('x', 'v2');
  told.get('x', ['v1']);
  const terms = [told.term('a', { fromMs: -1, untilMs: 1e9 })];
  assert.is(linearizability(told.build({ terms })).verdict, 'violation');
  assert.is(linearizability(told.build({ terms, insideFaultModel: false })).verdict, 'not-applicable');
});

stretches('the value before a stretch is unknown, and one', () => {
  const told = new HistoryBuilder();
  for (const value of ['v1', 'v2']) told.ship(told.remember('x', value, { at: 'b' }), 'a');
  told.remember('y', 'w');
  told.get('x', ['v1']);
  told.get('x', ['v1']);
  assert.is(judged(told).verdict, 'ok');
  told.get('x', ['v2']);
  assert.is(judged(told).verdict, 'violation');
});

stretches('a restart, a promotion, a replica and another node end what is claimed', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.remember('x', 'v2');
  const endMs = told.nowMs;
  told.get('x', ['v1']);
  assert.is(judged(told, [told.term('a', { fromMs: -1, untilMs: endMs })]).verdict, 'not-applicable');
  const again = [told.term('a', { fromMs: -1, untilMs: endMs }), told.term('a', { fromMs: endMs, untilMs: 1e9 })];
  assert.is(judged(told, again).verdict, 'ok');
  assert.is(judged(told, [told.term('b', { fromMs: -1, untilMs: 1e9 })]).verdict, 'not-applicable');
  const replica = new HistoryBuilder();
  replica.remember('x', 'v1');
  replica.get('x', [], { answeredAs: 'replica' });
  assert.is(judged(replica).verdict, 'not-applicable');
  assert.is(judged(replica, []).verdict, 'not-applicable');
});

stretches('what another node acknowledged is out of reach until it is merged, and from then on seen', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  const other = told.remember('x', 'v2', { at: 'b' });
  told.get('x', ['v1'], { at: 'a' });
  assert.is(judged(told).verdict, 'not-applicable', 'v2 is not merged, and no read lies before it');
  told.ship(other, 'a');
  told.remember('y', 'w', { at: 'a' });
  told.get('x', ['v2'], { at: 'a' });
  assert.is(judged(told).verdict, 'ok');
  told.get('x', ['v1'], { at: 'a' });
  assert.is(judged(told).verdict, 'violation');
});

stretches('an open write is carried into every stretch', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { outcome: 'info' });
  told.remember('x', 'v2');
  told.get('x', ['v2']);
  told.get('x', ['v1']);
  assert.is(judged(told).verdict, 'ok');
  told.get('x', ['v2']);
  assert.is(judged(told).verdict, 'violation');
});

stretches('a try that was carried out here may have been answered elsewhere', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  const retried = told.remember('x', 'v2', { at: 'b', completedMs: 45 });
  told.log('a', { ...told.recordOf(retried), author: told.recordOf(told.remember('y', 'w', { at: 'a' })).author, sequence: 9 });
  told.get('x', ['v2'], { at: 'a', invokedMs: 30, completedMs: 35 });
  assert.is(judged(told).verdict, 'ok');
});

stretches('a delete parts stretches: absence is a value like any other', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.get('x', ['v1']);
  told.forget('x');
  told.get('x', []);
  assert.is(judged(told).verdict, 'ok');
  assert.is(judged(told).stretches, 2);
  told.get('x', ['v1']);
  assert.is(judged(told).verdict, 'violation');
});

stretches('a write under way when a stretch begins may be over before it', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { completedMs: 25 });
  told.forget('x');
  told.wait(20);
  told.get('x', []);
  told.get('x', []);
  assert.is(judged(told).verdict, 'ok');
});

stretches.run();

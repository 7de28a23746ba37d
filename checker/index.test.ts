import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HistoryBuilder } from './history-builder.js';
import { checkerNames, judge } from './index.js';

const judgement = suite('judge');

/** A clean run but for what a test adds. */
function told(): HistoryBuilder {
  const builder = new HistoryBuilder('a');
  builder.remember('x', 'v1');
  builder.finalReads('x', ['v1'], 'a');
  return builder;
}

judgement('checkers that are not required do not count', () => {
  const { verdicts, verdict, reason } = judge(told().build(), ['loss']);
  assert.is(verdict, 'ok');
  assert.is(reason, null);
  assert.equal(Object.keys(verdicts), checkerNames);
  for (const name of checkerNames) assert.is(verdicts[name].verdict, name === 'loss' ? 'ok' : 'not-applicable');
});

judgement('unknown is worse than ok, a violation worse than both', () => {
  const builder = told();
  const unknown = judge(builder.build(), ['loss', 'convergence']);
  assert.is(unknown.verdict, 'unknown');
  assert.match(unknown.reason as string, /^convergence: /);
  builder.finalReads('x', [], 'a');
  const violation = judge(builder.build(), ['loss', 'convergence']);
  assert.is(violation.verdict, 'violation');
  assert.match(violation.reason as string, /^loss: /);
});

judgement('a safety violation is told before slow convergence', () => {
  const builder = new HistoryBuilder('a');
  builder.remember('x', 'v1');
  const samples = [{ atMs: 60_000, phase: 'all-healed' as const, copies: [] }];
  builder.finalReads('x', ['v1'], 'a');
  const slow = judge(builder.build({ samples }), checkerNames);
  assert.match(slow.reason as string, /^convergence: /);
  builder.finalReads('x', ['v9'], 'a');
  assert.match(judge(builder.build({ samples }), checkerNames).reason as string, /^loss: /);
});

judgement('a required checker that does not apply does not count, and nothing judged is unknown', () => {
  assert.is(judge(told().build(), ['loss', 'durability']).verdict, 'ok');
  assert.is(judge(told().build(), ['durability']).verdict, 'unknown');
  assert.is(judge(told().build(), []).verdict, 'unknown');
});

judgement.run();

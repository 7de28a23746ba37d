import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, LoggedRecord, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { settledAfterHealMs, splitBrain } from './split-brain.js';

const split = suite('split-brain');

type Figures = Verdict & Record<string, unknown>;
const judged = (history: History): Figures => splitBrain(history) as Figures;
const healedMs = 1_000;
const settledMs = healedMs + settledAfterHealMs;
const endedMs = settledMs + 5_000;
const forever = Number.POSITIVE_INFINITY;

/** One write, and the run that its builder tells. */
function told(): HistoryBuilder {
  const builder = new HistoryBuilder();
  builder.remember('x', 'v1');
  return builder;
}

split('two confirmed primaries at one instant are a violation at any time, one after the other is fine', () => {
  for (const [handOverMs, expected] of [
    [200, 'ok'],
    [199, 'violation'],
  ] as const) {
    const builder = told();
    const terms = [
      builder.term('a', { fromMs: 0, untilMs: 200, confirmed: true, index: 1 }),
      builder.term('b', { fromMs: handOverMs, untilMs: forever, confirmed: true, index: 2 }),
    ];
    assert.is(judged(builder.build({ terms, healedMs, endedMs })).verdict, expected);
  }
});

split('spaces do not compete, and neither do two terms of one node', () => {
  const builder = told();
  const term = builder.term('a', { fromMs: 0, untilMs: forever, confirmed: true, index: 1 });
  const elsewhere = { ...builder.term('b', { fromMs: 0, untilMs: forever, confirmed: true }), space: 'other#1' as typeof term.space };
  const next = builder.term('a', { fromMs: 50, untilMs: forever, confirmed: true, index: 2 });
  assert.is(judged(builder.build({ terms: [term, elsewhere, next], healedMs, endedMs })).verdict, 'ok');
});

split('provisional primaries may overlap until 10 s after the heal', () => {
  for (const [untilMs, expected] of [
    [settledMs, 'ok'],
    [settledMs + 1, 'violation'],
    [forever, 'violation'],
  ] as const) {
    const builder = told();
    const terms = [builder.term('a', { fromMs: 0, untilMs: forever }), builder.term('b', { fromMs: 500, untilMs })];
    const verdict = judged(builder.build({ terms, healedMs, endedMs }));
    assert.is(verdict.verdict, expected);
    assert.is(verdict.overlaps, 1);
  }
});

split('a run that ends on an overlap before it had to be settled is unknown', () => {
  const builder = told();
  const terms = [builder.term('a', { fromMs: 0, untilMs: forever }), builder.term('b', { fromMs: 500, untilMs: forever })];
  assert.is(judged(builder.build({ terms, healedMs, endedMs: settledMs })).verdict, 'unknown');
});

split('two nodes that acknowledge after the settling time are a violation, whatever the terms say', () => {
  for (const [invokedMs, expected] of [
    [settledMs - 1, 'ok'],
    [settledMs, 'violation'],
  ] as const) {
    const builder = told();
    const terms = [builder.term('a', { fromMs: 0, untilMs: forever })];
    const first = builder.remember('x', 'v2', { at: 'a', invokedMs: settledMs + 50, completedMs: settledMs + 60 });
    const second = builder.remember('x', 'v3', { at: 'b', invokedMs, completedMs: settledMs + 70 });
    const verdict = judged(builder.build({ terms, healedMs, endedMs }));
    assert.is(verdict.verdict, expected);
    if (expected === 'violation') assert.equal(verdict.operations, [first.index, second.index]);
  }
});

split('a confirmed acknowledgement in an older epoch is a violation once things have settled', () => {
  for (const [invokedMs, answeredAs, expected] of [
    [settledMs + 50, 'confirmed', 'violation'],
    [settledMs + 50, 'provisional', 'ok'],
    [settledMs, 'confirmed', 'ok'],
  ] as const) {
    const builder = told();
    const newer = builder.term('b', { fromMs: 100, untilMs: 200, confirmed: true, index: 2 });
    const older = builder.term('a', { fromMs: 200, untilMs: forever, confirmed: true, index: 1 });
    builder.remember('x', 'v2', { at: 'a', invokedMs, completedMs: invokedMs + 10, answeredAs });
    assert.is(judged(builder.build({ terms: [newer, older], healedMs, endedMs })).verdict, expected);
  }
});

const changes: Partial<LoggedRecord>[] = [
  { contentHash: 'other' },
  { requestId: 'other' },
  { context: { someone: 1 } },
  { id: 'y' },
  { kind: 'tombstone' },
  { value: 'other' },
];

split('two contents for one dot in two logs are a violation, the same record twice is not', () => {
  for (const change of [{}, ...changes]) {
    const builder = new HistoryBuilder();
    const write = builder.remember('x', 'v1');
    builder.log('b', { ...builder.recordOf(write), ...change });
    const verdict = judged(builder.build({ terms: [builder.term('a', { fromMs: 0, untilMs: forever })], healedMs, endedMs }));
    assert.is(verdict.verdict, Object.keys(change).length === 0 ? 'ok' : 'violation', JSON.stringify(change));
  }
});

split('two contents for one dot are found between a copy and a log, and between answers', () => {
  const inCopies = told();
  const write = inCopies.remember('y', 'v2');
  const copy = inCopies.copy('b', [write]);
  const terms = [inCopies.term('a', { fromMs: 0, untilMs: forever })];
  const build = (hash: string): Figures => {
    const copies = [{ ...copy, versions: copy.versions.map((version) => ({ ...version, contentHash: hash })) }];
    return judged(inCopies.build({ terms, healedMs, endedMs, samples: [{ atMs: healedMs, phase: 'all-healed', copies }] }));
  };
  assert.is(build('hash of v2').verdict, 'ok');
  assert.is(build('other').verdict, 'violation');

  const inAnswers = new HistoryBuilder();
  const first = inAnswers.remember('x', 'v1');
  const second = inAnswers.remember('y', 'v2', { version: first.version, logged: false });
  const verdict = judged(inAnswers.build({ terms, healedMs, endedMs }));
  assert.is(verdict.verdict, 'violation');
  assert.equal(verdict.operations, [first.index, second.index]);
});

split('without terms or logs it is unknown', () => {
  const builder = told();
  assert.is(judged(builder.build({ healedMs, endedMs })).verdict, 'unknown');
  const terms = [builder.term('a', { fromMs: 0, untilMs: forever })];
  assert.is(judged(builder.build({ terms, healedMs, endedMs, logs: new Map() })).verdict, 'unknown');
});

split.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CopyVersion, History, LoggedRecord, Verdict } from './history.js';
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

split('under reject a provisional term is a violation, a confirmed one is not', () => {
  for (const [confirmed, partitionPolicy, expected] of [
    [true, 'reject', 'ok'],
    [false, 'reject', 'violation'],
    [false, 'accept', 'ok'],
  ] as const) {
    const builder = told();
    const terms = [builder.term('a', { fromMs: 0, untilMs: forever, confirmed, index: 1 })];
    assert.is(judged({ ...builder.build({ terms, healedMs, endedMs }), partitionPolicy }).verdict, expected);
  }
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

split('a confirmed acknowledgement is judged by the confirmed terms of its node and space at its time', () => {
  const acknowledgedAtMs = settledMs + 50;
  const builder = told();
  builder.remember('x', 'v2', { at: 'a', invokedMs: acknowledgedAtMs, completedMs: acknowledgedAtMs + 10, answeredAs: 'confirmed' });
  const own = builder.term('a', { fromMs: 200, untilMs: forever, confirmed: true, index: 1 });
  const newer = { fromMs: 100, untilMs: 200, confirmed: true, index: 2 };
  const verdictOf = (...terms: History['terms']): string => judged(builder.build({ terms, healedMs, endedMs })).verdict;
  assert.is(verdictOf(own, builder.term('b', newer)), 'violation');
  assert.is(verdictOf(own, builder.term('b', { ...newer, index: 1 })), 'ok', 'no newer than its own');
  assert.is(verdictOf(own, builder.term('b', { ...newer, confirmed: false })), 'ok', 'provisional terms are no epochs');
  assert.is(verdictOf(own, { ...builder.term('b', newer), space: 'other#1' as typeof own.space }), 'ok', 'of another space');
  assert.is(verdictOf(builder.term('b', newer)), 'ok', 'of its own term nothing is known');
  const renewed = builder.term('a', { fromMs: acknowledgedAtMs + 10, untilMs: forever, confirmed: true, index: 3 });
  assert.is(
    verdictOf({ ...own, untilMs: acknowledgedAtMs }, renewed, builder.term('b', newer)),
    'ok',
    'it may have answered in the later term',
  );
  assert.is(
    verdictOf({ ...own, untilMs: acknowledgedAtMs }, builder.term('b', newer)),
    'violation',
    'it can only have answered in the old one',
  );
  const later = builder.term('b', { fromMs: acknowledgedAtMs + 1, untilMs: forever, confirmed: true, index: 4 });
  assert.is(verdictOf({ ...own, untilMs: acknowledgedAtMs + 1 }, later), 'ok', 'nobody had begun a newer one');
});

split('reads and failed writes at other nodes acknowledge nothing', () => {
  const builder = told();
  const late = { invokedMs: settledMs + 50, completedMs: settledMs + 60 };
  builder.remember('x', 'v2', { at: 'a', ...late });
  builder.get('x', ['v2'], { at: 'b', ...late });
  builder.remember('x', 'v3', { at: 'b', outcome: 'fail', ...late });
  const terms = [builder.term('a', { fromMs: 0, untilMs: forever })];
  assert.is(judged(builder.build({ terms, healedMs, endedMs })).verdict, 'ok');
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
  const context = { somebody: 1, 'somebody else': 2 };
  const contexts: Partial<LoggedRecord>[] = [
    { context: { somebody: 1 } },
    { context: { somebody: 1, 'somebody else': 3 } },
    { context: { somebody: 1, another: 2 } },
  ];
  for (const change of [{}, { context: { ...context } }, ...contexts, ...changes]) {
    const builder = new HistoryBuilder();
    const write = builder.remember('x', 'v1', { logged: false });
    builder.log('a', { ...builder.recordOf(write), context });
    builder.log('b', { ...builder.recordOf(write), context, ...change });
    const verdict = judged(builder.build({ terms: [builder.term('a', { fromMs: 0, untilMs: forever })], healedMs, endedMs }));
    const isSame = JSON.stringify({ context, ...change }) === JSON.stringify({ context });
    assert.is(verdict.verdict, isSame ? 'ok' : 'violation', JSON.stringify(change));
  }
});

split('two contents for one dot are found between a copy and a log, and between answers', () => {
  const inCopies = told();
  const write = inCopies.remember('y', 'v2');
  const copy = inCopies.copy('b', [write]);
  const terms = [inCopies.term('a', { fromMs: 0, untilMs: forever })];
  const falsified = (change: Partial<CopyVersion>) => [{ ...copy, versions: copy.versions.map((version) => ({ ...version, ...change })) }];
  for (const phase of ['all-healed', 'majority-only'] as const) {
    const sampled = (change: Partial<CopyVersion>): string =>
      judged(inCopies.build({ terms, healedMs, endedMs, samples: [{ atMs: healedMs, phase, copies: falsified(change) }] })).verdict;
    assert.is(sampled({}), 'ok');
    for (const change of [{ contentHash: 'other' }, { id: 'z' }, { tombstone: true }]) assert.is(sampled(change), 'violation');
  }
  const recoveries = [inCopies.recovery('b', { recovered: falsified({ contentHash: 'other' }) })];
  assert.is(judged(inCopies.build({ terms, healedMs, endedMs, recoveries })).verdict, 'violation');

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

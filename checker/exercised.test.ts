import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exercised } from './exercised.js';
import type { FaultRecord, History, SplitRecord, Verdict } from './history.js';
import { HistoryBuilder, node } from './history-builder.js';

const exercise = suite('exercised');

function reasonOf(history: History): string {
  const verdict = exercised(history) as Verdict & { reason?: string };
  assert.is(verdict.verdict, verdict.reason === undefined ? 'ok' : 'unknown');
  return verdict.reason ?? '';
}

function told(): HistoryBuilder {
  const builder = new HistoryBuilder();
  builder.remember('x', 'v1');
  builder.get('x', ['v1']);
  return builder;
}

const fault = (family: string, tookEffect: boolean) => ({ fault: `some ${family}`, family, atMs: 0, tookEffect });
const split = (...acknowledged: number[]): SplitRecord => ({
  fromMs: 0,
  untilMs: 5_000,
  sides: acknowledged.map((count, at) => ({ nodes: [node('abc'[at] as string)], acknowledged: count })),
});

exercise('a quiet run with a write and a read is exercised', () => {
  assert.is(reasonOf(told().build()), '');
});

exercise('each family drawn must take effect once, the others need not', () => {
  const faults = [fault('crash', false), fault('crash', true), fault('cut', false)];
  assert.is(reasonOf(told().build({ faults, familiesDrawn: ['crash'] })), '');
  assert.match(reasonOf(told().build({ faults, familiesDrawn: ['crash', 'cut'] })), /family cut/);
  assert.match(reasonOf(told().build({ faults, familiesDrawn: ['skew'] })), /family skew/);
});

exercise('a family is excused when the fault model withheld all of its faults, and not for one of them', () => {
  const withheld = { ...fault('rot', false), withheld: true as const };
  const judged = (...faults: FaultRecord[]): string => reasonOf(told().build({ faults, familiesDrawn: ['rot'] }));
  assert.is(judged(withheld, withheld), '');
  assert.is(judged(withheld, fault('rot', true)), '');
  assert.match(judged(withheld, { ...fault('rot', false), atMs: 7_000 }), /family rot/, 'another fault, that nobody withheld');
  assert.is(judged(fault('rot', false), withheld, fault('rot', false)), '', 'one of its tries would have struck');
  assert.match(judged({ ...withheld, family: 'crash' }), /family rot/, 'of another family');
});

exercise('each kind of operation that was tried often must have succeeded', () => {
  const builder = told();
  for (let count = 0; count < 19; count += 1) builder.forget('x', { outcome: 'fail' });
  assert.is(reasonOf(builder.build()), '', 'in a short run a few may all have met trouble');
  builder.forget('x', { outcome: 'fail' });
  assert.match(reasonOf(builder.build()), /no forget succeeded/);
  builder.forget('x');
  assert.is(reasonOf(builder.build()), '');
});

exercise('an empty history, and one that only writes or only reads, proves nothing', () => {
  const empty = new HistoryBuilder();
  assert.match(reasonOf(empty.build()), /no write succeeded; no read succeeded/);
  empty.remember('x', 'v1');
  assert.match(reasonOf(empty.build()), /^no read succeeded$/);
  const reader = new HistoryBuilder();
  reader.get('x', []);
  assert.match(reasonOf(reader.build()), /^no write succeeded$/);
});

exercise('each side of each split must have acknowledged enough', () => {
  const build = (splits: SplitRecord[], acknowledgementsPerSideMin: number) =>
    reasonOf(told().build({ splits, acknowledgementsPerSideMin }));
  assert.is(build([split(20, 21)], 20), '');
  assert.match(build([split(20, 19)], 20), /acknowledged 19 of 20/);
  assert.match(build([split(20, 20), split(0, 20)], 20), /acknowledged 0 of 20/);
  const [writing, reading] = split(20, 0).sides;
  assert.equal(build([{ ...split(), sides: [writing, { ...reading, readsOnly: true }] }], 20), build([split(20, 20)], 20));
  const partly = (acknowledged: number): SplitRecord[] => [{ ...split(), sides: [{ ...writing, acknowledged, servedShare: 0.5 }] }];
  assert.is(build(partly(10), 20), '');
  assert.match(build(partly(9), 20), /acknowledged 9 of 10/);
  assert.match(build([], 20), /no split/);
  assert.is(build([split(0, 1)], 0), '');
  assert.is(build([], 0), '');
});

exercise.run();

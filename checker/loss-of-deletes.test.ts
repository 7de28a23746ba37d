import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { loss } from './loss.js';

const lost = suite('loss of deletes');

type Figures = Verdict & Record<string, unknown>;
const judged = (history: History): Figures => loss(history) as Figures;

function isLost(history: History, operations: readonly number[]): void {
  const verdict = judged(history);
  assert.is(verdict.verdict, 'violation', JSON.stringify(verdict));
  assert.is((verdict.lostWrites as number) + (verdict.lostAfterBeingRead as number), operations.length / 2);
  assert.equal(verdict.operations, operations);
}

function isOk(history: History): Figures {
  const verdict = judged(history);
  assert.is(verdict.verdict, 'ok', JSON.stringify(verdict));
  assert.is(verdict.lostWrites, 0);
  return verdict;
}

lost('a delete beats what does not include it', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  told.remember('x', 'v2', { at: 'b' });
  told.forget('x', { at: 'a' });
  told.finalReads('x', []);
  isOk(told.build());
});

lost('an open delete excuses only when its record is in a log', () => {
  for (const logged of [true, false]) {
    const told = new HistoryBuilder();
    const write = told.remember('x', 'v1');
    told.forget('x', { at: 'b', outcome: 'info', logged });
    const [read] = told.finalReads('x', []);
    if (logged) isOk(told.build());
    else isLost(told.build(), [write.index, read?.index as number]);
  }
});

lost('a delete does not beat a later write at its node, or one that was told of it', () => {
  for (const after of [{ at: 'a' }, { at: 'b', process: 'p', withContext: true }]) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1');
    told.forget('x', { at: 'a', process: 'p' });
    const write = told.remember('x', 'v2', after);
    const [read] = told.finalReads('x', []);
    isLost(told.build(), [write.index, read?.index as number]);
  }
});

lost('a delete beats a write that its node keeps outside the row: it has let go of what it held there', () => {
  for (const hinted of [true, false]) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1', { at: 'a' });
    told.forget('x', { at: 'a' });
    const write = told.remember('x', 'v2', { at: 'a', ...(hinted ? { hinted } : {}) });
    const [read] = told.finalReads('x', []);
    if (hinted) isOk(told.build());
    else isLost(told.build(), [write.index, read?.index as number]);
  }
});

lost('what a write was told of goes on to those who read it and to its own next write', () => {
  for (const reader of ['p', 'q']) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1');
    told.forget('x', { at: 'a', process: 'p' });
    told.remember('x', 'v2', { at: 'b', process: 'p', withContext: true });
    if (reader === 'q') told.get('x', ['v2'], { at: 'b', process: 'q' });
    const last = told.remember('x', 'v3', { at: 'c', process: reader, withContext: true });
    const [read] = told.finalReads('x', []);
    isLost(told.build(), [last.index, read?.index as number]);
  }
});

lost('a delete may beat a later write at a node whose copy of it was damaged', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  const { space, version } = told.forget('x');
  told.remember('x', 'v2');
  told.finalReads('x', []);
  isOk(told.build({ recoveries: [told.recovery('a', { damaged: [{ space, version: version as string }] })] }));
});

lost('what a delete took must not come back', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  told.ship(write, 'bc');
  const forget = told.forget('x');
  told.finalReads('x', [], 'a');
  const [read] = told.finalReads('x', ['v1'], 'b');
  isLost(told.build(), [forget.index, read?.index as number]);
  assert.is(judged(told.build()).forgetsUndone, 1);
});

lost('a delete that was carried out twice may beat by its other record what was written after the retry window', () => {
  for (const [retryWindowMs, mayBeat] of [
    [undefined, false],
    [1_000, false],
    [400, true],
  ] as const) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1', { at: 'a' });
    const forget = told.forget('x', { at: 'a' });
    told.log('b', { ...told.recordOf(forget), author: told.recordOf(told.remember('y', 'other', { at: 'b' })).author, sequence: 2 });
    told.wait(500);
    const write = told.remember('x', 'v2', { at: 'a' });
    const reads = told.finalReads('x', []);
    told.finalReads('y', ['other']);
    const history = told.build(retryWindowMs === undefined ? {} : { retryWindowMs });
    if (mayBeat) isOk(history);
    else isLost(history, [write.index, reads[0]?.index as number]);
  }
});

lost('what was written without knowing of a delete is beaten too', () => {
  for (const hasReached of [false, true]) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1', { at: 'a' });
    const forget = told.forget('x', { at: 'a' });
    if (hasReached) told.ship(forget, 'b');
    told.remember('x', 'v2', { at: 'b' });
    const [read] = told.finalReads('x', ['v2']);
    if (hasReached) isOk(told.build());
    else isLost(told.build(), [forget.index, read?.index as number]);
  }
});

lost('a read context may name a delete that its answer cannot list', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  told.forget('x', { at: 'a' });
  told.get('x', [], { process: 'p' });
  told.remember('x', 'v2', { at: 'b', process: 'p', withContext: true });
  told.finalReads('x', ['v2']);
  isOk(told.build());
});

lost('a delete of what is deleted may be answered with the tombstone that is there', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  const { version } = told.forget('x');
  told.forget('x', { logged: false, version });
  told.remember('x', 'v2');
  told.finalReads('x', ['v2']);
  isOk(told.build());
});

lost('a delete that found nothing wrote nothing', () => {
  const told = new HistoryBuilder();
  told.forget('x', { logged: false, version: null });
  told.remember('x', 'v1', { at: 'b' });
  told.finalReads('x', ['v1']);
  assert.is(isOk(told.build()).acknowledgedWrites, 1);
});

lost.run();

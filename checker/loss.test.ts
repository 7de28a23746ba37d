import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { loss } from './loss.js';

const lost = suite('loss');

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

lost('a write that all final reads see is there', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.finalReads('x', ['v1']);
  const verdict = isOk(told.build());
  assert.is(verdict.acknowledgedWrites, 1);
});

lost('a write that the final read of one copy misses is lost', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  told.finalReads('x', ['v1'], 'a');
  const [missing] = told.finalReads('x', [], 'b');
  told.finalReads('x', ['v1'], 'c');
  isLost(told.build(), [write.index, missing?.index as number]);
});

lost('without final reads the last keyed read decides', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  told.get('x', ['v1']);
  const miss = told.get('x', []);
  isLost(told.build(), [write.index, miss.index]);
});

lost('a miss before a later sight is stale, with its latency', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.get('x', [], { at: 'b' });
  told.finalReads('x', ['v1']);
  const verdict = isOk(told.build());
  assert.is(verdict.stale, 1);
  assert.is((verdict.stableLatencyMs as { max: number }).max, 5);
});

lost('an answer that is labelled as lagging, or lists not all, misses nothing', () => {
  for (const label of [{ answeredAs: 'replica' as const }, { unlisted: 1 }]) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1');
    told.get('x', ['v1']);
    told.get('x', [], label);
    isOk(told.build());
  }
});

lost('what a replica showed is known', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1', { outcome: 'info' });
  told.remember('y', 'v2');
  told.get('x', ['v1'], { at: 'b', answeredAs: 'replica' });
  told.finalReads('y', ['v2'], 'a');
  const [missing] = told.finalReads('x', [], 'a');
  isLost(told.build(), [write.index, missing?.index as number]);
});

lost('an open write may be there or not', () => {
  for (const seen of [[], ['v1']]) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1', { outcome: 'info' });
    told.remember('y', 'v2');
    told.finalReads('x', seen);
    told.finalReads('y', ['v2']);
    isOk(told.build());
  }
});

lost('a later write at the same node takes its place', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.remember('x', 'v2', { kind: 'update' });
  told.finalReads('x', ['v2']);
  isOk(told.build());
});

lost('a blind write elsewhere takes the place of what had reached that log, and of nothing else', () => {
  for (const hasReached of [true, false]) {
    const told = new HistoryBuilder();
    const first = told.remember('x', 'v1', { at: 'a' });
    if (hasReached) told.ship(first, 'b');
    const second = told.remember('x', 'v2', { at: 'b' });
    if (!hasReached) told.ship(first, 'b');
    // C holds both, in the order that would excuse: it made neither.
    told.ship(first, 'c');
    told.ship(second, 'ac');
    const [read] = told.finalReads('x', ['v2']);
    if (hasReached) isOk(told.build());
    else isLost(told.build(), [first.index, read?.index as number]);
  }
});

lost('a later write of a node takes the place of its earlier one, also where its own log lost it and only the later one came back', () => {
  for (const isSeen of ['v2', 'v1']) {
    const told = new HistoryBuilder();
    // Both reach B before A loses them in a crash; A is given back what is still valid.
    const first = told.remember('x', 'v1', { at: 'a', logged: false });
    const second = told.remember('x', 'v2', { at: 'a', logged: false });
    told.ship(first, 'b');
    told.ship(second, 'ab');
    const [read] = told.finalReads('x', [isSeen]);
    if (isSeen === 'v2') isOk(told.build());
    else isLost(told.build(), [second.index, read?.index as number]);
  }
});

lost('the contexts that records carry excuse nothing', () => {
  const told = new HistoryBuilder();
  const first = told.remember('x', 'v1', { at: 'a' });
  const second = told.remember('x', 'v2', { at: 'b', logged: false });
  told.log('b', { ...told.recordOf(second), context: { [told.recordOf(first).author]: 1 } });
  const [read] = told.finalReads('x', ['v2']);
  isLost(told.build(), [first.index, read?.index as number]);
});

lost('a write with the context of what its process had read takes its place', () => {
  for (const withContext of [true, false]) {
    const told = new HistoryBuilder();
    const first = told.remember('x', 'v1', { at: 'a' });
    told.get('x', ['v1'], { process: 'p' });
    told.remember('x', 'v2', { at: 'b', process: 'p', withContext });
    const [read] = told.finalReads('x', ['v2']);
    if (withContext) isOk(told.build());
    else isLost(told.build(), [first.index, read?.index as number]);
  }
});

lost('a context covers what the process itself had written, and only on that id', () => {
  for (const id of ['x', 'y']) {
    const told = new HistoryBuilder();
    const first = told.remember('x', 'v1', { at: 'a', process: 'p' });
    told.remember(id, 'v2', { at: 'b', process: 'p', withContext: true });
    const reads = told.finalReads('x', id === 'x' ? ['v2'] : []);
    if (id === 'y') told.finalReads('y', ['v2']);
    if (id === 'x') isOk(told.build());
    else isLost(told.build(), [first.index, reads[0]?.index as number]);
  }
});

lost('excuses chain over contexts and logs', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  told.get('x', ['v1'], { process: 'p' });
  const second = told.remember('x', 'v2', { at: 'b', process: 'p', withContext: true });
  told.ship(second, 'c');
  told.remember('x', 'v3', { at: 'c' });
  told.finalReads('x', ['v3']);
  isOk(told.build());
});

lost('of a chain that is gone only its end is lost', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.remember('x', 'v2');
  const last = told.remember('x', 'v3');
  const [read] = told.finalReads('x', []);
  isLost(told.build(), [last.index, read?.index as number]);
});

lost('an open write that took effect excuses, one that is nowhere to be seen does not', () => {
  for (const seen of [['v2'], []]) {
    const told = new HistoryBuilder();
    const first = told.remember('x', 'v1');
    const open = told.remember('x', 'v2', { outcome: 'info' });
    const reads = told.finalReads('x', seen);
    const history = told.build();
    if (seen.length > 0) isOk(history);
    else isLost(history, [first.index, reads[0]?.index as number]);
    assert.is(open.version, null);
  }
});

lost('an open write links a chain by its record alone', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  const open = told.remember('x', 'v2', { at: 'a', outcome: 'info' });
  told.ship(open, 'b');
  told.remember('x', 'v3', { at: 'b' });
  told.finalReads('x', ['v3']);
  isOk(told.build());
});

lost('a record that was shipped and then lost with its author still took the place of what the author held', () => {
  const told = new HistoryBuilder();
  const first = told.remember('x', 'v1', { at: 'a' });
  const open = told.remember('x', 'v2', { at: 'a', outcome: 'info', logged: false });
  told.ship(open, 'bc');
  told.finalReads('x', ['v2']);
  isOk(told.build());
  assert.is(first.outcome, 'ok');
});

lost('a retry at another node counts with what that node held', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'b' });
  const retried = told.remember('x', 'v2', { at: 'a' });
  const first = told.recordOf(retried);
  told.log('b', { ...first, author: first.author.replace(/^a+/, 'b'.repeat(32)) as typeof first.author, sequence: 2 });
  told.finalReads('x', ['v2']);
  isOk(told.build());
});

lost('what happened in one millisecond happened in any order', () => {
  const atOnce = new HistoryBuilder();
  const write = atOnce.remember('x', 'v1');
  atOnce.get('x', [], { invokedMs: write.completedMs });
  assert.is(judged(atOnce.build()).neverRead, 1);
  atOnce.get('x', ['v1'], { invokedMs: write.completedMs + 1, completedMs: write.completedMs + 2 });
  atOnce.get('x', [], { invokedMs: write.completedMs + 1, completedMs: write.completedMs + 2 });
  isOk(atOnce.build());

  const deleted = new HistoryBuilder();
  deleted.remember('x', 'v1');
  const forget = deleted.forget('x');
  deleted.get('x', ['v1'], { invokedMs: forget.completedMs, completedMs: forget.completedMs });
  assert.is(judged(deleted.build()).lostWrites, 0);
  assert.is(judged(deleted.build()).neverRead, 1);

  const beaten = new HistoryBuilder();
  const gone = beaten.remember('x', 'v1', { at: 'a' });
  beaten.get('x', [], { completedMs: gone.completedMs + 20 });
  beaten.forget('x', { at: 'b', invokedMs: gone.completedMs + 20, completedMs: gone.completedMs + 30 });
  assert.is(judged(beaten.build()).lostWrites, 0);
});

lost('counts the stale and says how long they were missed', () => {
  const told = new HistoryBuilder();
  for (let memory = 0; memory < 20; memory += 1) {
    told.remember(`m${memory}`, `v${memory}`);
    if (memory < 2) told.get(`m${memory}`, [], { at: 'b' });
  }
  for (let memory = 0; memory < 20; memory += 1) told.finalReads(`m${memory}`, [`v${memory}`]);
  const { stale, stableLatencyMs } = isOk(told.build());
  assert.is(stale, 2);
  assert.equal(stableLatencyMs, { p50: 0, p95: 5, p99: 5, max: 5 });
});

lost('a value that nobody wrote, or nobody had yet, is a phantom', () => {
  const invented = new HistoryBuilder();
  invented.remember('x', 'v1');
  invented.finalReads('x', ['v1', 'v9'], 'a');
  const elsewhere = new HistoryBuilder();
  elsewhere.remember('x', 'v1');
  elsewhere.finalReads('x', ['v1'], 'a');
  elsewhere.remember('y', 'v2');
  elsewhere.finalReads('y', ['v2', 'v1'], 'a');
  const early = new HistoryBuilder();
  early.get('x', ['v1']);
  early.remember('x', 'v1');
  early.finalReads('x', ['v1'], 'a');
  for (const told of [invented, elsewhere, early]) {
    const verdict = judged(told.build());
    assert.is(verdict.verdict, 'violation');
    assert.is(verdict.phantoms, 1);
    assert.is(verdict.lostWrites, 0);
  }
});

lost('the same write twice in one answer is a duplicate, two alternates are not', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  told.remember('x', 'v2', { at: 'b' });
  told.finalReads('x', ['v1', 'v2'], 'a');
  isOk(told.build());
  told.finalReads('x', ['v1', 'v2', 'v1'], 'b');
  assert.is(judged(told.build()).duplicated, 1);
  assert.is(judged(told.build()).verdict, 'violation');
});

lost('a definite failure must leave no trace in reads or logs', () => {
  for (const told of [new HistoryBuilder(), new HistoryBuilder(), new HistoryBuilder()].map((builder, at) => ({ builder, at }))) {
    const { builder, at } = told;
    builder.remember('x', 'v1', { at: 'a' });
    builder.remember('x', 'v2', { at: 'b', outcome: 'fail', logged: at === 1 });
    builder.finalReads('x', at === 2 ? ['v1', 'v2'] : ['v1']);
    const verdict = judged(builder.build());
    assert.is(verdict.failedButVisible, at === 0 ? 0 : 1);
    assert.is(verdict.verdict, at === 0 ? 'ok' : 'violation');
  }
});

lost('what was never read afterwards, or not answered, leaves the run unknown', () => {
  const unread = new HistoryBuilder();
  unread.remember('x', 'v1');
  assert.is(judged(unread.build()).verdict, 'unknown');
  assert.is(judged(unread.build()).neverRead, 1);
  const unanswered = new HistoryBuilder();
  unanswered.remember('x', 'v1');
  unanswered.finalReads('x', ['v1'], 'a');
  unanswered.get('x', [], { kind: 'final-read', outcome: 'info' });
  assert.is(judged(unanswered.build()).verdict, 'unknown');
});

lost('outside the fault model a final read that says what is damaged is an answer, inside it is none', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.finalReads('x', ['v1'], 'a');
  told.get('x', [], { kind: 'final-read', outcome: 'fail', error: 'DATA_DAMAGED' });
  assert.is(judged(told.build()).verdict, 'unknown');
  assert.is(judged(told.build({ insideFaultModel: false })).verdict, 'ok');
});

lost('an empty history and one that repeats a value are unknown', () => {
  const told = new HistoryBuilder();
  assert.is(judged(told.build()).verdict, 'unknown');
  told.remember('x', 'v1');
  told.remember('x', 'v1');
  told.finalReads('x', ['v1']);
  assert.is(judged(told.build()).verdict, 'unknown');
});

lost('outside the fault model absence is counted and not held against the run, phantoms are', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.finalReads('x', []);
  const verdict = judged(told.build({ insideFaultModel: false }));
  assert.is(verdict.verdict, 'ok');
  assert.is(verdict.lostWrites, 1);
  told.finalReads('x', ['v9']);
  assert.is(judged(told.build({ insideFaultModel: false })).verdict, 'violation');
});

lost.run();

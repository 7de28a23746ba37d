import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeId } from '../core/identifiers.js';
import { authorOf, type SpaceKey } from '../core/identifiers.js';
import type { FaultRecord, PlacedRow, Verdict } from './history.js';
import { HistoryBuilder, node } from './history-builder.js';
import { staleness } from './staleness.js';

const bounds = suite('staleness');

type Figures = Verdict & Record<string, unknown>;

type Answerer = 'replica' | 'provisional' | 'confirmed';

/** v1 is replaced by v2, acknowledged at 15 ms; v1 is read at b later. */
function staleRead(waitMs: number, lagMs: number | null, answeredAs: Answerer = 'replica', writtenAs: Answerer = 'provisional'): Figures {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { process: 'q' });
  told.remember('x', 'v2', { process: 'q', answeredAs: writtenAs });
  told.wait(waitMs);
  told.get('x', ['v1'], { at: 'b', answeredAs, lagMs });
  return staleness(told.build()) as Figures;
}

bounds('a read is not staler than it says', () => {
  assert.is(staleRead(100, 105).verdict, 'ok');
  assert.is(staleRead(100, 104).verdict, 'violation');
  assert.is(staleRead(100, 90).boundCoverage, 0);
  const beyond = staleRead(2_000, 90);
  assert.is(beyond.verdict, 'violation');
  assert.equal(beyond.operations, [1, 2]);
  assert.is(beyond.beyondBound, 1);
  assert.equal(beyond.stalenessMs, { p50: 2_005, p95: 2_005, p99: 2_005, max: 2_005 });
});

bounds('who cannot tell has no bound, and who is provisional speaks for one side', () => {
  assert.is(staleRead(100, null).verdict, 'ok');
  const provisional = staleRead(100, 0, 'provisional');
  assert.is(provisional.verdict, 'ok');
  assert.is(provisional.provisionalStale, 1);
  assert.is(staleRead(100, 50, 'provisional').verdict, 'violation', 'who says that it lags says by how much');
});

bounds('a confirmed primary lags behind nothing that is confirmed, and answers for nothing that is not', () => {
  assert.is(staleRead(100, 0, 'confirmed', 'confirmed').verdict, 'violation');
  const unheard = staleRead(100, 0, 'confirmed', 'provisional');
  assert.is(unheard.verdict, 'ok');
  assert.is(unheard.provisionalStale, 1);
  assert.is(staleRead(100, 50, 'confirmed', 'provisional').verdict, 'violation', 'who says that it lags says by how much');
});

bounds('a memory that was never forgotten is missed from its first acknowledgement on', () => {
  for (const [hasForget, expected] of [
    [false, 'violation'],
    [true, 'not-applicable'],
  ] as const) {
    const told = new HistoryBuilder();
    told.remember('x', 'v1');
    if (hasForget) told.forget('x');
    told.wait(2_000);
    told.get('x', [], { answeredAs: 'replica', lagMs: 2 });
    assert.is(staleness(told.build()).verdict, expected);
  }
});

bounds('a rival is not newer', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { at: 'a' });
  told.remember('x', 'v2', { at: 'b' });
  told.wait(500);
  told.get('x', ['v1'], { at: 'a', answeredAs: 'confirmed', lagMs: 0 });
  assert.is(staleness(told.build()).verdict, 'ok');
});

bounds('what its author lost in a crash is not newer than what reached the author afterwards', () => {
  for (const comesBack of [false, true]) {
    const told = new HistoryBuilder();
    const lost = told.remember('x', 'v1', { at: 'a', logged: false });
    const crashed = told.recovery('a');
    told.ship(lost, 'b');
    const rival = told.remember('x', 'v2', { at: 'c' });
    told.ship(rival, 'a');
    if (comesBack) told.ship(lost, 'a');
    told.wait(500);
    told.get('x', ['v2'], { at: 'c', answeredAs: 'replica', lagMs: 0 });
    const verdict = staleness(told.build({ recoveries: [crashed] })) as Figures;
    assert.is(verdict.verdict, 'ok', comesBack ? 'it came back' : 'it is only with others');
    assert.is(verdict.staleReads, 0);
  }
});

bounds('what was still on its way to the disk when a write was asked for is not older than it', () => {
  for (const [lateMs, expected] of [
    [1, 'ok'],
    [0, 'violation'],
  ] as const) {
    const told = new HistoryBuilder();
    const rival = told.remember('x', 'v2', { at: 'c' });
    told.ship(rival, 'a');
    const { node: maker, invokedMs } = told.remember('x', 'v1', { at: 'a' });
    told.wait(500);
    told.get('x', ['v2', 'v1'], { at: 'b', answeredAs: 'replica', lagMs: 0 });
    const logDurableMs = new Map([[maker as NodeId, [invokedMs + lateMs, invokedMs + 10]]]);
    assert.is(staleness(told.build({ logDurableMs })).verdict, expected, `durable ${lateMs} ms after the write was asked for`);
  }
});

bounds('what its author had found damaged when it made a write is not older than it', () => {
  for (const [isFound, expected] of [
    [false, 'ok'],
    [true, 'violation'],
  ] as const) {
    const told = new HistoryBuilder();
    const rival = told.remember('x', 'v2', { at: 'c' });
    told.ship(rival, 'a');
    const durableMs = rival.completedMs + 10;
    told.wait(500);
    const restarted = told.recovery('a', { crashedMs: durableMs + 1, recovered: isFound ? [told.copy('a', [rival])] : [] });
    const { node: maker, completedMs } = told.remember('x', 'v1', { at: 'a' });
    told.wait(2_000);
    told.get('x', ['v2'], { at: 'c', answeredAs: 'replica', lagMs: 0 });
    const logDurableMs = new Map([[maker as NodeId, [durableMs, completedMs]]]);
    assert.is(staleness(told.build({ recoveries: [restarted], logDurableMs })).verdict, expected, isFound ? 'found' : 'not found');
  }
});

bounds('what its author kept through a crash is newer than what stood before it', () => {
  const told = new HistoryBuilder();
  const rival = told.remember('x', 'v2', { at: 'c' });
  told.ship(rival, 'a');
  const kept = told.remember('x', 'v1', { at: 'a' });
  const found = told.copy('a', [kept]);
  told.wait(2_000);
  told.get('x', ['v2'], { at: 'c', answeredAs: 'replica', lagMs: 0 });
  assert.is(staleness(told.build({ recoveries: [told.recovery('a', { recovered: [found] })] })).verdict, 'violation');
  assert.is(staleness(told.build({ recoveries: [told.recovery('a', { crashedMs: 0 })] })).verdict, 'violation', 'the crash was before it');
});

bounds('without faults nearly every answer says how far it lags', () => {
  const answers = (silent: number): Figures => {
    const told = new HistoryBuilder();
    for (let at = 0; at < 100; at += 1) told.remember(`x${at}`, `v${at}`, { lagMs: at < silent ? null : 0 });
    told.get('x1', ['v1'], { lagMs: 0 });
    const fault: FaultRecord = { fault: 'cut', family: 'partition', atMs: told.nowMs, tookEffect: true };
    told.remember('y', 'w', { lagMs: null });
    return staleness(told.build({ faults: [fault] })) as Figures;
  };
  assert.is(answers(1).verdict, 'ok');
  assert.is(answers(1).faultFreeAnswers, 101);
  assert.is(answers(2).verdict, 'violation');
});

/** Five of 105 answers do not say how far they lag: those of one node, so long after the row `from` became `to`. */
function besideChange(from: string, to: string, at: string, afterMs: number): Verdict['verdict'] {
  const told = new HistoryBuilder();
  for (let count = 0; count < 100; count += 1) told.remember(`x${count}`, `v${count}`, { lagMs: 0 });
  told.wait(2_000);
  const answers = Array.from({ length: 5 }, (_, count) => told.remember(`y${count}`, `w${count}`, { at, lagMs: null }));
  told.get('x1', ['v1'], { lagMs: 0 });
  const [space, atMs] = [answers[0]?.space as SpaceKey, (answers[0]?.completedMs as number) - afterMs];
  const row = (names: string, sinceMs: number): PlacedRow => ({ space, copies: [...names].map(node), atMs: sinceMs });
  const rows = [row(from, -5_000), ...(from === to ? [] : [row(to, atMs)])];
  const placement = { replicationFactor: 2, copiesPerNodeMax: 9, primariesPerNodeMax: 9, nodes: [], rows, serving: [] };
  return staleness(told.build({ placement })).verdict;
}

bounds('who has just become a copy does not know how far it lags; who was one before does', () => {
  assert.is(besideChange('ab', 'ab', 'a', 0), 'violation');
  assert.is(besideChange('ab', 'ac', 'c', 0), 'ok');
  assert.is(besideChange('ab', 'ac', 'c', 1_000), 'violation', 'it has heard of the others');
  assert.is(besideChange('ab', 'ac', 'c', -100), 'violation', 'it is none yet');
  assert.is(besideChange('ab', 'ac', 'a', 0), 'violation', 'it is primary as before');
  assert.is(besideChange('abc', 'abd', 'b', 0), 'violation', 'it is a replica as before');
});

bounds('who has paused for another primary does not know how far it lags, nor before that one has reported', () => {
  assert.is(besideChange('ab', 'ba', 'a', -900), 'ok');
  assert.is(besideChange('ab', 'ba', 'a', 900), 'ok');
  assert.is(besideChange('ab', 'ba', 'a', 1_000), 'violation');
  assert.is(besideChange('ab', 'ba', 'a', -1_200), 'violation', 'no pause is that long');
  assert.is(besideChange('ab', 'ba', 'b', 900), 'violation', 'the new primary');
});

bounds('nor does a replica under another primary before that one has reported', () => {
  assert.is(besideChange('abc', 'bac', 'c', 147), 'ok');
  assert.is(besideChange('abc', 'bac', 'c', 1_000), 'violation');
  assert.is(besideChange('abc', 'adc', 'c', 147), 'violation', 'under the same primary');
});

bounds(
  'a write that two primaries carried out stands in two places, and what stands before one of them does not stand before the other',
  () => {
    const told = new HistoryBuilder();
    const twice = told.remember('x', 'v2', { at: 'b', process: 'q' });
    told.ship(twice, 'a');
    told.remember('x', 'v3', { at: 'a', process: 'r' });
    told.remember('x', 'v1', { at: 'a', process: 's' });
    told.log('a', { ...told.recordOf(twice), author: authorOf(node('a'), { counter: 1, random: 'a'.repeat(16) }), sequence: 9 });
    // v3 was made on top of the record that b had made, not on top of the one that a makes here.
    told.get('x', ['v1'], { at: 'a', answeredAs: 'replica', lagMs: 1 });
    assert.is(staleness(told.build()).verdict, 'ok');
  },
);

bounds.run();

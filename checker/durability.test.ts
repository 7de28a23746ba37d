import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeId } from '../core/identifiers.js';
import { durability } from './durability.js';
import type { History, Operation, Recovery, Verdict } from './history.js';
import { HistoryBuilder, stepMs } from './history-builder.js';

const durable = suite('durability');

type Figures = Verdict & Record<string, unknown>;
const judged = (history: History): Figures => durability(history) as Figures;
const dot = ({ space, version }: Operation) => ({ space, version: version as string });

durable('what was released is there after the crash', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  const recovered = [told.copy('a', [write])];
  const verdict = judged(told.build({ recoveries: [told.recovery('a', { released: [dot(write)], recovered })] }));
  assert.is(verdict.verdict, 'ok');
  assert.is(verdict.releasedDots, 1);
});

durable('what is gone after the crash is a violation, unless the plan damaged it now or before', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1', { at: 'b' });
  const released = [dot(write)];
  const cases: [Partial<Recovery>, Recovery[], string][] = [
    [{}, [], 'violation'],
    [{ damaged: [dot(write)] }, [], 'ok'],
    [{}, [told.recovery('a', { damaged: [dot(write)], crashedMs: 1 })], 'ok'],
    [{}, [told.recovery('b', { damaged: [dot(write)], crashedMs: 1 })], 'violation'],
  ];
  for (const [recovery, earlier, expected] of cases) {
    const verdict = judged(told.build({ recoveries: [...earlier, told.recovery('a', { released, ...recovery })] }));
    assert.is(verdict.verdict, expected, JSON.stringify(verdict));
    assert.is(verdict.excusedByDamage, expected === 'ok' ? 1 : 0);
  }
});

durable('what its maker let go of before it acknowledged it is owed by others, and only that', () => {
  for (const [letGoMs, expected] of [
    [0, 'violation'],
    [stepMs, 'ok'],
  ] as const) {
    const told = new HistoryBuilder();
    const write = told.remember('x', 'v1', { at: 'a' });
    const logDurableMs = new Map([[write.node as NodeId, [write.invokedMs + 1]]]);
    const letGo = [{ space: write.space, atMs: write.invokedMs + letGoMs }];
    const recoveries = [told.recovery('a', { letGo })];
    assert.is(judged(told.build({ recoveries, logDurableMs })).verdict, expected);
  }
});

durable('a write acknowledged by its maker counts as released though nobody listed it', () => {
  const crashAfter = (write: Partial<Operation>): Figures => {
    const told = new HistoryBuilder();
    told.remember('x', 'v1', write);
    return judged(told.build({ recoveries: [told.recovery('a')] }));
  };
  const lost = crashAfter({});
  assert.is(lost.verdict, 'violation');
  assert.equal(lost.operations, [0]);
  assert.is(crashAfter({ outcome: 'info' }).verdict, 'ok');
  assert.is(crashAfter({ completedMs: stepMs }).verdict, 'violation', 'acknowledged in the millisecond of the crash');
  assert.is(crashAfter({ version: null }).verdict, 'ok');
  assert.is(crashAfter({ completedMs: 1_000 }).verdict, 'ok', 'acknowledged after the crash, by its next boot');
  const answeredByAnother = new HistoryBuilder();
  const other = answeredByAnother.remember('y', 'v2', { at: 'b' }).node;
  assert.is(crashAfter({ node: other }).verdict, 'ok', 'a retry answered by a copy promises nothing of its author');
});

durable('another copy of the same node covers another space only', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  const elsewhere = { ...told.copy('a', [write]), space: 'other#1' as Operation['space'] };
  const recoveries = [told.recovery('a', { recovered: [elsewhere] })];
  const verdict = judged(told.build({ recoveries }));
  assert.is(verdict.lostAtRecovery, 1);
  assert.is(verdict.neverWritten, 1);
});

durable('what nobody ever wrote must not be recovered', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  const copy = told.copy('a', [write]);
  const author = told.recordOf(write).author;
  const covered = { ...copy, coverage: { [author]: [[1, 2]] as const } };
  const versions = [...copy.versions, { ...copy.versions[0]!, version: `7@${author}` }];
  for (const recovered of [covered, { ...copy, versions }]) {
    const verdict = judged(told.build({ recoveries: [told.recovery('a', { recovered: [recovered] })] }));
    assert.is(verdict.verdict, 'violation');
    assert.is(verdict.neverWritten, 1);
    assert.is(verdict.lostAtRecovery, 0);
  }
});

durable('an unsynced record that survived is fine when a log still holds it', () => {
  const told = new HistoryBuilder();
  const open = told.remember('x', 'v1', { outcome: 'info' });
  const verdict = judged(told.build({ recoveries: [told.recovery('a', { recovered: [told.copy('a', [open])] })] }));
  assert.is(verdict.verdict, 'ok');
});

durable('a record in a log that no client asked for is a violation', () => {
  for (const change of [{ value: 'garbled' }, { id: 'y' }, { requestId: 'f'.repeat(32) }, { kind: 'tombstone' as const }]) {
    const told = new HistoryBuilder();
    const write = told.remember('x', 'v1', { logged: false });
    told.log('a', { ...told.recordOf(write), ...change });
    const verdict = judged(told.build());
    assert.is(verdict.verdict, 'violation', JSON.stringify(change));
    assert.is(verdict.neverWritten, 1);
  }
});

durable('without request ids no record can be held against anybody', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1', { requestId: '' });
  told.log('b', { ...told.recordOf(write), value: 'garbled' });
  assert.is(judged(told.build()).verdict, 'not-applicable');
});

durable('does not apply without a crash, and is unknown when a crash left no recovery', () => {
  const told = new HistoryBuilder();
  const crash = { fault: 'crash a', family: 'crash', atMs: 0, tookEffect: true };
  assert.is(judged(told.build()).verdict, 'not-applicable');
  assert.is(judged(told.build({ faults: [{ ...crash, tookEffect: false }] })).verdict, 'not-applicable');
  assert.is(judged(told.build({ faults: [crash] })).verdict, 'unknown');
});

durable.run();

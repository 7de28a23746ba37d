import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, Operation, Verdict } from './history.js';
import { HistoryBuilder, type Told } from './history-builder.js';
import { sessions } from './sessions.js';

const guarantees = suite('sessions');

type Figures = Verdict & { readonly breaches: Record<string, number> } & Record<string, unknown>;
const judged = (history: History): Figures => sessions(history) as Figures;

/** Of the same process as that answer, with its token, which the answer says was met. */
function after(given: Operation, told: Told = {}): Told {
  return { process: given.process, sessionOf: given.index, sessionSatisfied: true, ...told };
}

function breached(told: HistoryBuilder, guarantee: string, operations: readonly number[]): void {
  const verdict = judged(told.build());
  assert.is(verdict.verdict, 'violation', JSON.stringify(verdict));
  assert.is(verdict.breaches[guarantee], 1, JSON.stringify(verdict));
  assert.equal(verdict.operations, operations);
}

guarantees('a read that claims the session sees what the session wrote', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1', { process: 'p' });
  told.get('x', ['v1'], after(write));
  assert.is(judged(told.build()).verdict, 'ok');
  told.get('x', [], after(write, { at: 'b' }));
  breached(told, 'read-your-writes', [0, 2]);
});

guarantees('what takes the place of a write will do; so does a delete', () => {
  for (const end of ['update', 'forget'] as const) {
    const told = new HistoryBuilder();
    const write = told.remember('x', 'v1', { process: 'p' });
    if (end === 'update') told.remember('x', 'v2', { process: 'q' });
    else told.forget('x', { process: 'q' });
    told.get('x', end === 'update' ? ['v2'] : [], after(write));
    assert.is(judged(told.build()).verdict, 'ok');
  }
});

guarantees('reads of a session do not go back', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { process: 'q' });
  told.remember('x', 'v2', { process: 'q' });
  const read = told.get('x', ['v2'], { process: 'p' });
  told.get('x', ['v1'], after(read, { at: 'b' }));
  breached(told, 'monotonic-reads', [1, 3]);
});

guarantees('a session reaches as far back as its claims follow each other', () => {
  for (const claimed of [true, false]) {
    const told = new HistoryBuilder();
    const write = told.remember('x', 'v1', { process: 'p' });
    const between = told.get('y', [], after(write, { sessionSatisfied: claimed }));
    told.get('x', [], after(between));
    if (claimed) breached(told, 'read-your-writes', [0, 2]);
    else assert.is(judged(told.build()).verdict, 'ok');
  }
});

guarantees('a write stands behind the earlier writes of its session', () => {
  const told = new HistoryBuilder();
  const first = told.remember('x', 'v1', { process: 'p', at: 'a' });
  told.ship(first, 'b');
  told.remember('y', 'v2', after(first, { at: 'b' }));
  assert.is(judged(told.build()).verdict, 'ok');
  told.remember('z', 'v3', after(first, { at: 'c' }));
  breached(told, 'monotonic-writes', [0, 2]);
});

guarantees('a write stands behind what its session had read', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { process: 'q', at: 'a' });
  const read = told.get('x', ['v1'], { process: 'p', at: 'a' });
  told.remember('y', 'v2', after(read, { at: 'c' }));
  breached(told, 'writes-follow-reads', [0, 2]);
});

guarantees('a copy that got what took the place of a write has it', () => {
  const told = new HistoryBuilder();
  const first = told.remember('x', 'v1', { process: 'p', at: 'a' });
  const second = told.remember('x', 'v2', { process: 'q', at: 'a' });
  told.ship(second, 'b');
  told.remember('y', 'v3', after(first, { at: 'b' }));
  assert.is(judged(told.build()).verdict, 'ok');
});

guarantees('an answer that does not claim the session owes nothing', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1', { process: 'p' });
  told.get('x', [], after(write, { sessionSatisfied: false }));
  assert.is(judged(told.build()).verdict, 'unknown');
  assert.is(judged(new HistoryBuilder().build()).verdict, 'not-applicable');
});

guarantees.run();

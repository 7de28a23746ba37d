import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Similarities } from './embedding-of.js';
import type { Operation, RecalledMemory, Verdict } from './history.js';
import { HistoryBuilder, type Told } from './history-builder.js';
import { recall } from './recall.js';

const recalls = suite('recall');
const cue = 'q1';

type Figures = Verdict & Record<string, unknown>;

/** A history in which node a has acknowledged v1 to v4 of m1 to m4, and how alike each is to the cue, best first. */
class Recalls extends HistoryBuilder {
  readonly writes = new Map<string, Operation>();

  constructor() {
    super();
    for (const n of [1, 2, 3, 4]) this.remembers(`m${n}`, `v${n}`);
  }

  remembers(id: string, value: string, told: Told = {}): Operation {
    const write = this.remember(id, value, { embedded: true, ...told });
    this.writes.set(value, write);
    return write;
  }

  /** The answer that an exact scan over these values gives. */
  best(values: readonly string[], limit = 10): RecalledMemory[] {
    return values
      .map((value) => this.answer(value))
      .sort((left, right) => right.score - left.score)
      .slice(0, limit);
  }

  answer(value: string, score = new Similarities().of(cue, value)): RecalledMemory {
    const { id, version } = this.writes.get(value) as Operation;
    return { id, value, version: version ?? '', score, noNewerVersion: 1 };
  }

  recall(recalled: readonly RecalledMemory[], told: Told = {}): Figures {
    this.get(cue, [], { kind: 'recall', limit: 10, partial: [], recalled, ...told });
    return recall(this.build()) as Figures;
  }
}

const all = ['v1', 'v2', 'v3', 'v4'];

recalls('what an exact scan answers is ok, and everything that had to be there was', () => {
  const told = new Recalls();
  const verdict = told.recall(told.best(all));
  assert.is(verdict.verdict, 'ok');
  assert.is(verdict.owed, 4);
  const few = new Recalls();
  assert.is(few.recall(few.best(all, 2), { limit: 2 }).verdict, 'ok');
  assert.is(recall(new HistoryBuilder().build()).verdict, 'not-applicable');
});

recalls('what scores above the last one answered may not be missing', () => {
  const told = new Recalls();
  const [, ...others] = told.best(all);
  assert.is(told.recall(others).verdict, 'violation');
  const few = new Recalls();
  const [first, , third] = few.best(all);
  assert.is(few.recall([first, third] as RecalledMemory[], { limit: 2 }).verdict, 'violation');
});

recalls('an answer that says why, or of a node that did not acknowledge, may leave out', () => {
  const told = new Recalls();
  assert.is(told.recall([], { partial: ['1 record is missing on this disk'] }).verdict, 'ok');
  const other = new Recalls();
  assert.is(other.recall([], { at: 'b' }).verdict, 'ok');
});

recalls('a Forget that was under way, and a value without an embedding, excuse', () => {
  const told = new Recalls();
  told.forget('m1', { outcome: 'info' });
  assert.is(told.recall(told.best(['v2', 'v3', 'v4'])).verdict, 'ok');
  const bare = new Recalls();
  bare.remembers('m1', 'v5', { embedded: false });
  assert.is(bare.recall(bare.best(['v2', 'v3', 'v4'])).verdict, 'ok');
});

recalls('a value that nobody wrote, a wrong score, a wrong order, a memory twice or too many are violations', () => {
  const wrong = (make: (told: Recalls) => readonly RecalledMemory[], limit = 10): string => {
    const told = new Recalls();
    const verdict = told.recall(make(told), { limit, partial: ['only the form is judged'] });
    return verdict.verdict === 'violation' ? verdict.reason : verdict.verdict;
  };
  assert.match(
    wrong((told) => [{ ...told.answer('v1'), value: 'phantom' }]),
    /nobody wrote/,
  );
  assert.match(
    wrong((told) => [{ ...told.answer('v1'), id: 'm2' }]),
    /nobody wrote/,
  );
  assert.match(
    wrong((told) => [told.answer('v1', 0.5)]),
    /the score 0.5/,
  );
  assert.match(
    wrong((told) => told.best(all).toReversed()),
    /behind a lower one/,
  );
  assert.match(
    wrong((told) => [told.answer('v1'), told.answer('v1')]),
    /twice/,
  );
  assert.match(
    wrong((told) => told.best(all), 3),
    /4 memories of 3/,
  );
  const failed = new Recalls();
  failed.remembers('m9', 'v9', { outcome: 'fail' });
  assert.match((failed.recall([failed.answer('v9')], { partial: ['x'] }) as { reason?: string }).reason ?? '', /had failed/);
});

recalls('what the same node had acknowledged a write in place of is not answered; another node may lag', () => {
  for (const [at, expected] of [
    ['a', 'violation'],
    ['b', 'ok'],
  ] as const) {
    const told = new Recalls();
    told.remembers('m1', 'v5');
    assert.is(told.recall([told.answer('v1')], { at, partial: ['x'] }).verdict, expected);
  }
});

recalls('after convergence a copy recalls exactly what it reads', () => {
  for (const [recalled, expected] of [
    [['v1', 'v2', 'v3', 'v4'], 'ok'],
    [['v2', 'v3', 'v4'], 'violation'],
  ] as const) {
    const told = new Recalls();
    for (const n of [1, 2, 3, 4]) told.finalReads(`m${n}`, [`v${n}`], 'b');
    const verdict = told.recall(told.best(recalled), { kind: 'final-recall', at: 'b' });
    assert.is(verdict.verdict, expected);
    assert.is(verdict.comparedWithReads, 4);
  }
});

recalls.run();

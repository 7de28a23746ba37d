import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { acknowledgedByTooFew } from './acknowledged-copies.js';
import { durability } from './durability.js';
import type { History, Operation } from './history.js';
import { HistoryBuilder, node, space } from './history-builder.js';

const copies = suite('acknowledged copies');

/** One write on three disks of a space with three copies; it is acknowledged at 5 ms, and the disks have it at these times. */
function written(ack: Operation['ack'], durableMs: readonly number[]): History {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1', { ack });
  told.ship(write, 'bc'.slice(0, durableMs.length - 1));
  const logDurableMs = new Map(durableMs.map((atMs, at) => [node('abc'[at] as string), [atMs]]));
  return told.build({ logDurableMs, copies: new Map([[space, 3]]) });
}

copies('each level asks for as many disks, by the time of the answer', () => {
  for (const [ack, enough, tooFew] of [
    ['local', [4, 9, 9], [6, 9, 9]],
    ['one', [1, 4, 9], [1, 6, 9]],
    ['quorum', [1, 4], [1]],
    ['all', [1, 2, 5], [1, 2, 6]],
  ] as const) {
    assert.equal(acknowledgedByTooFew(written(ack, enough)), { judged: 1, tooFew: [] }, `${ack} with enough`);
    assert.is(acknowledgedByTooFew(written(ack, tooFew)).tooFew.length, 1, `${ack} with too few`);
  }
});

copies('too few are a violation of durability, without any crash', () => {
  const verdict = durability(written('all', [1, 2, 6]));
  assert.is(verdict.verdict, 'violation');
  assert.match(verdict.verdict === 'violation' ? verdict.reason : '', /acknowledged for all when 2 of 3 disks had it/);
});

copies('a write that another overtook, and a history without times, tell nothing', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { ack: 'all', completedMs: 50 });
  told.remember('x', 'v2', { ack: 'local', process: 'other' });
  const logDurableMs = new Map([[node('a'), [1, 12]]]);
  assert.is(acknowledgedByTooFew(told.build({ logDurableMs, copies: new Map([[space, 3]]) })).judged, 0);
  assert.is(acknowledgedByTooFew(told.build()).judged, 0);
});

copies.run();

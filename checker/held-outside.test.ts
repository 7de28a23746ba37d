import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, PlacedRow, Verdict } from './history.js';
import { HistoryBuilder, node, space } from './history-builder.js';
import { staleness } from './staleness.js';

const outside = suite('held outside');

/** v1 is at a, b and c. Then c, cut off from the others, replaces it; a reads v1, says that it does not lag, and is right as far as these rows go. */
function verdictOf(
  rows: readonly { readonly copies: string; readonly atMs: number }[],
  { isShipped = false, isLogged = true } = {},
): string {
  const told = new HistoryBuilder();
  told.ship(told.remember('x', 'v1', { at: 'a', process: 'p' }), 'bc');
  const alone = told.remember('x', 'v2', { at: 'c', process: 'p', logged: isLogged });
  if (isShipped) told.ship(alone, 'b');
  told.wait(500);
  told.get('x', ['v1'], { at: 'a', answeredAs: 'replica', lagMs: 0 });
  const placed = rows.map(({ copies, atMs }): PlacedRow => ({ space, copies: [...copies].map(node), atMs }));
  const placement = {
    ...{ replicationFactor: 3, copiesPerNodeMax: 9, primariesPerNodeMax: 9, nodes: [], serving: [] },
    rows: placed,
  } satisfies History['placement'];
  return staleness(told.build({ placement })).verdict;
}

outside('what a node has that lost its place while it was away is behind no copy that does not know it', () => {
  assert.is(verdictOf([{ copies: 'abd', atMs: 100 }]), 'ok');
  const moved = [
    { copies: 'abc', atMs: 0 },
    { copies: 'abd', atMs: 100 },
  ];
  assert.is(verdictOf(moved), 'ok');
});

outside('as long as the node stands in the row, its silence counts', () => {
  assert.is(verdictOf([{ copies: 'abc', atMs: 0 }]), 'violation');
  const later = [
    { copies: 'abc', atMs: 0 },
    { copies: 'abd', atMs: 100_000 },
  ];
  assert.is(verdictOf(later), 'violation');
});

outside('what any copy of the row has, or no disk at all, counts as ever', () => {
  assert.is(verdictOf([{ copies: 'abd', atMs: 100 }], { isShipped: true }), 'violation');
});

/**
 * v2 is at c alone, acknowledged at 15 ms; c loses its place at 100 ms and hands v2 over to b at 1,000 ms; a, which has not got it, is asked so long after that and says that it lags
 * by so much.
 */
function handedOver(askedAfterMs: number, lagMs: number, rows = ['abc', 'abd']): Verdict {
  const told = new HistoryBuilder();
  told.ship(told.remember('x', 'v1', { at: 'a', process: 'p' }), 'bc');
  const alone = told.remember('x', 'v2', { at: 'c', process: 'p' });
  told.ship(alone, 'b');
  told.wait(1_000 + askedAfterMs - alone.completedMs - 5);
  const read = told.get('x', ['v1'], { at: 'a', answeredAs: 'replica', lagMs });
  assert.is(read.invokedMs, 1_000 + askedAfterMs);
  const placed = rows.map((copies, at): PlacedRow => ({ space, copies: [...copies].map(node), atMs: at * 100 }));
  return staleness(
    told.build({
      placement: { replicationFactor: 3, copiesPerNodeMax: 9, primariesPerNodeMax: 9, nodes: [], serving: [], rows: placed },
      logDurableMs: new Map([
        [node('a'), [5]],
        [node('b'), [5, 1_000]],
        [node('c'), [5, 15]],
      ]),
    }),
  );
}

outside('once a copy of the row has got it the others lag behind that copy, since then', () => {
  assert.is(handedOver(-2, 0).verdict, 'ok', 'asked before, answered after');
  assert.is(handedOver(200, 200).verdict, 'ok');
  assert.is(handedOver(200, 199).verdict, 'violation');
  assert.match(String(handedOver(200, 50).reason), /one by 200 ms that said 50 ms/);
});

outside('what some copy of the row had at all times counts since its acknowledgement', () => {
  assert.is(handedOver(200, 500, ['abc', 'acd']).verdict, 'violation', 'it stayed with a copy that stayed');
  assert.is(handedOver(200, 500, ['abc']).verdict, 'violation');
});

outside('who loses its place and gets it again brings along what it has', () => {
  assert.is(handedOver(200, 500, ['abc', 'ade', 'acd']).verdict, 'violation');
  assert.is(handedOver(200, 1_000, ['abc', 'ade', 'acd']).verdict, 'ok');
});

outside.run();

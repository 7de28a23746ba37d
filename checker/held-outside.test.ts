import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, PlacedRow } from './history.js';
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

outside.run();

/** What a side of a split can be asked for while copies move: by rows as they were committed, and by who stands between the sides. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SpaceKey } from '../core/identifiers.js';
import type { PlacedRow } from './history.js';
import { node } from './history-builder.js';
import { servedShare } from './served-share.js';

const shares = suite('served share');
const cut = { fromMs: 1_000, untilMs: 11_000 };
const nodes = (names: string) => [...names].map(node);
const row = (space: string, copies: string, atMs = 0): PlacedRow => ({ space: space as SpaceKey, copies: nodes(copies), atMs });

/** Of the side a, b against c, d, with e on neither side if it is named. */
function shareOf(rows: readonly PlacedRow[], bystanders: string, planned: number): number {
  return servedShare(nodes('ab'), rows, { ...cut, bystanders: nodes(bystanders), planned });
}

shares('a side by itself counts while it has a copy of any space, also behind one of the other side', () => {
  assert.is(shareOf([row('x', 'cad'), row('y', 'cd')], '', 2), 1);
  assert.is(shareOf([row('x', 'cd'), row('y', 'cd')], '', 0), 0);
  const handedOn = [row('x', 'ac'), row('y', 'cd'), row('y', 'bd', 4_000), row('x', 'cd', 6_000)];
  assert.is(shareOf(handedOn, '', 2), 1);
  assert.is(shareOf([row('x', 'ac'), row('x', 'cd', 6_000)], '', 1), 0.5, 'until it moves away');
  assert.is(shareOf([row('x', 'cd'), row('x', 'ac', 8_500)], '', 1), 0.25, 'since it has come');
});

shares('a bystander takes the spaces away that it leads, and only those', () => {
  assert.is(shareOf([row('x', 'eac'), row('y', 'eab')], 'e', 2), 0, 'it leads all');
  assert.is(shareOf([row('x', 'eac'), row('y', 'ace')], 'e', 2), 0.5, 'it leads one');
  assert.is(shareOf([row('x', 'cae'), row('y', 'abe')], 'e', 2), 1, 'it stands behind');
  assert.is(shareOf([row('x', 'cea'), row('y', 'cda')], 'e', 2), 0.5, 'it stands between the other side and this one');
  assert.is(shareOf([row('x', 'acd'), row('x', 'ecd', 6_000)], 'e', 1), 0.5, 'a copy moves to it');
});

shares('what came or went before or after the split does not count, nor does more than was planned', () => {
  assert.is(shareOf([row('x', 'ecd'), row('x', 'acd', 500), row('x', 'ecd', 11_000)], 'e', 1), 1);
  assert.is(shareOf([row('x', 'acd'), row('y', 'acd')], 'e', 1), 1);
  assert.is(shareOf([row('x', 'acd')], 'e', 0), 1);
});

shares.run();

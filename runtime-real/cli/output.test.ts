/** Tables: what tells rows apart is never cut. */
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Output } from './output.js';

const output = suite('output');

output('a column with a width grows until its cells fit; the other one cuts or wraps', () => {
  const cells = ['provisional 12', 'n1 (12, ≤ 4033 ms), n2 (silent), n3 (0, ≤ 5 ms), n4 (1, ?)', '\u001b[32mgreen of nine\u001b[39m'];
  const columns = [{ title: 'term', width: 6 }, { title: 'copies' }, { title: 'state', width: 4, right: true }];
  const printed = (wraps: boolean): string =>
    new Output(true).table(
      columns.map((column) => (column.title === 'copies' ? { ...column, wraps } : column)),
      [cells, ['provisional 13', '', '']],
    );
  const narrow = process.stdout.columns;
  process.stdout.columns = 72;
  try {
    assert.match(printed(false), /│ provisional 12 │ n1 .*… │ .*green of nine/);
    const wrapped = printed(true);
    assert.match(wrapped, /provisional 13/);
    assert.not.match(wrapped, '…');
    for (const word of ['n1', '4033', 'n4', '?']) assert.match(wrapped, word);
    for (const line of wrapped.split('\n')) assert.ok(stripVTControlCharacters(line).length <= 72, line);
  } finally {
    process.stdout.columns = narrow;
  }
});

output.run();

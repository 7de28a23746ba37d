import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { measureMovePauses } from './move-pauses.js';

const pauses = suite('pauses of moves');

pauses('a node that joins and one that is drained move copies, and every space takes writes again', () => {
  const { moves, pausesMs } = measureMovePauses(4);
  assert.ok(moves > pausesMs.length, `${moves} rows with a new copy, ${pausesMs.length} of them with another primary`);
  assert.ok(pausesMs.length > 0);
  for (const pauseMs of pausesMs) assert.ok(pauseMs > 0 && Number.isFinite(pauseMs), `${pauseMs} ms`);
});

pauses.run();

/** When what spaces have grown to is judged. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SpaceKey } from '../../identifiers.js';
import type { ControlState } from '../control-state.js';
import { SpaceSizes } from './space-sizes.js';

const sizes = suite('space sizes');
const space = 'notes#0' as SpaceKey;
const rows = { [space]: {} } as ControlState['rows'];
const at = (monotonicMs: number) => ({ monotonicMs, wallMs: 0 });

sizes('what has grown is judged a minute after all was judged last, and once', () => {
  const known = new SpaceSizes();
  known.judged(at(0));
  assert.not.ok(known.isJudgementDue(at(120_000)), 'nothing has been told');
  known.note(space, 5);
  assert.not.ok(known.isJudgementDue(at(59_999)));
  assert.ok(known.isJudgementDue(at(60_000)));
  known.judged(at(60_000));
  assert.not.ok(known.isJudgementDue(at(180_000)));
});

sizes('a plan keeps the sizes that it was made with', () => {
  const known = new SpaceSizes();
  known.noteMoving(space, 5);
  const then = known.snapshot(rows);
  known.note(space, 7);
  assert.equal([then.get(space), known.snapshot(rows).get(space)], [5, 7]);
});

sizes('a space that is no more is forgotten', () => {
  const known = new SpaceSizes();
  known.note(space, 5);
  assert.is(known.snapshot({}).size, 0);
  assert.is(known.snapshot(rows).size, 0);
});

sizes.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplayWindow } from './replay-window.js';

const window = suite('replay window');

window('accepts each number once, in any order, as long as it is not far behind', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 200 }), (numbers) => {
      const tested = new ReplayWindow();
      const accepted = new Set<number>();
      let top = 0;
      for (const number of numbers) {
        const isFarBehind = top - number > 63;
        assert.is(tested.accept(number), !accepted.has(number) && !isFarBehind, `${number} after ${top}`);
        if (!isFarBehind) accepted.add(number);
        top = Math.max(top, number);
        assert.is(tested.had(number), top - number > 63 ? null : true);
      }
    }),
  );
});

window('keeps up with numbers beyond 32 bits', () => {
  const tested = new ReplayWindow();
  const far = 2 ** 40;
  assert.ok(tested.accept(far));
  assert.ok(tested.accept(far - 40));
  assert.not(tested.accept(far - 40));
  assert.ok(tested.accept(far + 40));
  assert.not(tested.accept(far));
  assert.is(tested.had(far - 40), null);
});

window.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EventHeap } from './event-heap.js';

const heap = suite('event heap');

heap('events come out by time, and in the order of scheduling where times are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 300 }), (times) => {
      const events = new EventHeap();
      times.forEach((time, index) => {
        events.push(time, 1, index, -index, `event ${index}`);
      });
      const expected = times.map((time, index) => ({ time, index })).sort((a, b) => a.time - b.time || a.index - b.index);
      for (const { time, index } of expected) {
        assert.ok(events.pop());
        assert.equal([events.timeUs, events.target, events.extra, events.payload], [time, index, -index, `event ${index}`]);
      }
      assert.not(events.pop());
    }),
  );
});

heap('pushing and popping in turn, past the first arrays: nothing is lost, time never goes back', () => {
  const events = new EventHeap();
  let state = 12_345;
  const draw = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state;
  };
  let [now, pushed, popped] = [0, 0, 0];
  for (let step = 0; step < 20_000; step += 1) {
    if (draw() % 5 < 3 || events.size === 0) {
      events.push(now + (draw() % 1_000), 2, pushed, 0, null);
      pushed += 1;
    } else {
      assert.ok(events.pop());
      assert.ok(events.timeUs >= now);
      now = events.timeUs;
      popped += 1;
    }
  }
  assert.is(events.size, pushed - popped);
});

heap('a payload is let go when its event has come', () => {
  const events = new EventHeap();
  events.push(1, 1, 0, 0, { large: true });
  events.pop();
  events.push(2, 1, 0, 0, null);
  events.pop();
  assert.is(events.payload, null);
});

heap.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClockModel } from './clock-model.js';
import { EventHeap } from './event-heap.js';
import { NodeTimers, type TimerState } from './node-timers.js';

const clock = suite('clock');

const changes = fc.array(
  fc.record({
    afterUs: fc.nat(5_000_000),
    ppm: fc.integer({ min: -5_000, max: 5_000 }),
    jumpMs: fc.integer({ min: -100_000, max: 100_000 }),
  }),
  { maxLength: 20 },
);

clock('the monotonic clock never goes back, whatever drift and jumps do', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const model = new ClockModel({ atUs: 0, wallMs: 1_000_000, driftPpm: 0 });
      let [nowUs, last] = [0, 0];
      for (const { afterUs, ppm, jumpMs } of list) {
        nowUs += afterUs;
        const shown = model.monotonicMs(nowUs);
        assert.ok(shown >= last);
        model.drift(nowUs, ppm);
        model.jump(jumpMs);
        last = model.monotonicMs(nowUs);
        assert.ok(last >= shown);
      }
    }),
  );
});

clock('a timer fires at the first microsecond at which the clock shows its time', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.integer({ min: -5_000, max: 5_000 }), (atMs, driftPpm) => {
      const model = new ClockModel({ atUs: 500, wallMs: 0, driftPpm });
      const dueUs = model.trueUs(atMs);
      assert.ok(model.monotonicMs(dueUs + 1) >= atMs);
      if (atMs > 0) assert.ok(model.monotonicMs(dueUs - 2) < atMs);
    }),
  );
});

clock('a jump moves the wall clock alone', () => {
  const model = new ClockModel({ atUs: 0, wallMs: 5_000, driftPpm: 0 });
  model.jump(-3_600_000);
  assert.is(model.monotonicMs(1_000_000), 1_000);
  assert.is(model.wallMs(1_000_000), 6_000 - 3_600_000);
});

clock('a timer that is moved later waits on, one that is moved earlier comes once, and none outlives its process', () => {
  const heap = new EventHeap();
  const model = new ClockModel({ atUs: 0, wallMs: 0, driftPpm: 0 });
  const timers = new NodeTimers(heap, model, 0);
  const due = (owner: NodeTimers): number[] => {
    const fired: number[] = [];
    while (heap.pop()) if (owner.due(heap.payload as TimerState, heap.extra, heap.timeUs)) fired.push(heap.timeUs);
    return fired;
  };
  timers.arm('late', 100, 0);
  timers.arm('late', 200, 0);
  timers.arm('early', 300, 0);
  timers.arm('early', 50, 0);
  timers.arm('never', 10, 0);
  timers.disarm('never');
  assert.equal(due(timers), [50_000, 200_000]);
  timers.arm('of the old process', 400, 300_000);
  assert.equal(due(new NodeTimers(heap, model, 0)), []);
});

clock.run();

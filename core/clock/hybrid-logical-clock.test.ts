import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareTimestamps, type HlcTimestamp, HybridLogicalClock, hlcLogicalMax, hlcMsMax } from './hybrid-logical-clock.js';

const clockSuite = suite('hybrid logical clock');

const wallArbitrary = fc.integer({ min: 1_000, max: 1_050 });
const timestampArbitrary: fc.Arbitrary<HlcTimestamp> = fc.record({
  ms: fc.oneof(fc.integer({ min: 990, max: 1_100 }), fc.integer({ min: 0, max: hlcMsMax })),
  logical: fc.oneof(fc.nat(3), fc.integer({ min: hlcLogicalMax - 2, max: hlcLogicalMax })),
});
const stepArbitrary = fc.record({ wallMs: wallArbitrary, foreign: fc.option(timestampArbitrary) });

clockSuite('whatever wall clocks and peers do, timestamps strictly ascend', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 60 }), fc.nat(30), (steps, aheadMsMax) => {
      const clock = new HybridLogicalClock({ aheadMsMax });
      let last: HlcTimestamp = { ms: 0, logical: 0 };
      for (const { wallMs, foreign } of steps) {
        if (foreign !== null) clock.observe(foreign, wallMs);
        const given = clock.next(wallMs);
        assert.ok(compareTimestamps(given, last) > 0);
        assert.ok(given.ms >= wallMs && given.logical <= hlcLogicalMax);
        assert.equal(clock.latest(), given);
        last = given;
      }
    }),
  );
});

clockSuite('what is written after a foreign timestamp is labelled later than it, within the bound', () => {
  fc.assert(
    fc.property(fc.array(wallArbitrary), timestampArbitrary, wallArbitrary, fc.nat(30), (before, foreign, wallMs, aheadMsMax) => {
      const clock = new HybridLogicalClock({ aheadMsMax });
      for (const earlier of before) clock.next(earlier);
      const own = clock.latest();
      const boundedMs = clock.observe(foreign, wallMs);
      const moved = clock.latest();
      assert.ok(compareTimestamps(moved, own) >= 0, 'observing never turns the clock back');
      assert.ok(moved.ms <= Math.max(own.ms, wallMs + aheadMsMax), 'nor moves it past the bound');
      assert.is(boundedMs, Math.max(0, foreign.ms - Math.max(own.ms, wallMs + aheadMsMax)));
      if (foreign.ms <= wallMs + aheadMsMax) assert.ok(compareTimestamps(clock.next(wallMs), foreign) > 0);
    }),
  );
});

clockSuite('a wall clock that jumps back leaves the clock standing until it has caught up', () => {
  const clock = new HybridLogicalClock({ aheadMsMax: 100 });
  assert.equal(clock.next(5_000), { ms: 5_000, logical: 0 });
  assert.equal(clock.next(1_000), { ms: 5_000, logical: 1 });
  assert.equal(clock.next(4_999), { ms: 5_000, logical: 2 });
  assert.equal(clock.next(5_001), { ms: 5_001, logical: 0 });
});

clockSuite('a clock a day ahead moves ours by the bound and no more', () => {
  const clock = new HybridLogicalClock({ aheadMsMax: 60_000 });
  const dayMs = 86_400_000;
  assert.is(clock.observe({ ms: 1_000 + dayMs, logical: 7 }, 1_000), dayMs - 60_000);
  assert.equal(clock.latest(), { ms: 61_000, logical: 0 });
  assert.is(clock.observe({ ms: 61_000, logical: 9 }, 1_000), 0);
  assert.equal(clock.next(1_000), { ms: 61_000, logical: 10 });
});

clockSuite('a full logical part borrows the next millisecond', () => {
  const clock = new HybridLogicalClock({ aheadMsMax: 0 });
  clock.resumeFrom({ ms: 5_000, logical: hlcLogicalMax });
  assert.equal(clock.next(5_000), { ms: 5_001, logical: 0 });
});

clockSuite('after a restart our own timestamps go on, however far ahead they were', () => {
  const clock = new HybridLogicalClock({ aheadMsMax: 0 });
  clock.resumeFrom({ ms: 9_000, logical: 3 });
  clock.resumeFrom({ ms: 8_000, logical: 9 });
  assert.equal(clock.next(10), { ms: 9_000, logical: 4 });
});

clockSuite('refuses a wall time that is none', () => {
  for (const wallMs of [1.5, Number.NaN, hlcMsMax + 1]) assert.throws(() => new HybridLogicalClock({ aheadMsMax: 0 }).next(wallMs));
});

clockSuite.run();

/** Seed ranges: what is one, and how several become one or collide. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from '../exit-codes.js';
import { type CampaignOptions, joinedRanges, optionsDifference, placeOf, seedAt, seedCount, seedRange } from './campaign-options.js';

const options = suite('campaign options');

options('A..B includes both ends; anything else is refused', () => {
  assert.equal(seedRange('0..9007199254740991'), { first: 0, last: Number.MAX_SAFE_INTEGER });
  assert.is(seedCount([seedRange('3..5')]), 3);
  for (const text of ['5..1', '5', '1..', '..2', '1...2', 'a..b', '-1..2', '1..9007199254740992', '1.5..2']) {
    assert.throws(
      () => seedRange(text),
      (error: unknown) => error instanceof UsageError && error.message.includes('--seeds'),
      text,
    );
  }
});

options('place and seed are inverse over several ranges', () => {
  const ranges = [
    { first: 5, last: 7 },
    { first: 20, last: 21 },
  ];
  assert.equal(
    [0, 1, 2, 3, 4].map((place) => seedAt(ranges, place)),
    [5, 6, 7, 20, 21],
  );
  for (const place of [0, 1, 2, 3, 4]) assert.is(placeOf(ranges, seedAt(ranges, place)), place);
  assert.is(placeOf(ranges, 8), null);
  assert.throws(() => seedAt(ranges, 5));
});

options('ranges that touch become one, those that overlap are named', () => {
  const [low, middle, far] = [seedRange('1..10'), seedRange('11..20'), seedRange('30..40')];
  assert.equal(joinedRanges([far, middle, low]), { joined: [{ first: 1, last: 20 }, far] });
  assert.equal(joinedRanges([seedRange('10..12'), low]), { overlap: [low, { first: 10, last: 12 }] });
  assert.equal(joinedRanges([seedRange('2..3'), low]), { overlap: [low, { first: 2, last: 3 }] });
});

options('the first difference is told in words; seeds are none', () => {
  const one: CampaignOptions = {
    seeds: [],
    scenarios: ['swarm'],
    nodes: null,
    durationMs: 60_000,
    plant: null,
    checkDeterminism: false,
    controlLog: true,
  };
  assert.is(optionsDifference(one, { ...one, seeds: [seedRange('1..2')] }), null);
  assert.is(optionsDifference(one, { ...one, durationMs: 5_000 }), '--duration: 60 there, 5 here');
  assert.is(optionsDifference({ ...one, nodes: 7 }, one), '--nodes: 7 there, as drawn here');
});

options.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../identifiers.js';
import { clusterScale, decimalDigits, log2 } from './logarithms.js';
import { lanMembership } from './options.js';
import { accuse, newSuspicion, suspicionTimeoutMs } from './suspicion.js';

const suspicion = suite('suspicion');
const someone = (digit: number) => nodeId(`${digit}`.repeat(32));

suspicion('lasts longest for a lone accuser, and shortest once enough have confirmed', () => {
  const raised = newSuspicion(lanMembership, 100, 0);
  assert.is(raised.shortestMs, 1_500);
  assert.is(raised.longestMs, 9_000);
  assert.is(raised.confirmationsMax, 2);
  assert.ok(accuse(raised, someone(1)));
  assert.is(raised.timeoutMs, 9_000);
  assert.ok(accuse(raised, someone(2)));
  assert.ok(raised.timeoutMs < 9_000 && raised.timeoutMs > 1_500);
  assert.not(accuse(raised, someone(2)), 'nobody confirms twice');
  assert.ok(accuse(raised, someone(3)));
  assert.is(raised.timeoutMs, 1_500);
  assert.not(accuse(raised, someone(4)), 'more than enough change nothing');
});

suspicion('shrinks with each confirmation and never below the shortest', () => {
  const bounds = { shortestMs: 100, longestMs: 1_000, confirmationsMax: 4 };
  const times = [0, 1, 2, 3, 4, 5].map((count) => suspicionTimeoutMs(bounds, count));
  assert.equal(
    times,
    [...times].sort((left, right) => right - left),
  );
  assert.is(times[0], 1_000);
  assert.is(times[4], 100);
});

suspicion('with few members: nobody can confirm between two, one can among three', () => {
  assert.is(newSuspicion(lanMembership, 2, 0).confirmationsMax, 0);
  assert.is(newSuspicion(lanMembership, 3, 0).confirmationsMax, 1);
  const two = newSuspicion(lanMembership, 2, 0);
  accuse(two, someone(1));
  assert.is(two.timeoutMs, two.longestMs);
});

suspicion('takes longer in larger clusters, as news do', () => {
  const shortest = [5, 10, 100, 1_000].map((members) => newSuspicion(lanMembership, members, 0).shortestMs);
  assert.equal(shortest, [750, 750, 1_500, 2_250]);
});

suspicion('logarithms come out exactly where they are whole, and closely elsewhere', () => {
  for (const [x, expected] of [
    [1, 0],
    [2, 1],
    [1_024, 10],
  ] as const)
    assert.is(log2(x), expected);
  for (const x of [3, 5, 7, 100, 999]) assert.ok(Math.abs(log2(x) - Math.log2(x)) < 1e-6);
  assert.equal([1, 9, 10, 99, 100, 999].map(decimalDigits), [1, 1, 2, 2, 3, 3]);
  assert.is(clusterScale(3), 1);
  assert.ok(Math.abs(clusterScale(1_000) - 3) < 1e-6);
});

suspicion.run();

/** What the demo prints of the reasons of many answers: numbers and ranges, no gaps. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinedReasons } from './joined-reasons.js';

const joined = suite('joined reasons');

joined('one number stays, several become their range, and other wordings stand apart', () => {
  const lag = (ms: number): string => `this copy may lag by ${ms} ms`;
  assert.equal(joinedReasons([lag(91)]), [lag(91)]);
  assert.equal(joinedReasons([lag(91), 'this copy cannot tell how far it lags', lag(240), lag(7), lag(91)]), [
    'this copy may lag by 7 to 240 ms',
    'this copy cannot tell how far it lags',
  ]);
  assert.equal(joinedReasons([]), []);
});

joined('each number of a reason has a range of its own', () => {
  assert.equal(joinedReasons(['2 of 3 nodes, for 40 ms', '1 of 3 nodes, for 9 ms']), ['1 to 2 of 3 nodes, for 9 to 40 ms']);
});

joined.run();

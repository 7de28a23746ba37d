/** Distributions: quantiles to a tenth, and sums that do not depend on how the values were shared out. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketEdges, bucketOf, Histogram } from './histogram.js';

const histogram = suite('histogram');
const values = Array.from({ length: 1_000 }, (_, at) => (at * 7_919) % 5_003);

histogram('a quantile is right to a tenth of its value, and never beyond what was seen', () => {
  const all = new Histogram();
  for (const value of values) all.add(value);
  const sorted = values.toSorted((left, right) => left - right);
  for (const share of [0.01, 0.5, 0.9, 0.99]) {
    const exact = sorted[Math.ceil(share * sorted.length) - 1];
    const told = all.quantile(share) as number;
    assert.ok(told >= exact && told <= exact * 1.1 + 0.1, `${share}: ${told} for ${exact}`);
  }
  assert.is(all.quantile(1), Math.max(...values));
  assert.is(new Histogram().quantile(0.5), null);
});

histogram('parts that were added up are the whole', () => {
  const whole = new Histogram();
  const parts = [new Histogram(), new Histogram(), new Histogram()];
  for (const [at, value] of values.entries()) {
    whole.add(value);
    parts[at % 2].add(value);
  }
  const sum = new Histogram();
  for (const part of parts) sum.merge(JSON.parse(JSON.stringify(part.data())));
  assert.equal(sum.data(), whole.data());
});

histogram('every value lies between the edges of its bucket; what is greater than all is in the last', () => {
  for (const value of [0, 0.1, 0.11, 1, 999.5, 1e6]) {
    const [low, high] = bucketEdges(bucketOf(value));
    assert.ok((value === 0 || low < value) && value <= high, `${low} ${value} ${high}`);
  }
  assert.is(bucketOf(Number.MAX_VALUE), 239);
});

histogram.run();

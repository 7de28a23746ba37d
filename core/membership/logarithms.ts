/** Logarithms by sums and products alone: Math.log may differ in its last bit between engines, and timeouts must not. */
import { invariant } from '../invariant.js';

const fractionBits = 24;
const log2Of10 = 3.321928094887362;

/** log2 of x ≥ 1, to 2^−24: whole doublings, then one bit of the fraction per squaring. */
export function log2(x: number): number {
  invariant(x >= 1 && x < 2 ** 53, 'logarithms are taken of counts');
  let whole = 0;
  let rest = x;
  while (rest >= 2) {
    rest /= 2;
    whole += 1;
  }
  let fraction = 0;
  for (let bit = 1; bit <= fractionBits; bit += 1) {
    rest *= rest;
    fraction *= 2;
    if (rest >= 2) {
      rest /= 2;
      fraction += 1;
    }
  }
  return whole + fraction / (1 << fractionBits);
}

/** max(1, log10 n): by how much longer it takes to reach everybody. */
export function clusterScale(members: number): number {
  return members <= 10 ? 1 : log2(members) / log2Of10;
}

/** ⌈log10(n + 1)⌉, at least 1. */
export function decimalDigits(members: number): number {
  let digits = 1;
  for (let bound = 10; bound < members + 1; bound *= 10) digits += 1;
  return digits;
}

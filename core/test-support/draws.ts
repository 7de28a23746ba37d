/** Chance for tests. */
import type { RandomStream } from '../pure-functions.js';

/** A stream of its own for each seed. */
export function drawsFrom(seed: number): RandomStream {
  let state = seed >>> 0;
  const uint32 = (): number => {
    // Mulberry32: enough for tests.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { uint32, fraction: () => uint32() / 2 ** 32 };
}

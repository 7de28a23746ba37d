/**
 * Chance, by name: one generator per (seed, purpose), so that what one purpose draws never shifts another. Deleting a fault from a plan leaves every
 * other draw as it was, and that is what makes shrinking and seed files work.
 *
 * The generator is Alea (Baagøe). Its seeds are mixed first: neighbouring raw seeds give similar first draws in weak generators.
 */
import seedrandom from 'seedrandom';
import { invariant } from '../core/invariant.js';

export type Seed = number | string;

/** Draws for one purpose, in order. */
export class Draws {
  readonly #next: () => number;

  constructor(seed: Seed, purpose: string) {
    mix(`${seed}/${purpose}`);
    const [s0, s1, s2, c] = lanes;
    // The generator's state is set from the mixed bits directly: its own seeding would mix text again, slower and less well.
    this.#next = seedrandom.alea('', { state: { s0: s0 * inverse32, s1: s1 * inverse32, s2: s2 * inverse32, c: 1 + (c & 0xffff) } });
  }

  /** In [0, 1), with 32 random bits. */
  fraction(): number {
    return this.#next();
  }

  uint32(): number {
    return (this.#next() * 0x1_0000_0000) >>> 0;
  }

  /** A whole number, both ends included. */
  integer(range: { readonly min: number; readonly max: number }): number {
    invariant(range.min <= range.max, 'a range is in order');
    return range.min + Math.floor(this.#next() * (range.max - range.min + 1));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    invariant(items.length > 0, 'there is something to pick from');
    return items[Math.floor(this.#next() * items.length)];
  }

  /** One of the items, each as likely as its weight says. */
  weighted<Item>(choices: readonly (readonly [Item, number])[]): Item {
    let left = this.#next() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of choices) {
      left -= weight;
      if (left < 0) return item;
    }
    return choices[choices.length - 1][0];
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const order = [...items];
    for (let at = order.length - 1; at > 0; at -= 1) {
      const other = Math.floor(this.#next() * (at + 1));
      [order[at], order[other]] = [order[other], order[at]];
    }
    return order;
  }

  /** A random subset of a random size, in the order of `items`. */
  subset<Item>(items: readonly Item[], size: { readonly min: number; readonly max: number }): Item[] {
    const chosen = new Set(this.shuffled(items).slice(0, this.integer(size)));
    return items.filter((item) => chosen.has(item));
  }

  /** `length` lower-case hexadecimal digits. */
  hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.uint32().toString(16).padStart(8, '0');
    return text.slice(0, length);
  }
}

/** All streams of one run. */
export class RandomStreams {
  readonly #seed: Seed;
  readonly #streams = new Map<string, Draws>();

  constructor(seed: Seed) {
    this.#seed = seed;
  }

  /** The stream of that name, in the state in which it was left. */
  stream(purpose: string): Draws {
    let draws = this.#streams.get(purpose);
    if (draws === undefined) {
      draws = new Draws(this.#seed, purpose);
      this.#streams.set(purpose, draws);
    }
    return draws;
  }
}

const inverse32 = 1 / 2 ** 32;
const lanes = new Uint32Array(4);

/** Leaves 128 well-mixed bits of a text in `lanes`: four lanes with the multipliers and the finalizer of MurmurHash3 (Appleby). */
function mix(text: string): void {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0xdeadbeef];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    a = mixedIn(a, unit) ^ b;
    b = mixedIn(b, unit + 1) ^ c;
    c = mixedIn(c, unit + 2) ^ d;
    d = mixedIn(d, unit + 3) ^ a;
  }
  lanes[0] = finalized(a + Math.imul(d, 5));
  lanes[1] = finalized(b + Math.imul(a, 5));
  lanes[2] = finalized(c + Math.imul(b, 5));
  lanes[3] = finalized(d + Math.imul(c, 5));
}

function mixedIn(lane: number, unit: number): number {
  const mixed = Math.imul(lane ^ unit, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function finalized(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

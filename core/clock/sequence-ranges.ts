/**
 * A set of sequence numbers, kept as ranges: which records of one author are here, and where the holes are.
 *
 * Sequences arrive almost in order, so the set is nearly always one range that grows at its end: that costs O(1). Everything else is a binary
 * search and, for a change in the middle, a shift of the ranges behind it.
 */
import { invariant } from '../invariant.js';

/** Both ends belong to it. */
export type SequenceRange = readonly [from: number, to: number];

/** A mutable set of positive integers. */
export class SequenceRanges {
  /** Invariant: #from[i] <= #to[i] and #to[i] + 1 < #from[i + 1]: ranges ascend, and two that touch are one. */
  #from: number[] = [];
  #to: number[] = [];
  /** Invariant: the sum of the ranges' lengths. */
  #count = 0;

  /** The set of all numbers in the given ranges, which may come in any order and overlap. */
  static of(...ranges: readonly SequenceRange[]): SequenceRanges {
    const made = new SequenceRanges();
    for (const [from, to] of ranges) made.add(from, to);
    return made;
  }

  /** Adds all numbers `from` to `to`; returns how many of them were new. */
  add(from: number, to: number): number {
    checkRange(from, to);
    const last = this.#to.length - 1;
    if (last < 0 || from > this.#to[last] + 1) {
      this.#from.push(from);
      this.#to.push(to);
      this.#count += to - from + 1;
      return to - from + 1;
    }
    if (from === this.#to[last] + 1) {
      this.#to[last] = to;
      this.#count += to - from + 1;
      return to - from + 1;
    }
    return this.#insert(from, to);
  }

  /** Removes all numbers `from` to `to`; returns how many of them were there. */
  remove(from: number, to: number): number {
    checkRange(from, to);
    const first = this.#firstEndingAtOrAfter(from);
    const afterLast = this.#firstStartingAfter(to);
    if (first >= afterLast) return 0;
    const removed = this.#countWithin(from, to, first, afterLast);
    // Mostly from the front of the first range, or the whole of it.
    if (afterLast - first === 1 && this.#from[first] >= from && this.#to[first] > to) {
      this.#from[first] = to + 1;
      this.#count -= removed;
      return removed;
    }
    if (afterLast === this.#from.length && this.#from[first] >= from && this.#to[afterLast - 1] <= to) {
      while (this.#from.length > first) {
        this.#from.pop();
        this.#to.pop();
      }
      this.#count -= removed;
      return removed;
    }
    const keptFrom: number[] = [];
    const keptTo: number[] = [];
    if (this.#from[first] < from) {
      keptFrom.push(this.#from[first]);
      keptTo.push(from - 1);
    }
    if (this.#to[afterLast - 1] > to) {
      keptFrom.push(to + 1);
      keptTo.push(this.#to[afterLast - 1]);
    }
    this.#from.splice(first, afterLast - first, ...keptFrom);
    this.#to.splice(first, afterLast - first, ...keptTo);
    this.#count -= removed;
    return removed;
  }

  has(n: number): boolean {
    return this.includesRange(n, n);
  }

  /** True when every number `from` to `to` is here. */
  includesRange(from: number, to: number): boolean {
    const at = this.#firstEndingAtOrAfter(to);
    return at < this.#from.length && this.#from[at] <= from;
  }

  /** True when any number `from` to `to` is here. */
  intersects(from: number, to: number): boolean {
    const at = this.#firstEndingAtOrAfter(from);
    return at < this.#from.length && this.#from[at] <= to;
  }

  /** The greatest n such that all of 1 to n are here; 0 without 1. */
  prefixEnd(): number {
    return this.#from[0] === 1 ? this.#to[0] : 0;
  }

  /** The greatest number here; 0 when empty. */
  max(): number {
    return this.#to.at(-1) ?? 0;
  }

  /** How many numbers are here. */
  count(): number {
    return this.#count;
  }

  /** How many ranges hold them: what the set costs, in memory and encoded. */
  rangeCount(): number {
    return this.#from.length;
  }

  isEmpty(): boolean {
    return this.#count === 0;
  }

  /** The ranges in ascending order, no two of them touching. A copy. */
  ranges(): readonly SequenceRange[] {
    return this.#from.map((from, at) => [from, this.#to[at]]);
  }

  /** The holes between 1 and `max()`, in ascending order. */
  gaps(): [number, number][] {
    const found: [number, number][] = [];
    let next = 1;
    for (let at = 0; at < this.#from.length; at += 1) {
      if (this.#from[at] > next) found.push([next, this.#from[at] - 1]);
      next = this.#to[at] + 1;
    }
    return found;
  }

  /** What `other` has and this set lacks, in ascending order. */
  missingFrom(other: SequenceRanges): [number, number][] {
    const missing: [number, number][] = [];
    let at = 0;
    for (let theirs = 0; theirs < other.#from.length; theirs += 1) {
      let from = other.#from[theirs];
      const to = other.#to[theirs];
      while (at < this.#to.length && this.#to[at] < from) at += 1;
      for (; at < this.#from.length && this.#from[at] <= to; at += 1) {
        if (this.#from[at] > from) missing.push([from, this.#from[at] - 1]);
        from = this.#to[at] + 1;
        // A range of ours that reaches past theirs may meet their next one too.
        if (from > to) break;
      }
      if (from <= to) missing.push([from, to]);
    }
    return missing;
  }

  /** Whether everything in `other` is here: `missingFrom` without the answer's garbage. */
  includesAll(other: SequenceRanges): boolean {
    for (let at = 0; at < other.#from.length; at += 1) if (!this.includesRange(other.#from[at], other.#to[at])) return false;
    return true;
  }

  /** Adds all of `other`; returns how many numbers were new. Linear in both, however many holes a peer's set has. */
  unionWith(other: SequenceRanges): number {
    if (other.#from.length <= 1) return other.#from.length === 0 ? 0 : this.add(other.#from[0], other.#to[0]);
    const before = this.#count;
    const merged = new SequenceRanges();
    let mine = 0;
    let theirs = 0;
    while (mine < this.#from.length || theirs < other.#from.length) {
      const mineNext = theirs >= other.#from.length || (mine < this.#from.length && this.#from[mine] <= other.#from[theirs]);
      if (mineNext) merged.#append(this.#from[mine], this.#to[mine]);
      else merged.#append(other.#from[theirs], other.#to[theirs]);
      if (mineNext) mine += 1;
      else theirs += 1;
    }
    this.#from = merged.#from;
    this.#to = merged.#to;
    this.#count = merged.#count;
    return this.#count - before;
  }

  clone(): SequenceRanges {
    const copy = new SequenceRanges();
    copy.#from = this.#from.slice();
    copy.#to = this.#to.slice();
    copy.#count = this.#count;
    return copy;
  }

  equals(other: SequenceRanges): boolean {
    if (this.#count !== other.#count || this.#from.length !== other.#from.length) return false;
    return this.#from.every((from, at) => from === other.#from[at] && this.#to[at] === other.#to[at]);
  }

  /** The general case of `add`: touches ranges that are there already. */
  #insert(from: number, to: number): number {
    const first = this.#firstEndingAtOrAfter(from - 1);
    const afterLast = this.#firstStartingAfter(to + 1);
    if (first >= afterLast) {
      this.#from.splice(first, 0, from);
      this.#to.splice(first, 0, to);
      this.#count += to - from + 1;
      return to - from + 1;
    }
    const added = to - from + 1 - this.#countWithin(from, to, first, afterLast);
    const joinedFrom = Math.min(from, this.#from[first]);
    const joinedTo = Math.max(to, this.#to[afterLast - 1]);
    if (afterLast - first === 1) {
      this.#from[first] = joinedFrom;
      this.#to[first] = joinedTo;
    } else {
      this.#from.splice(first, afterLast - first, joinedFrom);
      this.#to.splice(first, afterLast - first, joinedTo);
    }
    this.#count += added;
    return added;
  }

  /** Adds a range that starts no earlier than any before it. */
  #append(from: number, to: number): void {
    const last = this.#to.length - 1;
    if (last < 0 || from > this.#to[last] + 1) {
      this.#from.push(from);
      this.#to.push(to);
      this.#count += to - from + 1;
    } else if (to > this.#to[last]) {
      this.#count += to - this.#to[last];
      this.#to[last] = to;
    }
  }

  /** How many numbers of `from` to `to` the ranges [first, afterLast) hold. */
  #countWithin(from: number, to: number, first: number, afterLast: number): number {
    let within = 0;
    for (let at = first; at < afterLast; at += 1) {
      within += Math.max(0, Math.min(to, this.#to[at]) - Math.max(from, this.#from[at]) + 1);
    }
    return within;
  }

  /** Index of the first range that ends at `n` or later. */
  #firstEndingAtOrAfter(n: number): number {
    // Questions are mostly about the end: look there before searching.
    let high = this.#to.length;
    if (high === 0 || this.#to[high - 1] < n) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#to[middle] >= n) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first range that starts after `n`. */
  #firstStartingAfter(n: number): number {
    let low = 0;
    let high = this.#from.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#from[middle] > n) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function checkRange(from: number, to: number): void {
  invariant(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 1 && from <= to, 'a range of sequences starts at 1 or later');
}

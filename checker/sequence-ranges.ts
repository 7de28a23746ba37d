/** Sets of dots as inclusive ranges per space and author: sequences are gapless but for a few holes, so these stay short. */
import type { SpaceKey } from '../core/identifiers.js';

export type Range = readonly [number, number];

/** Per space and author: sorted ranges that neither touch nor overlap. */
export type DotRanges = ReadonlyMap<SpaceKey, ReadonlyMap<string, readonly Range[]>>;

export interface SpaceDot {
  readonly space: SpaceKey;
  readonly author: string;
  readonly sequence: number;
}

/** Takes `sequence@author` apart. */
export function spaceDot(space: SpaceKey, version: string): SpaceDot {
  const at = version.indexOf('@');
  return { space, author: version.slice(at + 1), sequence: Number(version.slice(0, at)) };
}

/** Sorted ranges of these sequences, in any order and repeated or not. */
export function rangesOf(sequences: readonly number[]): Range[] {
  const ranges: [number, number][] = [];
  let open: [number, number] | null = null;
  for (const sequence of Float64Array.from(sequences).sort()) {
    if (open !== null && sequence <= open[1] + 1) open[1] = sequence;
    else {
      open = [sequence, sequence];
      ranges.push(open);
    }
  }
  return ranges;
}

/** The same sequences in sorted ranges that neither touch nor overlap. */
export function joined(ranges: readonly Range[]): Range[] {
  const isSorted = ranges.every((range, at) => at === 0 || (ranges[at - 1] as Range)[0] <= range[0]);
  const result: [number, number][] = [];
  for (const [first, last] of isSorted ? ranges : ranges.toSorted((left, right) => left[0] - right[0])) {
    const open = result.at(-1);
    if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last);
    else result.push([first, last]);
  }
  return result;
}

/** How many sequences are in ranges that do not overlap. */
export function countOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** One sequence after the other. A range that a history states may be absurdly long: whoever walks it knows that it is not, or stops. */
export function* sequencesIn(ranges: readonly Range[]): Generator<number> {
  for (const [first, last] of ranges) for (let sequence = first; sequence <= last; sequence += 1) yield sequence;
}

export function dotRanges(dots: Iterable<SpaceDot>): DotRanges {
  const sequences = new Map<SpaceKey, Map<string, number[]>>();
  // Runs of one author in one space are the rule: the last list is kept at hand.
  let lastSpace: SpaceKey | null = null;
  let lastAuthor = '';
  let known: number[] = [];
  for (const { space, author, sequence } of dots) {
    if (space !== lastSpace || author !== lastAuthor) {
      const authors = sequences.get(space) ?? new Map<string, number[]>();
      sequences.set(space, authors);
      known = authors.get(author) ?? [];
      authors.set(author, known);
      lastSpace = space;
      lastAuthor = author;
    }
    known.push(sequence);
  }
  return new Map(
    [...sequences].map(([space, authors]) => [space, new Map([...authors].map(([author, known]) => [author, rangesOf(known)]))]),
  );
}

/** What of `needed` is not covered by `held`, sorted or not: as ranges, however long they are. */
export function notCovered(needed: readonly Range[], held: readonly Range[]): Range[] {
  const sorted = joined(held);
  const missing: Range[] = [];
  let at = 0;
  for (const [first, last] of needed) {
    let next = first;
    while (next <= last) {
      while (at < sorted.length && (sorted[at] as Range)[1] < next) at += 1;
      const range = sorted[at];
      const gapEnd = range === undefined ? last : Math.min(last, range[0] - 1);
      if (next <= gapEnd) missing.push([next, gapEnd]);
      next = Math.max(next, gapEnd + 1);
      if (range !== undefined && next <= last) next = range[1] + 1;
    }
  }
  return missing;
}

export function covers(held: readonly Range[], sequence: number): boolean {
  return held.some(([first, last]) => first <= sequence && sequence <= last);
}

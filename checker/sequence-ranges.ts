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
  for (const sequence of Float64Array.from(sequences).sort()) {
    const last = ranges.at(-1);
    if (last !== undefined && sequence <= last[1] + 1) last[1] = sequence;
    else ranges.push([sequence, sequence]);
  }
  return ranges;
}

export function dotRanges(dots: Iterable<SpaceDot>): DotRanges {
  const sequences = new Map<SpaceKey, Map<string, number[]>>();
  for (const { space, author, sequence } of dots) {
    const authors = sequences.get(space) ?? new Map<string, number[]>();
    sequences.set(space, authors);
    const known = authors.get(author);
    if (known === undefined) authors.set(author, [sequence]);
    else known.push(sequence);
  }
  return new Map(
    [...sequences].map(([space, authors]) => [space, new Map([...authors].map(([author, known]) => [author, rangesOf(known)]))]),
  );
}

/** The sequences of `needed` that `held`, sorted or not, does not cover. */
export function notCovered(needed: readonly Range[], held: readonly Range[]): number[] {
  const isSorted = held.every((range, at) => at === 0 || (held[at - 1] as Range)[0] <= range[0]);
  const sorted = isSorted ? held : held.toSorted((left, right) => left[0] - right[0]);
  const missing: number[] = [];
  let at = 0;
  for (const [first, last] of needed) {
    let next = first;
    while (next <= last) {
      while (at < sorted.length && (sorted[at] as Range)[1] < next) at += 1;
      const range = sorted[at];
      const gapEnd = range === undefined ? last : Math.min(last, range[0] - 1);
      for (; next <= gapEnd; next += 1) missing.push(next);
      if (range !== undefined && next <= last) next = range[1] + 1;
    }
  }
  return missing;
}

/** What a campaign is asked for, as data that is kept beside its results: results of two campaigns belong together only if these are the same. */
import { UsageError } from '../exit-codes.js';

/** Both ends included. */
export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

export interface CampaignOptions {
  /** Ascending, disjoint, none touching the next. More than one only after a merge. */
  readonly seeds: readonly SeedRange[];
  readonly scenarios: readonly string[];
  /** Null: as many as each scenario takes by itself. */
  readonly nodes: number | null;
  /** Simulated milliseconds under load. */
  readonly durationMs: number;
  readonly plant: string | null;
  readonly checkDeterminism: boolean;
  /** Whether the nodes keep a control log. */
  readonly controlLog: boolean;
}

/** A campaign that needs more is several. */
export const runsMax = 10_000_000;

/** Reads `A..B`. Throws UsageError. */
export function seedRange(text: string): SeedRange {
  const [, first, last] = (/^(\d{1,16})\.\.(\d{1,16})$/.exec(text) ?? []).map(Number);
  if (first === undefined || !Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first > last) {
    throw new UsageError(`--seeds ${JSON.stringify(text)} is no range`, 'give A..B, both ends included, 0 <= A <= B <= 2^53 - 1');
  }
  return { first, last };
}

export function rangeText(ranges: readonly SeedRange[]): string {
  return ranges.map(({ first, last }) => `${first}..${last}`).join(' ');
}

export function seedCount(ranges: readonly SeedRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + (last - first + 1), 0);
}

/** The seed at a place in the order of the ranges. */
export function seedAt(ranges: readonly SeedRange[], index: number): number {
  let before = 0;
  for (const { first, last } of ranges) {
    const length = last - first + 1;
    if (index < before + length) return first + (index - before);
    before += length;
  }
  throw new RangeError(`${rangeText(ranges)} has no seed at ${index}`);
}

/** The place of a seed in the order of the ranges, or null. */
export function placeOf(ranges: readonly SeedRange[], seed: number): number | null {
  let before = 0;
  for (const { first, last } of ranges) {
    if (seed >= first && seed <= last) return before + (seed - first);
    before += last - first + 1;
  }
  return null;
}

/** Ranges in ascending order, those that touch made one; the first two that overlap when some do. */
export function joinedRanges(
  ranges: readonly SeedRange[],
): { readonly joined: readonly SeedRange[] } | { readonly overlap: [SeedRange, SeedRange] } {
  const joined: SeedRange[] = [];
  let previous: SeedRange | null = null;
  for (const range of ranges.toSorted((left, right) => left.first - right.first || left.last - right.last)) {
    if (previous !== null && range.first <= previous.last) return { overlap: [previous, range] };
    const tail = joined.at(-1);
    if (tail !== undefined && tail.last + 1 === range.first) joined[joined.length - 1] = { first: tail.first, last: range.last };
    else joined.push(range);
    previous = range;
  }
  return { joined };
}

/** In what the two differ, in words; null when they are the same but for the seeds. */
export function optionsDifference(theirs: CampaignOptions, ours: CampaignOptions): string | null {
  const told: readonly [string, unknown, unknown][] = [
    ['scenarios', theirs.scenarios.join(', '), ours.scenarios.join(', ')],
    ['--nodes', theirs.nodes ?? 'as drawn', ours.nodes ?? 'as drawn'],
    ['--duration', theirs.durationMs / 1_000, ours.durationMs / 1_000],
    ['--plant', theirs.plant ?? 'none', ours.plant ?? 'none'],
    ['--check-determinism', theirs.checkDeterminism, ours.checkDeterminism],
    ['--control-log', theirs.controlLog, ours.controlLog],
  ];
  const differing = told.find(([, left, right]) => left !== right);
  return differing === undefined ? null : `${differing[0]}: ${differing[1]} there, ${differing[2]} here`;
}

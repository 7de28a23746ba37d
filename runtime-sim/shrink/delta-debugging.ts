/**
 * Delta debugging: the least part of a list that still shows what the whole list shows, found by leaving parts out.
 *
 * After ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002): parts of half the list are left out first, then of
 * a quarter, down to single items, until no single item can be left out any more. Trying a part by itself is left to the complements of the other parts,
 * and after a part has gone the sweep goes on behind it instead of starting over: the same result, fewer tries.
 */

/** Index of the first candidate that still fails, in the order given, or null when none does. */
export type FirstFailing<Candidate> = (candidates: readonly Candidate[]) => Promise<number | null>;

export interface Reduction<Item> {
  readonly items: readonly Item[];
  readonly firstFailing: FirstFailing<readonly Item[]>;
  /** Parts smaller than this share of the list are not tried by themselves; single items are by default. */
  readonly finestShare?: number;
  /** Called with what is left whenever it has become less. */
  readonly reduced: (left: readonly Item[]) => void;
}

/**
 * Reports every step to `reduced`. At the end no single item of what is left can be left out, unless `firstFailing` gave up meanwhile or a coarser finest
 * share was asked for.
 */
export async function leaveOut<Item>({ items, firstFailing, finestShare = 0, reduced }: Reduction<Item>): Promise<void> {
  if (items.length === 0) return;
  if ((await firstFailing([[]])) === 0) {
    reduced([]);
    return;
  }
  let left = items;
  const finest = Math.max(1, Math.floor(left.length * finestShare));
  let size = Math.ceil(left.length / 2);
  // A list of one was tried above.
  while (left.length > 1) {
    const before = left.length;
    left = await sweep({ items: left, firstFailing, reduced }, size);
    if (size <= finest && (finest > 1 || left.length === before)) return;
    size = Math.max(finest, Math.min(Math.ceil(size / 2), Math.ceil(left.length / 2)));
  }
}

/** Leaves out each part of that size in turn; what could go is gone. */
async function sweep<Item>({ items, firstFailing, reduced }: Reduction<Item>, size: number): Promise<readonly Item[]> {
  let left = items;
  let from = 0;
  while (from < left.length) {
    const starts: number[] = [];
    for (let start = from; start < left.length; start += size) starts.push(start);
    const whole = left;
    const found = await firstFailing(starts.map((start) => [...whole.slice(0, start), ...whole.slice(start + size)]));
    if (found === null) return left;
    from = starts[found];
    left = [...left.slice(0, from), ...left.slice(from + size)];
    reduced(left);
  }
  return left;
}

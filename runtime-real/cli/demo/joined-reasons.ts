/** Reasons of many answers, each said once: those that differ in their numbers only become one, with the range of each number. */

/** In the order in which they first appear: `may lag by 91 ms` and `may lag by 240 ms` are `may lag by 91 to 240 ms`. */
export function joinedReasons(reasons: readonly string[]): readonly string[] {
  const alike = new Map<string, [least: number, most: number][]>();
  for (const reason of reasons) {
    const numbers = (reason.match(/\d+/g) ?? []).map(Number);
    const wording = reason.replace(/\d+/g, '\0');
    const ranges = alike.get(wording);
    if (ranges === undefined)
      alike.set(
        wording,
        numbers.map((number) => [number, number]),
      );
    else for (const [at, range] of ranges.entries()) widen(range, numbers[at] as number);
  }
  return [...alike].map(([wording, ranges]) => {
    const parts = wording.split('\0');
    return parts.map((part, at) => (at === 0 ? part : `${rangeText(ranges[at - 1] as [number, number])}${part}`)).join('');
  });
}

function widen(range: [number, number], number: number): void {
  range[0] = Math.min(range[0], number);
  range[1] = Math.max(range[1], number);
}

function rangeText([least, most]: readonly [number, number]): string {
  return least === most ? String(least) : `${least} to ${most}`;
}

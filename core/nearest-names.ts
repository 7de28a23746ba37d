/** What somebody who mistyped a name probably meant: names at a small edit distance (Levenshtein 1966), nearest first, and those that begin alike. */
export function nearestNames(text: string, known: readonly string[]): string[] {
  const wanted = text.toLowerCase();
  return known
    .map((name) => ({ name, distance: distanceTo(wanted, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((left, right) => left.distance - right.distance || (left.name < right.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `did you mean a or b?`, or all known names when none is near. */
export function suggestion(text: string, known: readonly string[]): string {
  const near = nearestNames(text, known);
  return near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known are: ${known.join(', ')}`;
}

function distanceTo(wanted: string, name: string): number {
  return wanted.length > 1 && name.startsWith(wanted) ? 0 : editDistance(wanted, name);
}

/** Insertions, deletions and replacements that turn one into the other. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = previous[column - 1] + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column] + 1, current[column - 1] + 1));
    }
    previous = current;
  }
  return previous[right.length];
}

/**
 * Which dots of which spaces: what a segment holds, what was found of it, what is missing.
 */
import { VersionVector } from '../clock/version-vector.js';
import type { Author, SpaceKey } from '../identifiers.js';

export type DotsBySpace = Map<SpaceKey, VersionVector>;

export function noteDot(into: DotsBySpace, space: SpaceKey, dot: { readonly author: Author; readonly sequence: number }): void {
  noteRange(into, space, { author: dot.author, from: dot.sequence, to: dot.sequence });
}

/** Both ends are part of the range. */
export function noteRange(
  into: DotsBySpace,
  space: SpaceKey,
  range: { readonly author: Author; readonly from: number; readonly to: number },
): void {
  let vector = into.get(space);
  if (vector === undefined) {
    vector = new VersionVector();
    into.set(space, vector);
  }
  vector.add(range);
}

export function unite(into: DotsBySpace, space: SpaceKey, dots: VersionVector): void {
  const known = into.get(space);
  if (known === undefined) into.set(space, dots.clone());
  else known.unionWith(dots);
}

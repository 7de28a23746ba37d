/**
 * What a copy cannot vouch for although it was covered once: what gave way to a version that is damaged here by now. It is gone on the strength of that
 * version alone, and where that one has not been, others may need it. Derived anew from the index, so that it ends by itself when the version is refilled,
 * beaten by another one, or given up.
 */
import type { CausalContext } from '../clock/causal-context.js';
import { VersionVector } from '../clock/version-vector.js';
import type { Author } from '../identifiers.js';
import { type RecordIndex, type VersionRow, versionFlags } from '../storage/record-index.js';

interface Versions {
  readonly index: RecordIndex;
  readonly contexts: ReadonlyMap<VersionRow, CausalContext>;
}

/**
 * The absent dots up to `horizon` that a damaged version may have taken the place of. Above it nothing is absent. More than it has: which memories the absent dots
 * were of nobody knows any more. Linear in the versions.
 */
export function doubtfulBelow({ index, contexts }: Versions, horizon: ReadonlyMap<Author, number>): VersionVector {
  const doubtful = new VersionVector();
  const doubt = (author: Author, sequence: number): void => {
    const to = Math.min(sequence, horizon.get(author) ?? 0);
    if (to > 0) doubtful.add({ author, from: 1, to });
  };
  for (let version = 0; version < index.versionRows; version += 1) {
    if (!index.has(version, versionFlags.damaged)) continue;
    doubt(index.authorOf(version), index.columns.sequence[version] - 1);
    const context = contexts.get(version);
    for (const [at, author] of (context?.authors ?? []).entries()) doubt(author, context?.sequences[at] ?? 0);
  }
  if (doubtful.isEmpty()) return doubtful;
  for (let version = 0; version < index.versionRows; version += 1) {
    if (index.has(version, versionFlags.free | versionFlags.pending | versionFlags.damaged)) continue;
    const sequence = index.columns.sequence[version];
    doubtful.remove({ author: index.authorOf(version), from: sequence, to: sequence });
  }
  return doubtful;
}

/** What a coverage lacks up to a horizon. */
export function absentBelow(coverage: VersionVector, horizon: ReadonlyMap<Author, number>): VersionVector {
  const absent = new VersionVector();
  for (const [author, sequence] of horizon) {
    let from = 1;
    for (const [heldFrom, heldTo] of coverage.of(author)?.ranges() ?? []) {
      if (heldFrom > sequence) break;
      if (from < heldFrom) absent.add({ author, from, to: heldFrom - 1 });
      from = heldTo + 1;
    }
    if (from <= sequence) absent.add({ author, from, to: sequence });
  }
  return absent;
}

interface Copy extends Versions {
  readonly coverage: VersionVector;
  readonly coverageChanges: number;
  readonly damagedVersions: number;
  readonly horizon: ReadonlyMap<Author, number>;
  readonly settled: VersionVector;
}

/** What a copy holds, or knows to be dominated, for certain: neither in doubt nor settled. */
export class Vouching {
  #changes = -1;
  #held = new VersionVector();

  /** Not to be changed, and valid while the copy does not change. */
  of(copy: Copy): VersionVector {
    if (copy.damagedVersions === 0 && copy.settled.isEmpty()) return copy.coverage;
    if (this.#changes !== copy.coverageChanges) {
      this.#changes = copy.coverageChanges;
      this.#held = copy.coverage.clone();
      this.#held.removeAll(copy.settled);
      if (copy.damagedVersions > 0) this.#held.removeAll(doubtfulBelow(copy, copy.horizon));
    }
    return this.#held;
  }
}

/**
 * What a node holds, as plain data: for status pages, and for checkers that judge copies without trusting them.
 */
import type { Author, NodeId, SpaceKey, Term } from './identifiers.js';
import type { MembershipInspection } from './membership/inspection.js';
import type { SpaceStore } from './memory/space-store.js';
import { type VersionRow, versionFlags } from './storage/record-index.js';
import { hexOfU32 } from './wire/hex.js';

export interface NodeInspection {
  readonly nodeId: NodeId | null;
  readonly phase: 'new' | 'recovering' | 'serving' | 'halted';
  readonly spaces: readonly SpaceInspection[];
  /** null: switched off by configuration, or not started yet. */
  readonly membership: MembershipInspection | null;
}

/** What a copy holds of one space. A snapshot: later events do not change it. */
export interface SpaceInspection {
  readonly space: SpaceKey;
  readonly term: Term | null;
  /** What it vouches for. */
  readonly coverage: ReadonlyMap<Author, readonly (readonly [number, number])[]>;
  readonly versions: readonly VersionInspection[];
}

export interface VersionInspection {
  readonly id: string;
  readonly author: Author;
  readonly sequence: number;
  readonly tombstone: boolean;
  /** No other version includes it. */
  readonly maximal: boolean;
  /** Get answers with it or lists it as an alternate. */
  readonly live: boolean;
  /** 16 hexadecimal digits. */
  readonly contentHash: string;
}

export function inspectSpace(space: SpaceStore, term: Term | null): SpaceInspection {
  const coverage = new Map<Author, readonly (readonly [number, number])[]>();
  const vouched = space.vouchedOrSettled();
  for (const author of vouched.authors()) coverage.set(author, [...(vouched.of(author)?.ranges() ?? [])]);
  const versions: VersionInspection[] = [];
  for (let memory = 0; memory < space.index.memoryCount; memory += 1) {
    const { live } = space.standing(memory, { pending: false });
    const id = space.idText(memory);
    for (let version = space.index.headOf(memory); version >= 0; version = space.index.next[version]) {
      if (!space.index.has(version, versionFlags.pending))
        versions.push(inspectVersion(space, version, { id, live: live.includes(version) }));
    }
  }
  return { space: space.key, term, coverage, versions };
}

function inspectVersion(space: SpaceStore, version: VersionRow, known: { readonly id: string; readonly live: boolean }): VersionInspection {
  const { index } = space;
  const hash = hexOfU32(index.columns.hashHigh[version]) + hexOfU32(index.columns.hashLow[version]);
  return {
    id: known.id,
    author: index.authorOf(version),
    sequence: index.columns.sequence[version],
    tombstone: index.has(version, versionFlags.tombstone),
    maximal: !index.has(version, versionFlags.dominated),
    live: known.live,
    contentHash: hash,
  };
}

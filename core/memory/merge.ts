/**
 * Which versions of a memory count, and which one is read: a function of the set of records, never of the order in which they came (SPEC section
 * 3, Versions and conflicts).
 *
 * - A version that another includes is dominated: gone, unless it is a tombstone, which still beats what does not include it.
 * - A tombstone beats every version that does not include it, also when the tombstone itself is dominated; but not one that took the place of the same
 *   Forget, carried out elsewhere as well.
 * - Of the live maximal versions the greatest by (not a superseded request, confidence, logical time, content hash) is read; the dot breaks what
 *   ties remain, so that all copies choose alike.
 *
 * Versions of one author for one id form a chain: a primary always supersedes what it holds, and it holds what it wrote.
 */
import type { CausalContext } from '../clock/causal-context.js';
import type { ConflictRule } from '../domain-events.js';
import { type Author, compareText } from '../identifiers.js';
import { type MemoryRow, type RecordIndex, type VersionRow, versionFlags } from '../storage/record-index.js';
import type { SupersededRequest } from '../wire/record.js';

/** Facts about versions that few of them have: kept beside the index. */
export interface VersionFacts {
  readonly index: RecordIndex;
  /** Causal contexts with entries of other authors. */
  readonly contexts: ReadonlyMap<VersionRow, CausalContext>;
  readonly superseded: ReadonlyMap<VersionRow, readonly SupersededRequest[]>;
}

export interface Standing {
  /** Live versions, the readable one first. Empty when there is no such memory or it was forgotten. */
  readonly live: readonly VersionRow[];
  /** What decided between the first two; null when there was nothing to decide. */
  readonly rule: ConflictRule | null;
}

const nothing: Standing = { live: [], rule: null };

export function contextSequence(context: CausalContext | undefined, author: Author): number {
  if (context === undefined) return 0;
  const at = context.authors.indexOf(author);
  return at < 0 ? 0 : context.sequences[at];
}

/** Whether `holder` was written in knowledge of `version`, both of one memory. */
export function includes(facts: VersionFacts, holder: VersionRow, version: VersionRow): boolean {
  const { index } = facts;
  const author = index.authorOf(version);
  const sequence = index.columns.sequence[version];
  if (index.authorOf(holder) === author) return index.columns.sequence[holder] > sequence;
  return contextSequence(facts.contexts.get(holder), author) >= sequence;
}

/** The versions of a memory in list order. `pending` ones are those that are not yet durable. */
export function versionsOf(index: RecordIndex, memory: MemoryRow, options: { readonly pending: boolean }): VersionRow[] {
  const rows: VersionRow[] = [];
  for (let version = index.headOf(memory); version >= 0; version = index.next[version]) {
    if (options.pending || !index.has(version, versionFlags.pending)) rows.push(version);
  }
  return rows;
}

/** Judges a memory over its durable versions, or over all when `pending` ones count. */
export function standing(facts: VersionFacts, memory: MemoryRow, options: { readonly pending: boolean }): Standing {
  const { index } = facts;
  const head = index.headOf(memory);
  if (head < 0) return nothing;
  if (index.next[head] < 0) {
    const hidden = index.has(head, versionFlags.tombstone) || (!options.pending && index.has(head, versionFlags.pending));
    return hidden ? nothing : { live: [head], rule: null };
  }
  const versions = versionsOf(index, memory, options);
  const live = versions.filter((version) => isLive(facts, version, versions));
  const deleted = versions.some((version) => index.has(version, versionFlags.tombstone) && !index.has(version, versionFlags.dominated));
  if (live.length < 2) return { live, rule: deleted && versions.length > 1 ? 'delete-wins' : null };
  live.sort((left, right) => -compareVersions(facts, left, right, versions));
  const rule = decidingRule(facts, live[0], live[1], versions);
  // A retry that landed on another node, or the same content remembered on two sides, is one write: seen once.
  return { live: live.filter((version, at) => live.findIndex((other) => sameContent(index, version, other)) === at), rule };
}

function sameContent(index: RecordIndex, left: VersionRow, right: VersionRow): boolean {
  const { columns } = index;
  return columns.hashHigh[left] === columns.hashHigh[right] && columns.hashLow[left] === columns.hashLow[right];
}

function isLive(facts: VersionFacts, version: VersionRow, all: readonly VersionRow[]): boolean {
  const { index } = facts;
  if (index.has(version, versionFlags.tombstone)) return false;
  for (const other of all) {
    if (other === version) continue;
    if (includes(facts, other, version)) return false;
    if (index.has(other, versionFlags.tombstone) && !includes(facts, version, other) && !tookPlaceOf(facts, version, other)) return false;
  }
  return true;
}

/**
 * Whether a version took the place of the same request without knowing this record: of a Forget that was carried out twice, by two primaries, the version knows
 * the one and is not deleted by the other.
 */
function tookPlaceOf(facts: VersionFacts, version: VersionRow, other: VersionRow): boolean {
  if (facts.superseded.size === 0) return false;
  const { columns } = facts.index;
  const high = columns.requestHigh[other];
  const low = columns.requestLow[other];
  return (high !== 0 || low !== 0) && carriesRequest(facts, version, high, low);
}

/** A retry whose first try came back: some version took the place of the same request without knowing this record. */
function isSupersededRequest(facts: VersionFacts, version: VersionRow, all: readonly VersionRow[]): boolean {
  const { columns } = facts.index;
  const high = columns.requestHigh[version];
  const low = columns.requestLow[version];
  if ((high === 0 && low === 0) || facts.superseded.size === 0) return false;
  return all.some((other) => {
    if (other === version || !facts.superseded.has(other) || includes(facts, other, version)) return false;
    return carriesRequest(facts, other, high, low);
  });
}

/** Whether the version's superseded requests name this one (by its first 64 bits). */
export function carriesRequest(facts: VersionFacts, version: VersionRow, high: number, low: number): boolean {
  return facts.superseded.get(version)?.some((request) => request.high === high && request.low === low) ?? false;
}

const rules: readonly ConflictRule[] = ['superseded-request', 'confidence', 'logical-time', 'content-hash'];

/** Greater is preferred. One entry per rule, in order; then the dot. */
function comparisons(facts: VersionFacts, left: VersionRow, right: VersionRow, all: readonly VersionRow[]): readonly number[] {
  const { columns } = facts.index;
  return [
    Number(isSupersededRequest(facts, right, all)) - Number(isSupersededRequest(facts, left, all)),
    columns.confidence[left] - columns.confidence[right],
    columns.timeMs[left] - columns.timeMs[right] || columns.timeLogical[left] - columns.timeLogical[right],
    columns.hashHigh[left] - columns.hashHigh[right] || columns.hashLow[left] - columns.hashLow[right],
    compareText(facts.index.authorOf(left), facts.index.authorOf(right)) || columns.sequence[left] - columns.sequence[right],
  ];
}

export function compareVersions(facts: VersionFacts, left: VersionRow, right: VersionRow, all: readonly VersionRow[]): number {
  return comparisons(facts, left, right, all).find((order) => order !== 0) ?? 0;
}

function decidingRule(facts: VersionFacts, first: VersionRow, second: VersionRow, all: readonly VersionRow[]): ConflictRule | null {
  const at = comparisons(facts, first, second, all).findIndex((order) => order !== 0);
  return rules[at] ?? null;
}

/** What to do with the others once `version` has become durable. */
export interface Domination {
  /** No longer needed by anyone: included by another version and no tombstones. */
  readonly dropped: readonly VersionRow[];
  /** Tombstones that another version includes now. */
  readonly dominatedTombstones: readonly VersionRow[];
}

/** The effect of one durable version on its memory's durable versions, itself among them. */
export function domination(facts: VersionFacts, version: VersionRow): Domination {
  const { index } = facts;
  const dropped: VersionRow[] = [];
  const dominatedTombstones: VersionRow[] = [];
  let included = false;
  for (const other of versionsOf(index, index.memoryOf(version), { pending: false })) {
    if (other === version) continue;
    if (includes(facts, other, version)) included = true;
    else if (includes(facts, version, other)) (index.has(other, versionFlags.tombstone) ? dominatedTombstones : dropped).push(other);
  }
  if (included) (index.has(version, versionFlags.tombstone) ? dominatedTombstones : dropped).push(version);
  return { dropped, dominatedTombstones };
}

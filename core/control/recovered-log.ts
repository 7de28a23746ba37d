/**
 * What the control log's records on a disk add up to: ballot, snapshot, entries. A pure function of the set of records, in whatever places compaction has left
 * them, with records among them that later ones took the place of.
 *
 * The latest ballot counts, and the whole snapshot that reaches farthest. Entries behind it are taken in the order in which they were written: each takes the
 * place of whatever stood at its index and behind, and counts only if the term before it is the one that it was written behind. An index and a term name a
 * whole log up to there (Raft's log matching), so what had been replaced does not come back when its successor is superfluous and gone.
 *
 * What was noted as committed counts where that entry still stands: it was durable here before it was noted.
 *
 * Nothing counts that was written before the voter began anew the last time, but for the snapshot that it began with. Such a snapshot counts only with the record behind it that says so:
 * that record is the moment of the beginning, and a crash before it leaves all as it was.
 */
import type { VersionVector } from '../clock/version-vector.js';
import { type Author, authorBoot, authorNode } from '../identifiers.js';
import { type ControlRecord, lostControlDot } from './control-records.js';
import { farther, nothingReached, type Reached } from './generations.js';
import type { Ballot, Entry, Recovered, Snapshot } from './raft/vocabulary.js';

export interface WrittenPlace {
  readonly author: Author;
  readonly sequence: number;
}

/** A record with the place in which it was written: boots count up, and sequences within each. */
export interface WrittenRecord extends WrittenPlace {
  readonly record: ControlRecord;
}

export interface RecoveredLog<Found extends WrittenRecord> {
  readonly recovered: Recovered;
  /** The records that this rests on; all others are superfluous. */
  readonly needed: readonly Found[];
  /** The first record that counts since the voter began anew; null when it never has. */
  readonly countsFrom: WrittenPlace | null;
  /** How far all these records tell that the log had come, those that do not count among them. */
  readonly reached: Reached;
}

type SnapshotPart = ControlRecord & { readonly kind: 'snapshot-part' };

export function recoverLog<Found extends WrittenRecord>(found: readonly Found[]): RecoveredLog<Found> {
  const all = [...found].sort(compareWritten);
  const from = all.findLastIndex(({ record }) => record.kind === 'begun-anew');
  const begunAnew = from < 0 ? null : all[from];
  const anew = begunAnew?.record.kind === 'begun-anew' ? begunAnew.record : null;
  const begins = anew === null ? 0 : anew.parts;
  const countsFrom = begunAnew === null ? null : { author: begunAnew.author, sequence: begunAnew.sequence - begins };
  const own = all.filter((each) => isPartOf(each, countsFrom, begunAnew));
  const behind = all.slice(from + 1).filter(({ record }) => record.kind !== 'snapshot-part' || !record.isBeginning);
  const written = [...own, ...behind];
  const ballot = latestBallot(written);
  const snapshot = farthestSnapshot(written);
  const entries = entriesBehind(snapshot?.snapshot ?? null, written);
  const committed = lastCommitted(written, entries);
  return {
    recovered: {
      ballot: ballot?.ballot ?? (begunAnew === null || anew === null ? { term: 0, vote: null } : spentBallot(begunAnew.author, anew.term)),
      snapshot: snapshot?.snapshot ?? null,
      entries: entries.map(({ entry }) => entry),
      committed: committed?.index ?? snapshot?.snapshot.index ?? 0,
      votesFrom: anew?.votesFrom ?? 0,
    },
    countsFrom,
    reached: all.reduce((reached, { record }) => farther(reached, reachedBy(record)), nothingReached),
    needed: [
      ...(begunAnew === null ? [] : [begunAnew]),
      ...(ballot === null ? [] : [ballot.found]),
      ...(snapshot === null ? [] : snapshot.parts),
      ...entries.map((each) => each.found),
      ...(committed === null ? [] : [committed.found]),
    ],
  };
}

/** Of who begins anew in a term: it may have voted in it, and so has no other vote to give. */
export function spentBallot(author: Author, term: number): Ballot {
  return { term, vote: authorNode(author) };
}

/** Whether this is one of the parts of the snapshot with which the voter began anew. */
function isPartOf({ author, sequence, record }: WrittenRecord, first: WrittenPlace | null, last: WrittenPlace | null): boolean {
  if (first === null || last === null || record.kind !== 'snapshot-part' || author !== first.author) return false;
  return sequence >= first.sequence && sequence < last.sequence;
}

function reachedBy(record: ControlRecord): Reached {
  switch (record.kind) {
    case 'ballot':
      return { generation: 0, index: 0, term: record.ballot.term };
    case 'entry':
      return { generation: 0, index: record.entry.index, term: record.entry.term };
    case 'snapshot-part':
      return { generation: 0, index: record.of.index, term: record.of.term };
    case 'committed':
      return { generation: 0, index: record.upTo.index, term: record.upTo.term };
    case 'begun-anew':
      return { generation: 0, index: record.votesFrom, term: record.term };
  }
}

/** Whether what a disk has lost of the control log counts: not what was written before the first record that does. */
export function losesWhatCounts(lost: VersionVector, countsFrom: WrittenPlace | null): boolean {
  if (countsFrom === null) return true;
  const { counter } = authorBoot(countsFrom.author);
  return lost.authors().some((author) => {
    if (author === lostControlDot.author) return true;
    const boot = authorBoot(author).counter;
    const ranges = lost.of(author)?.ranges() ?? [];
    return boot > counter || (boot === counter && ranges.some(([, to]) => to >= countsFrom.sequence));
  });
}

function compareWritten(left: WrittenPlace, right: WrittenPlace): number {
  return authorBoot(left.author).counter - authorBoot(right.author).counter || left.sequence - right.sequence;
}

function latestBallot<Found extends WrittenRecord>(written: readonly Found[]): { readonly ballot: Ballot; readonly found: Found } | null {
  const found = written.findLast(({ record }) => record.kind === 'ballot');
  return found?.record.kind === 'ballot' ? { ballot: found.record.ballot, found } : null;
}

function farthestSnapshot<Found extends WrittenRecord>(
  written: readonly Found[],
): { readonly snapshot: Snapshot; readonly parts: readonly Found[] } | null {
  let farthest: { readonly snapshot: Snapshot; readonly parts: readonly Found[] } | null = null;
  let parts: Found[] = [];
  for (const found of written) {
    const { record } = found;
    if (record.kind !== 'snapshot-part') continue;
    const isNext = parts.length > 0 && goesOn(parts[parts.length - 1], found);
    if (!isNext) parts = [];
    if (record.part !== parts.length) continue;
    parts.push(found);
    if (parts.length < record.parts) continue;
    if (record.of.index > (farthest?.snapshot.index ?? 0)) farthest = { snapshot: { ...record.of, state: joined(parts) }, parts };
    parts = [];
  }
  return farthest;
}

/** Whether two parts were written one after the other, for one snapshot. */
function goesOn(before: WrittenRecord, next: WrittenRecord): boolean {
  const [left, right] = [before.record as SnapshotPart, next.record as SnapshotPart];
  const isSame = left.of.index === right.of.index && left.of.term === right.of.term && left.parts === right.parts;
  return isSame && before.author === next.author && before.sequence + 1 === next.sequence;
}

function joined(parts: readonly WrittenRecord[]): Uint8Array {
  const bytes = parts.map(({ record }) => (record as SnapshotPart).bytes);
  const whole = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function entriesBehind<Found extends WrittenRecord>(
  snapshot: Snapshot | null,
  written: readonly Found[],
): { readonly entry: Entry; readonly found: Found }[] {
  const start = snapshot ?? { index: 0, term: 0 };
  const entries: { readonly entry: Entry; readonly found: Found }[] = [];
  for (const found of written) {
    if (found.record.kind !== 'entry') continue;
    const { entry, previousTerm } = found.record;
    const kept = entry.index - start.index - 1;
    if (kept < 0 || kept > entries.length) continue;
    const before = kept === 0 ? start.term : entries[kept - 1].entry.term;
    if (before !== previousTerm) continue;
    entries.length = kept;
    entries.push({ entry, found });
  }
  return entries;
}

/** The last entry of these that is known to be committed; null for none behind the snapshot. */
function lastCommitted<Found extends WrittenRecord>(
  written: readonly Found[],
  entries: readonly { readonly entry: Entry }[],
): { readonly index: number; readonly found: Found } | null {
  const terms = new Map(entries.map(({ entry }) => [entry.index, entry.term]));
  let last: { readonly index: number; readonly found: Found } | null = null;
  for (const found of written) {
    if (found.record.kind !== 'committed') continue;
    const { index, term } = found.record.upTo;
    if (terms.get(index) === term && index > (last?.index ?? 0)) last = { index, found };
  }
  return last;
}

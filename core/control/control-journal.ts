/**
 * Where a voter keeps what it must not forget: writes ballots, entries and snapshots as records of the node's log, says when they are durable, and knows which of
 * them are still needed, so that compaction may give up the others.
 *
 * A change is written ballot first, then snapshot, then entries. A crash may leave a first part of it: a later term without its entries, or some entries of
 * several; nobody has been told of either.
 */
import type { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { type Author, type Dot, dotKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import type { RecordPlace } from '../storage/dot-positions.js';
import type { Room } from '../storage/write-ahead-log.js';
import { type RecordDraft, type RecordView, recordLength } from '../wire/record.js';
import { type ControlRecord, type ControlRecords, draftOf, readControlRecord, snapshotParts } from './control-records.js';
import type { Epoch } from './entries.js';
import { farther, nothingReached, type Reached } from './generations.js';
import type { Change, EntryAt, Recovered, Snapshot } from './raft/vocabulary.js';
import { losesWhatCounts, recoverLog, spentBallot } from './recovered-log.js';

/** The node's log, as the journal uses it. */
export interface JournalStore {
  readonly author: Author;
  readonly authorBytes: Uint8Array;
  /** The greatest generation, and the greatest index, in the terms of all records that recovery has found. */
  readonly termsReached: Epoch;
  /** Whether a record of so many bytes can be appended now. */
  room(bytes: number): Room;
  /** `room` has said yes. The journal is told with `durable` once it is. */
  appendControl(draft: RecordDraft, dot: Dot): void;
  retain(place: RecordPlace): void;
  /** What the disk has lost of the control log is of no account any more: `then` is told once that is durable, or that it could not be written. */
  forgiveControlLoss(then: (written: boolean, now: Now) => void): void;
  release(place: RecordPlace): void;
}

/** A record in the log. */
interface Kept {
  readonly author: Author;
  readonly sequence: number;
  readonly record: ControlRecord;
  place: RecordPlace;
}

interface Queued {
  readonly record: ControlRecord;
  /** Called once this record, the last of its change, is durable. */
  readonly whenDurable: ((now: Now) => void) | null;
  /** Of a snapshot's last part: whether entries behind it stay. */
  readonly keepsEntries: boolean;
}

export type JournalReading =
  | { readonly kind: 'read'; readonly recovered: Recovered; readonly isEmpty: boolean }
  /** Something was lost that this voter must not forget. What is recovered all the same is a part of it. */
  | { readonly kind: 'lossy'; readonly recovered: Recovered }
  /** A record that nobody can read, written by a later version. */
  | { readonly kind: 'newer'; readonly version: number };

export class ControlJournal implements ControlRecords {
  readonly #store: JournalStore;
  readonly #pure: PureFunctions;
  /** While recovery reads. */
  #found = new Map<string, Kept>();
  #newer: number | null = null;
  #sequence = 0;
  readonly #queue: Queued[] = [];
  readonly #onTheWay = new Map<string, Queued & { readonly author: Author; readonly sequence: number }>();
  /** By dot. Invariant: each of these is retained in its place, nothing else of the control log is. */
  readonly #needed = new Map<string, Kept>();
  /** The terms of entries as they were written, the snapshot's end among them. */
  readonly #terms = new Map<number, number>();
  /** Index of the last entry that is needed: one behind it takes the place of nothing. */
  #lastIndex = 0;
  /** What is known to be committed, as far as it has been noted, and as far as it is to be. One note at a time is on its way. */
  #noted: EntryAt = { index: 0, term: 0 };
  #committed: EntryAt = { index: 0, term: 0 };
  #isNoting = false;
  #reached = nothingReached;

  constructor(store: JournalStore, pure: PureFunctions) {
    this.#store = store;
    this.#pure = pure;
  }

  /** How far the records that recovery has found tell that the log had come, those among them that do not count. */
  get reached(): Reached {
    return this.#reached;
  }

  /** Recovery has found a record; the same dot may come again from a later place, which then counts. */
  recovered(view: RecordView, place: RecordPlace): void {
    const reading = readControlRecord(view);
    if (reading.kind === 'newer') this.#newer = reading.version;
    if (reading.kind !== 'record') return;
    const { author, sequence } = view;
    this.#found.set(dotKey({ author, sequence }), { author, sequence, record: reading.record, place });
  }

  /** All has been read. `lost`: what was on the disk and cannot be read. */
  finishRecovery(lost: VersionVector | null): JournalReading {
    const found = [...this.#found.values()];
    this.#found = new Map();
    if (this.#newer !== null) return { kind: 'newer', version: this.#newer };
    const { recovered, needed, countsFrom, reached } = recoverLog(found);
    this.#reached = reached;
    for (const kept of needed) this.#keep(kept);
    if (recovered.snapshot !== null) this.#terms.set(recovered.snapshot.index, recovered.snapshot.term);
    for (const { index, term } of recovered.entries) this.#terms.set(index, term);
    this.#lastIndex = recovered.entries.at(-1)?.index ?? 0;
    this.#noted = { index: recovered.committed, term: this.#terms.get(recovered.committed) ?? 0 };
    this.#committed = this.#noted;
    if (lost !== null && losesWhatCounts(lost, countsFrom)) return { kind: 'lossy', recovered };
    return { kind: 'read', recovered, isEmpty: found.length === 0 };
  }

  /**
   * Gives up all that was written, which is not all there any more, and says with what the voter begins anew once that is durable: with nothing, or with a snapshot. The last record is the
   * moment in which all that happens; a crash before it leaves what was.
   */
  beginAnew(
    { term, votesFrom, snapshot }: { readonly term: number; readonly votesFrom: number; readonly snapshot: Snapshot | null },
    then: (recovered: Recovered, now: Now) => void,
  ): void {
    const start = snapshot ?? { index: 0, term: 0 };
    this.#terms.clear();
    this.#terms.set(start.index, start.term);
    this.#lastIndex = 0;
    this.#committed = this.#noted = { index: start.index, term: start.term };
    this.#reached = farther(this.#reached, { generation: 0, index: votesFrom, term });
    const ballot = spentBallot(this.#store.author, term);
    const whenDurable = (now: Now): void => then({ ballot, snapshot, entries: [], committed: start.index, votesFrom }, now);
    const parts = snapshot === null ? [] : snapshotParts(snapshot, { isBeginning: true });
    for (const record of parts) this.#queue.push({ record, keepsEntries: true, whenDurable: null });
    this.#queue.push({ record: { kind: 'begun-anew', term, votesFrom, parts: parts.length }, keepsEntries: false, whenDurable });
    this.#proceed();
  }

  /** Makes a change durable and goes on then. Changes become durable in the order of the calls. */
  save({ ballot, snapshot, entries }: Change, then: (now: Now) => void): void {
    const records: ControlRecord[] = [];
    if (ballot !== null) records.push({ kind: 'ballot', ballot });
    if (snapshot !== null) {
      records.push(...snapshotParts(snapshot.snapshot));
      this.#terms.set(snapshot.snapshot.index, snapshot.snapshot.term);
      if (!snapshot.keepsEntries) this.#committed = this.#noted = snapshot.snapshot;
    }
    for (const entry of entries) {
      records.push({ kind: 'entry', previousTerm: this.#terms.get(entry.index - 1) ?? 0, entry });
      this.#terms.set(entry.index, entry.term);
    }
    const keepsEntries = snapshot?.keepsEntries ?? true;
    records.forEach((record, at) => {
      this.#queue.push({ record, keepsEntries, whenDurable: at === records.length - 1 ? then : null });
    });
    this.#proceed();
  }

  /**
   * An entry that is durable here is known to be committed. That is noted, so that a node which starts where no majority is goes by the rows it knew; nobody waits for
   * it, and what was committed since the last note is learnt again from a leader.
   */
  committed({ index, term }: EntryAt): void {
    if (index > this.#committed.index) this.#committed = { index, term };
    this.#noteCommitted();
  }

  #noteCommitted(): void {
    if (this.#isNoting || this.#committed.index <= this.#noted.index) return;
    this.#isNoting = true;
    this.#noted = this.#committed;
    const whenDurable = (): void => {
      this.#isNoting = false;
      this.#noteCommitted();
    };
    this.#queue.push({ record: { kind: 'committed', upTo: this.#noted }, keepsEntries: true, whenDurable });
    this.#proceed();
  }

  /** There may be room in the log. */
  roomChanged(): void {
    this.#proceed();
  }

  #proceed(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const { author, authorBytes } = this.#store;
      const sequence = this.#sequence + 1;
      const draft = draftOf(next.record, { author, authorBytes, sequence }, this.#pure);
      if (this.#store.room(recordLength(draft)) !== 'yes') return;
      this.#queue.shift();
      this.#sequence = sequence;
      const dot = { author, sequence };
      this.#onTheWay.set(dotKey(dot), { ...next, ...dot });
      this.#store.appendControl(draft, dot);
    }
  }

  /** A record that was appended is durable, and stands here. */
  durable(dot: Dot, place: RecordPlace, now: Now): void {
    const written = this.#onTheWay.get(dotKey(dot));
    if (written === undefined) return;
    this.#onTheWay.delete(dotKey(dot));
    this.#keep({ record: written.record, place, ...dot });
    this.#giveUp(written);
    written.whenDurable?.(now);
  }

  #keep(kept: Kept): void {
    this.#needed.set(dotKey(kept), kept);
    this.#store.retain(kept.place);
  }

  /** Whether anything can be superfluous now. */
  #takesAPlace(record: ControlRecord): boolean {
    // What is begun with takes the place of everything with the record behind it.
    if (record.kind === 'snapshot-part') return record.part + 1 === record.parts && !record.isBeginning;
    if (record.kind === 'ballot' || record.kind === 'committed' || record.kind === 'begun-anew') return true;
    const isBehind = record.entry.index > this.#lastIndex;
    this.#lastIndex = record.entry.index;
    return !isBehind;
  }

  /** What the record takes the place of is not needed any more. */
  #giveUp({ record, keepsEntries, author, sequence }: Queued & Dot): void {
    if (!this.#takesAPlace(record)) return;
    for (const [key, kept] of this.#needed) {
      const own = record.kind === 'begun-anew' ? record.parts : 0;
      if (kept.author === author && kept.sequence <= sequence && kept.sequence >= sequence - own) continue;
      if (!takesThePlaceOf(record, kept.record, keepsEntries)) continue;
      this.#needed.delete(key);
      this.#store.release(kept.place);
    }
    if (record.kind === 'snapshot-part') for (const index of this.#terms.keys()) if (index < record.of.index) this.#terms.delete(index);
  }

  isNeeded(dot: Dot, place: { readonly segment: number; readonly offset: number }): boolean {
    const kept = this.#needed.get(dotKey(dot));
    return kept !== undefined && kept.place.segment === place.segment && kept.place.offset === place.offset;
  }

  /** Compaction has put the record into another place, bytes unchanged. */
  moved(dot: Dot, place: RecordPlace): void {
    const kept = this.#needed.get(dotKey(dot));
    if (kept === undefined) return;
    this.#store.release(kept.place);
    kept.place = place;
    this.#store.retain(place);
  }
}

function takesThePlaceOf(record: ControlRecord, other: ControlRecord, keepsEntries: boolean): boolean {
  switch (record.kind) {
    case 'ballot':
      return other.kind === 'ballot';
    case 'entry':
      return other.kind === 'entry' && other.entry.index >= record.entry.index;
    case 'committed':
      return other.kind === 'committed';
    case 'snapshot-part':
      if (other.kind === 'committed') return !keepsEntries || other.upTo.index <= record.of.index;
      if (other.kind === 'entry') return !keepsEntries || other.entry.index <= record.of.index;
      return other.kind === 'snapshot-part' && other.of.index < record.of.index;
    case 'begun-anew':
      return true;
  }
}

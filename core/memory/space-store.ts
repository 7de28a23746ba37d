/**
 * One copy of one space: what of it is durable on this disk, and the readable state that follows from it.
 *
 * Invariant: index, coverage and search columns describe synced records only, except versions marked pending, which no reader sees.
 */
import type { CausalContext } from '../clock/causal-context.js';
import { type AuthorRange, united, VersionVector, vectorRangesMax } from '../clock/version-vector.js';
import type { MemoryOptions } from '../configuration.js';
import type { Journal } from '../effects.js';
import { type Author, type Dot, type SpaceKey, spaceGeneration, spaceName } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { DotPositions, type RecordPlace } from '../storage/dot-positions.js';
import { type MemoryRow, RecordIndex, type VersionRow, versionFlags } from '../storage/record-index.js';
import type { ValueCache } from '../storage/value-cache.js';
import type { RecordDraft, RecordView, SupersededRequest } from '../wire/record.js';
import { absentBelow, doubtfulBelow, Vouching } from './doubt.js';
import { domination, type Standing, standing, type VersionFacts } from './merge.js';
import { SearchRows } from './search-rows.js';
import { UpdateRate } from './update-rate.js';
import type { VectorTable } from './vector-table.js';

/** Told when the index begins or ceases to need a place in the log. */
export interface PlaceKeeper {
  retain(place: RecordPlace): void;
  release(place: RecordPlace): void;
}

export interface SpaceContext {
  readonly options: MemoryOptions;
  readonly pure: PureFunctions;
  readonly journal: Journal;
  readonly cache: ValueCache;
  readonly places: PlaceKeeper;
}

const cacheKeysPerSpace = 2 ** 32;

export class SpaceStore implements VersionFacts {
  readonly key: SpaceKey;
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly generation: number;
  readonly #number: number;
  readonly #world: SpaceContext;
  readonly index = new RecordIndex();
  readonly contexts = new Map<VersionRow, CausalContext>();
  readonly superseded = new Map<VersionRow, readonly SupersededRequest[]>();
  readonly search: SearchRows;
  readonly vectors: VectorTable;
  /** Dots verified on this disk, compacted ones among them. */
  readonly coverage = new VersionVector();
  /** Appended here and not yet synced, by dot: not wanted a second time, and not to be claimed. */
  readonly inFlight = new VersionVector();
  /** While a snapshot is being taken in: what has become a hole since it began. */
  lossesWatched: VersionVector | null = null;
  /** What was on this disk and is damaged: fetched again from a peer. */
  readonly holes = new VersionVector();
  /** Holes that are waited for no more (`replication/settled-holes.ts`). Invariant: within coverage, of which nothing else is; none of them is vouched for. */
  readonly settled = new VersionVector();
  /** Up to here dominated records may be gone from this disk. Invariant: within coverage, but for holes. */
  readonly horizon = new Map<Author, number>();
  readonly #positions = new Map<Author, DotPositions>();
  /** Counts changes of coverage and of damage: what is derived from them can be kept while this stands still. */
  coverageChanges: number;
  /** Of the records that are still of use: about what another copy of the space would take. */
  retainedBytes = 0;
  /** Versions that are known and whose bytes are damaged. */
  damagedVersions = 0;
  readonly #vouching = new Vouching();
  readonly updates = new UpdateRate();

  /** `changes`: where the count goes on, of a space that was held here before. */
  constructor(key: SpaceKey, number: number, world: SpaceContext, changes = 0) {
    this.coverageChanges = changes;
    this.key = key;
    this.name = spaceName(key);
    this.generation = spaceGeneration(key);
    this.nameBytes = world.pure.utf8Encode(this.name);
    this.#number = number;
    this.#world = world;
    this.search = new SearchRows(world.pure, world.options.dimensionsMax);
    this.vectors = this.search.vectors;
  }

  cacheKey(version: VersionRow): number {
    return this.#number * cacheKeysPerSpace + version;
  }

  standing(memory: MemoryRow, options: { readonly pending: boolean }): Standing {
    return standing(this, memory, options);
  }

  positionsOf(author: Author): DotPositions {
    let positions = this.#positions.get(author);
    if (positions === undefined) {
      positions = new DotPositions();
      positions.trim(this.horizon.get(author) ?? 0);
      this.#positions.set(author, positions);
    }
    return positions;
  }

  /** Enters a version that is appended but not durable; `settlePending` follows once it is. */
  addPending(memory: MemoryRow, draft: RecordDraft, kind: { readonly tombstone: boolean; readonly row: number }): VersionRow {
    const version = this.index.add(memory, draft, versionFlags.pending | (kind.tombstone ? versionFlags.tombstone : 0));
    this.#setFacts(version, draft.context, draft.superseded);
    this.#setRow(version, kind.row);
    return version;
  }

  settlePending(version: VersionRow, place: RecordPlace, view: RecordView): void {
    this.index.settle(version);
    this.#settle(version, place);
    this.#cover(this.index.authorOf(version), this.index.columns.sequence[version], place);
    if (this.index.columns.length[version] > 0 && this.#world.cache.hasRoom(view.payloadLength)) {
      this.#world.cache.set(this.cacheKey(version), view.bytes.slice(view.payloadOffset, view.payloadOffset + view.payloadLength));
    }
  }

  /** Takes in a durable record of any author, in any order, any number of times. */
  merge(view: RecordView, place: RecordPlace): void {
    const { author, sequence } = view;
    const memory = this.index.findOrAdd(view.bytes, view.idOffset, view.idLength);
    const known = this.index.versionOf(memory, author, sequence);
    if (known >= 0) this.#moveVersion(known, place);
    // Also when its dot is covered: a horizon may have been adopted over it while it was on its way. What is dominated is dropped again at once.
    else this.#mergeVersion(memory, view, place);
    this.#cover(author, sequence, place);
  }

  /** A record that was here stands in a second place now. What has been dominated meanwhile is not needed there. */
  move(view: RecordView, place: RecordPlace): void {
    const { author, sequence } = view;
    const memory = this.index.find(view.bytes, view.idOffset, view.idLength);
    const known = memory < 0 ? -1 : this.index.versionOf(memory, author, sequence);
    if (known >= 0) this.#moveVersion(known, place);
    if (sequence > (this.horizon.get(author) ?? 0)) this.positionsOf(author).set(sequence, place);
  }

  /** A record stands in a second place now, bytes unchanged: the index points there from now on. */
  #moveVersion(version: VersionRow, place: RecordPlace): void {
    if (this.index.columns.length[version] > 0) this.#world.places.release(this.index.place(version));
    this.index.setPlace(version, place);
    this.#noLongerDamaged(version);
    this.#world.places.retain(place);
  }

  #mergeVersion(memory: MemoryRow, view: RecordView, place: RecordPlace): void {
    const version = this.index.add(memory, view, view.isTombstone ? versionFlags.tombstone : 0);
    this.#setFacts(version, view.context(), view.superseded());
    if (!view.isTombstone) this.#setRow(version, this.search.addRecord(view));
    this.#settle(version, place);
  }

  #setRow(version: VersionRow, row: number): void {
    this.index.columns.vector[version] = row;
    if (row >= 0) this.vectors.assign(row, version);
  }

  #setFacts(version: VersionRow, context: CausalContext, superseded: readonly SupersededRequest[]): void {
    if (context.authors.length > 0) this.contexts.set(version, context);
    if (superseded.length > 0) this.superseded.set(version, superseded);
  }

  idText(memory: MemoryRow): string {
    return this.#world.pure.utf8Decode(this.index.idOf(memory));
  }

  /** A version has become durable: whom it dominates, whether it is dominated, and who is readable now. */
  #settle(version: VersionRow, place: RecordPlace): void {
    const { index } = this;
    index.setPlace(version, place);
    this.#world.places.retain(place);
    const memory = index.memoryOf(version);
    if (index.next[index.headOf(memory)] < 0) {
      // Alone: nothing to decide.
      const row = index.columns.vector[version];
      if (row >= 0) this.vectors.setSearchable(row, true);
      return;
    }
    const { dropped, dominatedTombstones } = domination(this, version);
    for (const tombstone of dominatedTombstones) index.setFlag(tombstone, versionFlags.dominated);
    this.updates.superseded(dropped.length);
    for (const gone of dropped) this.#drop(gone);
    const { rule } = this.#showReadable(memory);
    if (rule !== null) this.#world.journal.note({ kind: 'conflict.resolved', space: this.key, rule });
  }

  /** Of the memory's durable versions the one that is read is found by recall, no other. */
  #showReadable(memory: MemoryRow): Standing {
    const { index } = this;
    const judged = standing(this, memory, { pending: false });
    for (let each = index.headOf(memory); each >= 0; each = index.next[each]) {
      const row = index.columns.vector[each];
      if (row >= 0 && !index.has(each, versionFlags.pending)) this.vectors.setSearchable(row, each === judged.live[0]);
    }
    return judged;
  }

  #drop(version: VersionRow): void {
    this.#noLongerDamaged(version);
    if (this.index.columns.length[version] > 0) this.#world.places.release(this.index.place(version));
    const row = this.index.columns.vector[version];
    if (row >= 0) this.vectors.remove(row);
    this.contexts.delete(version);
    this.superseded.delete(version);
    this.#world.cache.delete(this.cacheKey(version));
    this.index.remove(version);
  }

  /** Gives up everything: no place in the log is needed for it any more, and nothing of it is kept in memory. Returns how many records were retained. */
  letGo(): number {
    let records = 0;
    for (let version = 0; version < this.index.versionRows; version += 1) {
      if (this.index.has(version, versionFlags.free)) continue;
      records += 1;
      if (this.index.columns.length[version] > 0) this.#world.places.release(this.index.place(version));
      this.#world.cache.delete(this.cacheKey(version));
    }
    return records;
  }

  #cover(author: Author, sequence: number, place: RecordPlace): void {
    if (sequence > (this.horizon.get(author) ?? 0)) this.positionsOf(author).set(sequence, place);
    if (this.coverage.add({ author, from: sequence, to: sequence }) === 0) return;
    this.coverageChanges += 1;
    this.#noteRefill(author, sequence, sequence);
  }

  #noteRefill(author: Author, from: number, to: number): void {
    if (this.holes.isEmpty() || this.holes.remove({ author, from, to }) === 0) return;
    this.#world.journal.note({ kind: 'hole.refilled', space: this.key, author, from, to });
  }

  /** Dots that recovery knows to have been on this disk and could not read. */
  noteHoles(holes: VersionVector): void {
    for (const author of holes.authors()) {
      for (const [from, to] of holes.of(author)?.ranges() ?? []) this.holes.add({ author, from, to });
    }
  }

  /** What this copy holds for certain: coverage, but for what is in doubt and what was settled. Not to be changed. */
  vouched(): VersionVector {
    return this.#vouching.of(this);
  }

  /** What this copy waits for no more: what it vouches for, and what was settled. Not to be changed. */
  vouchedOrSettled(): VersionVector {
    return this.settled.isEmpty() ? this.vouched() : united(this.vouched(), this.settled);
  }

  /** What is absent here up to a horizon, settled or not: not known to be dominated, so it counts as live. */
  holesBelow(horizon: ReadonlyMap<Author, number>): VersionVector {
    return united(absentBelow(this.coverage, horizon), this.settled);
  }

  /** Compacted dots are covered: up to the horizon everything absent is dominated, but for `holes`. Returns how many dots are covered by that. */
  adoptHorizon(horizon: ReadonlyMap<Author, number>, holes: VersionVector | null): number {
    let covered = 0;
    for (const [author, sequence] of horizon) {
      if (sequence < 1) continue;
      const lost = holes?.of(author);
      let from = 1;
      for (const [holeFrom, holeTo] of lost?.ranges() ?? []) {
        if (holeFrom > sequence) break;
        if (from < holeFrom) covered += this.#coverRange(author, from, holeFrom - 1);
        from = holeTo + 1;
      }
      if (from <= sequence) covered += this.#coverRange(author, from, sequence);
      if (sequence > (this.horizon.get(author) ?? 0)) {
        this.horizon.set(author, sequence);
        this.positionsOf(author).trim(sequence);
      }
    }
    if (covered > 0) this.#giveUpDamaged();
    this.coverageChanges += 1;
    return covered;
  }

  /** Dots that no copy has any more. What gave way here to a version that is given up with them is missing now, and another copy may have it. */
  settleAbsent(dots: VersionVector): void {
    this.coverage.removeAll(doubtfulBelow(this, this.horizon));
    this.coverage.unionWith(this.settled);
    for (const author of dots.authors()) {
      for (const [from, to] of dots.of(author)?.ranges() ?? []) {
        if (this.settled.rangeCount() < vectorRangesMax) this.settled.add({ author, from, to });
        this.coverage.add({ author, from, to });
        this.holes.remove({ author, from, to });
        this.#world.journal.note({ kind: 'hole.settled', space: this.key, author, from, to });
      }
    }
    this.#giveUpDamaged();
    this.coverageChanges += 1;
  }

  /** Somebody has what was settled, or knows what took its place: it is missing again. */
  unsettle(range: AuthorRange): void {
    this.settled.remove(range);
    this.#lose(range);
  }

  /** As the last checkpoint knew it; what was found after all is settled no more. Told after the holes. */
  recoverSettled(dots: VersionVector): void {
    for (const range of this.coverage.missingFrom(dots)) this.settled.add(range);
    this.coverage.unionWith(this.settled);
    this.holes.removeAll(this.settled);
  }

  /**
   * A version that is damaged here and covered all the same is dominated elsewhere, or nobody has it: it is not waited for any more. Kept, it would be a
   * hole in every snapshot and covered in every report, and be fetched for ever.
   */
  #giveUpDamaged(): void {
    const { index } = this;
    for (let version = 0; version < index.versionRows; version += 1) {
      if (!index.has(version, versionFlags.damaged)) continue;
      if (!this.coverage.has({ author: index.authorOf(version), sequence: index.columns.sequence[version] })) continue;
      const memory = index.memoryOf(version);
      this.#drop(version);
      this.#showReadable(memory);
    }
  }

  /** A record of another author is on its way to this disk: what was lost is not called so while it comes. */
  awaitArrival({ author, sequence }: Dot): void {
    this.inFlight.add({ author, from: sequence, to: sequence });
    if (sequence <= (this.horizon.get(author) ?? 0) || this.holes.has({ author, sequence })) this.coverageChanges += 1;
  }

  /** What was on this disk, or should be by its horizon, and is waited for. Not what is on its way here. */
  lost(): VersionVector {
    const lost = absentBelow(this.coverage, this.horizon);
    for (const range of this.coverage.missingFrom(this.holes)) lost.add(range);
    lost.removeAll(this.inFlight);
    return lost;
  }

  /** Whether something is not readable here that was on this disk, or should be by its horizon; on its way here or not. */
  lacksWhatItHeld(): boolean {
    if (!this.coverage.includesAll(this.holes)) return true;
    for (const [author, sequence] of this.horizon) if (this.coverage.prefix(author) < sequence) return true;
    return false;
  }

  /** Records that are known to have been written and are not on this disk: gaps, and holes behind everything that is here. */
  missingCount(): number {
    let missing = this.coverage.missingCount();
    for (const author of this.holes.authors()) {
      const last = this.coverage.max(author);
      for (const [from, to] of this.holes.of(author)?.ranges() ?? []) missing += Math.max(0, to - Math.max(from - 1, last));
    }
    return missing;
  }

  /** Nothing was ever here: neither a record nor the knowledge of one that was lost. */
  isUntouched(): boolean {
    return (
      this.index.memoryCount === 0 && this.inFlight.isEmpty() && this.coverage.isEmpty() && this.holes.isEmpty() && this.horizon.size === 0
    );
  }

  #coverRange(author: Author, from: number, to: number): number {
    const covered = this.coverage.add({ author, from, to });
    if (covered > 0) this.#noteRefill(author, from, to);
    return covered;
  }

  /** The bytes of a record on this disk have turned out to be damaged: an explicit hole, to be fetched from a peer. */
  markDamaged(version: VersionRow): void {
    const author = this.index.authorOf(version);
    const sequence = this.index.columns.sequence[version];
    if (!this.index.has(version, versionFlags.damaged)) this.damagedVersions += 1;
    this.index.setFlag(version, versionFlags.damaged);
    this.coverageChanges += 1;
    this.uncover(author, sequence);
  }

  #noLongerDamaged(version: VersionRow): void {
    if (!this.index.has(version, versionFlags.damaged)) return;
    this.index.clearFlag(version, versionFlags.damaged);
    this.damagedVersions -= 1;
    this.coverageChanges += 1;
  }

  uncover(author: Author, sequence: number): void {
    if (!this.coverage.has({ author, sequence })) return;
    this.#world.journal.note({ kind: 'record.damaged', space: this.key, author, sequence });
    this.#lose({ author, from: sequence, to: sequence });
  }

  #lose(range: AuthorRange): void {
    this.coverage.remove(range);
    this.coverageChanges += 1;
    this.holes.add(range);
    this.lossesWatched?.add(range);
    this.#world.journal.note({ kind: 'hole.found', space: this.key, ...range });
  }
}

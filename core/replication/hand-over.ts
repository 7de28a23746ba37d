/**
 * What is held here of spaces whose row names others: hints that were taken while no copy could be reached, copies that have been moved away, what a removed
 * node or one that was away for long brings back. It is offered to the copies of the row, which fetch it like from any copy and merge it; it is neither read from nor
 * written to here. It is kept until every copy of the row, as many as there are to be, has said that all of it is synced there; then this node lets go of it, space by space.
 *
 * Nobody hands over to a node that does not hold itself for a copy: of two nodes of which each, by rows of different age, takes the other for a copy, at most
 * one lets go.
 *
 * Records of a space that was deleted are nobody's: they are kept as they are, and reported.
 */
import type { Now } from '../events.js';
import type { SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { Peers } from './peers.js';

/** So many spaces are watched at once, each for so long after the last request. */
const watchedMax = 1_024;
const watchedMs = 10_000;

interface Hints {
  records: number;
  bytes: number;
  taken: number;
}

export class HandOver {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #quarantined = new Set<SpaceKey>();
  /** Of spaces for which this boot takes hints: what is held of them, and how many hints it has taken. */
  readonly #hints = new Map<SpaceKey, Hints>();
  /** Until when each watched space is. */
  readonly #watchedUntilMs = new Map<SpaceKey, number>();

  constructor(services: NodeServices, peers: Peers) {
    this.#services = services;
    this.#peers = peers;
  }

  /** Lets go of what others hold by now, and reports what is nobody's. Called at each round of pings, and when rows have changed. */
  consider(now: Now): void {
    for (const { key, index } of this.#services.store.spaces()) {
      if (!this.#services.isDeleted(key) || this.#quarantined.has(key)) continue;
      this.#quarantined.add(key);
      this.#services.effects.journal.note({ kind: 'space.quarantined', space: key, records: index.durableVersions });
    }
    for (const [space, untilMs] of this.#watchedUntilMs) if (now.monotonicMs >= untilMs) this.#unwatch(space);
    for (const space of [...this.#services.outsideSpaces()]) {
      for (const copy of this.#services.otherCopies(space)) this.#peers.handsOverTo(copy, now);
      if (this.isHandedOver(space, now)) this.#letGo(space);
    }
  }

  /**
   * Whether the row has as many copies as there are to be and each has synced all that is held here. Also true of a space that nothing is held of. For a node that is
   * a copy itself it says whether the others hold all.
   */
  isHandedOver(space: SpaceKey, now: Now): boolean {
    const row = this.#services.row(space);
    const held = this.#services.store.spaceIfHeld(space);
    if (held === undefined) return true;
    if (row === null || !held.inFlight.isEmpty()) return false;
    const { copiesWanted, members } = this.#services.control;
    if (row.copies.length < Math.min(copiesWanted ?? row.copies.length, members.length)) return false;
    const known = { held: held.vouched(), now };
    return this.#services.otherCopies(space).every((copy) => this.#peers.reports.vouchesFor(copy, space, known));
  }

  /**
   * Whether no copy of the space can be reached from here, for certain: each has been asked for long enough. Whoever asks makes this node look for some time; the first
   * answer is no.
   */
  isOutOfReach(space: SpaceKey, now: Now): boolean {
    const { row, watched } = { row: this.#services.row(space), watched: this.#services.watched };
    if (row === null || this.#services.takesPart(space) || (!watched.has(space) && watched.size >= watchedMax)) return false;
    watched.add(space);
    this.#watchedUntilMs.set(space, now.monotonicMs + watchedMs);
    for (const copy of row.copies) this.#peers.handsOverTo(copy, now);
    return row.copies.every((copy) => !this.#peers.isReachable(copy, now) && this.#peers.hadTimeToAnswer(copy, now));
  }

  #unwatch(space: SpaceKey): void {
    this.#watchedUntilMs.delete(space);
    this.#services.watched.delete(space);
  }

  /** Whether a hint of so many bytes is within the bounds on what this node keeps for others, and notes it if it is. */
  takeHint(space: SpaceKey, bytes: number): boolean {
    const { hintRecordsMax, hintBytesMax } = this.#services.configuration.replication;
    let known = this.#hints.get(space);
    if (known === undefined) {
      known = { records: 0, bytes: 0, taken: 0 };
      const index = this.#services.store.spaceIfHeld(space)?.index;
      // What an earlier boot has taken counts as well.
      for (let version = 0; index !== undefined && version < index.versionRows; version += 1) known.bytes += index.columns.length[version];
      known.records = index?.durableVersions ?? 0;
    }
    let [records, bytesHeld] = known.taken === 0 ? [known.records, known.bytes] : [0, 0];
    for (const each of this.#hints.values()) [records, bytesHeld] = [records + each.records, bytesHeld + each.bytes];
    if (records >= hintRecordsMax || bytesHeld + bytes > hintBytesMax) return false;
    known.records += 1;
    known.bytes += bytes;
    known.taken += 1;
    this.#hints.set(space, known);
    return true;
  }

  #letGo(space: SpaceKey): void {
    const records = this.#services.store.dropSpace(space);
    if (records === null) return;
    const hints = this.#hints.get(space)?.taken ?? 0;
    this.#hints.delete(space);
    this.#services.effects.journal.note({ kind: 'space.handed-over', space, records, hints });
  }
}

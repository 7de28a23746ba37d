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

export class HandOver {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #quarantined = new Set<SpaceKey>();
  /** Records taken as hints by this boot, by space. */
  readonly #hints = new Map<SpaceKey, number>();

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

  #letGo(space: SpaceKey): void {
    const records = this.#services.store.dropSpace(space);
    if (records === null) return;
    const hints = this.#hints.get(space) ?? 0;
    this.#hints.delete(space);
    this.#services.effects.journal.note({ kind: 'space.handed-over', space, records, hints });
  }
}

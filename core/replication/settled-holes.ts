/**
 * Settles holes that no copy can fill. When damage took the place of records that compaction may have given up, each copy holds every absent dot below its
 * horizon for a hole until another copy vouches for it. If all copies were damaged so, nobody can: the horizon says that each of them once held the
 * dot or knew it dominated, and none has it any more. What all of them lack, and go on lacking, is settled: it is covered, and nobody waits for it any more.
 *
 * Covered, but not vouched for: a node that was removed by force may come back with it, and nobody can be asked about that before. So each copy remembers what
 * was settled, and tells it as covered and missing at once. Who holds something outside the row does not let go of what is only settled there; and a copy that
 * hears of somebody who has it, or who knows what took its place, lacks it again and fetches it. A copy that finds itself without what another has settled
 * takes that over, whether it lost it as well or came after it was gone. A copy remembers so many ranges as a vector may tell; what is settled beyond these is
 * gone, like what was compacted.
 *
 * Only below this copy's horizon, only when every copy of the row says the same for long enough that no message of before is still on its way, and never
 * for a dot that some copy has merely not got yet: that one does not call it lost. Nor for the dots of a node that is no copy and may come back: where garbage was pressing
 * a horizon was raised over dots that nobody here ever held, and who took writes on its side of a cut, or kept hints, may be the one that has them.
 *
 * Nor while a member is away that may once have been a copy: it lost its place with all that it holds, and brings it back. Who holds something outside the row tells
 * the copies so as long as it is there; so what each of those tells is not lost, and of a member that tells nothing it must be known that it is there and would be heard.
 */
import { commonTo, VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { authorNode, type NodeId, type SpaceKey } from '../identifiers.js';
import type { SpaceStore } from '../memory/space-store.js';
import type { NodeServices } from '../node-services.js';
import type { Peers } from './peers.js';

/** All copies must go on saying so for this many times the bound of a round trip. */
const roundTripsAgreed = 2;

interface Agreed {
  readonly dots: VersionVector;
  readonly sinceMs: number;
}

export class SettledHoles {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #agreed = new Map<SpaceKey, Agreed>();
  /** Spaces in which all copies lack something that is not settled on account of who is no copy: that may change without a word from a copy. */
  readonly #waiting = new Set<SpaceKey>();
  /** Spaces without holes below their horizon, by the changes of their coverage when they were looked at. */
  readonly #whole = new Map<SpaceKey, number>();

  constructor(services: NodeServices, peers: Peers) {
    this.#services = services;
    this.#peers = peers;
  }

  /** Looks again at what was agreed on before and has not been for long enough, and at what waits for others than copies. */
  considerAgreed(now: Now): void {
    for (const space of new Set([...this.#agreed.keys(), ...this.#waiting])) if (this.#services.isCopy(space)) this.consider(space, now);
  }

  /** A peer, copy or not, has said what it holds: what was settled here and is there is lacked again. */
  reported(peer: NodeId, key: SpaceKey): void {
    const space = this.#services.store.spaceIfHeld(key);
    if (space === undefined || space.settled.isEmpty()) return;
    const there = commonTo(space.settled, this.#peers.get(peer)?.spaces.get(key)?.reported ?? nothing);
    for (const author of there.authors()) for (const [from, to] of there.of(author)?.ranges() ?? []) space.unsettle({ author, from, to });
  }

  /** Looks at what all copies lack; called when one has said what it holds. */
  consider(key: SpaceKey, now: Now): void {
    const space = this.#services.store.spaceIfHeld(key);
    this.#waiting.delete(key);
    if (space === undefined) return;
    this.#takeOver(space);
    if (this.#whole.get(key) === space.coverageChanges) return;
    const dots = space.holesBelow(space.horizon);
    dots.removeAll(space.settled);
    if (dots.isEmpty()) this.#whole.set(key, space.coverageChanges);
    // What is on its way to this disk is not lost.
    dots.removeAll(space.inFlight);
    for (const author of [...dots.authors()]) {
      if (this.#mayComeBack(authorNode(author), key)) dots.remove({ author, from: 1, to: dots.max(author) });
    }
    const copies = this.#services.otherCopies(key);
    for (const copy of copies) if (!dots.isEmpty()) keepOnly(dots, this.#peers.get(copy)?.spaces.get(key)?.lost ?? nothing);
    // Alone there is nobody to ask, and what is lost stays lost by name.
    if (dots.isEmpty() || copies.length === 0) {
      this.#agreed.delete(key);
      return;
    }
    if (!this.#isOutsideHeard(key, dots)) {
      this.#agreed.delete(key);
      this.#waiting.add(key);
      return;
    }
    const before = this.#agreed.get(key);
    if (before === undefined || !before.dots.equals(dots)) {
      this.#agreed.set(key, { dots, sinceMs: now.monotonicMs });
      return;
    }
    const untilMs = before.sinceMs + roundTripsAgreed * this.#services.configuration.replication.reachableMs;
    if (copies.some((copy) => (this.#peers.get(copy)?.vouchedMs ?? 0) < untilMs)) return;
    this.#agreed.delete(key);
    this.#settle(space, dots);
  }

  #settle(space: SpaceStore, dots: VersionVector): void {
    space.settleAbsent(dots);
    this.#services.store.writeCheckpoint();
  }

  /** What another copy has settled is lacked here as well. Its word is enough: whoever has it after all is heard as before. */
  #takeOver(space: SpaceStore): void {
    const dots = new VersionVector();
    for (const copy of this.#services.otherCopies(space.key))
      dots.unionWith(this.#peers.get(copy)?.spaces.get(space.key)?.settled ?? nothing);
    if (dots.isEmpty()) return;
    dots.removeAll(space.coverage);
    dots.removeAll(space.inFlight);
    if (this.#leaveToHolders(space.key, dots)) this.#waiting.add(space.key);
    if (!dots.isEmpty()) this.#settle(space, dots);
  }

  /** Takes out of `dots` what is held outside the row. False: of some member nobody can tell what it holds, or there is nothing left to settle. */
  #isOutsideHeard(space: SpaceKey, dots: VersionVector): boolean {
    const { control, partition, self } = this.#services;
    const copies = this.#services.row(space)?.copies ?? [];
    for (const { id } of control.members) {
      if (id === self || copies.includes(id) || this.#peers.get(id)?.spaces.has(space) === true) continue;
      if (partition?.isAtHand(id) !== true) return false;
    }
    this.#leaveToHolders(space, dots);
    return !dots.isEmpty();
  }

  /** Takes out of `dots` what anybody says that it holds, member or not. Whether that was anything. */
  #leaveToHolders(space: SpaceKey, dots: VersionVector): boolean {
    let left = false;
    for (const { spaces } of this.#peers.all()) {
      const held = commonTo(dots, spaces.get(space)?.reported ?? nothing);
      dots.removeAll(held);
      left ||= !held.isEmpty();
    }
    return left;
  }

  /** Whether the node is outside the row, and may bring what it has: a member, or, as far as a control log can say, anybody. */
  #mayComeBack(node: NodeId, space: SpaceKey): boolean {
    const { authority, control } = this.#services;
    if (this.#services.row(space)?.copies.includes(node) === true) return false;
    return authority !== null || control.members.some(({ id }) => id === node);
  }
}

const nothing = new VersionVector();

/** Takes out of `dots` what `others` has not. */
function keepOnly(dots: VersionVector, others: VersionVector): void {
  for (const range of others.missingFrom(dots)) dots.remove(range);
}

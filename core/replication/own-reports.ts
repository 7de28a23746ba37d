/**
 * What this node tells its peers of the spaces that it shares with them: the term that it holds, what is synced here, what is lost here.
 *
 * A space is told again only after it has changed. A peer says with each ping which of ours it heard last, and what was told up to there it need not be
 * told again: so the pings of a node with thousands of quiet spaces stay small.
 */
import { encodeVersionVector, united, VersionVector, vectorRangesMax, withinRanges } from '../clock/version-vector.js';
import type { SpaceKey, Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { SpaceReport } from '../wire/peer-message.js';
import type { Peer } from './peer.js';

/** A space as it was last told. */
interface Told {
  readonly report: SpaceReport;
  /** The changes of the space's coverage up to which that holds. */
  readonly changes: number;
  /** The round of pings that told it first. */
  readonly since: number;
  /** The last round that found it here. */
  round: number;
}

/** What this copy holds and lacks of a space. */
interface Holding {
  readonly changes: number;
  readonly coverage: Uint8Array;
  readonly lost: Uint8Array;
}

const noBytes = new Uint8Array(0);
const notHeld: Holding = { changes: -1, coverage: encodeVersionVector(new VersionVector()), lost: noBytes };

export class OwnReports {
  readonly #services: NodeServices;
  readonly #told = new Map<SpaceKey, Told>();
  readonly #holdings = new Map<SpaceKey, Holding>();
  #round = 0;
  /** Since this round nothing that was told has gone: who heard it, or a later one, needs only what has changed since. */
  #wholeSince = 0;
  /** Spaces that some peer outside their row hands over: told even where there is no other copy. */
  readonly #handedOver = new Set<SpaceKey>();
  /** The latest round in which anything changed. */
  #changedIn = 0;

  constructor(services: NodeServices) {
    this.#services = services;
  }

  /** Rows have changed: whom a space is told to may be another now, and all is told to everyone again. */
  rowsChanged(): void {
    this.#wholeSince = this.#round + 1;
  }

  /** Looks at every shared space before a round of pings of that number, which is greater than the one before. */
  refresh(round: number, terms: (space: SpaceKey) => Term | null): void {
    this.#round = round;
    let found = 0;
    for (const space of this.#services.toldSpaces()) {
      if (this.#services.audience(space).length === 0 && !this.#handedOver.has(space)) continue;
      found += 1;
      this.#refreshSpace(space, { term: terms(space), isOutside: false }, round);
    }
    for (const space of this.#services.outsideSpaces()) {
      found += 1;
      this.#refreshSpace(space, { term: null, isOutside: true }, round);
    }
    if (found < this.#told.size) this.#forgetOthers(round);
  }

  #refreshSpace(space: SpaceKey, { term, isOutside }: Pick<SpaceReport, 'term' | 'isOutside'>, round: number): void {
    const told = this.#told.get(space);
    const isSame = told !== undefined && told.report.term === term && told.report.isOutside === isOutside;
    // Naming a space of others must not make it here.
    const held = isOutside ? this.#services.store.spaceIfHeld(space) : this.#services.store.space(space);
    if (isSame && told.changes === (held?.coverageChanges ?? notHeld.changes)) {
      told.round = round;
      return;
    }
    const { changes, coverage, lost } = held === undefined ? notHeld : this.#holding(space);
    this.#told.set(space, { report: { space, term, isOutside, coverage, lost }, changes, since: round, round });
    this.#changedIn = round;
  }

  /** Somebody outside the row hands over records of the space. */
  handedOver(space: SpaceKey): void {
    this.#handedOver.add(space);
  }

  /** What is no longer named at all is no longer held: only a full report says so. */
  #forgetOthers(round: number): void {
    for (const [space, told] of this.#told) {
      if (told.round === round) continue;
      this.#told.delete(space);
      this.#holdings.delete(space);
    }
    this.#wholeSince = round;
  }

  /**
   * What a peer that has heard the round `heard` (0: none) is told now. `base` is the round that the reports add to: what they do not name is as it was
   * told then. With base 0 they are all there is.
   */
  since(
    heard: number,
    { id, spaces: theirs }: Pick<Peer, 'id' | 'spaces'>,
  ): { readonly base: number; readonly spaces: readonly SpaceReport[] } {
    const base = heard < this.#wholeSince ? 0 : heard;
    if (base >= this.#changedIn && base > 0) return { base, spaces: nothing };
    const spaces: SpaceReport[] = [];
    for (const { report, since } of this.#told.values()) {
      const isShared = since > base && (this.#services.audience(report.space).includes(id) || theirs.has(report.space));
      if (isShared) spaces.push(report);
    }
    return { base, spaces };
  }

  /** What is here, in doubt or not: for who asks only for what is missing. */
  encodedCoverage(key: SpaceKey): Uint8Array {
    const space = this.#services.store.space(key);
    return space.damagedVersions === 0 ? this.#holding(key).coverage : encodeVersionVector(withinRanges(space.coverage, vectorRangesMax));
  }

  #holding(key: SpaceKey): Holding {
    const space = this.#services.store.space(key);
    const known = this.#holdings.get(key);
    if (known !== undefined && known.changes === space.coverageChanges) return known;
    // Told as covered and missing at once: settled.
    const missing = united(withinRanges(space.lost(), vectorRangesMax), space.settled);
    const holding = {
      changes: space.coverageChanges,
      coverage: encodeVersionVector(withinRanges(space.vouchedOrSettled(), vectorRangesMax)),
      lost: missing.isEmpty() ? noBytes : encodeVersionVector(missing),
    };
    this.#holdings.set(key, holding);
    return holding;
  }
}

const nothing: readonly SpaceReport[] = [];

/**
 * What the peers say that they have synced of each space: by their pings, and by the acknowledgements since.
 */
import { commonTo, decodeVersionVector, type VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import type { Author, Dot, NodeId, SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { sameBytes } from '../wire/bytes.js';
import type { PeerMessage, SpaceReport } from '../wire/peer-message.js';
import { never, nothing, type Peer, type PeerSpace } from './peer.js';

const noBytes = new Uint8Array(0);

export class PeerReports {
  readonly #services: NodeServices;
  readonly #peers: ReadonlyMap<NodeId, Peer>;

  constructor(services: NodeServices, peers: ReadonlyMap<NodeId, Peer>) {
    this.#services = services;
    this.#peers = peers;
  }

  /** A ping has told these spaces; with base 0 it has told all. */
  told(
    peer: Peer,
    { spaces, base }: Extract<PeerMessage, { kind: 'ping' }>,
    before: { readonly isFirst: boolean; readonly vouchedMs: number },
  ): void {
    for (const report of spaces) {
      const { space } = report;
      if (!this.#services.takesPart(space) && !this.#services.isOutside(space)) continue;
      // Who begins to hand over has not been told what is here.
      if (!peer.spaces.has(space) && !this.#services.audience(space).includes(peer.id)) peer.knowsUpTo = 0;
      this.#report(peer, report, before);
    }
    if (base > 0) return;
    peer.awaited = false;
    if (peer.spaces.size > spaces.length) this.#forgetUnnamed(peer, spaces);
  }

  #report(peer: Peer, report: SpaceReport, before: { readonly isFirst: boolean; readonly vouchedMs: number }): void {
    const missing = report.lost.length === 0 ? nothing : decodeVersionVector(report.lost);
    if (missing === null) return;
    const space = peer.spaces.get(report.space);
    const isSame = space !== undefined && sameEncoding(space.encoded, report.coverage);
    const covered = isSame ? space.covered : decodeVersionVector(report.coverage);
    if (covered === null) return;
    const { reported, lost, settled } = toldApart(covered, missing);
    peer.spaces.set(report.space, {
      term: report.term,
      isOutside: report.isOutside,
      reported,
      covered,
      previous: before.isFirst ? null : (space?.reported ?? null),
      saidIn: peer.lastPingNumber,
      // What it acknowledged before it said so little is not there any more.
      acknowledged: new Map(),
      // The bytes are a view into a message: what is kept is a copy.
      encoded: isSame ? space.encoded : report.coverage.slice(),
      lost,
      settled,
      caughtUp: space === undefined ? null : this.#caughtUpWith(space, report.space, before.vouchedMs),
    });
  }

  /** The report that a new one takes the place of, if all of it is here by now; else the last of which that was so. */
  #caughtUpWith({ reported, lost, caughtUp }: PeerSpace, space: SpaceKey, vouchedMs: number): PeerSpace['caughtUp'] {
    // What it lacks it may have made and acknowledged long before.
    if (vouchedMs === never || lost !== nothing) return caughtUp;
    const coverage = this.#services.store.spaceIfHeld(space)?.coverage ?? nothing;
    return coverage.missingFrom(reported).length === 0 ? { reported, vouchedMs } : caughtUp;
  }

  /** What the peer had synced of the space as of the ping before its last: what is still missing from here by now is really missing, not on its way. */
  before(peer: Peer, { reported, previous, saidIn }: PeerSpace): VersionVector | null {
    return peer.lastPingNumber > saidIn && saidIn > 0 ? reported : previous;
  }

  /** What it no longer names it no longer holds. */
  #forgetUnnamed(peer: Peer, named: readonly SpaceReport[]): void {
    const held = new Set(named.map(({ space }) => space));
    for (const space of peer.spaces.keys()) if (!held.has(space)) peer.spaces.delete(space);
  }

  knows(id: NodeId, space: SpaceKey, dot: Dot): boolean {
    const report = this.#peers.get(id)?.spaces.get(space);
    if (report === undefined) return false;
    return hasAcknowledged(report, dot.author, dot.sequence, dot.sequence) || report.reported.has(dot);
  }

  /** Whether the peer is known to have synced everything of the author up to the dot, but for what it has settled. */
  knowsUpTo(id: NodeId, space: SpaceKey, dot: Dot): boolean {
    const report = this.#peers.get(id)?.spaces.get(space);
    if (report === undefined) return false;
    return Math.max(report.acknowledged.get(dot.author) ?? 0, report.covered.prefix(dot.author)) >= dot.sequence;
  }

  /** Whether the peer is known to have synced all of this. */
  holdsAll(id: NodeId, space: SpaceKey, held: VersionVector): boolean {
    const report = this.#peers.get(id)?.spaces.get(space);
    if (report === undefined) return false;
    return report.reported.missingFrom(held).every(({ author, from, to }) => hasAcknowledged(report, author, from, to));
  }

  /**
   * Whether the peer, a copy by its own rows as well, has said in its present boot that it has synced all of this, and is not silent since. What it was known to hold before
   * its last start it may have found damaged then.
   */
  vouchesFor(id: NodeId, space: SpaceKey, { held, now }: { readonly held: VersionVector; readonly now: Now }): boolean {
    const peer = this.#peers.get(id);
    const report = peer?.spaces.get(space);
    if (peer === undefined || report === undefined || report.isOutside || report.saidIn === 0) return false;
    if (now.monotonicMs - peer.vouchedMs > 2 * this.#services.configuration.replication.reachableMs) return false;
    return report.reported.includesAll(held);
  }

  /**
   * The same of its last report that is all here, when of a later one only records are missing that the peer has made in this boot, lost again or not: it
   * made them since. Null: not known.
   */
  caughtUpAgeMs(peer: Peer, { reported, lost, caughtUp }: PeerSpace, coverage: VersionVector, now: Now): number | null {
    if (caughtUp === null) return null;
    const missing = [...coverage.missingFrom(reported), ...coverage.missingFrom(lost)];
    if (missing.some(({ author }) => author !== peer.author)) return null;
    return coverage.missingFrom(caughtUp.reported).length === 0 ? now.monotonicMs - caughtUp.vouchedMs : null;
  }

  /**
   * What the copy last said of the space, and at what time by our own clock or later: nothing held, if it did not name it. Undefined before it has
   * told all that it holds.
   */
  said(id: NodeId, space: SpaceKey): { readonly reported: VersionVector; readonly vouchedMs: number } | undefined {
    const peer = this.#peers.get(id);
    if (peer === undefined) return undefined;
    const report = peer.spaces.get(space);
    if (report !== undefined) return { reported: report.reported, vouchedMs: peer.vouchedMs };
    return peer.awaited ? undefined : { reported: nothing, vouchedMs: peer.vouchedMs };
  }

  /** A cumulative acknowledgement: everything of this author up to `end` is synced on the peer. */
  acknowledged(peer: Peer, message: Extract<PeerMessage, { kind: 'acknowledge' }>): void {
    let space = peer.spaces.get(message.space);
    if (space === undefined) {
      // It has begun to hold the space since its last ping.
      space = {
        term: null,
        isOutside: false,
        reported: nothing,
        covered: nothing,
        previous: null,
        saidIn: peer.lastPingNumber,
        acknowledged: new Map(),
        encoded: noBytes,
        lost: nothing,
        settled: nothing,
        caughtUp: null,
      };
      peer.spaces.set(message.space, space);
    }
    if (message.end > (space.acknowledged.get(message.author) ?? 0)) space.acknowledged.set(message.author, message.end);
  }
}

/** Whether the peer has synced all of this since its last ping. It acknowledges beyond what it has settled: of what it lacked then only its next ping can say that it is there. */
function hasAcknowledged({ acknowledged, settled, lost }: PeerSpace, author: Author, from: number, to: number): boolean {
  if ((acknowledged.get(author) ?? 0) < to) return false;
  return settled.of(author)?.intersects(from, to) !== true && lost.of(author)?.intersects(from, to) !== true;
}

/** What a peer covers and calls missing all the same it has settled. */
function toldApart(covered: VersionVector, missing: VersionVector): Pick<PeerSpace, 'reported' | 'lost' | 'settled'> {
  if (missing === nothing) return { reported: covered, lost: nothing, settled: nothing };
  const settled = commonTo(covered, missing);
  if (settled.isEmpty()) return { reported: covered, lost: missing, settled: nothing };
  const [reported, lost] = [covered.clone(), missing.clone()];
  reported.removeAll(settled);
  lost.removeAll(settled);
  return { reported, lost: lost.isEmpty() ? nothing : lost, settled };
}

function sameEncoding(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && sameBytes(left, 0, right, 0, left.length);
}

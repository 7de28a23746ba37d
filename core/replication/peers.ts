/**
 * What this node knows of the other copies: who answers its own round trips, and what each says that it has synced.
 *
 * Only an answered ping of our own counts as reaching a peer: hearing it proves the other direction only (a deaf node still sends).
 */

import { decodeVersionVector, encodeVersionVector, VersionVector, vectorRangesMax, withinRanges } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { type Author, authorNode, type Dot, type NodeId, type SpaceKey, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { sameBytes } from '../wire/bytes.js';
import type { PeerCodec, PeerMessage, SpaceReport } from '../wire/peer-message.js';

/** What a peer last said of one space. */
export interface PeerSpace {
  term: Term | null;
  /** What it has synced, by its last ping. Never changed, only replaced. */
  reported: VersionVector;
  /** As of the ping before the last: what is still missing from here by now is really missing, not on its way. */
  before: VersionVector | null;
  /** Ends of gapless prefixes that it has acknowledged since that ping. */
  readonly acknowledged: Map<Author, number>;
  encoded: Uint8Array;
  /** What it had, or should have, and lacks. Never changed, only replaced. */
  lost: VersionVector;
  /** When its report came. */
  reportedAtMs: number;
}

export interface Peer {
  readonly id: NodeId;
  /** Node and boot of its last message. */
  author: Author | null;
  /** Since when it is asked: before it has had the time to answer it is not out of reach. */
  askedSinceMs: number;
  lastHeardMs: number;
  /** When one of our pings was last answered within the bound. */
  lastReachedMs: number;
  reached: boolean;
  /** Pings on their way: number and when each was sent. */
  readonly outstanding: Map<number, number>;
  lastPingNumber: number;
  /** When that ping came. A ping names every space that its sender holds and shares with this node. */
  pingedAtMs: number;
  readonly spaces: Map<SpaceKey, PeerSpace>;
}

/** What this copy holds and lacks of a space, as peers are told. */
interface EncodedHolding {
  readonly changes: number;
  readonly coverage: Uint8Array;
  readonly lost: Uint8Array;
}

const pingTimer = 'peers.ping';
const outstandingMax = 64;
const never = Number.NEGATIVE_INFINITY;
/** Never changed. */
const nothing = new VersionVector();
const noBytes = new Uint8Array(0);

export class Peers {
  readonly #services: NodeServices;
  readonly #codec: PeerCodec;
  readonly #peers = new Map<NodeId, Peer>();
  /** The same by the author of their last message. */
  readonly #byAuthor = new Map<Author, Peer>();
  /** What the copies of each space are told, as long as it stands still. */
  readonly #encoded = new Map<SpaceKey, EncodedHolding>();
  #pingNumber = 0;
  /** When the next round of pings is due. */
  #nextPingMs = Number.POSITIVE_INFINITY;

  constructor(services: NodeServices, codec: PeerCodec) {
    this.#services = services;
    this.#codec = codec;
  }

  /** Everyone that can share a space with this node, in id order; whoever no longer can is forgotten. */
  membersChanged(now: Now): void {
    const known = new Map(this.#peers);
    this.#peers.clear();
    this.#byAuthor.clear();
    for (const id of this.#services.neighbours()) this.#peers.set(id, known.get(id) ?? newPeer(id, now));
  }

  all(): Iterable<Peer> {
    return this.#peers.values();
  }

  get(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  send(to: NodeId, message: PeerMessage): void {
    this.sendEncoded(to, this.encode(message));
  }

  /** The bytes of a message, for more than one peer. */
  encode(message: PeerMessage): Uint8Array {
    return this.#codec.encode(this.#services.store.author, message);
  }

  sendEncoded(to: NodeId, message: Uint8Array): void {
    this.#services.effects.network.send(to, message);
  }

  isReachable(id: NodeId, now: Now): boolean {
    const peer = this.#peers.get(id);
    return peer !== undefined && now.monotonicMs - peer.lastReachedMs <= this.#services.configuration.replication.reachableMs;
  }

  /** Whether it has been asked for long enough: who has never answered may yet. */
  hadTimeToAnswer(id: NodeId, now: Now): boolean {
    const peer = this.#peers.get(id);
    return peer !== undefined && now.monotonicMs - peer.askedSinceMs >= this.#services.configuration.replication.reachableMs;
  }

  isHeard(id: NodeId, now: Now): boolean {
    const peer = this.#peers.get(id);
    return peer !== undefined && now.monotonicMs - peer.lastHeardMs <= this.#services.configuration.replication.reachableMs;
  }

  knows(id: NodeId, space: SpaceKey, dot: Dot): boolean {
    const report = this.#peers.get(id)?.spaces.get(space);
    if (report === undefined) return false;
    return (report.acknowledged.get(dot.author) ?? 0) >= dot.sequence || report.reported.has(dot);
  }

  /** Whether the peer is known to have synced everything of the author up to the dot. */
  knowsUpTo(id: NodeId, space: SpaceKey, dot: Dot): boolean {
    const report = this.#peers.get(id)?.spaces.get(space);
    if (report === undefined) return false;
    return Math.max(report.acknowledged.get(dot.author) ?? 0, report.reported.prefix(dot.author)) >= dot.sequence;
  }

  /** Whether the peer is known to have synced all of this. */
  holdsAll(id: NodeId, space: SpaceKey, held: VersionVector): boolean {
    const report = this.#peers.get(id)?.spaces.get(space);
    if (report === undefined) return false;
    return report.reported.missingFrom(held).every(({ author, to }) => (report.acknowledged.get(author) ?? 0) >= to);
  }

  /** A round of pings: what each peer is asked for, and told of the spaces that both hold. */
  pingAll(terms: (space: SpaceKey) => Term | null, now: Now): void {
    const { pingIntervalMs } = this.#services.configuration.replication;
    if (this.#peers.size === 0) return;
    this.#nextPingMs = now.monotonicMs + pingIntervalMs;
    const reports = this.#reports(terms);
    for (const peer of this.#peers.values()) {
      this.#pingNumber += 1;
      if (peer.outstanding.size >= outstandingMax) peer.outstanding.delete(peer.outstanding.keys().next().value as number);
      peer.outstanding.set(this.#pingNumber, now.monotonicMs);
      const spaces = reports.filter(({ space }) => this.#services.otherCopies(space).includes(peer.id));
      this.send(peer.id, { kind: 'ping', number: this.#pingNumber, spaces });
      this.#noteLoss(peer, now);
    }
    this.#services.effects.timers.arm(pingTimer, this.#nextPingMs);
  }

  /**
   * While this node stood still, stopped or without a processor, it could hear nobody: that time is no silence of the others. Told at each event, since the
   * first one after a pause may be any, and none may find the others out of reach.
   */
  forgiveOwnPause(now: Now): void {
    const lateMs = now.monotonicMs - this.#nextPingMs;
    if (lateMs <= this.#services.configuration.replication.pingIntervalMs) return;
    this.#nextPingMs = now.monotonicMs;
    for (const peer of this.#peers.values()) {
      peer.askedSinceMs = Math.min(now.monotonicMs, peer.askedSinceMs + lateMs);
      peer.lastHeardMs = Math.min(now.monotonicMs, peer.lastHeardMs + lateMs);
      peer.lastReachedMs = Math.min(now.monotonicMs, peer.lastReachedMs + lateMs);
      for (const [number, sentMs] of peer.outstanding) peer.outstanding.set(number, sentMs + lateMs);
    }
  }

  isPingTimer(name: string): boolean {
    return name === pingTimer;
  }

  #noteLoss(peer: Peer, now: Now): void {
    if (!peer.reached || this.isReachable(peer.id, now)) return;
    peer.reached = false;
    this.#services.effects.journal.note({ kind: 'peer.lost', peer: peer.id, silentMs: now.monotonicMs - peer.lastReachedMs });
  }

  /** What is said of each space that somebody shares. */
  #reports(terms: (space: SpaceKey) => Term | null): SpaceReport[] {
    const reports: SpaceReport[] = [];
    for (const space of this.#services.ownSpaces()) {
      if (this.#services.otherCopies(space).length === 0) continue;
      const { coverage, lost } = this.#holding(space);
      reports.push({ space, term: terms(space), coverage, lost });
    }
    return reports;
  }

  encodedCoverage(space: SpaceKey): Uint8Array {
    return this.#holding(space).coverage;
  }

  #holding(key: SpaceKey): EncodedHolding {
    const space = this.#services.store.space(key);
    const known = this.#encoded.get(key);
    if (known !== undefined && known.changes === space.coverageChanges) return known;
    const lost = space.lost();
    const holding = {
      changes: space.coverageChanges,
      coverage: encodeVersionVector(withinRanges(space.coverage, vectorRangesMax)),
      lost: lost.isEmpty() ? noBytes : encodeVersionVector(withinRanges(lost, vectorRangesMax)),
    };
    this.#encoded.set(key, holding);
    return holding;
  }

  /** Any message proves that the peer can be heard. Null for a sender that shares no row with this node. */
  heard(from: Author, now: Now): Peer | null {
    const known = this.#byAuthor.get(from);
    if (known !== undefined) {
      known.lastHeardMs = now.monotonicMs;
      return known;
    }
    const peer = this.#peers.get(authorNode(from));
    if (peer === undefined) return null;
    peer.lastHeardMs = now.monotonicMs;
    if (peer.author !== null) this.#byAuthor.delete(peer.author);
    this.#byAuthor.set(from, peer);
    if (peer.author !== from) {
      // Another boot: what the old one said of terms and unsynced state is void. Its numbering of pings starts again.
      peer.author = from;
      peer.lastPingNumber = 0;
      peer.pingedAtMs = never;
      for (const space of peer.spaces.values()) {
        space.term = null;
        space.before = null;
        space.acknowledged.clear();
      }
    }
    return peer;
  }

  /** False for a ping that was overtaken by a later one. */
  pinged(peer: Peer, from: Author, message: Extract<PeerMessage, { kind: 'ping' }>, now: Now): boolean {
    this.send(peer.id, { kind: 'pong', number: message.number, asker: from });
    if (message.number <= peer.lastPingNumber) return false;
    peer.lastPingNumber = message.number;
    peer.pingedAtMs = now.monotonicMs;
    for (const report of message.spaces) if (this.#services.isCopy(report.space)) this.#report(peer, report, now);
    if (peer.spaces.size > message.spaces.length) this.#forgetUnnamed(peer, message.spaces);
    return true;
  }

  #report(peer: Peer, report: SpaceReport, now: Now): void {
    const lost = report.lost.length === 0 ? nothing : decodeVersionVector(report.lost);
    if (lost === null) return;
    const space = peer.spaces.get(report.space);
    if (space !== undefined && sameEncoding(space.encoded, report.coverage)) {
      space.term = report.term;
      space.before = space.reported;
      // What it acknowledged before it said so little is not there any more.
      space.acknowledged.clear();
      space.lost = lost;
      space.reportedAtMs = now.monotonicMs;
      return;
    }
    const reported = decodeVersionVector(report.coverage);
    if (reported === null) return;
    peer.spaces.set(report.space, {
      term: report.term,
      reported,
      before: space?.reported ?? null,
      acknowledged: new Map(),
      // The bytes are a view into a message: what is kept is a copy.
      encoded: report.coverage.slice(),
      lost,
      reportedAtMs: now.monotonicMs,
    });
  }

  /** What it no longer names it no longer holds. */
  #forgetUnnamed(peer: Peer, named: readonly SpaceReport[]): void {
    const held = new Set(named.map(({ space }) => space));
    for (const space of peer.spaces.keys()) if (!held.has(space)) peer.spaces.delete(space);
  }

  /** What the copy last said of the space and when: nothing held, if its last ping did not name it. Undefined before its first ping. */
  said(id: NodeId, space: SpaceKey): { readonly reported: VersionVector; readonly reportedAtMs: number } | undefined {
    const peer = this.#peers.get(id);
    const report = peer?.spaces.get(space);
    if (report !== undefined || peer === undefined || peer.pingedAtMs === never) return report;
    return { reported: nothing, reportedAtMs: peer.pingedAtMs };
  }

  ponged(peer: Peer, { number, asker }: Extract<PeerMessage, { kind: 'pong' }>, now: Now): void {
    if (asker !== this.#services.store.author) return;
    const sentMs = peer.outstanding.get(number);
    if (sentMs === undefined) return;
    for (const earlier of peer.outstanding.keys()) {
      if (earlier > number) break;
      peer.outstanding.delete(earlier);
    }
    if (now.monotonicMs - sentMs > this.#services.configuration.replication.reachableMs) return;
    peer.lastReachedMs = now.monotonicMs;
    if (peer.reached) return;
    peer.reached = true;
    this.#services.effects.journal.note({ kind: 'peer.reached', peer: peer.id });
  }

  /** A cumulative acknowledgement: everything of this author up to `end` is synced on the peer. */
  acknowledged(peer: Peer, message: Extract<PeerMessage, { kind: 'acknowledge' }>): void {
    let space = peer.spaces.get(message.space);
    if (space === undefined) {
      // It has begun to hold the space since its last ping.
      space = {
        term: null,
        reported: nothing,
        before: null,
        acknowledged: new Map(),
        encoded: noBytes,
        lost: nothing,
        reportedAtMs: peer.pingedAtMs,
      };
      peer.spaces.set(message.space, space);
    }
    if (message.end > (space.acknowledged.get(message.author) ?? 0)) space.acknowledged.set(message.author, message.end);
  }
}

function newPeer(id: NodeId, now: Now): Peer {
  return {
    id,
    author: null,
    askedSinceMs: now.monotonicMs,
    lastHeardMs: never,
    lastReachedMs: never,
    reached: false,
    outstanding: new Map(),
    lastPingNumber: 0,
    pingedAtMs: never,
    spaces: new Map(),
  };
}

function sameEncoding(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && sameBytes(left, 0, right, 0, left.length);
}

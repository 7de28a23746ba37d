/**
 * What this node knows of the other copies: who answers its own round trips, and what each says that it has synced.
 *
 * Each node pings every other at a fixed interval, and a ping says which one of the receiver's it answers: the last that was heard, and how long ago. There is no
 * other answer. Only an answered ping of our own counts as reaching a peer: hearing it proves the other direction only (a deaf node still sends).
 */

import { decodeVersionVector, VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { type Author, authorBoot, authorNode, type Dot, type NodeId, type SpaceKey, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { sameBytes } from '../wire/bytes.js';
import type { HeardPing, PeerCodec, PeerMessage, SpaceReport } from '../wire/peer-message.js';
import { OwnReports } from './own-reports.js';

type Ping = Extract<PeerMessage, { kind: 'ping' }>;

/** What a peer last said of one space. */
export interface PeerSpace {
  term: Term | null;
  /** What it has synced, by its last ping. Never changed, only replaced. */
  reported: VersionVector;
  /** What it had synced as it said before. */
  previous: VersionVector | null;
  /** The ping that said so. Later ones that do not name the space say that nothing has changed. */
  readonly saidIn: number;
  /** Ends of gapless prefixes that it has acknowledged since that ping. */
  readonly acknowledged: Map<Author, number>;
  encoded: Uint8Array;
  /** What it had, or should have, and lacks. Never changed, only replaced. */
  lost: VersionVector;
  /** An earlier report of this boot, without losses, of which all was here when the next one came. */
  caughtUp: { readonly reported: VersionVector; readonly vouchedMs: number } | null;
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
  /** The last of our pings that it is known to have heard, and when that was sent. */
  answered: { readonly number: number; readonly sentMs: number } | null;
  /** What it was told up to this ping of ours it need not be told again; 0: it must be told all. */
  knowsUpTo: number;
  lastPingNumber: number;
  /** When that ping came. */
  pingedAtMs: number;
  /** Its last ping was sent at this time by our own clock or later: so old at most is what it says of any space. Never, if that is not known. */
  vouchedMs: number;
  /** Whether it is still to tell all that it holds, not only what has changed. */
  awaited: boolean;
  readonly spaces: Map<SpaceKey, PeerSpace>;
}

/** A round of our own pings: when it was sent, and for how long this node had stood still by then. */
interface Round {
  readonly sentMs: number;
  readonly pausedMs: number;
}

const pingTimer = 'peers.ping';
/** Rounds whose answers can still be told. */
const roundsMax = 64;
/** A peer says how long it held our ping before it answered; its clock may run faster than ours by this share. */
const clockRatesDifferMax = 1 / 16;
/** Of a time: there is none. */
export const never = Number.NEGATIVE_INFINITY;
/** Never changed. */
const nothing = new VersionVector();
const noBytes = new Uint8Array(0);

export class Peers {
  readonly #services: NodeServices;
  readonly #codec: PeerCodec;
  readonly #peers = new Map<NodeId, Peer>();
  /** The same by the author of their last message. */
  readonly #byAuthor = new Map<Author, Peer>();
  readonly #own: OwnReports;
  readonly #rounds = new Map<number, Round>();
  #round = 0;
  /** For how long this node has stood still in this boot. */
  #pausedMs = 0;
  /** When the next round of pings is due. */
  #nextPingMs = Number.POSITIVE_INFINITY;

  constructor(services: NodeServices, codec: PeerCodec) {
    this.#services = services;
    this.#codec = codec;
    this.#own = new OwnReports(services);
  }

  /** Everyone that can share a space with this node, in id order; whoever no longer can is forgotten. */
  membersChanged(now: Now): void {
    const known = new Map(this.#peers);
    this.#peers.clear();
    this.#byAuthor.clear();
    for (const id of this.#services.neighbours()) this.#peers.set(id, known.get(id) ?? newPeer(id, now));
    this.#own.rowsChanged();
    // Of spaces that were not shared before, what has changed says nothing.
    for (const peer of this.#peers.values()) peer.awaited = true;
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
    this.#round += 1;
    this.#rounds.set(this.#round, { sentMs: now.monotonicMs, pausedMs: this.#pausedMs });
    this.#rounds.delete(this.#round - roundsMax);
    this.#own.refresh(this.#round, terms);
    for (const peer of this.#peers.values()) {
      const { base, spaces } = this.#own.since(peer.knowsUpTo, peer.id);
      this.send(peer.id, { kind: 'ping', number: this.#round, heard: heardOf(peer, now), all: peer.awaited, base, spaces });
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
    this.#pausedMs += lateMs;
    for (const peer of this.#peers.values()) {
      peer.askedSinceMs = Math.min(now.monotonicMs, peer.askedSinceMs + lateMs);
      peer.lastHeardMs = Math.min(now.monotonicMs, peer.lastHeardMs + lateMs);
      peer.lastReachedMs = Math.min(now.monotonicMs, peer.lastReachedMs + lateMs);
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

  encodedCoverage(space: SpaceKey): Uint8Array {
    return this.#own.encodedCoverage(space);
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
    // Late, from before it started anew: its records count, of what it is now they say nothing.
    if (peer.author !== null && authorBoot(from).counter < authorBoot(peer.author).counter) return peer;
    peer.lastHeardMs = now.monotonicMs;
    if (peer.author !== null) this.#byAuthor.delete(peer.author);
    this.#byAuthor.set(from, peer);
    if (peer.author !== from) {
      // Another boot: what the old one said of terms and unsynced state is void. Its numbering of pings starts again.
      peer.author = from;
      peer.lastPingNumber = 0;
      peer.pingedAtMs = never;
      peer.vouchedMs = never;
      peer.awaited = true;
      peer.knowsUpTo = 0;
      for (const [key, space] of peer.spaces) {
        peer.spaces.set(key, { ...space, term: null, previous: null, saidIn: 0, acknowledged: new Map(), caughtUp: null });
      }
    }
    return peer;
  }

  /** False for a ping that was overtaken by a later one, or by a later boot. */
  pinged(peer: Peer, from: Author, message: Ping, now: Now): boolean {
    if (from !== peer.author || message.number <= peer.lastPingNumber) return false;
    const isFirst = peer.lastPingNumber === 0;
    peer.lastPingNumber = message.number;
    peer.pingedAtMs = now.monotonicMs;
    const vouchedBeforeMs = peer.vouchedMs;
    if (message.heard !== null && message.heard.asker === this.#services.store.author) this.#answered(peer, message.heard, now);
    if (message.all) peer.knowsUpTo = 0;
    for (const report of message.spaces) if (this.#services.isCopy(report.space)) this.#report(peer, report, isFirst, vouchedBeforeMs);
    if (message.base > 0) return true;
    peer.awaited = false;
    if (peer.spaces.size > message.spaces.length) this.#forgetUnnamed(peer, message.spaces);
    return true;
  }

  /** It heard one of our pings: when that was sent tells how old at most is what it says now. */
  #answered(peer: Peer, { number, heldMs }: HeardPing, now: Now): void {
    const round = this.#rounds.get(number);
    const sentMs = peer.answered?.number === number ? peer.answered.sentMs : round?.sentMs;
    if (sentMs === undefined) return;
    peer.vouchedMs = sentMs + Math.max(0, Math.floor(heldMs * (1 - clockRatesDifferMax)) - 1);
    peer.knowsUpTo = number;
    if (round === undefined || number <= (peer.answered?.number ?? 0)) return;
    peer.answered = { number, sentMs };
    const roundTripMs = now.monotonicMs - sentMs - heldMs - (this.#pausedMs - round.pausedMs);
    if (roundTripMs > this.#services.configuration.replication.reachableMs) return;
    peer.lastReachedMs = now.monotonicMs;
    if (peer.reached) return;
    peer.reached = true;
    this.#services.effects.journal.note({ kind: 'peer.reached', peer: peer.id });
  }

  #report(peer: Peer, report: SpaceReport, isFirst: boolean, vouchedBeforeMs: number): void {
    const lost = report.lost.length === 0 ? nothing : decodeVersionVector(report.lost);
    if (lost === null) return;
    const space = peer.spaces.get(report.space);
    const isSame = space !== undefined && sameEncoding(space.encoded, report.coverage);
    const reported = isSame ? space.reported : decodeVersionVector(report.coverage);
    if (reported === null) return;
    peer.spaces.set(report.space, {
      term: report.term,
      reported,
      previous: isFirst ? null : (space?.reported ?? null),
      saidIn: peer.lastPingNumber,
      // What it acknowledged before it said so little is not there any more.
      acknowledged: new Map(),
      // The bytes are a view into a message: what is kept is a copy.
      encoded: isSame ? space.encoded : report.coverage.slice(),
      lost,
      caughtUp: space === undefined ? null : this.#caughtUpWith(space, report.space, vouchedBeforeMs),
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

  /** So many milliseconds old, at most, is what the peer said last. Null: not known. */
  ageMs({ vouchedMs }: Peer, now: Now): number | null {
    return vouchedMs === never ? null : now.monotonicMs - vouchedMs;
  }

  /**
   * The same of its last report that is all here, when of a later one only records are missing that the peer has made in this boot: it made them
   * since. Null: not known.
   */
  caughtUpAgeMs(peer: Peer, { reported, caughtUp }: PeerSpace, coverage: VersionVector, now: Now): number | null {
    if (caughtUp === null || coverage.missingFrom(reported).some(({ author }) => author !== peer.author)) return null;
    return coverage.missingFrom(caughtUp.reported).length === 0 ? now.monotonicMs - caughtUp.vouchedMs : null;
  }

  /** About how long what the peer says is on its way: half of the last round trip of pings. */
  wayMs({ vouchedMs, pingedAtMs }: Peer, now: Now): number {
    if (vouchedMs === never) return now.monotonicMs - pingedAtMs;
    return Math.max(0, pingedAtMs - vouchedMs) / 2;
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
        reported: nothing,
        previous: null,
        saidIn: peer.lastPingNumber,
        acknowledged: new Map(),
        encoded: noBytes,
        lost: nothing,
        caughtUp: null,
      };
      peer.spaces.set(message.space, space);
    }
    if (message.end > (space.acknowledged.get(message.author) ?? 0)) space.acknowledged.set(message.author, message.end);
  }
}

/** What is said of the peer's own pings: null before one of this boot has come. */
function heardOf({ author, lastPingNumber, pingedAtMs }: Peer, now: Now): HeardPing | null {
  if (author === null || lastPingNumber === 0) return null;
  return { asker: author, number: lastPingNumber, heldMs: now.monotonicMs - pingedAtMs };
}

function newPeer(id: NodeId, now: Now): Peer {
  return {
    id,
    author: null,
    askedSinceMs: now.monotonicMs,
    lastHeardMs: never,
    lastReachedMs: never,
    reached: false,
    answered: null,
    knowsUpTo: 0,
    lastPingNumber: 0,
    pingedAtMs: never,
    vouchedMs: never,
    awaited: true,
    spaces: new Map(),
  };
}

function sameEncoding(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && sameBytes(left, 0, right, 0, left.length);
}

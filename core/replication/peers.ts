/**
 * What this node knows of the other copies: who answers its own round trips. What each of them says with its pings is kept by `reports`.
 *
 * Each node pings every other at a fixed interval, and a ping says which one of the receiver's it answers: the last that was heard, and how long ago. There is no
 * other answer. Only an answered ping of our own counts as reaching a peer: hearing it proves the other direction only (a deaf node still sends).
 */

import type { Now } from '../events.js';
import { type Author, authorBoot, authorNode, compareText, type NodeId, type SpaceKey, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { HeardPing, PeerCodec, PeerMessage, SpaceReport } from '../wire/peer-message.js';
import { OwnReports } from './own-reports.js';
import { never, newPeer, type Peer } from './peer.js';
import { PeerReports } from './peer-reports.js';

type Ping = Extract<PeerMessage, { kind: 'ping' }>;

/** A round of our own pings: when it was sent, and for how long this node had stood still by then. */
interface Round {
  readonly sentMs: number;
  readonly pausedMs: number;
}

const pingTimer = 'peers.ping';
/** Who hands over and shares no row: so many at once, and each until it has been silent for so long. */
const guestsMax = 1_024;
const guestSilentMsMax = 30_000;
/** Rounds whose answers can still be told. */
const roundsMax = 64;
/** A peer says how long it held our ping before it answered; its clock may run faster than ours by this share. */
const clockRatesDifferMax = 1 / 16;

export class Peers {
  readonly #services: NodeServices;
  readonly #codec: PeerCodec;
  readonly #peers = new Map<NodeId, Peer>();
  /** The same by the author of their last message. */
  readonly #byAuthor = new Map<Author, Peer>();
  readonly #own: OwnReports;
  readonly reports: PeerReports;
  readonly #rounds = new Map<number, Round>();
  /** Since when this node is a copy of each space of its rows. */
  readonly #copySinceMs = new Map<SpaceKey, number>();
  #round = 0;
  /** For how long this node has stood still in this boot. */
  #pausedMs = 0;
  /** When the next round of pings is due. */
  #nextPingMs = Number.POSITIVE_INFINITY;

  constructor(services: NodeServices, codec: PeerCodec) {
    this.#services = services;
    this.#codec = codec;
    this.#own = new OwnReports(services);
    this.reports = new PeerReports(services, this.#peers);
  }

  /** Everyone that can share a space with this node, in id order; whoever no longer can is forgotten. */
  membersChanged(now: Now): void {
    const known = new Map(this.#peers);
    this.#peers.clear();
    this.#byAuthor.clear();
    const neighbours = this.#services.neighbours();
    for (const id of neighbours) this.#peers.set(id, sharingRows(known.get(id) ?? newPeer(id, now)));
    const guests = [...known.values()].filter(({ id, isGuest }) => isGuest && !this.#peers.has(id));
    for (const peer of guests) this.#enter(peer, now);
    this.#own.rowsChanged();
    for (const space of this.#copySinceMs.keys()) if (!this.#services.isCopy(space)) this.#copySinceMs.delete(space);
    for (const space of this.#services.ownSpaces()) if (!this.#copySinceMs.has(space)) this.#copySinceMs.set(space, now.monotonicMs);
    // Of spaces that were not shared before, what has changed says nothing.
    for (const peer of this.#peers.values()) peer.awaited = true;
  }

  /**
   * Whom this node hands over to. Those of its rows are peers already. One that does not answer may have forgotten this node, or never heard of it: it is told
   * everything each time, since it lets nobody in who names no space.
   */
  handsOverTo(id: NodeId, now: Now): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) this.#enter(newPeer(id, now), now);
    else if (!this.isReachable(id, now)) peer.knowsUpTo = 0;
  }

  /**
   * Lets in who shares no row with this node and hands over records of a space that this one has a copy of: to be fetched from, and for nothing else. Not when there
   * are too many of them.
   */
  admit(from: Author, spaces: readonly SpaceReport[], now: Now): void {
    if (!spaces.some(({ space }) => this.#services.takesPart(space))) return;
    let guests = 0;
    for (const { isGuest } of this.#peers.values()) guests += isGuest ? 1 : 0;
    if (guests >= guestsMax) return;
    const id = authorNode(from);
    this.#enter({ ...newPeer(id, now), isGuest: true }, now);
    this.#services.effects.journal.note({ kind: 'guest.admitted', peer: id });
  }

  #enter(peer: Peer, now: Now): void {
    if (this.#peers.size === 0) this.#services.effects.timers.arm(pingTimer, now.monotonicMs);
    const peers = [...this.#peers.values(), peer].sort((left, right) => compareText(left.id, right.id));
    this.#peers.clear();
    for (const each of peers) this.#peers.set(each.id, each);
  }

  #forgetSilentGuests(now: Now): void {
    for (const peer of [...this.#peers.values()]) {
      if (!peer.isGuest || now.monotonicMs - Math.max(peer.lastHeardMs, peer.askedSinceMs) <= guestSilentMsMax) continue;
      this.#peers.delete(peer.id);
      if (peer.author !== null) this.#byAuthor.delete(peer.author);
    }
  }

  all(): Iterable<Peer> {
    return this.#peers.values();
  }

  isKnown(from: Author): boolean {
    return this.#byAuthor.has(from) || this.#peers.has(authorNode(from));
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

  /**
   * Whether this node has been a copy for as long as an answer takes. Who did not know that it shares a row with this node did not answer it: that is no silence, however
   * long it was.
   */
  hadTimeAsCopy(space: SpaceKey, now: Now): boolean {
    const sinceMs = this.#copySinceMs.get(space) ?? never;
    return now.monotonicMs - sinceMs >= this.#services.configuration.replication.reachableMs;
  }

  isHeard(id: NodeId, now: Now): boolean {
    const peer = this.#peers.get(id);
    return peer !== undefined && now.monotonicMs - peer.lastHeardMs <= this.#services.configuration.replication.reachableMs;
  }

  /** A round of pings: what each peer is asked for, and told of the spaces that both hold. */
  pingAll(terms: (space: SpaceKey) => Term | null, now: Now): void {
    const { pingIntervalMs } = this.#services.configuration.replication;
    if (this.#peers.size === 0) return;
    this.#nextPingMs = now.monotonicMs + pingIntervalMs;
    this.#round += 1;
    this.#rounds.set(this.#round, { sentMs: now.monotonicMs, pausedMs: this.#pausedMs });
    this.#rounds.delete(this.#round - roundsMax);
    this.#forgetSilentGuests(now);
    this.#own.refresh(this.#round, terms);
    for (const peer of this.#peers.values()) {
      const { base, spaces } = this.#own.since(peer.knowsUpTo, peer);
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
    for (const [space, sinceMs] of this.#copySinceMs) this.#copySinceMs.set(space, Math.min(now.monotonicMs, sinceMs + lateMs));
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
    const before = { isFirst: peer.lastPingNumber === 0, vouchedMs: peer.vouchedMs };
    peer.lastPingNumber = message.number;
    peer.pingedAtMs = now.monotonicMs;
    if (message.heard !== null && message.heard.asker === this.#services.store.author) this.#answered(peer, message.heard, now);
    if (message.all) peer.knowsUpTo = 0;
    this.reports.told(peer, message, before);
    for (const { space, isOutside } of message.spaces) if (isOutside) this.#own.handedOver(space);
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

  /** So many milliseconds old, at most, is what the peer said last. Null: not known. */
  ageMs({ vouchedMs }: Peer, now: Now): number | null {
    return vouchedMs === never ? null : now.monotonicMs - vouchedMs;
  }

  /** About how long what the peer says is on its way: half of the last round trip of pings. */
  wayMs({ vouchedMs, pingedAtMs }: Peer, now: Now): number {
    if (vouchedMs === never) return now.monotonicMs - pingedAtMs;
    return Math.max(0, pingedAtMs - vouchedMs) / 2;
  }
}

function sharingRows(peer: Peer): Peer {
  peer.isGuest = false;
  return peer;
}

/** What is said of the peer's own pings: null before one of this boot has come. */
function heardOf({ author, lastPingNumber, pingedAtMs }: Peer, now: Now): HeardPing | null {
  if (author === null || lastPingNumber === 0) return null;
  return { asker: author, number: lastPingNumber, heldMs: now.monotonicMs - pingedAtMs };
}

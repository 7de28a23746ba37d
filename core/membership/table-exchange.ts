/**
 * Exchanges over the reliable channel: pings of the last resort, and whole tables, which both sides give each other (push-pull). A table brings what news have missed,
 * and brings two halves of a cluster together again.
 *
 *   question  kind u8, then: ping: the node asked (16); table: its entries
 *   answer    number u48 of the question, kind u8, then for a table its entries
 *   entries   count u16, entries as in claim-bytes.ts, then messages (messages.ts): the links that are known not to work
 */
import { type ExchangeHandle, exchangeBytesMax, type Ticket } from '../effects.js';
import { type Author, authorNode, type NodeId } from '../identifiers.js';
import { type ByteReader, type ByteWriter, writeU16 } from '../wire/bytes.js';
import type { Address } from './address.js';
import { type Claim, compareIncarnations } from './claim.js';
import { writeEntry } from './claim-bytes.js';
import type { Claims } from './claims.js';
import { readNode, writeNode } from './fields.js';
import type { Links } from './links.js';
import type { MembershipServices } from './membership-services.js';
import { readMessages } from './messages.js';
import type { PacketFault } from './packet-faults.js';

const questionKinds = { ping: 1, table: 2 } as const;

interface Asked {
  readonly question: 'ping' | 'table';
  /** Of the question's envelope: the answer repeats it. */
  readonly number: number;
  readonly sentMs: number;
  readonly address: Address;
  /** Null: whoever is at that address. */
  readonly node: NodeId | null;
  /** Of the probe whose last resort it is. */
  readonly probe: number;
}

/** What comes of questions. */
export interface ExchangeOwner {
  reliablyAnswered(probe: number, answered: boolean): void;
  /** A table was merged, or could not be had (`from` null). */
  tableExchanged(address: Address, from: Author | null): void;
  /** This node itself answers at that address. */
  isOwn(address: Address): void;
  /** Checks that the sender is no other than it says, and has not said this before. */
  admit(from: Author, number: number, channel: 'question' | 'answer'): PacketFault | null;
}

/** Questions under way. */
const askedMax = 32;
/** Room that entries leave to links. */
const linksRoomBytes = 65_536;

export class TableExchange {
  readonly #services: MembershipServices;
  readonly #claims: Claims;
  readonly #links: Links;
  readonly #owner: ExchangeOwner;
  readonly #asked = new Map<Ticket, Asked>();
  #lastTicket = 0;
  /** Whether anybody else's table has been merged since the start. */
  hasJoined = false;

  constructor(services: MembershipServices, claims: Claims, links: Links, owner: ExchangeOwner) {
    this.#services = services;
    this.#claims = claims;
    this.#links = links;
    this.#owner = owner;
  }

  /** A ping of the last resort; false when too many questions are under way. */
  askPing(probe: number, node: NodeId, address: Address): boolean {
    if (!this.#hasRoom()) return false;
    writeNode(this.#services.codec.begin('question').u8(questionKinds.ping), node);
    this.#ask({ question: 'ping', address, node, probe });
    return true;
  }

  /** Asks for the table of whoever is at the address, and gives this node's. False when one that was asked still may answer, or too many are. */
  askTable(address: Address, node: NodeId | null): boolean {
    const { nowMs, options, table } = this.#services;
    // Who knows nobody does not wait for long: the seed may have come up since it was asked.
    const waitMs = table.live.length === 0 ? options.reconnectIntervalMsMin : options.exchangeTimeoutMs;
    for (const { question, sentMs, address: other } of this.#asked.values()) {
      if (question === 'table' && other === address && nowMs - sentMs < waitMs) return false;
    }
    if (!this.#hasRoom()) return false;
    this.#writeTable(this.#services.codec.begin('question').u8(questionKinds.table));
    this.#ask({ question: 'table', address, node, probe: 0 });
    return true;
  }

  /** Whether any table is under way to here. */
  get isAskingForTable(): boolean {
    const { nowMs, options } = this.#services;
    for (const { question, sentMs } of this.#asked.values()) {
      if (question === 'table' && nowMs - sentMs < options.exchangeTimeoutMs) return true;
    }
    return false;
  }

  /** Each question ends in one event; should a channel forget one, its place is not lost for ever. */
  #hasRoom(): boolean {
    const { nowMs, options } = this.#services;
    if (this.#asked.size < askedMax) return true;
    for (const [ticket, { sentMs }] of this.#asked) if (nowMs - sentMs > 2 * options.exchangeTimeoutMs) this.#asked.delete(ticket);
    if (this.#asked.size < askedMax) return true;
    this.#services.overloaded('questions under way');
    return false;
  }

  #ask(asked: Omit<Asked, 'number' | 'sentMs'>): void {
    const { codec, counters, effects, nowMs } = this.#services;
    this.#lastTicket += 1;
    const bytes = codec.finish();
    this.#asked.set(this.#lastTicket, { number: codec.lastNumber('question'), sentMs: nowMs, ...asked });
    counters.all.exchangesAsked += 1;
    counters.all.exchangeBytesSent += bytes.length;
    effects.exchanges.ask(asked.address, bytes, this.#lastTicket);
  }

  /** Another node asks. Returns what is wrong with its question; then it gets no answer. */
  question(handle: ExchangeHandle, bytes: Uint8Array): PacketFault | null {
    const { codec, counters, effects, self } = this.#services;
    const opened = codec.open(bytes, 'question', exchangeBytesMax);
    if (typeof opened === 'string') return opened;
    const { from, number, body } = opened;
    const isOwn = from === this.#services.author;
    const fault = isOwn ? null : this.#owner.admit(from, number, 'question');
    if (fault !== null) return fault;
    const kind = body.u8();
    if (kind === questionKinds.ping) {
      const node = readNode(body);
      if (body.failed || body.remaining > 0) return 'malformed';
      // Somebody else lives here now: no answer is the right one.
      if (node !== self.id) return null;
      codec.begin('answer').u48(number).u8(kind);
    } else {
      // A seed may be this node under another name: its answer tells.
      if (kind !== questionKinds.table || !(isOwn || this.#merge(body, from))) return 'malformed';
      this.#writeTable(codec.begin('answer').u48(number).u8(kind));
    }
    const answer = codec.finish();
    counters.all.exchangesAnswered += 1;
    counters.all.exchangeBytesSent += answer.length;
    effects.exchanges.answer(handle, answer);
    return null;
  }

  /** What came of a question of this node's. Returns what is wrong with the answer. */
  exchanged(ticket: Ticket, bytes: Uint8Array | null): PacketFault | null {
    const asked = this.#asked.get(ticket);
    if (asked === undefined) return null;
    this.#asked.delete(ticket);
    const fault = bytes === null ? null : this.#answer(asked, bytes);
    if (bytes !== null && fault === null) return null;
    this.#services.counters.all.exchangesFailed += 1;
    if (asked.question === 'ping') this.#owner.reliablyAnswered(asked.probe, false);
    else this.#owner.tableExchanged(asked.address, null);
    return fault;
  }

  #answer(asked: Asked, bytes: Uint8Array): PacketFault | null {
    const opened = this.#services.codec.open(bytes, 'answer', exchangeBytesMax);
    if (typeof opened === 'string') return opened;
    const { from, number, body } = opened;
    if (from === this.#services.author && asked.node === null) {
      this.#owner.isOwn(asked.address);
      return null;
    }
    const fault = this.#owner.admit(from, number, 'answer');
    if (fault !== null) return fault;
    if (body.u48() !== asked.number || body.u8() !== questionKinds[asked.question]) return 'malformed';
    if (asked.question === 'ping') {
      if (authorNode(from) !== asked.node) return 'malformed';
      this.#owner.reliablyAnswered(asked.probe, true);
      return null;
    }
    if (!this.#merge(body, from)) return 'malformed';
    this.#owner.tableExchanged(asked.address, from);
    return null;
  }

  #writeTable(writer: ByteWriter): void {
    const { table, codec, claimWriter } = this.#services;
    const countAt = writer.length;
    writer.u16(0);
    let count = 0;
    const most = exchangeBytesMax - codec.trailerBytes - linksRoomBytes;
    for (const member of table.all()) {
      if (writer.length > most - 1_024) break;
      writeEntry(writer, claimWriter, this.#services.claimOf(member, { described: false }), member.description);
      count += 1;
    }
    writeU16(writer.bytes, writer.skip(0) - writer.length + countAt, count);
    this.#links.writeAll(writer, most + linksRoomBytes);
  }

  /** Takes another node's table; false when it is malformed, and then nothing of it. */
  #merge(body: ByteReader, from: Author): boolean {
    const { claimReader, table } = this.#services;
    const claims: Claim[] = [];
    const count = body.u16();
    for (let index = 0; index < count; index += 1) {
      const claim = claimReader.entry(body);
      if (claim === null) return false;
      claims.push(claim);
    }
    const linksAt = body.at;
    if (body.failed || !readMessages(body, claimReader, null)) return false;
    // Who joins learns what everybody else knows already: that is no news.
    const isNews = this.hasJoined || table.size > 1;
    for (const claim of claims) this.#claims.take(this.#asHearsay(claim), { isNews });
    body.at = linksAt;
    readMessages(body, claimReader, this.#links.reader);
    if (!this.hasJoined) {
      this.hasJoined = true;
      this.#services.note({ kind: 'membership.joined', through: authorNode(from), members: table.size });
    }
    return true;
  }

  /**
   * What a table says of somebody who is alive here may be long out of date: it makes a suspicion without an accuser, so that the member hears of it and can
   * refute, and the longest time to do so.
   */
  #asHearsay(claim: Claim): Claim {
    if (claim.state === 'suspect') return { ...claim, accusers: [] };
    if (claim.state !== 'dead') return claim;
    const known = this.#services.table.get(authorNode(claim.author));
    if (known === undefined || known.sharedState === 'dead' || known.sharedState === 'left') return claim;
    return compareIncarnations(claim, known) < 0 ? claim : { ...claim, state: 'suspect', accusers: [] };
  }
}

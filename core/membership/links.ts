/**
 * Which links work in which direction. A node finds out about its own: what it hears comes in, and a direct ping that goes unanswered while others reach the
 * member tells by them whether it arrived (the way back is broken) or not (the way there is). One packet lost proves nothing, several in a row do.
 *
 * A cluster has n² links, and nearly all work: nodes tell each other of exceptions only, at most eight each, as news. So traffic does not grow with the cluster.
 */
import { type Author, authorNode, compareText, type NodeId } from '../identifiers.js';
import type { ByteWriter } from '../wire/bytes.js';
import { ByteWriter as Writer } from '../wire/bytes.js';
import type { BrokenLink, LinkState } from './inspection.js';
import type { Member } from './member-table.js';
import type { MembershipServices } from './membership-services.js';
import { type LinkException, linkDirection, linkExceptionsMax, type MessageHandler, writeLinks } from './messages.js';

/** So many direct pings in a row must fail in the same way: at 5 % loss that happens to one ping in 160,000. */
const missesMax = 4;
/** A link that has been silent for this many rounds of pings is unknown. */
const roundsRemembered = 3;
/** Or, if that is longer, for as many rounds of those who ping dead members. */
const retriesRemembered = 4;
const rowBytesMax = 6 + 28 + linkExceptionsMax * 17;

interface Row {
  readonly author: Author;
  readonly version: number;
  readonly exceptions: readonly LinkException[];
}

export class Links {
  readonly #services: MembershipServices;
  /** A link may be broken: another ping soon tells more. */
  readonly #recheck: (member: Member) => void;
  readonly #broken = new Map<Member, Set<number>>();
  #version = 0;
  readonly #rows = new Map<NodeId, Row>();
  readonly #writer = new Writer(rowBytesMax * 4);
  /** Takes what a table says of links, and nothing else. */
  readonly reader: MessageHandler;

  constructor(services: MembershipServices, recheck: (member: Member) => void) {
    this.#services = services;
    this.#recheck = recheck;
    const nothing = (): void => undefined;
    this.reader = {
      ...{ ping: nothing, ack: nothing, pingRequest: nothing, relayedPing: nothing, relayedAck: nothing, nack: nothing },
      ...{ digest: nothing, claim: nothing },
      links: (author, version, exceptions) => this.told({ author, version, exceptions }),
    };
  }

  /** A packet has come from it. */
  heard(member: Member): void {
    member.inboundMisses = 0;
    if (this.#broken.size > 0) this.#mend(member, linkDirection.inbound);
  }

  /** It has answered a direct ping. */
  answered(member: Member): void {
    member.outboundMisses = 0;
    if (this.#broken.size > 0) this.#mend(member, linkDirection.outbound);
  }

  /** It answers others, and its answer to this node's direct ping, which had `arrived` or not, did not come. */
  missed(member: Member, arrived: boolean): void {
    if (arrived) {
      this.answered(member);
      member.inboundMisses += 1;
    } else member.outboundMisses += 1;
    const misses = arrived ? member.inboundMisses : member.outboundMisses;
    if (misses < missesMax) this.#recheck(member);
    else this.#break(member, arrived ? linkDirection.inbound : linkDirection.outbound);
  }

  #break(member: Member, direction: number): void {
    const directions = this.#broken.get(member) ?? new Set();
    if (directions.has(direction)) return;
    directions.add(direction);
    this.#broken.set(member, directions);
    this.#services.note({ kind: 'link.broken', ...this.#ends(member, direction) });
    this.#tellOwn();
  }

  #mend(member: Member, direction: number): void {
    const directions = this.#broken.get(member);
    if (directions?.delete(direction) !== true) return;
    if (directions.size === 0) this.#broken.delete(member);
    this.#services.note({ kind: 'link.mended', ...this.#ends(member, direction) });
    this.#tellOwn();
  }

  /** It is not among the live any more: what is said of its links is of no use. */
  gone(member: Member): void {
    member.inboundMisses = 0;
    member.outboundMisses = 0;
    if (this.#broken.delete(member)) this.#tellOwn();
  }

  #ends(member: Member, direction: number): { readonly from: NodeId; readonly to: NodeId } {
    const self = this.#services.self.id;
    return direction === linkDirection.inbound ? { from: member.id, to: self } : { from: self, to: member.id };
  }

  #ownExceptions(): LinkException[] {
    const exceptions: LinkException[] = [];
    for (const [member, directions] of this.#broken) for (const direction of directions) exceptions.push({ peer: member.id, direction });
    return exceptions.sort((left, right) => compareText(left.peer, right.peer) || left.direction - right.direction);
  }

  #tellOwn(): void {
    this.#version += 1;
    const exceptions = this.#ownExceptions().slice(0, linkExceptionsMax);
    this.#tell({ author: this.#services.author, version: this.#version, exceptions });
  }

  #tell({ author, version, exceptions }: Row): void {
    this.#services.news.put(`links ${authorNode(author)}`, writeLinks(this.#writer, author, version, exceptions).finish());
    this.#services.wakeGossip();
  }

  /** Another node's exceptions: the later ones of a boot take the place of the earlier. */
  told(row: Row): void {
    const node = authorNode(row.author);
    const known = this.#rows.get(node);
    const { table, self } = this.#services;
    const member = table.get(node);
    if (node === self.id || member === undefined || row.author < member.author) return;
    if (known !== undefined && (row.author < known.author || (row.author === known.author && row.version <= known.version))) return;
    if (known === undefined && row.exceptions.length === 0) return;
    this.#rows.set(node, row);
    this.#tell(row);
  }

  /**
   * All rows, this node's first, below `most` bytes of the writer. Those that have become empty as well: else who missed that would never
   * learn of it.
   */
  writeAll(writer: ByteWriter, most: number): void {
    const own = { author: this.#services.author, version: this.#version, exceptions: this.#ownExceptions().slice(0, linkExceptionsMax) };
    for (const { author, version, exceptions } of [own, ...this.#currentRows()]) {
      if (version > 0 && writer.length + rowBytesMax <= most) writeLinks(writer, author, version, exceptions);
    }
  }

  /** What a member that is gone, or an earlier boot of it, said of its links, holds no longer. */
  #currentRows(): Row[] {
    const current: Row[] = [];
    for (const [node, row] of this.#rows) {
      const member = this.#services.table.get(node);
      // Forgotten altogether, or restarted since: nobody will ever take back what it said.
      if (member === undefined || row.author < member.author) this.#rows.delete(node);
      else if (row.author === member.author && member.liveAt >= 0) current.push(row);
    }
    return current;
  }

  /** What is known of the link in either direction. */
  states(member: Member): { readonly inbound: LinkState; readonly outbound: LinkState } {
    const { nowMs, options, table } = this.#services;
    const roundsMs = roundsRemembered * options.probeIntervalMs * table.liveCount;
    const windowMs = Math.max(roundsMs, retriesRemembered * options.reconnectIntervalMsMax);
    const broken = this.#broken.get(member);
    const isHeard = nowMs - member.heardMs <= windowMs;
    const isAnswering = nowMs - member.answeredMs <= windowMs;
    if (member.state === 'suspect' || member.state === 'dead') {
      // All paths were tried. What is heard all the same comes from somebody who cannot hear.
      const isHeardSince = member.heardMs > member.sinceMs && isHeard;
      return { inbound: isHeardSince ? 'works' : 'broken', outbound: isHeardSince ? 'broken' : 'unknown' };
    }
    const state = (direction: number, works: boolean): LinkState =>
      broken?.has(direction) === true ? 'broken' : works ? 'works' : 'unknown';
    return { inbound: state(linkDirection.inbound, isHeard), outbound: state(linkDirection.outbound, isAnswering) };
  }

  /** Own findings and those of others, sorted. */
  brokenLinks(): BrokenLink[] {
    const own: Row = { author: this.#services.author, version: this.#version, exceptions: this.#ownExceptions() };
    const links: BrokenLink[] = [];
    for (const { author, exceptions } of [own, ...this.#currentRows()]) {
      const toldBy = authorNode(author);
      for (const { peer, direction } of exceptions) {
        links.push(direction === linkDirection.inbound ? { from: peer, to: toldBy, toldBy } : { from: toldBy, to: peer, toldBy });
      }
    }
    return links.sort(
      (left, right) => compareText(left.from, right.from) || compareText(left.to, right.to) || compareText(left.toldBy, right.toldBy),
    );
  }
}

/** Takes packets: judges the envelope, reads all messages before it believes one, hands each to its part, and answers when all have been taken. */
import { datagramBytesMax } from '../effects.js';
import { type Author, authorNode, type NodeId } from '../identifiers.js';
import type { ByteWriter } from '../wire/bytes.js';
import type { Address } from './address.js';
import type { Claim } from './claim.js';
import type { Claims } from './claims.js';
import type { Digests } from './digests.js';
import type { Links } from './links.js';
import type { Member } from './member-table.js';
import type { MembershipServices } from './membership-services.js';
import { directPing, type LinkException, type MessageHandler, messageKinds, readMessages, relayNumbersFrom } from './messages.js';
import type { Channel } from './packet-codec.js';
import type { PacketFault } from './packet-faults.js';
import type { Probing } from './probing.js';
import type { Relaying } from './relaying.js';

export interface ReceiverParts {
  readonly claims: Claims;
  readonly probing: Probing;
  readonly relaying: Relaying;
  readonly links: Links;
  readonly digests: Digests;
  /** Somebody has answered something that this node asked. */
  roundTrip(): void;
  /** Somebody speaks whom this node does not know, or knows under an earlier boot. */
  stranger(address: Address, options: { readonly isRestarted: boolean }): void;
}

export class PacketReceiver implements MessageHandler {
  readonly #services: MembershipServices;
  readonly #parts: ReceiverParts;
  /** Who sent the packet that is being read, and from where. */
  #from = '' as Author;
  #address = '' as Address;
  #sender: Member | null = null;
  /** What has to be answered when all has been read. */
  #ping: number | null = null;
  #request: { readonly number: number; readonly id: NodeId; readonly address: Address; readonly packet: number } | null = null;
  #relayedPing: { readonly number: number; readonly direct: number } | null = null;

  constructor(services: MembershipServices, parts: ReceiverParts) {
    this.#services = services;
    this.#parts = parts;
  }

  /** What is wrong with the packet, if anything: then nothing of it was taken. */
  receive(address: Address, bytes: Uint8Array): PacketFault | null {
    const { codec, counters, claimReader } = this.#services;
    counters.all.packetsReceived += 1;
    counters.all.bytesReceived += bytes.length;
    const opened = codec.open(bytes, 'packet', datagramBytesMax);
    if (typeof opened === 'string') return opened;
    const { from, number, body } = opened;
    const start = body.at;
    if (!readMessages(body, claimReader, null)) return 'malformed';
    const fault = this.admit(from, number, 'packet');
    if (fault !== null) return fault;
    this.#from = from;
    this.#address = address;
    this.#sender = this.#services.table.byAuthor(from) ?? null;
    if (this.#sender !== null) this.#parts.links.heard(this.#sender);
    body.at = start;
    this.#services.isAccused = false;
    readMessages(body, claimReader, this);
    this.#answer();
    const { table } = this.#services;
    if (table.byAuthor(from) === undefined) this.#parts.stranger(address, { isRestarted: table.get(authorNode(from)) !== undefined });
    return null;
  }

  /** Judges who says something under which number, and remembers that it was said. */
  admit(from: Author, number: number, channel: Channel): PacketFault | null {
    const { table, self, nowMs } = this.#services;
    const member = table.byAuthor(from);
    if (member === self) return 'from this node';
    if (member === undefined) {
      const node = authorNode(from);
      if (node === self.id) {
        this.#parts.claims.twinHeard(from);
        return 'from this node';
      }
      const known = table.get(node);
      // An earlier boot is over: whatever it says was said before.
      return known !== undefined && from < known.author ? 'replayed' : null;
    }
    if (channel === 'packet' && !member.packets.accept(number)) return 'replayed';
    if (channel === 'question' && !member.questions.accept(number)) return 'replayed';
    member.heardMs = nowMs;
    return null;
  }

  #answer(): void {
    const member = this.#sender ?? this.#services.table.get(authorNode(this.#from)) ?? null;
    // A member that only told its news: where links fail one way, this node's own news may never reach it.
    if (this.#services.isAccused && this.#sender !== null && this.#ping === null && this.#relayedPing === null) {
      this.#refute(this.#services.packet());
      this.#services.send(this.#address, member);
    }
    if (this.#ping !== null) {
      this.#introduce(this.#services.packet().u8(messageKinds.ack).u32(this.#ping));
      this.#ping = null;
      this.#services.send(this.#address, member, { digests: true });
    }
    if (this.#request !== null) {
      // One for each packet, as with all answers: a packet full of requests is not worth many packets.
      const asked = { origin: this.#from, originAddress: this.#address, originNumber: this.#request.number };
      this.#parts.relaying.request(asked, this.#request);
      this.#request = null;
    }
    if (this.#relayedPing !== null) {
      const { number, direct } = this.#relayedPing;
      this.#refute(this.#services.packet().u8(messageKinds.relayedAck).u32(number).u8(direct));
      this.#relayedPing = null;
      this.#services.send(this.#address, member);
    }
  }

  /**
   * Who says that this node is suspect or dead hears the contrary with the answer, whatever this node thinks of him; and who still asks a
   * node that has left, that it has: else its answers would keep it alive.
   */
  #refute(writer: ByteWriter): void {
    const { isAccused, hasLeft, claimWriter, self } = this.#services;
    if (isAccused || hasLeft) writer.raw(claimWriter.encode(this.#services.claimOf(self, { described: true })));
  }

  /**
   * News reach everybody with high probability only. Who missed that this node has started, or has refuted something, hears it with the answer to his next ping:
   * the whole announcement as long as this boot is new, after that its number alone, if there is any. Only members do: nobody
   * else gets an answer longer than his question.
   */
  #introduce(writer: ByteWriter): void {
    const { isAccused, hasLeft, self, nowMs, options, claimWriter } = this.#services;
    if (isAccused || hasLeft) {
      this.#refute(writer);
      return;
    }
    if (this.#sender === null) return;
    const described = nowMs - self.sinceMs < options.pushPullIntervalMs;
    if (described || self.refutation > 0) writer.raw(claimWriter.encode(this.#services.claimOf(self, { described })));
  }

  // Messages.

  ping(number: number, target: NodeId): void {
    // Somebody else lived at this address before: it is not this node that is asked.
    if (target === this.#services.self.id) this.#ping = number;
  }

  relayedPing(number: number, target: NodeId, origin: Author, packet: number): void {
    if (target !== this.#services.self.id) return;
    const had = this.#services.table.byAuthor(origin)?.packets.had(packet) ?? null;
    this.#relayedPing = { number, direct: had === null ? directPing.unknown : had ? directPing.arrived : directPing.missing };
  }

  pingRequest(number: number, target: NodeId, address: Address, packet: number): void {
    if (target === this.#services.self.id || this.#services.hasLeft) return;
    this.#request ??= { number, id: target, address, packet };
  }

  ack(number: number): void {
    this.#parts.probing.acked(number, this.#from);
    this.#parts.roundTrip();
  }

  relayedAck(number: number, direct: number): void {
    if (number >= relayNumbersFrom) this.#parts.relaying.answered(number, authorNode(this.#from), direct);
    else this.#parts.probing.relayedAck(number, this.#from, direct);
    this.#parts.roundTrip();
  }

  nack(number: number): void {
    this.#parts.probing.nacked(number, this.#from);
    this.#parts.roundTrip();
  }

  digest(name: Uint8Array, digest: Uint8Array): void {
    this.#parts.digests.received(authorNode(this.#from), name, digest);
  }

  links(author: Author, version: number, exceptions: readonly LinkException[]): void {
    this.#parts.links.told({ author, version, exceptions });
  }

  claim(claim: Claim): void {
    this.#parts.claims.take(claim);
  }
}

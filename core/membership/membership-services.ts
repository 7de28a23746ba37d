/** What the parts of membership share: who this node is, the table, its own health, the news, and how packets leave. Each part owns its own state. */
import type { Effects } from '../effects.js';
import { datagramBytesMax } from '../effects.js';
import { type Author, authorBoot, authorOf, type Boot, type NodeId } from '../identifiers.js';
import type { PureFunctions, RandomStream } from '../pure-functions.js';
import type { ByteWriter } from '../wire/bytes.js';
import type { Address } from './address.js';
import type { Claim } from './claim.js';
import { ClaimReader, ClaimWriter, encodeMetadata } from './claim-bytes.js';
import { Counters, isTold } from './counters.js';
import type { Digests } from './digests.js';
import { Dissemination } from './dissemination.js';
import type { MembershipDomainEvent } from './domain-events.js';
import type { Incarnation } from './inspection.js';
import { LocalHealth } from './local-health.js';
import { Member, MemberTable } from './member-table.js';
import type { MembershipOptions } from './options.js';
import { PacketCodec } from './packet-codec.js';

/** What membership needs of the node that it belongs to: a host without a store can give it as well. */
export interface MembershipWorld {
  readonly self: NodeId;
  readonly boot: Boot;
  readonly clusterId: string;
  readonly options: MembershipOptions;
  readonly effects: Pick<Effects, 'datagrams' | 'exchanges' | 'timers' | 'journal'>;
  readonly pure: PureFunctions;
}

export const membershipTimers = {
  probe: 'membership.probe',
  nack: 'membership.nack',
  suspicion: 'membership.suspicion',
  gossip: 'membership.gossip',
  pushPull: 'membership.push-pull',
  reconnect: 'membership.reconnect',
  partition: 'membership.partition',
} as const;

/** News of so many subjects per member wait at most: claims, and broken links. */
const newsPerMember = 2;
const noAccusers: readonly NodeId[] = [];

export class MembershipServices {
  readonly world: MembershipWorld;
  readonly options: MembershipOptions;
  readonly effects: MembershipWorld['effects'];
  readonly author: Author;
  readonly self: Member;
  readonly table: MemberTable;
  readonly random: RandomStream;
  readonly health: LocalHealth;
  readonly news: Dissemination;
  readonly codec: PacketCodec;
  readonly claimReader: ClaimReader;
  readonly claimWriter: ClaimWriter;
  readonly counters = new Counters();
  readonly #digests: Digests;
  readonly #overloads = new Map<string, number>();
  #gossipArmed = false;
  /** The packet that is being taken says that this node is suspect or dead, or has an earlier boot: its sender is answered with what holds. */
  isAccused = false;
  /** Nothing but the departure is told any more, and nobody is asked. */
  hasLeft = false;
  /** When anybody last answered anything that this node asked. */
  lastRoundTripMs = Number.NEGATIVE_INFINITY;

  constructor(world: MembershipWorld, digests: Digests) {
    const { self, boot, clusterId, options, effects, pure } = world;
    this.world = world;
    this.options = options;
    this.effects = effects;
    this.author = authorOf(self, boot);
    this.#digests = digests;
    const metadataBytes = encodeMetadata(options.metadata, pure);
    const description = { described: 0, address: options.address, metadata: options.metadata, metadataBytes };
    this.self = new Member(this.author, 0, description, 0);
    this.random = pure.random('membership');
    this.table = new MemberTable(this.self, { membersMax: options.membersMax, random: this.random });
    this.health = new LocalHealth(options, (from, to) => this.note({ kind: 'local-health.changed', from, to }));
    this.news = new Dissemination({
      retransmitMultiplier: options.retransmitMultiplier,
      itemsMax: newsPerMember * options.membersMax,
    });
    this.codec = new PacketCodec({ self: this.author, clusterId, keys: options.keys }, pure);
    this.claimReader = new ClaimReader(pure);
    this.claimWriter = new ClaimWriter(pure);
  }

  note(event: MembershipDomainEvent): void {
    this.effects.journal.note(event);
  }

  /** A bound was reached: counted, and told now and then. */
  overloaded(bound: string): void {
    const count = (this.#overloads.get(bound) ?? 0) + 1;
    this.#overloads.set(bound, count);
    if (isTold(count)) this.note({ kind: 'membership.overloaded', bound, count });
  }

  /** Begins a packet: write its messages, then `send`. */
  packet(): ByteWriter {
    return this.codec.begin('packet');
  }

  /**
   * Ends the packet and sends it. What is said of the receiver itself goes first, so that who is suspected learns of it from whoever speaks to it; news fill the rest.
   */
  send(to: Address, receiver: Member | null, options: { readonly digests: boolean } = { digests: false }): void {
    const { writer } = this.codec;
    const most = datagramBytesMax - this.codec.trailerBytes;
    if (receiver !== null && receiver.sharedState !== 'alive' && receiver.sharedState !== 'left') {
      const claim = this.claimWriter.encode(this.claimOf(receiver, { described: false }));
      if (writer.length + claim.length <= most) writer.raw(claim);
    }
    if (options.digests) this.#digests.write(writer, most);
    // Each item is sent a few times only: none of them is spent on who may not get it, or on whoever says that he is somebody.
    if (receiver?.state === 'alive') this.news.fill(writer, most - writer.length, this.table.liveCount);
    const bytes = this.codec.finish();
    const { all } = this.counters;
    all.packetsSent += 1;
    all.bytesSent += bytes.length;
    this.effects.datagrams.send(to, bytes);
  }

  /** What this node tells others of the member. */
  claimOf(member: Member, { described }: { readonly described: boolean }): Claim {
    const { author, refutation, sharedState: state, description } = member;
    let accusers = noAccusers;
    if (state === 'suspect') accusers = member.suspicion?.accusers ?? noAccusers;
    else if (state === 'dead' && member.declaredBy !== null) accusers = [member.declaredBy];
    return { author, refutation, state, accusers, description: described && state === 'alive' ? description : null };
  }

  /** What holds of the member now is news: it takes the place of what was said of it before. */
  tell(member: Member, options: { readonly described: boolean } = { described: false }): void {
    this.news.put(member.id, this.claimWriter.encode(this.claimOf(member, options)));
    this.wakeGossip();
  }

  wakeGossip(): void {
    if (this.#gossipArmed) return;
    this.#gossipArmed = true;
    this.effects.timers.arm(membershipTimers.gossip, this.nowMs + this.options.gossipIntervalMs);
  }

  /** The gossip timer has fired. */
  gossipFired(): void {
    this.#gossipArmed = false;
  }

  /** Of the event that is being handled. */
  nowMs = 0;
}

export function incarnationOf({ author, refutation }: { readonly author: Author; readonly refutation: number }): Incarnation {
  return { boot: authorBoot(author), refutation };
}

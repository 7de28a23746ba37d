/**
 * The core's network in the real runtime: one stream of this node's own to every other member, and theirs to this node.
 *
 * Where a member is, its configured address says, and membership: a node that comes back elsewhere under the same identity is found there. A stream that
 * stands is never given up for what membership says.
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Network } from '../../core/effects.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import type { ConfiguredMember } from '../config/addresses.js';
import type { Tell } from '../node/runtime-events.js';
import type { MemberBook } from './member-book.js';
import type { PeerIdentity } from './peer-hello.js';
import { PeerIntake } from './peer-intake.js';
import { PeerStream } from './peer-stream.js';

export interface PeerNetworkOptions {
  readonly own: PeerIdentity;
  /** host:port where membership holds the member to be alive; null: it does not know it. */
  readonly liveAddressOf: (member: string, id: NodeId | null) => string | null;
  /** Where a member that has said hello takes membership's datagrams. */
  readonly heardOf: (member: string, membershipAddress: string) => void;
  readonly receive: (message: Uint8Array) => void;
  readonly eventsWaiting: () => number;
  /** The book has changed. */
  readonly membersChanged: () => void;
  readonly tell: Tell;
}

interface Road {
  readonly address: string;
  readonly stream: PeerStream;
}

export class PeerNetwork implements Network {
  readonly #book: MemberBook;
  readonly #roads = new Map<string, Road>();
  readonly #byId = new Map<NodeId, PeerStream>();
  #options: PeerNetworkOptions | null = null;
  #intake: PeerIntake | null = null;
  #closed = false;

  constructor(book: MemberBook) {
    this.#book = book;
  }

  /** Dials the other members. Before that, and to whom nobody knows, messages are lost as on any network. */
  start(options: PeerNetworkOptions): void {
    const { own, receive, eventsWaiting, tell } = options;
    this.#options = options;
    this.#intake = new PeerIntake({ own, members: this.#book.members, receive, eventsWaiting, tell });
    this.redial();
  }

  /** Looks for members that are not where they were: to be called when membership has news. */
  redial(): void {
    if (this.#options === null || this.#closed) return;
    const { own, liveAddressOf } = this.#options;
    let isChanged = false;
    for (const member of this.#book.members) {
      if (member.name === own.name) continue;
      const road = this.#roads.get(member.name);
      if (road?.stream.isOpen === true) continue;
      const address = liveAddressOf(member.name, this.#book.idOf(member.name) ?? null) ?? road?.address ?? member.address;
      if (address === null || address === road?.address) continue;
      road?.stream.close();
      this.#roads.set(member.name, { address, stream: this.#dial(member, address, this.#options) });
      isChanged = true;
    }
    if (isChanged) this.#index();
  }

  send(to: NodeId, message: Uint8Array): void {
    this.#byId.get(to)?.send(message);
  }

  exchange(stream: ServerDuplexStream<PeerFrame, PeerFrame>): void {
    this.#intake?.take(stream);
  }

  isReachable(name: string): boolean {
    return this.#roads.get(name)?.stream.isOpen === true;
  }

  close(): void {
    this.#closed = true;
    for (const { stream } of this.#roads.values()) stream.close();
    this.#intake?.close();
  }

  #dial(member: ConfiguredMember, address: string, { own, membersChanged, heardOf, tell }: PeerNetworkOptions): PeerStream {
    const learnt = ({ nodeId, membershipAddress }: PeerIdentity): void => {
      if (membershipAddress !== '') heardOf(member.name, membershipAddress);
      if (!this.#book.learn(member.name, nodeId)) return;
      this.#index();
      membersChanged();
    };
    return new PeerStream({ member: { name: member.name, address }, own, learnt, tell });
  }

  #index(): void {
    this.#byId.clear();
    for (const [name, { stream }] of this.#roads) {
      const id = this.#book.idOf(name);
      if (id !== undefined) this.#byId.set(id, stream);
    }
  }
}

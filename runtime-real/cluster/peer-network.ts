/** The core's network in the real runtime: one stream of this node's own to every other member, and theirs to this node. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Network } from '../../core/effects.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Tell } from '../node/runtime-events.js';
import type { MemberBook } from './member-book.js';
import type { PeerIdentity } from './peer-hello.js';
import { PeerIntake } from './peer-intake.js';
import { PeerStream } from './peer-stream.js';

export interface PeerNetworkOptions {
  readonly own: PeerIdentity;
  readonly receive: (message: Uint8Array) => void;
  readonly eventsWaiting: () => number;
  /** The book has changed. */
  readonly membersChanged: () => void;
  readonly tell: Tell;
}

export class PeerNetwork implements Network {
  readonly #book: MemberBook;
  readonly #streams = new Map<string, PeerStream>();
  readonly #byId = new Map<NodeId, PeerStream>();
  #intake: PeerIntake | null = null;

  constructor(book: MemberBook) {
    this.#book = book;
  }

  /** Dials the other members. Before that, and to whom nobody knows, messages are lost as on any network. */
  start({ own, receive, eventsWaiting, membersChanged, tell }: PeerNetworkOptions): void {
    this.#intake = new PeerIntake({ own, members: this.#book.members, receive, eventsWaiting, tell });
    for (const member of this.#book.members) {
      if (member.name === own.name) continue;
      const learnt = (name: string, id: NodeId): void => {
        if (!this.#book.learn(name, id)) return;
        this.#index();
        membersChanged();
      };
      this.#streams.set(member.name, new PeerStream({ member, own, learnt, tell }));
    }
    this.#index();
  }

  send(to: NodeId, message: Uint8Array): void {
    this.#byId.get(to)?.send(message);
  }

  exchange(stream: ServerDuplexStream<PeerFrame, PeerFrame>): void {
    this.#intake?.take(stream);
  }

  isReachable(name: string): boolean {
    return this.#streams.get(name)?.isOpen === true;
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#intake?.close();
  }

  #index(): void {
    this.#byId.clear();
    for (const [name, stream] of this.#streams) {
      const id = this.#book.idOf(name);
      if (id !== undefined) this.#byId.set(id, stream);
    }
  }
}

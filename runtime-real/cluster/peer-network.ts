/**
 * The core's network in the real runtime: one stream of this node's own to every other node that it knows, and theirs to this node.
 *
 * Where a node is, the directory says, and membership: one that comes back elsewhere under the same identity is found there. A stream that
 * stands is never given up for what membership says.
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Network } from '../../core/effects.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Tell } from '../node/runtime-events.js';
import type { KnownPeer, PeerDirectory } from './peer-directory.js';
import type { Greeting, HelloKeys, PeerIdentity } from './peer-hello.js';
import { PeerIntake } from './peer-intake.js';
import { PeerStream } from './peer-stream.js';

export interface PeerNetworkOptions {
  /** As this node is now. */
  readonly own: () => PeerIdentity;
  readonly keys: HelloKeys;
  readonly directory: PeerDirectory;
  /** host:port where membership holds the member to be alive; null: it does not know it. */
  readonly liveAddressOf: (member: string, id: NodeId | null) => string | null;
  /** Whether a caller is to be talked to: what is to be said to it; or why not, in words. */
  readonly admit: (caller: PeerIdentity) => Greeting | string;
  /** Who answers under that name, and what it says of this node. */
  readonly met: (name: string, identity: PeerIdentity, greeting: Greeting) => void;
  readonly receive: (message: Uint8Array) => void;
  readonly eventsWaiting: () => number;
  readonly tell: Tell;
}

interface Road {
  readonly address: string;
  readonly stream: PeerStream;
  /** Who answered there last. */
  id: NodeId | null;
}

export class PeerNetwork implements Network {
  readonly #roads = new Map<string, Road>();
  readonly #byId = new Map<NodeId, PeerStream>();
  #options: PeerNetworkOptions | null = null;
  #intake: PeerIntake | null = null;
  #closed = false;

  /** Dials the other nodes. Before that, and to whom nobody knows, messages are lost as on any network. */
  start(options: PeerNetworkOptions): void {
    const { own, keys, receive, eventsWaiting, tell, directory, admit } = options;
    this.#options = options;
    const admitted = (caller: PeerIdentity): Greeting | string => {
      const greeting = admit(caller);
      if (typeof greeting === 'string') return greeting;
      directory.heard(caller);
      // Not within the call: it may end streams.
      setImmediate(() => this.redial());
      return greeting;
    };
    this.#intake = new PeerIntake({ own, keys, admit: admitted, receive, eventsWaiting, tell });
    this.redial();
  }

  /** Looks for nodes that are not where they were, or were not known: to be called when membership, or who is a member, has changed. */
  redial(): void {
    if (this.#options === null || this.#closed) return;
    const { liveAddressOf, directory } = this.#options;
    const peers = directory.peers();
    for (const peer of peers) {
      const road = this.#roads.get(peer.name);
      if (road?.stream.isOpen === true) continue;
      const address = liveAddressOf(peer.name, peer.id) ?? road?.address ?? peer.address;
      if (address === null || address === road?.address) continue;
      road?.stream.close();
      this.#roads.set(peer.name, { address, stream: this.#dial(peer, address, this.#options), id: road?.id ?? peer.id });
    }
    const known = new Set(peers.map(({ name }) => name));
    for (const [name, { stream }] of this.#roads) {
      if (known.has(name) || stream.isOpen) continue;
      stream.close();
      this.#roads.delete(name);
    }
    this.#index();
  }

  /** Ends all streams and says hello anew: this node is not what it was. */
  restart(): void {
    for (const { stream } of this.#roads.values()) stream.restart();
    this.#intake?.hangUp();
  }

  /** Ends the stream of that node to this one: it calls again, and hears how it stands with the cluster now. */
  greetAnew(node: NodeId): void {
    this.#intake?.hangUpOn(node);
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

  /** Whether the stream to that node stands. */
  reaches(id: NodeId): boolean {
    return this.#byId.get(id)?.isOpen === true;
  }

  close(): void {
    this.#closed = true;
    for (const { stream } of this.#roads.values()) stream.close();
    this.#intake?.hangUp();
  }

  #dial({ name }: KnownPeer, address: string, { own, keys, met, directory, tell }: PeerNetworkOptions): PeerStream {
    const learnt = (identity: PeerIdentity, greeting: Greeting): void => {
      const road = this.#roads.get(name);
      if (road !== undefined) road.id = identity.nodeId;
      directory.heard(identity);
      this.#index();
      met(name, identity, greeting);
    };
    return new PeerStream({ member: { name, address }, own, keys, learnt, tell });
  }

  /** Where two roads lead to one node, one that stands counts. */
  #index(): void {
    this.#byId.clear();
    for (const { stream, id } of this.#roads.values()) {
      if (id !== null && this.#byId.get(id)?.isOpen !== true) this.#byId.set(id, stream);
    }
  }
}

/**
 * Whom this node may talk to, and where: members by the control log, members by its own configuration, whom membership sees, and who has said hello.
 *
 * Where somebody is, membership knows best; else the configuration, for what stands between two nodes only people know; then the node itself, then the control log.
 */
import type { ControlState } from '../../core/control/control-state.js';
import type { NodeId } from '../../core/identifiers.js';
import type { LiveMembers } from './live-members.js';
import type { MemberBook } from './member-book.js';
import type { PeerIdentity } from './peer-hello.js';

export interface KnownPeer {
  readonly name: string;
  /** Null: not heard yet. */
  readonly id: NodeId | null;
  /** host:port; null: nobody says. */
  readonly address: string | null;
  /** Nobody but membership, or its own hello, says that it is to be talked to. */
  readonly isStranger: boolean;
}

export interface PeerDirectoryOptions {
  readonly self: { readonly id: NodeId; readonly name: string };
  readonly book: MemberBook;
  readonly live: LiveMembers;
  /** As the control log has it; null without one. */
  readonly control: () => ControlState | null;
}

/** Nodes whose hellos are remembered. */
const heardMax = 4_096;

export class PeerDirectory {
  readonly #options: PeerDirectoryOptions;
  readonly #heard = new Map<NodeId, PeerIdentity>();
  /** Addresses that an operator has named, by the names that are expected there. */
  readonly #invited = new Map<string, string>();

  constructor(options: PeerDirectoryOptions) {
    this.#options = options;
  }

  /** What a node has said of itself, as far as it is remembered. */
  identity(id: NodeId): PeerIdentity | null {
    return this.#heard.get(id) ?? null;
  }

  /** Everybody who has said hello in this boot, in the order of first hellos. */
  identities(): readonly PeerIdentity[] {
    return [...this.#heard.values()];
  }

  heard(identity: PeerIdentity): void {
    if (!this.#heard.has(identity.nodeId) && this.#heard.size >= heardMax) {
      const members = this.#options.control()?.members ?? {};
      const stranger = [...this.#heard.keys()].find((id) => members[id] === undefined);
      if (stranger === undefined) return;
      this.#heard.delete(stranger);
    }
    this.#heard.set(identity.nodeId, identity);
  }

  /** An operator says where a node is that nobody has heard of. Returns how to forget that. */
  invite(name: string, address: string): () => void {
    this.#invited.set(name, address);
    return () => this.#invited.delete(name);
  }

  /** Everybody else, each name once: members first. */
  peers(): readonly KnownPeer[] {
    const { self, book, live } = this.#options;
    const found = new Map<string, KnownPeer>();
    const add = (name: string, { id, address, isStranger }: Omit<KnownPeer, 'name'>): void => {
      if (name === self.name || name === '' || id === self.id || found.has(name)) return;
      found.set(name, { name, id, address, isStranger });
    };
    const configured = new Map(book.members.map(({ name, address }) => [name, address]));
    for (const { id, name, address } of Object.values(this.#options.control()?.members ?? {})) {
      const said = configured.get(name) ?? (this.#heard.get(id)?.address || address || null);
      add(name, { id, address: said, isStranger: false });
    }
    for (const { name, address } of book.members) add(name, { id: book.idOf(name) ?? null, address, isStranger: false });
    for (const [name, address] of this.#invited) add(name, { id: null, address, isStranger: true });
    for (const { node, state, metadata } of live.all()) {
      const isThere = state === 'alive' || state === 'suspect';
      if (isThere) add(metadata.name, { id: node, address: metadata.grpcAddress || null, isStranger: true });
    }
    for (const { nodeId, name, address } of this.#heard.values()) add(name, { id: nodeId, address: address || null, isStranger: true });
    return [...found.values()];
  }
}

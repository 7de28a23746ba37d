/**
 * The nodes that a client can ask: those it was given, and those that they name as members. Identity is not address: a redirect names a node id, and this
 * is where the address to it is found.
 */
import type { ClusterHealth } from '../../core/wire/generated/engram/v1/cluster.js';
import type { ClientWorld, NodeLink } from './client-world.js';

export interface KnownNode {
  readonly address: string;
  readonly connection: NodeLink;
  /** Empty until somebody said who answers there. */
  nodeId: string;
  /** When it was last found out of reach, on the clock of the world; never: -Infinity. */
  failedAtMs: number;
  /** Where others say that it is: believed when it is not reached here. Empty: here. */
  saidToBeAt: string;
}

export interface DirectoryOptions {
  readonly callsInFlightMax: number;
  /** False: the given servers and nobody else. */
  readonly learnsMembers: boolean;
}

/** A node that was out of reach is asked again after this long, or when nobody else is left. */
const avoidMs = 1_000;
const learnEveryMs = 250;
const healthMsMax = 1_000;
const nodesMax = 1_000;
const spacesMax = 10_000;

export class MemberDirectory {
  readonly #world: ClientWorld;
  readonly #options: DirectoryOptions;
  readonly #nodes: KnownNode[] = [];
  /** Who last answered as the primary of a space. */
  readonly #primaries = new Map<string, KnownNode>();
  #learning: Promise<void> | null = null;
  #learntAtMs = Number.NEGATIVE_INFINITY;

  constructor(servers: readonly string[], world: ClientWorld, options: DirectoryOptions) {
    this.#world = world;
    this.#options = options;
    for (const address of servers) this.#add(address);
  }

  byNodeId(nodeId: string): KnownNode | null {
    return this.#nodes.find((node) => node.nodeId === nodeId) ?? null;
  }

  /** Whom to ask next about a space, in a round in which `tried` have been asked; null when the round is over. */
  next(space: string, tried: ReadonlySet<KnownNode>): KnownNode | null {
    const now = this.#world.nowMs();
    const primary = this.#primaries.get(space);
    if (primary !== undefined && !tried.has(primary) && !this.isAvoided(primary, now)) return primary;
    let fallback: KnownNode | null = null;
    for (const node of this.#nodes) {
      if (tried.has(node) || this.#isAlias(node, tried)) continue;
      if (!this.isAvoided(node, now)) return node;
      fallback ??= node;
    }
    return tried.size === 0 ? fallback : null;
  }

  isAvoided(node: KnownNode, now: number = this.#world.nowMs()): boolean {
    return now - node.failedAtMs < avoidMs;
  }

  answered(node: KnownNode): void {
    node.failedAtMs = Number.NEGATIVE_INFINITY;
  }

  failed(node: KnownNode): void {
    node.failedAtMs = this.#world.nowMs();
    if (node.saidToBeAt !== '') this.#isAt(node, node.saidToBeAt, node.nodeId);
    for (const [space, primary] of this.#primaries) if (primary === node) this.#primaries.delete(space);
  }

  setPrimary(space: string, node: KnownNode): void {
    if (this.#primaries.get(space) === node) return;
    this.#primaries.delete(space);
    if (this.#primaries.size >= spacesMax) this.#primaries.delete(this.#primaries.keys().next().value as string);
    this.#primaries.set(space, node);
  }

  /** That node is not the primary of the space, it says. */
  unsetPrimary(space: string, node: KnownNode): void {
    if (this.#primaries.get(space) === node) this.#primaries.delete(space);
  }

  /** Asks a node who the members are, unless that was done just now. Never rejects. */
  learn(): Promise<void> {
    if (!this.#options.learnsMembers || this.#world.nowMs() - this.#learntAtMs < learnEveryMs) return this.#learning ?? Promise.resolve();
    this.#learntAtMs = this.#world.nowMs();
    this.#learning ??= this.#askForMembers().finally(() => {
      this.#learning = null;
    });
    return this.#learning;
  }

  /** Takes in what a node says of its cluster. */
  take(asked: KnownNode, health: ClusterHealth): void {
    asked.nodeId = health.nodeId;
    if (!this.#options.learnsMembers) return;
    for (const { nodeId, address } of health.members) {
      if (address === '') continue;
      const before = nodeId === '' ? null : this.byNodeId(nodeId);
      // Known under this address, or under another one by which it answers, or answered.
      if (before !== null && (before.address === address || !this.isAvoided(before))) {
        before.saidToBeAt = before.address === address ? '' : address;
        continue;
      }
      this.#isAt(before, address, nodeId);
    }
  }

  async close(): Promise<void> {
    await this.#learning;
    await Promise.all(this.#nodes.map(({ connection }) => connection.close()));
  }

  nodes(): readonly KnownNode[] {
    return this.#nodes;
  }

  async #askForMembers(): Promise<void> {
    for (const node of this.#nodes.filter((each) => !this.isAvoided(each))) {
      const health = await node.connection.health(healthMsMax).catch(() => null);
      if (health === null) continue;
      this.take(node, health);
      return;
    }
  }

  #isAt(before: KnownNode | null, address: string, nodeId: string): void {
    if (before !== null) {
      before.nodeId = '';
      before.saidToBeAt = '';
    }
    const known = this.#nodes.find((node) => node.address === address) ?? this.#add(address);
    if (known !== null && nodeId !== '') known.nodeId = nodeId;
  }

  #isAlias(node: KnownNode, tried: ReadonlySet<KnownNode>): boolean {
    if (node.nodeId === '') return false;
    for (const other of tried) if (other.nodeId === node.nodeId) return true;
    return false;
  }

  #add(address: string): KnownNode | null {
    if (this.#nodes.length >= nodesMax) return null;
    const connection = this.#world.connect(address, {
      callsInFlightMax: this.#options.callsInFlightMax,
      onIdentity: (nodeId) => {
        node.nodeId = nodeId;
      },
    });
    const node: KnownNode = { address, connection, nodeId: '', failedAtMs: Number.NEGATIVE_INFINITY, saidToBeAt: '' };
    this.#nodes.push(node);
    return node;
  }
}

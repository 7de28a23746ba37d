/**
 * How many bytes moves may bring to and take from each node in a second: a token bucket for each (Turner, 1986), on the leader's clock. How large a copy is, its primary says once the move has
 * begun; then it is charged, to who gives and to who gets. Nothing more is begun at a node that is in debt, so what is under way is never interrupted, and over time no
 * node moves more than its rate. A new leader begins with empty books: it may begin as much at once as one move for each place in the bounds on their number.
 */
import type { NodeId, SpaceKey } from '../../identifiers.js';

interface Account {
  /** What is still to be worked off, at `atMs`. */
  debtBytes: number;
  atMs: number;
}

export class MoveBudget {
  readonly #bytesPerSecondMax: number;
  readonly #accounts = new Map<NodeId, Account>();
  /** The moves that have been charged, by the revision of their row. */
  readonly #charged = new Map<SpaceKey, number>();

  constructor(bytesPerSecondMax: number) {
    this.#bytesPerSecondMax = bytesPerSecondMax;
  }

  /** A move has this size: charged once, however often it is told. */
  charge(
    move: { readonly space: SpaceKey; readonly revision: number; readonly bytes: number; readonly nodes: readonly NodeId[] },
    nowMs: number,
  ): void {
    if (this.#charged.get(move.space) === move.revision) return;
    this.#charged.set(move.space, move.revision);
    for (const node of move.nodes) this.#accounts.set(node, { debtBytes: this.#debtOf(node, nowMs) + move.bytes, atMs: nowMs });
  }

  /** Whether another move may begin there. */
  isFree(node: NodeId, nowMs: number): boolean {
    return this.#debtOf(node, nowMs) === 0;
  }

  #debtOf(node: NodeId, nowMs: number): number {
    const account = this.#accounts.get(node);
    if (account === undefined) return 0;
    const paidBytes = ((nowMs - account.atMs) / 1_000) * this.#bytesPerSecondMax;
    if (paidBytes < account.debtBytes) return account.debtBytes - paidBytes;
    this.#accounts.delete(node);
    return 0;
  }

  /** Nothing is under way any more. */
  forgetMoves(): void {
    this.#charged.clear();
  }
}

/**
 * How far the copies have come that are on their way to other nodes: judged by the row's primary, which knows what there is and hears from the target what is synced
 * there, and told to the leader of the control log.
 *
 * While writes go on the target never holds quite all: it counts by how long ago there was nothing but what it holds now. Once the primary itself has paused, and
 * nothing of its own is on its way to the disk any more, there is a last word, and the target holds that or does not.
 */
import type { VersionVector } from '../clock/version-vector.js';
import type { Row } from '../control/members-and-rows.js';
import type { Now } from '../events.js';
import { authorNode, type NodeId, type SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { nothing } from './peer.js';
import type { Peers } from './peers.js';

/** All that was synced at the sources at one moment. */
interface Mark {
  readonly to: NodeId;
  readonly held: VersionVector;
  readonly sinceMs: number;
  /** The moment of the latest mark before, all of which the target holds; null: of none yet. */
  readonly heldSinceMs: number | null;
}

export class MoveProgress {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #marks = new Map<SpaceKey, Mark>();

  constructor(services: NodeServices, peers: Peers) {
    this.#services = services;
    this.#peers = peers;
  }

  /** At each round of pings. */
  tellAll(now: Now): void {
    const moving = this.#services.moves();
    for (const row of moving) this.#tell(row, now);
    if (this.#marks.size === 0) return;
    const spaces = new Set(moving.map(({ space }) => space));
    for (const space of this.#marks.keys()) if (!spaces.has(space)) this.#marks.delete(space);
  }

  /** Something was synced, here or at the target: where writes have paused every millisecond counts. */
  tellPaused(now: Now): void {
    for (const row of this.#services.moves()) if (row.move?.stage === 'paused') this.#tell(row, now);
  }

  #tell(row: Row, now: Now): void {
    const { authority, self } = this.#services;
    const { space, copies, move, revision } = row;
    if (authority === null || move == null || revision === undefined || copies[0] !== self) return;
    if (move.stage === 'paused') {
      if (authority.isHandingOver(space, now) && this.#holdsLastWord(space, move.to))
        this.#say({ space, revision, heldMs: 0, missing: 0 }, now);
    } else if (authority.confirmed(space, now) !== null) this.#tellCopying({ space, revision, from: move.from, to: move.to }, now);
  }

  #say(
    told: { readonly space: SpaceKey; readonly revision: number; readonly heldMs: number | null; readonly missing: number },
    now: Now,
  ): void {
    const bytes = this.#services.store.space(told.space).retainedBytes;
    this.#services.authority?.tellOfMove({ kind: 'copied', progress: { ...told, bytes } }, now);
  }

  /** Whether nothing of this node's own is on its way to the disk, and the target has synced all that is synced here. */
  #holdsLastWord(key: SpaceKey, to: NodeId): boolean {
    const space = this.#services.store.space(key);
    const isWriting = [...space.inFlight.authors()].some((author) => authorNode(author) === this.#services.self);
    return !isWriting && this.#peers.reports.holdsAll(to, key, space.vouched());
  }

  #tellCopying(
    {
      space,
      revision,
      from,
      to,
    }: { readonly space: SpaceKey; readonly revision: number; readonly from: NodeId | null; readonly to: NodeId },
    now: Now,
  ): void {
    const before = this.#marks.get(space);
    let mark = before?.to === to ? before : null;
    if (mark === null || this.#peers.reports.holdsAll(to, space, mark.held)) {
      mark = { to, held: this.#heldAt(space, from), sinceMs: now.monotonicMs, heldSinceMs: mark?.sinceMs ?? null };
      this.#marks.set(space, mark);
    }
    const reported = this.#peers.get(to)?.spaces.get(space)?.reported ?? nothing;
    let missing = 0;
    for (const range of reported.missingFrom(mark.held)) missing += range.to - range.from + 1;
    const heldMs = mark.heldSinceMs === null ? null : now.monotonicMs - mark.heldSinceMs;
    this.#say({ space, revision, heldMs, missing }, now);
  }

  /**
   * What is synced here, and at who gives its copy up, as far as it has said so: all of it is to be in the new row. What a dead node alone had nobody can give; it brings
   * that itself should it come back.
   */
  #heldAt(space: SpaceKey, from: NodeId | null): VersionVector {
    const { partition, self, store } = this.#services;
    const held = store.space(space).vouched().clone();
    const isThere = from !== null && from !== self && (partition === null || partition.isAtHand(from));
    const reported = isThere ? this.#peers.reports.said(from, space)?.reported : undefined;
    if (reported !== undefined) held.unionWith(reported);
    return held;
  }
}

/**
 * Writes of spaces whose primary has paused so that another can take its place: kept, in order of arrival, until the row says who is primary. Then the old one names the new
 * one at once, and the new one carries out what has come to it early. A client that was refused instead would ask everybody in vain and come back long after the pause is over.
 *
 * Nothing of them has been appended, so they can be let go at any time: when the pause is given up, when this node has no lease any more, and at their deadlines.
 */
import type { RequestHandle } from '../effects.js';
import type { Now } from '../events.js';
import type { SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { bytesOf, type Placed } from './placed-request.js';

interface HeldWrite {
  readonly placed: Placed;
  readonly bytes: number;
  readonly deadlineMs: number;
}

export const heldWritesTimer = 'requests.held';
const sweepEveryMs = 50;
/** A pause that lasts longer is given up by whoever leads the control log; whoever waits has an answer before that is known. */
const heldMsMax = 1_000;

export class HeldWrites {
  readonly #services: NodeServices;
  #held: HeldWrite[] = [];
  #bytes = 0;

  constructor(services: NodeServices) {
    this.#services = services;
  }

  get count(): number {
    return this.#held.length;
  }

  /** Whether a write of the space has to wait here: for this node to become its primary, or for another to take its place. */
  isPaused(space: SpaceKey, now: Now): boolean {
    const { authority, self } = this.#services;
    if (authority === null) return false;
    for (const { space: moving, copies, move } of this.#services.moves())
      if (moving === space && move?.stage === 'paused' && move.from === copies[0])
        return move.to === self || authority.isHandingOver(space, now);
    return false;
  }

  /** Keeps a write until the pause is over, or until `deadlineMs`; false where that would be more bytes than may wait. */
  hold(placed: Placed, deadlineMs: number, now: Now): boolean {
    const bytes = bytesOf(placed.body);
    if (this.#bytes + bytes > this.#services.configuration.storage.gatherBytesMax) return false;
    this.#held.push({ placed, bytes, deadlineMs: Math.min(deadlineMs, now.monotonicMs + heldMsMax) });
    this.#bytes += bytes;
    if (this.#held.length === 1) this.#arm(now);
    return true;
  }

  /** Takes out those whose pause is over, or whose time is. */
  release(now: Now): readonly HeldWrite[] {
    if (this.#held.length === 0) return [];
    const spaces = new Map<SpaceKey, boolean>();
    for (const { placed } of this.#held) if (!spaces.has(placed.space)) spaces.set(placed.space, this.isPaused(placed.space, now));
    const isReleased = ({ placed: { space }, deadlineMs }: HeldWrite): boolean =>
      spaces.get(space) !== true || now.monotonicMs >= deadlineMs;
    const released = this.#held.filter(isReleased);
    if (released.length > 0) this.#keep(this.#held.filter((held) => !isReleased(held)));
    return released;
  }

  cancel(handle: RequestHandle): void {
    if (this.#held.some((held) => held.placed.handle === handle)) this.#keep(this.#held.filter((held) => held.placed.handle !== handle));
  }

  /** Again while anything waits: deadlines, and leases that run out. */
  rearm(now: Now): void {
    if (this.#held.length > 0) this.#arm(now);
  }

  #arm(now: Now): void {
    this.#services.effects.timers.arm(heldWritesTimer, now.monotonicMs + sweepEveryMs);
  }

  #keep(held: HeldWrite[]): void {
    this.#held = held;
    this.#bytes = held.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

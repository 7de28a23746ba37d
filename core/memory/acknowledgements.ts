/**
 * When a write may be answered: its own record synced here, and as many copies of the row as its level asks for having said that it is synced there.
 * There is no other way to a positive answer for a write.
 *
 * Follows SPEC section 3, Acknowledgement: local, one, quorum, all = 1, 2, floor(RF / 2) + 1, RF synced copies. A deadline that passes first
 * is answered as unknown, never as failed.
 */
import type { RequestHandle } from '../effects.js';
import type { Now } from '../events.js';
import type { Dot, NodeId, SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';
import type { SpaceStore } from './space-store.js';

export interface WaitingWrite {
  readonly handle: RequestHandle;
  readonly space: SpaceStore;
  readonly dot: Dot;
  /** Synced copies that are needed, this one included. */
  readonly copies: number;
  readonly deadlineMs: number;
  /** Called once: acknowledged, or the deadline has passed. */
  finish(outcome: 'acknowledged' | 'deadline', now: Now): void;
}

/** Whether a peer is known to have synced a dot. */
export type KnownOnPeer = (peer: NodeId, space: SpaceKey, dot: Dot) => boolean;

const sweepTimer = 'acknowledgements.sweep';
const sweepEveryMs = 50;

/** Synced copies that a level asks for; null for a level that is none. */
export function copiesNeeded(level: AckLevel, copies: number): number | null {
  switch (level) {
    case AckLevel.ACK_DEFAULT:
    case AckLevel.ACK_LOCAL:
      return 1;
    case AckLevel.ACK_ONE:
      return 2;
    case AckLevel.ACK_QUORUM:
      return Math.floor(copies / 2) + 1;
    case AckLevel.ACK_ALL:
      return copies;
    default:
      return null;
  }
}

export class Acknowledgements {
  readonly #services: NodeServices;
  readonly #known: KnownOnPeer;
  readonly #waiting = new Map<SpaceKey, WaitingWrite[]>();
  #count = 0;
  /** Of those, the ones that want more copies than this one. */
  #waitingForCopies = 0;
  #sweeping = false;

  constructor(services: NodeServices, known: KnownOnPeer) {
    this.#services = services;
    this.#known = known;
  }

  get count(): number {
    return this.#count;
  }

  wait(write: WaitingWrite, now: Now): void {
    if (this.#isDone(write)) return write.finish('acknowledged', now);
    const waiting = this.#waiting.get(write.space.key);
    if (waiting === undefined) this.#waiting.set(write.space.key, [write]);
    else waiting.push(write);
    this.#count += 1;
    if (write.copies > 1) this.#waitingForCopies += 1;
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#services.effects.timers.arm(sweepTimer, now.monotonicMs + sweepEveryMs);
  }

  /** Answers what can be answered, after a peer has said what is synced there: nobody who wants this copy alone. */
  advance(space: SpaceKey, now: Now): void {
    if (this.#waitingForCopies > 0) this.#settleDone(space, now);
  }

  #settleDone(space: SpaceKey, now: Now): void {
    this.#settle(space, (write) => this.#isDone(write), 'acknowledged', now);
  }

  /** Answers what can be answered, after records were synced here. */
  advanceAll(now: Now): void {
    for (const space of [...this.#waiting.keys()]) this.#settleDone(space, now);
  }

  /** The client has gone: nobody is answered. What was appended stays. */
  cancel(handle: RequestHandle): void {
    for (const [space, waiting] of this.#waiting) {
      const left = waiting.filter((write) => write.handle !== handle);
      if (left.length === waiting.length) continue;
      this.#left(waiting.filter((write) => write.handle === handle));
      if (left.length === 0) this.#waiting.delete(space);
      else this.#waiting.set(space, left);
    }
  }

  timer(name: string, now: Now): boolean {
    if (name !== sweepTimer) return false;
    this.#sweeping = false;
    // Whatever else may have covered a dot, a horizon adopted for instance.
    this.advanceAll(now);
    for (const space of [...this.#waiting.keys()]) this.#settle(space, (write) => write.deadlineMs <= now.monotonicMs, 'deadline', now);
    if (this.#count > 0) {
      this.#sweeping = true;
      this.#services.effects.timers.arm(sweepTimer, now.monotonicMs + sweepEveryMs);
    }
    return true;
  }

  /** Finishes those that are due, in order of arrival; the others go on waiting. */
  #settle(space: SpaceKey, isDue: (write: WaitingWrite) => boolean, outcome: 'acknowledged' | 'deadline', now: Now): void {
    const waiting = this.#waiting.get(space);
    if (waiting === undefined) return;
    const due: WaitingWrite[] = [];
    let left = 0;
    for (const write of waiting) {
      if (isDue(write)) due.push(write);
      else {
        waiting[left] = write;
        left += 1;
      }
    }
    if (due.length === 0) return;
    waiting.length = left;
    if (left === 0) this.#waiting.delete(space);
    this.#left(due);
    for (const write of due) write.finish(outcome, now);
  }

  #left(gone: readonly WaitingWrite[]): void {
    this.#count -= gone.length;
    for (const { copies } of gone) if (copies > 1) this.#waitingForCopies -= 1;
  }

  #isDone(write: WaitingWrite): boolean {
    // Invariant: acknowledged <= synced, so a crash takes back nothing promised.
    if (!write.space.coverage.has(write.dot)) return false;
    if (write.copies === 1) return true;
    // Who has ceased to be a copy while the write waited counts no more.
    let copies = this.#services.isCopy(write.space.key) ? 1 : 0;
    for (const peer of this.#services.otherCopies(write.space.key)) {
      if (this.#known(peer, write.space.key, write.dot)) copies += 1;
      if (copies >= write.copies) return true;
    }
    return false;
  }
}

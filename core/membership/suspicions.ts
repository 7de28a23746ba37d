/** The suspicions that run, and when the next of them is due. */
import type { Member } from './member-table.js';
import type { Suspicion } from './suspicion.js';

export class Suspicions {
  readonly #running = new Set<Member>();
  /** None is due earlier. */
  #nextMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#running.size;
  }

  get nextMs(): number {
    return this.#nextMs;
  }

  /** It has begun, or its time has become shorter. Whether the timer has to be moved. */
  watch(member: Member): boolean {
    if (member.suspicion === null) return false;
    this.#running.add(member);
    const dueMs = member.suspicion.startedMs + member.suspicion.timeoutMs;
    if (dueMs >= this.#nextMs) return false;
    this.#nextMs = dueMs;
    return true;
  }

  end(member: Member): void {
    member.suspicion = null;
    this.#running.delete(member);
    if (this.#running.size === 0) this.#nextMs = Number.POSITIVE_INFINITY;
  }

  /** Those whose time has run out, in the order in which they were suspected. */
  due(nowMs: number): Member[] {
    const due: Member[] = [];
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const member of this.#running) {
      const suspicion = member.suspicion as Suspicion;
      const dueMs = suspicion.startedMs + suspicion.timeoutMs;
      if (dueMs <= nowMs) due.push(member);
      else if (dueMs < this.#nextMs) this.#nextMs = dueMs;
    }
    return due;
  }

  /** Gives all suspects this much more time. */
  extend(byMs: number): void {
    for (const member of this.#running) (member.suspicion as Suspicion).startedMs += byMs;
    this.#nextMs += byMs;
  }

  /** Gives one of them this much more time. */
  postpone(member: Member, byMs: number): void {
    const suspicion = member.suspicion as Suspicion;
    suspicion.timeoutMs += byMs;
    this.watch(member);
  }
}

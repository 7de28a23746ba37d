/** Writes that wait for room in the log, in order of arrival, and the bytes that they keep meanwhile. */
import type { WriteIntent } from './write-intent.js';

export class WaitingWrites {
  #intents: WriteIntent[] = [];
  #payloadBytes = 0;

  get length(): number {
    return this.#intents.length;
  }

  /** Bytes of episodes that wait. */
  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  push(intent: WriteIntent): void {
    this.#intents.push(intent);
    this.#payloadBytes += intent.payload.length;
  }

  some(is: (intent: WriteIntent) => boolean): boolean {
    return this.#intents.some(is);
  }

  /** Lets go of the first ones, as long as each is taken. */
  releaseWhile(taken: (intent: WriteIntent) => boolean): void {
    const waiting = this.#intents;
    let done = 0;
    while (done < waiting.length && taken(waiting[done])) done += 1;
    if (done > 0) this.#keep(waiting.slice(done));
  }

  /** Takes out those of which it is true. */
  remove(is: (intent: WriteIntent) => boolean): readonly WriteIntent[] {
    const removed = this.#intents.filter(is);
    if (removed.length > 0) this.#keep(this.#intents.filter((intent) => !removed.includes(intent)));
    return removed;
  }

  #keep(intents: WriteIntent[]): void {
    this.#intents = intents;
    this.#payloadBytes = intents.reduce((sum, { payload }) => sum + payload.length, 0);
  }
}

/** What each of many processes says of each other one, as it says it: a square of states, with the sums that experiments ask for. */
import type { MemberState } from '../../core/membership/inspection.js';

const codes: Readonly<Record<MemberState | 'unknown', number>> = { unknown: 0, alive: 1, suspect: 2, dead: 3, left: 4 };

export class ViewTable {
  readonly #count: number;
  readonly #states: Uint8Array;
  /** How many members each process takes for alive, itself included. */
  readonly #aliveSeen: Int32Array;

  constructor(count: number) {
    this.#count = count;
    this.#states = new Uint8Array(count * count);
    this.#aliveSeen = new Int32Array(count);
  }

  set(observer: number, member: number, state: MemberState | 'unknown'): void {
    const at = observer * this.#count + member;
    if (this.#states[at] === codes.alive) this.#aliveSeen[observer] -= 1;
    if (state === 'alive') this.#aliveSeen[observer] += 1;
    this.#states[at] = codes[state];
  }

  /** A process has ended, or begins: it says nothing. */
  clear(observer: number): void {
    this.#states.fill(codes.unknown, observer * this.#count, (observer + 1) * this.#count);
    this.#aliveSeen[observer] = 0;
  }

  says(observer: number, member: number, state: MemberState): boolean {
    return this.#states[observer * this.#count + member] === codes[state];
  }

  aliveSeenBy(observer: number): number {
    return this.#aliveSeen[observer];
  }
}

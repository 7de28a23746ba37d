/**
 * Named timers over setTimeout. An armed name fires once, at its time or later on the monotonic clock; arming it again moves it.
 */

/** setTimeout takes no more. */
const delayMsMax = 2 ** 31 - 1;

interface Armed {
  atMs: number;
  /** When the timeout that stands for it goes off: at `atMs` or, when the timer was moved back, earlier. */
  wakesAtMs: number;
  timeout: NodeJS.Timeout;
}

export class NodeTimers {
  readonly #armed = new Map<string, Armed>();

  /** `fire` queues the event; before it is delivered, `take` says whether it still stands. */
  constructor(
    readonly monotonicMs: () => number,
    readonly fire: (name: string) => void,
  ) {}

  arm(name: string, atMs: number): void {
    const armed = this.#armed.get(name);
    if (armed === undefined) {
      this.#armed.set(name, { atMs, wakesAtMs: atMs, timeout: this.#wake(name, atMs) });
      return;
    }
    armed.atMs = atMs;
    // Most timers are moved back again and again and never fire: one timeout is left to look later.
    if (armed.wakesAtMs <= atMs && armed.wakesAtMs > this.monotonicMs()) return;
    clearTimeout(armed.timeout);
    armed.wakesAtMs = atMs;
    armed.timeout = this.#wake(name, atMs);
  }

  disarm(name: string): void {
    const armed = this.#armed.get(name);
    if (armed !== undefined) clearTimeout(armed.timeout);
    this.#armed.delete(name);
  }

  /** Whether a queued firing is still due: the name may have been disarmed or moved meanwhile. If so, it is armed no longer. */
  take(name: string): boolean {
    const armed = this.#armed.get(name);
    if (armed === undefined || armed.atMs > this.monotonicMs()) return false;
    this.disarm(name);
    return true;
  }

  close(): void {
    for (const name of [...this.#armed.keys()]) this.disarm(name);
  }

  #wake(name: string, atMs: number): NodeJS.Timeout {
    const delayMs = Math.min(Math.max(atMs - this.monotonicMs(), 0), delayMsMax);
    return setTimeout(() => this.#look(name), delayMs).unref();
  }

  #look(name: string): void {
    const armed = this.#armed.get(name);
    if (armed === undefined) return;
    if (armed.atMs <= this.monotonicMs()) {
      this.fire(name);
      return;
    }
    armed.wakesAtMs = armed.atMs;
    armed.timeout = this.#wake(name, armed.atMs);
  }
}

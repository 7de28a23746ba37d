/** When something stood on the way from one node to another: cuts, rates of a fault's own, clogs. For those who judge what nodes say of each other. */
import type { BrokenLink } from '../checker/history.js';

export type Obstacle = 'cut' | 'rates';

/** In milliseconds since the start of load. */
export interface LogClock {
  nowMs(): number;
  /** Of a virtual time in microseconds. */
  msOf(us: number): number;
}

export class LinkLog {
  readonly #names: readonly string[];
  readonly #clock: LogClock;
  readonly #open = new Map<string, { readonly obstacle: Obstacle; readonly from: string; readonly to: string; readonly fromMs: number }>();
  readonly #ended: BrokenLink[] = [];

  /** `names` of the nodes, by endpoint: links of others are not written down. */
  constructor(names: readonly string[], clock: LogClock) {
    this.#names = names;
    this.#clock = clock;
  }

  began(obstacle: Obstacle, from: number, to: number): void {
    const key = `${obstacle} ${from} ${to}`;
    if (from >= this.#names.length || to >= this.#names.length || this.#open.has(key)) return;
    this.#open.set(key, { obstacle, from: this.#names[from], to: this.#names[to], fromMs: this.#clock.nowMs() });
  }

  ended(obstacle: Obstacle, from: number, to: number): void {
    this.#end(`${obstacle} ${from} ${to}`);
  }

  /** Of all links. */
  allEnded(obstacle: Obstacle): void {
    for (const [key, open] of [...this.#open]) if (open.obstacle === obstacle) this.#end(key);
  }

  /** A clog ends by itself. */
  clogged(from: number, to: number, untilUs: number): void {
    if (from >= this.#names.length || to >= this.#names.length) return;
    const fromMs = this.#clock.nowMs();
    this.#ended.push({ from: this.#names[from], to: this.#names[to], fromMs, untilMs: this.#clock.msOf(untilUs), how: 'clog' });
  }

  /** All until now. */
  spans(): BrokenLink[] {
    const lasting = [...this.#open.values()].map(({ from, to, fromMs, obstacle }) => ({
      ...{ from, to, fromMs, untilMs: Number.POSITIVE_INFINITY },
      how: obstacle,
    }));
    return [...this.#ended, ...lasting];
  }

  #end(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    const { from, to, fromMs, obstacle } = open;
    this.#ended.push({ from, to, fromMs, untilMs: this.#clock.nowMs(), how: obstacle });
  }
}

/** How often memories of a space are updated, as one copy has seen it since this boot: what the answers of a lagging copy are discounted by. */

/** Added to the time over which the rate is taken: right after a start much comes at once from other copies. */
const settlesMs = 5_000;

export class UpdateRate {
  #updates = 0;

  /** What was superseded by now happened before this boot. */
  servingBegins(): void {
    this.#updates = 0;
  }

  superseded(versions: number): void {
    this.#updates += versions;
  }

  /** Estimated updates of one memory per millisecond: updates that superseded a version, over memories and time. */
  perMemoryMs({ memories, sinceStartMs }: { readonly memories: number; readonly sinceStartMs: number }): number {
    return this.#updates / Math.max(1, memories) / (Math.max(0, sinceStartMs) + settlesMs);
  }
}

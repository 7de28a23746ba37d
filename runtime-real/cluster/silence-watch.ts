/**
 * Heartbeats out, silence in: ends a stream on which nothing was heard for too long. TCP alone would notice a cut after minutes, and a stopped process
 * never: its kernel goes on accepting.
 */
export const heartbeatMs = 500;
export const silenceMsMax = 2_000;

export class SilenceWatch {
  readonly #timer: NodeJS.Timeout;
  #heardMs = performance.now();
  #tickedMs = performance.now();

  constructor(actions: { readonly beat: () => void; readonly silent: () => void }) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      // This process itself stood still: what was said meanwhile waits to be read.
      if (now - this.#tickedMs > 2 * heartbeatMs) this.#heardMs = now;
      this.#tickedMs = now;
      if (now - this.#heardMs > silenceMsMax) actions.silent();
      else actions.beat();
    }, heartbeatMs).unref();
  }

  heard(): void {
    this.#heardMs = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/**
 * Hot record payloads in memory, within a bound of bytes: least recently used first out. Writes may fill room that is free but never push out what
 * reads have brought in, so that an import does not cool the cache.
 */
export class ValueCache {
  readonly #bytesMax: number;
  /** In order of use, oldest first. */
  readonly #entries = new Map<number, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: number): Uint8Array | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax;
  }

  /** Keeps the value, which must not share memory with anything larger. Larger than the whole cache: not kept. */
  set(key: number, value: Uint8Array): void {
    if (value.length > this.#bytesMax) return;
    this.delete(key);
    this.#entries.set(key, value);
    this.#bytes += value.length;
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#entries.delete(oldest);
      this.#bytes -= old.length;
    }
  }

  delete(key: number): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= value.length;
  }
}

/** Many calls may wait under one signal: however many they are, the signal gets one listener. */

interface Listened {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

export class AbortListeners {
  readonly #listened = new Map<AbortSignal, Listened>();

  /** Calls back once if the signal aborts before the returned function was called. The signal has not aborted yet. */
  add(signal: AbortSignal, callback: () => void): () => void {
    const known = this.#listened.get(signal) ?? this.#listen(signal);
    known.callbacks.add(callback);
    return () => {
      known.callbacks.delete(callback);
      if (known.callbacks.size === 0 && this.#listened.get(signal) === known) this.#forget(signal, known);
    };
  }

  #listen(signal: AbortSignal): Listened {
    const callbacks = new Set<() => void>();
    const listener = (): void => {
      this.#forget(signal, listened);
      for (const callback of [...callbacks]) callback();
    };
    const listened = { callbacks, listener };
    signal.addEventListener('abort', listener);
    this.#listened.set(signal, listened);
    return listened;
  }

  #forget(signal: AbortSignal, { listener }: Listened): void {
    signal.removeEventListener('abort', listener);
    this.#listened.delete(signal);
  }
}

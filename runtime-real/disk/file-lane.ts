/**
 * Which of the operations on one file may run at the same time. They take effect in the order of the calls; but a sync holds nobody up except a
 * later sync, and reads run side by side: that is how a group gathers and records are read back while a sync is in flight.
 */
export type OperationKind = 'read' | 'write' | 'sync' | 'shape';

interface Operation {
  readonly kind: OperationKind;
  readonly run: () => Promise<void>;
  started: boolean;
}

/** Whether `later` must wait for `earlier`. `shape` changes the file as a whole: reserve, replace, remove. */
function mustWait(earlier: OperationKind, later: OperationKind): boolean {
  if (earlier === 'shape' || later === 'shape') return true;
  switch (later) {
    case 'read':
      return earlier === 'write';
    case 'write':
      return earlier !== 'sync';
    case 'sync':
      return earlier !== 'read';
  }
}

/** The operations of one file, oldest first. */
export class FileLane {
  readonly #unfinished: Operation[] = [];

  get idle(): boolean {
    return this.#unfinished.length === 0;
  }

  /** Runs `run` as soon as nothing it must wait for is ahead. `run` does not reject. */
  enter(kind: OperationKind, run: () => Promise<void>): void {
    this.#unfinished.push({ kind, run, started: false });
    this.#startThoseThatMay();
  }

  #startThoseThatMay(): void {
    for (let at = 0; at < this.#unfinished.length; at += 1) {
      const operation = this.#unfinished[at] as Operation;
      if (operation.started) continue;
      if (this.#unfinished.slice(0, at).some((earlier) => mustWait(earlier.kind, operation.kind))) continue;
      operation.started = true;
      void operation.run().then(() => this.#finish(operation));
    }
  }

  #finish(operation: Operation): void {
    this.#unfinished.splice(this.#unfinished.indexOf(operation), 1);
    this.#startThoseThatMay();
  }
}

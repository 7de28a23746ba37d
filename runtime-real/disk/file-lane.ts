/**
 * Which of the operations on one file may run at the same time. They take effect in the order of the calls; but a sync holds nobody up except a
 * later sync, and reads run side by side: that is how a group gathers and records are read back while a sync is in flight.
 */
export type OperationKind = 'read' | 'write' | 'sync' | 'shape';

interface Operation {
  readonly kind: OperationKind;
  readonly number: number;
  readonly run: () => Promise<void>;
  /** Earlier unfinished operations that it must wait for. */
  waitsFor: number;
}

const kinds: readonly OperationKind[] = ['read', 'write', 'sync', 'shape'];

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

/** The operations of one file. Thousands of reads may run side by side: what begins or ends looks only at those that wait. */
export class FileLane {
  readonly #unfinished: Record<OperationKind, number> = { read: 0, write: 0, sync: 0, shape: 0 };
  /** Oldest first. Invariant: each has `waitsFor` above 0. */
  #waiting: Operation[] = [];
  #entered = 0;

  get idle(): boolean {
    return kinds.every((kind) => this.#unfinished[kind] === 0);
  }

  /** Runs `run` as soon as nothing it must wait for is ahead. `run` does not reject. */
  enter(kind: OperationKind, run: () => Promise<void>): void {
    let waitsFor = 0;
    for (const earlier of kinds) if (mustWait(earlier, kind)) waitsFor += this.#unfinished[earlier];
    this.#unfinished[kind] += 1;
    this.#entered += 1;
    const operation: Operation = { kind, number: this.#entered, run, waitsFor };
    if (waitsFor === 0) this.#start(operation);
    else this.#waiting.push(operation);
  }

  #start(operation: Operation): void {
    void operation.run().then(() => this.#finish(operation));
  }

  #finish({ kind, number }: Operation): void {
    this.#unfinished[kind] -= 1;
    if (this.#waiting.length === 0) return;
    const freed: Operation[] = [];
    this.#waiting = this.#waiting.filter((operation) => {
      if (operation.number > number && mustWait(kind, operation.kind)) operation.waitsFor -= 1;
      if (operation.waitsFor === 0) freed.push(operation);
      return operation.waitsFor > 0;
    });
    for (const operation of freed) this.#start(operation);
  }
}

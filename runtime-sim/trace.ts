/**
 * The trace: a hash chain over everything that happens, cheap enough to be always on. Equal hashes mean equal runs; with a log of the chain at
 * every event, the first difference between two runs can be named.
 */

export class Trace {
  #high = 0x6a09e667;
  #low = 0xbb67ae85;
  events = 0;
  readonly #log: ChainLog | null;

  constructor(options: { readonly log?: ChainLog } = {}) {
    this.#log = options.log ?? null;
  }

  /** Folds one event in. `detail` is a number that depends on its bytes. */
  event(timeUs: number, kind: number, target: number, detail: number): void {
    this.events += 1;
    this.#fold(kind * 0x1_0000 + target, timeUs >>> 0);
    this.#fold(detail, Math.floor(timeUs / 0x1_0000_0000));
    if (this.#log !== null) this.#log.append(this.#high ^ this.#low, timeUs, kind, target, detail);
  }

  /** Folds in what an event led to: belongs to the event before. */
  consequence(what: number, detail: number): void {
    this.#fold(what, detail);
  }

  #fold(one: number, other: number): void {
    const high = Math.imul(this.#high ^ one, 0x85ebca6b);
    const low = Math.imul(this.#low ^ other, 0xc2b2ae35);
    this.#high = (((high << 13) | (high >>> 19)) + low) | 0;
    this.#low = (((low << 17) | (low >>> 15)) ^ (this.#high >>> 3)) | 0;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }
}

/** The chain at every event of one run, with enough beside it to say what the event was. */
export class ChainLog {
  length = 0;
  #hashes = new Int32Array(2 ** 16);
  #times = new Float64Array(2 ** 16);
  #kinds = new Uint8Array(2 ** 16);
  #targets = new Int32Array(2 ** 16);
  #details = new Float64Array(2 ** 16);

  /** A log made of another's `columns`, such as came from another thread. */
  static of({ hashes, times, kinds, targets, details }: ReturnType<ChainLog['columns']>): ChainLog {
    const log = new ChainLog();
    log.length = hashes.length;
    log.#hashes = hashes;
    log.#times = times;
    log.#kinds = kinds;
    log.#targets = targets;
    log.#details = details;
    return log;
  }

  /** The log as data that can be sent to another thread. */
  columns() {
    return {
      hashes: this.#hashes.slice(0, this.length),
      times: this.#times.slice(0, this.length),
      kinds: this.#kinds.slice(0, this.length),
      targets: this.#targets.slice(0, this.length),
      details: this.#details.slice(0, this.length),
    };
  }

  append(hash: number, timeUs: number, kind: number, target: number, detail: number): void {
    if (this.length === this.#hashes.length) this.#grow();
    const at = this.length++;
    this.#hashes[at] = hash;
    this.#times[at] = timeUs;
    this.#kinds[at] = kind;
    this.#targets[at] = target;
    this.#details[at] = detail;
  }

  /** Index of the first event at which the two chains differ, or null. */
  firstDifference(other: ChainLog): number | null {
    const shared = Math.min(this.length, other.length);
    for (let at = 0; at < shared; at += 1) if (this.#hashes[at] !== other.#hashes[at]) return at;
    return this.length === other.length ? null : shared;
  }

  describe(at: number, names: (target: number) => string): string {
    if (at >= this.length) return 'the run had ended';
    const detail = this.#details[at] >>> 0;
    return `${eventNames[this.#kinds[at]]} at ${this.#times[at] / 1_000} ms of ${names(this.#targets[at])} (detail ${detail.toString(16)})`;
  }

  #grow(): void {
    const length = this.#hashes.length * 2;
    this.#hashes = widened(this.#hashes, new Int32Array(length));
    this.#times = widened(this.#times, new Float64Array(length));
    this.#kinds = widened(this.#kinds, new Uint8Array(length));
    this.#targets = widened(this.#targets, new Int32Array(length));
    this.#details = widened(this.#details, new Float64Array(length));
  }
}

function widened<Typed extends Uint8Array | Int32Array | Float64Array>(from: Typed, to: Typed): Typed {
  to.set(from);
  return to;
}

/** Kinds of events in the heap. The numbers are part of the trace hash. */
export const eventKinds = {
  message: 1,
  request: 2,
  reply: 3,
  timer: 4,
  disk: 5,
  compute: 6,
  nodeFree: 7,
  fault: 8,
  start: 9,
  operation: 10,
  tryTimeout: 11,
  phase: 12,
  sample: 13,
  restart: 14,
  powerLoss: 15,
  control: 16,
  datagram: 17,
  exchange: 18,
  discovery: 19,
  operator: 20,
} as const;

export const eventNames: readonly string[] = ['', ...Object.keys(eventKinds)];

/**
 * What happens next: events ordered by (time, sequence), so that events of one moment happen in the order in which they were scheduled.
 *
 * A binary heap of slots. An event's fields lie in parallel arrays, its payload in one array of references: scheduling allocates nothing once the
 * arrays have grown.
 */
export class EventHeap {
  #times = new Float64Array(1_024);
  #sequences = new Float64Array(1_024);
  #slots = new Int32Array(1_024);
  #size = 0;
  #nextSequence = 0;

  #kinds = new Uint8Array(1_024);
  #targets = new Int32Array(1_024);
  #extras = new Int32Array(1_024);
  readonly #payloads: unknown[] = [];
  #free = new Int32Array(1_024);
  #freeCount = 0;
  #slotCount = 0;

  /** Fields of the event that `pop` took out last. */
  timeUs = 0;
  kind = 0;
  target = 0;
  extra = 0;
  payload: unknown = null;

  get size(): number {
    return this.#size;
  }

  /** Schedules an event. `target` names who it happens to, `extra` is a number of the kind's own. */
  push(timeUs: number, kind: number, target: number, extra: number, payload: unknown): void {
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount] : this.#newSlot();
    this.#kinds[slot] = kind;
    this.#targets[slot] = target;
    this.#extras[slot] = extra;
    this.#payloads[slot] = payload;
    if (this.#size === this.#times.length) this.#growHeap();
    this.#rise(this.#size++, timeUs, this.#nextSequence++, slot);
  }

  /** Takes the earliest event out and leaves its fields in this object. False when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false;
    const slot = this.#slots[0];
    this.timeUs = this.#times[0];
    this.kind = this.#kinds[slot];
    this.target = this.#targets[slot];
    this.extra = this.#extras[slot];
    this.payload = this.#payloads[slot];
    this.#payloads[slot] = null;
    this.#free[this.#freeCount++] = slot;
    this.#size -= 1;
    if (this.#size > 0) this.#sink(this.#times[this.#size], this.#sequences[this.#size], this.#slots[this.#size]);
    return true;
  }

  #newSlot(): number {
    if (this.#slotCount === this.#kinds.length) this.#growSlots();
    this.#payloads.push(null);
    return this.#slotCount++;
  }

  #growSlots(): void {
    this.#kinds = grown(this.#kinds, new Uint8Array(this.#kinds.length * 2));
    this.#targets = grown(this.#targets, new Int32Array(this.#targets.length * 2));
    this.#extras = grown(this.#extras, new Int32Array(this.#extras.length * 2));
    this.#free = grown(this.#free, new Int32Array(this.#free.length * 2));
  }

  #growHeap(): void {
    this.#times = grown(this.#times, new Float64Array(this.#times.length * 2));
    this.#sequences = grown(this.#sequences, new Float64Array(this.#sequences.length * 2));
    this.#slots = grown(this.#slots, new Int32Array(this.#slots.length * 2));
  }

  /** Places an event at `hole` or above it. */
  #rise(start: number, timeUs: number, sequence: number, slot: number): void {
    const times = this.#times;
    let hole = start;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      // The newcomer has the greatest sequence of all: at equal times it stays below.
      if (times[parent] <= timeUs) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#place(hole, timeUs, sequence, slot);
  }

  /** Places the last event at the root or below it. */
  #sink(timeUs: number, sequence: number, slot: number): void {
    const times = this.#times;
    const sequences = this.#sequences;
    const size = this.#size;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && (times[right] < times[child] || (times[right] === times[child] && sequences[right] < sequences[child])))
        child = right;
      if (timeUs < times[child] || (timeUs === times[child] && sequence < sequences[child])) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#place(hole, timeUs, sequence, slot);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from];
    this.#sequences[to] = this.#sequences[from];
    this.#slots[to] = this.#slots[from];
  }

  #place(at: number, timeUs: number, sequence: number, slot: number): void {
    this.#times[at] = timeUs;
    this.#sequences[at] = sequence;
    this.#slots[at] = slot;
  }
}

function grown<Typed extends Uint8Array | Int32Array | Float64Array>(from: Typed, to: Typed): Typed {
  to.set(from);
  return to;
}

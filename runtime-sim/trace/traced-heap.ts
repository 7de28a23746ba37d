/** The heap of a traced run: whatever is scheduled carries along the event that it follows from. */
import { EventHeap } from '../event-heap.js';
import type { Scheduled } from './scheduled.js';
import type { Tracer } from './tracer.js';

export class TracedHeap extends EventHeap {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    super();
    this.#tracer = tracer;
  }

  override push(timeUs: number, kind: number, target: number, extra: number, payload: unknown): void {
    super.push(timeUs, kind, target, extra, this.#tracer.scheduling(kind, target, payload));
  }

  override pop(): boolean {
    if (!super.pop()) return false;
    const scheduled = this.payload as Scheduled;
    this.payload = scheduled.payload;
    this.#tracer.comesUp(scheduled, this.timeUs);
    return true;
  }
}

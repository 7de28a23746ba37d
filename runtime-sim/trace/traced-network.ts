/** The network of a traced run: every sending, arrival and loss becomes a line. What happens to messages is the model's doing alone. */
import type { EventHeap } from '../event-heap.js';
import { NetworkModel } from '../network-model.js';
import type { Tracer } from './tracer.js';

export class TracedNetwork extends NetworkModel {
  readonly #scheduled: EventHeap;
  readonly #tracer: Tracer;

  constructor(options: ConstructorParameters<typeof NetworkModel>[0], tracer: Tracer) {
    super(options);
    this.#scheduled = options.heap;
    this.#tracer = tracer;
  }

  override transmit(departUs: number, from: number, to: number, kind: number, payload: unknown, length: number): void {
    this.#sending({ departUs, from, to, kind }, payload, length, () => super.transmit(departUs, from, to, kind, payload, length));
  }

  override transmitReliably(departUs: number, from: number, to: number, kind: number, payload: unknown, length: number): void {
    this.#sending({ departUs, from, to, kind }, payload, length, () => super.transmitReliably(departUs, from, to, kind, payload, length));
  }

  #sending(link: Parameters<Tracer['sending']>[0], payload: unknown, length: number, transmit: () => void): void {
    const { from, to } = link;
    this.#tracer.sending(link, payload, length, () => {
      const cutBefore = this.droppedOn([from], [to]);
      const overflowedBefore = this.overflowed;
      const scheduledBefore = this.#scheduled.size;
      transmit();
      const copies = this.#scheduled.size - scheduledBefore;
      if (this.overflowed > overflowedBefore) return { copies, why: 'queue-full' };
      return { copies, why: this.droppedOn([from], [to]) > cutBefore ? 'cut' : 'loss' };
    });
  }

  override arrives(from: number, to: number): boolean {
    const arrived = super.arrives(from, to);
    if (!arrived) this.#tracer.lost('cut');
    return arrived;
  }
}

/**
 * When this node asked for leases: each counts from then. The numbers go on from boot to boot, so that a grant which comes late to a node that was started anew is never taken for an
 * answer to what this boot has asked: it was given to one that had applied something else.
 */
import type { Now } from '../../events.js';
import { type Author, authorBoot } from '../../identifiers.js';

/** Asks whose answers can still be told. */
const asksMax = 32;
/** Of the 48 bits of a number those above are the boot's counter, which starts over after as many boots as no message is late: thirteen years of asks in one boot. */
const asksPerBoot = 2 ** 32;
const bootsTold = 2 ** 16;

export class Asks {
  readonly #sentMs = new Map<number, number>();
  #last = 0;

  begin(boot: Author): void {
    this.#last = Math.max(this.#last, (authorBoot(boot).counter % bootsTold) * asksPerBoot);
  }

  /** The number of one that is sent now. */
  next(now: Now): number {
    this.#last += 1;
    this.#sentMs.set(this.#last, now.monotonicMs);
    this.#sentMs.delete(this.#last - asksMax);
    return this.#last;
  }

  /** Undefined for what this boot has not asked, or long ago. */
  sentMs(number: number): number | undefined {
    return this.#sentMs.get(number);
  }
}

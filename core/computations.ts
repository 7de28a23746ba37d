/** What a node has others compute beside its turns: gives each job its ticket, and what comes of it to the part that asked. */
import type { ComputeJob, ComputeResult } from './compute.js';
import type { PlanningJob, PlanningResult } from './control/moves/planning.js';
import type { Compute, Ticket } from './effects.js';
import type { Now } from './events.js';
import type { ScanJob, ScanResult } from './memory/scan-kernel.js';

type Done = (result: ComputeResult, now: Now) => void;

export class Computations {
  readonly #compute: Compute;
  readonly #waiting = new Map<Ticket, Done>();
  #lastTicket: Ticket = 0;

  constructor(compute: Compute) {
    this.#compute = compute;
  }

  scan(job: ScanJob, done: (result: ScanResult, now: Now) => void): void {
    this.#run(job, (result, now) => {
      if (result.kind === 'scan') done(result, now);
    });
  }

  plan(job: PlanningJob, done: (result: PlanningResult, now: Now) => void): void {
    this.#run(job, (result, now) => {
      if (result.kind === 'planning') done(result, now);
    });
  }

  #run(job: ComputeJob, done: Done): void {
    this.#lastTicket += 1;
    this.#waiting.set(this.#lastTicket, done);
    this.#compute.run(job, this.#lastTicket);
  }

  /** What comes of a job, once. */
  computed(ticket: Ticket, result: ComputeResult, now: Now): void {
    const done = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    done?.(result, now);
  }
}

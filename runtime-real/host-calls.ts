/** Who waits for an answer of a node: to a request, or to what was proposed to its control log. */
import type { ProposalAnswer } from '../core/control/control-events.js';
import type { RequestHandle } from '../core/effects.js';
import type { EngramError } from '../core/errors.js';
import type { Reply } from '../core/wire/generated/engram/v1/service.js';

/** Hears what comes of a request, once: the reply, or why there is none. */
export interface Asker {
  answered(reply: Reply): void;
  /** The node has stopped: the outcome is unknown. */
  unanswered(error: EngramError): void;
}

/** Somebody who waits with a promise. */
export class Call implements Asker {
  constructor(
    readonly resolve: (reply: Reply) => void,
    readonly reject: (error: EngramError) => void,
    /** Its signal is of no more interest. */
    readonly unlisten: () => void,
  ) {}

  answered(reply: Reply): void {
    this.resolve(reply);
  }

  unanswered(error: EngramError): void {
    this.reject(error);
  }
}

/** Proposals that are not settled. */
export class WaitingProposals {
  readonly #waiting = new Map<RequestHandle, (answer: ProposalAnswer) => void>();

  wait(handle: RequestHandle): Promise<ProposalAnswer> {
    return new Promise((resolve) => this.#waiting.set(handle, resolve));
  }

  answered(handle: RequestHandle, answer: ProposalAnswer): void {
    this.#waiting.get(handle)?.(answer);
    this.#waiting.delete(handle);
  }

  /** The node has stopped: nobody can say what becomes of them. */
  stop(): void {
    for (const handle of [...this.#waiting.keys()]) this.answered(handle, { kind: 'unknown' });
  }
}

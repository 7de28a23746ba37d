/** The application's listener for domain events: what it throws, at once or later, stops neither the node nor the process, and is said once. */
import type { DomainEvent } from '../core/domain-events.js';

export class ApplicationListener {
  readonly #onEvent: ((event: DomainEvent) => void) | undefined;
  #hasFailed = false;

  constructor(onEvent: ((event: DomainEvent) => void) | undefined) {
    this.#onEvent = onEvent;
  }

  tell(event: DomainEvent): void {
    if (this.#onEvent === undefined) return;
    try {
      const returned: unknown = this.#onEvent(event);
      if (returned instanceof Promise) returned.catch((error) => this.#report(error));
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const why = error instanceof Error ? error.message : 'something that is no Error';
    process.stderr.write(`engram: the onEvent listener failed (said once): ${why}\n`);
  }
}

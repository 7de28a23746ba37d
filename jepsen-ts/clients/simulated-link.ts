/**
 * A connection of the client library over simulated links. It is judged as the real one is: while calls wait, the node is asked for a sign of life every
 * second, and one that gives none for two has been lost; what waits then ends as unknown, and the client tries elsewhere.
 */
import { EngramError } from '../../core/errors.js';
import type { ClusterHealth } from '../../core/wire/generated/engram/v1/cluster.js';
import { Reply, type Request } from '../../core/wire/generated/engram/v1/service.js';
import type { LinkOptions, NodeLink, Try } from '../../runtime-real/client/client-world.js';

/** What waits for an answer or for a moment, and hears of one of the two. */
export interface Waiting {
  answered(bytes: Uint8Array): void;
  momentCame(): void;
}

/** The simulated world as links see it. */
export interface Outside {
  nowMs(): number;
  /** Sends a request to a node; `waiting` hears of its answer, or that the moment has come. Returns a number to `forget` it by. */
  ask(node: number, request: Request, untilMs: number, waiting: Waiting): number;
  /** Calls back when the moment has come. Returns a number to `forget` it by. */
  at(untilMs: number, momentCame: () => void): number;
  forget(number: number): void;
  health(node: number): ClusterHealth;
}

const keepAliveMs = 1_000;
const silenceMsMax = 2_000;
/** The node answers when a deadline passes; the client counts on it only as long as that answer may take to come. */
const deadlineGraceMs = 100;
const noBytes = new Uint8Array(0);
const signOfLife: Request = {
  header: { space: '', requestId: noBytes, sessionToken: noBytes, ack: 0, deadlineMs: silenceMsMax },
  body: { $case: 'status', value: {} },
};

export class SimulatedLink implements NodeLink {
  readonly #outside: Outside;
  readonly #node: number;
  readonly #options: LinkOptions;
  readonly #waiting = new Map<number, Try>();
  /** The wait for the next sign of life; null while no call waits. */
  #watch: number | null = null;
  #drained: () => void = () => {};

  constructor(outside: Outside, node: number, options: LinkOptions) {
    this.#outside = outside;
    this.#node = node;
    this.#options = options;
  }

  send(tried: Try): number {
    const number = this.#outside.ask(this.#node, tried.request, tried.deadlineAtMs + deadlineGraceMs, {
      answered: (bytes) => {
        this.#ended(number);
        const reply = Reply.decode(bytes);
        this.#options.onIdentity(reply.header?.nodeId ?? '');
        tried.answered(reply);
      },
      momentCame: () => {
        this.#ended(number);
        tried.failed(new EngramError('DEADLINE_EXCEEDED', { message: `simulated node ${this.#node} did not answer before the deadline` }));
      },
    });
    this.#waiting.set(number, tried);
    this.#watch ??= this.#askAfterQuiet();
    return number;
  }

  cancel(number: number): void {
    this.#outside.forget(number);
    this.#ended(number);
  }

  /** Told of the plan: simulated nodes answer requests to the core and nothing else. */
  health(): Promise<ClusterHealth> {
    return Promise.resolve(this.#outside.health(this.#node));
  }

  close(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #ended(number: number): void {
    this.#waiting.delete(number);
    if (this.#waiting.size > 0) return;
    if (this.#watch !== null) this.#outside.forget(this.#watch);
    this.#watch = null;
    this.#drained();
  }

  #askAfterQuiet(): number {
    return this.#outside.at(this.#outside.nowMs() + keepAliveMs, () => {
      this.#watch = this.#outside.ask(this.#node, signOfLife, this.#outside.nowMs() + silenceMsMax, {
        answered: () => {
          this.#watch = this.#askAfterQuiet();
        },
        momentCame: () => this.#lost(),
      });
    });
  }

  #lost(): void {
    const error = new EngramError('CONNECTION_LOST', { message: `simulated node ${this.#node} gave no sign of life` });
    for (const [number, tried] of [...this.#waiting]) {
      this.cancel(number);
      tried.failed(error);
    }
  }
}

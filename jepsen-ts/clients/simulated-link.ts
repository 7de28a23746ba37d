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

interface WaitingCall {
  readonly number: number;
  readonly reject: (error: EngramError) => void;
}

export class SimulatedLink implements NodeLink {
  readonly #outside: Outside;
  readonly #node: number;
  readonly #options: LinkOptions;
  readonly #waiting = new Set<WaitingCall>();
  /** The wait for the next sign of life; null while no call waits. */
  #watch: number | null = null;
  #drained: () => void = () => {};

  constructor(outside: Outside, node: number, options: LinkOptions) {
    this.#outside = outside;
    this.#node = node;
    this.#options = options;
  }

  call({ request, deadlineAtMs }: Try): ReturnType<NodeLink['call']> {
    let cancel = (): void => {};
    const reply = new Promise<Reply>((resolve, reject) => {
      const number = this.#outside.ask(this.#node, request, deadlineAtMs + deadlineGraceMs, {
        answered: (bytes) => {
          this.#ended(call);
          const decoded = Reply.decode(bytes);
          this.#options.onIdentity(decoded.header?.nodeId ?? '');
          resolve(decoded);
        },
        momentCame: () => {
          this.#ended(call);
          reject(new EngramError('DEADLINE_EXCEEDED', { message: `simulated node ${this.#node} did not answer before the deadline` }));
        },
      });
      const call = { number, reject };
      this.#waiting.add(call);
      cancel = () => {
        this.#outside.forget(number);
        this.#ended(call);
      };
    });
    this.#watch ??= this.#askAfterQuiet();
    return { reply, cancel };
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

  #ended(call: WaitingCall): void {
    this.#waiting.delete(call);
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
    for (const call of [...this.#waiting]) {
      this.#outside.forget(call.number);
      this.#ended(call);
      call.reject(error);
    }
  }
}

/** Carries requests to a cluster. Calls made in the same turn of the event loop leave together, single `remember` calls of a space as one batch. */
import { EngramError } from '../../core/errors.js';
import type { Reply, Request } from '../../core/wire/generated/engram/v1/service.js';
import { AbortListeners } from '../abort-listeners.js';
import { CarriedRequest, type Outcome, type Roads } from './carried-request.js';
import type { ClientWorld } from './client-world.js';
import type { MemberDirectory } from './member-directory.js';
import { gathered, isGatherable } from './remember-gathering.js';
import { verdictOn } from './retry-policy.js';
import type { Transport } from './transport.js';

export interface TransportOptions {
  readonly world: ClientWorld;
  readonly target: string;
  readonly deadlineMs: number;
}

/** A call, from the moment it was made until it is settled. */
class PendingCall implements Outcome {
  /** Its request on its way, when it travels alone. */
  carried: CarriedRequest | null = null;
  forgetSignal: (() => void) | null = null;
  isSettled = false;

  constructor(
    readonly request: Request,
    readonly deadlineAtMs: number,
    readonly signal: AbortSignal | undefined,
    readonly transport: ClusterTransport,
    readonly resolve: (reply: Reply) => void,
    readonly reject: (reason: unknown) => void,
  ) {}

  answered(reply: Reply): void {
    if (this.#settle()) this.resolve(reply);
  }

  failed(reason: unknown): void {
    if (this.#settle()) this.reject(reason);
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.forgetSignal?.();
    this.transport.settled();
    return true;
  }
}

export class ClusterTransport implements Transport {
  readonly target: string;
  readonly #roads: Roads;
  readonly #deadlineMs: number;
  readonly #aborts = new AbortListeners();
  /** Calls made in this turn of the event loop: they leave together. */
  #moment: PendingCall[] = [];
  #underWay = 0;
  #closing: Promise<void> | null = null;
  #drained: (() => void) | null = null;

  constructor(directory: MemberDirectory, options: TransportOptions) {
    this.#roads = { directory, world: options.world };
    this.target = options.target;
    this.#deadlineMs = options.deadlineMs;
  }

  call(request: Request, signal?: AbortSignal): Promise<Reply> {
    if (this.#closing !== null) return Promise.reject(new EngramError('CLOSED', { message: 'this Engram has been closed' }));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const deadlineAtMs = this.#roads.world.nowMs() + (request.header?.deadlineMs || this.#deadlineMs);
    return new Promise<Reply>((resolve, reject) => {
      const call = new PendingCall(request, deadlineAtMs, signal, this, resolve, reject);
      if (signal !== undefined) call.forgetSignal = this.#aborts.add(signal, () => this.#abort(call));
      this.#underWay += 1;
      this.#moment.push(call);
      if (this.#moment.length === 1) setImmediate(() => this.#dispatch());
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** A call has ended, whichever way. */
  settled(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#drained?.();
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await this.#roads.directory.close();
  }

  #abort(call: PendingCall): void {
    call.carried?.drop();
    call.failed(call.signal?.reason);
  }

  #dispatch(): void {
    const calls = this.#moment;
    this.#moment = [];
    const gatherable: PendingCall[] = [];
    for (const call of calls) {
      if (call.isSettled) continue;
      if (isGatherable(call)) gatherable.push(call);
      else this.#carry(call);
    }
    for (const { request, deadlineAtMs, calls: together } of gathered(gatherable)) {
      if (together.length === 1) this.#carry(together[0] as PendingCall);
      else new CarriedRequest(this.#roads, request, deadlineAtMs, this.#shared(together)).start();
    }
  }

  #carry(call: PendingCall): void {
    call.carried = new CarriedRequest(this.#roads, call.request, call.deadlineAtMs, call);
    call.carried.start();
  }

  /** Each call of a batch gets its own outcome; what an overloaded node turned away goes on alone. */
  #shared(calls: readonly PendingCall[]): Outcome {
    return {
      answered: ({ header, body }) => {
        for (const [at, call] of calls.entries()) {
          if (body?.$case !== 'writtenBatch') {
            call.answered({ header, body });
            continue;
          }
          const outcome = body.value.outcomes[at]?.outcome;
          if (outcome?.$case === 'failure' && verdictOn(outcome.value.code) === 'later') this.#carry(call);
          else call.answered({ header, body: outcome });
        }
      },
      failed: (error) => {
        for (const call of calls) call.failed(error);
      },
    };
  }
}

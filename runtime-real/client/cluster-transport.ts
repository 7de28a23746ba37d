/**
 * Carries requests to a cluster: to the primary of the space as far as it is known, else from node to node, again and again until the deadline. A request
 * keeps its id over all tries, so that it happens once.
 *
 * Invariant: a call ends as unknown if one of its tries did, unless a later answer speaks of all tries.
 */
import { EngramError, errorCodes } from '../../core/errors.js';
import { type Failure, type Reply, type Request, Role } from '../../core/wire/generated/engram/v1/service.js';
import { AbortListeners } from '../abort-listeners.js';
import type { ClientWorld } from './client-world.js';
import type { KnownNode, MemberDirectory } from './member-directory.js';
import { gathered, isGatherable } from './remember-gathering.js';
import { backOffMs, failureIn, speaksOfAllTries, verdictOn } from './retry-policy.js';
import type { Transport } from './transport.js';

interface CarriedCall {
  readonly request: Request;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: unknown) => void;
  /** Drops the try that is under way. */
  cancelTry: (() => void) | null;
  aborted: boolean;
}

type Carried = Pick<CarriedCall, 'request' | 'deadlineAtMs'> & Partial<Pick<CarriedCall, 'cancelTry' | 'aborted'>>;

/** What the tries of a call came to so far. */
interface History {
  readonly isWrite: boolean;
  tries: number;
  rounds: number;
  /** Of a write, a try was sent and not answered: it may have been carried out. */
  unknown: EngramError | null;
  /** What the last answer to a batch said that carried out some of it; another try can only add to that. */
  partial: Reply | null;
  last: EngramError | null;
}

export interface TransportOptions {
  readonly world: ClientWorld;
  readonly target: string;
  readonly deadlineMs: number;
}

export class ClusterTransport implements Transport {
  readonly target: string;
  readonly #directory: MemberDirectory;
  readonly #world: ClientWorld;
  readonly #deadlineMs: number;
  readonly #aborts = new AbortListeners();
  /** Calls made in this turn of the event loop: they leave together. */
  #moment: CarriedCall[] = [];
  #underWay = 0;
  #closing: Promise<void> | null = null;
  #drained: (() => void) | null = null;

  constructor(directory: MemberDirectory, options: TransportOptions) {
    this.#directory = directory;
    this.#world = options.world;
    this.target = options.target;
    this.#deadlineMs = options.deadlineMs;
  }

  call(request: Request, signal?: AbortSignal): Promise<Reply> {
    if (this.#closing !== null) return Promise.reject(new EngramError('CLOSED', { message: 'this Engram has been closed' }));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const deadlineMs = request.header?.deadlineMs || this.#deadlineMs;
    return new Promise<Reply>((resolve, reject) => {
      let forget = (): void => {};
      const settle = (): void => {
        forget();
        this.#underWay -= 1;
        if (this.#underWay === 0) this.#drained?.();
      };
      const call: CarriedCall = {
        request,
        deadlineAtMs: this.#world.nowMs() + deadlineMs,
        signal,
        resolve: (reply) => {
          settle();
          resolve(reply);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
        cancelTry: null,
        aborted: false,
      };
      if (signal !== undefined) forget = this.#aborts.add(signal, () => this.#abort(call));
      this.#underWay += 1;
      this.#moment.push(call);
      if (this.#moment.length === 1) setImmediate(() => this.#dispatch());
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await this.#directory.close();
  }

  #abort(call: CarriedCall): void {
    call.aborted = true;
    call.cancelTry?.();
    call.reject(call.signal?.reason);
  }

  #dispatch(): void {
    const calls = this.#moment.filter(({ aborted }) => !aborted);
    this.#moment = [];
    const single = calls.filter((call) => !isGatherable(call));
    for (const call of single) this.#settleAlone(call);
    for (const gathering of gathered(calls.filter(isGatherable))) {
      const { request, deadlineAtMs, calls: together } = gathering;
      if (together.length === 1) this.#settleAlone(together[0] as CarriedCall);
      else {
        this.#carryOut({ request, deadlineAtMs }).then(
          (reply) => this.#share(reply, together),
          (error) => {
            for (const { reject } of together) reject(error);
          },
        );
      }
    }
  }

  #settleAlone(call: CarriedCall): void {
    this.#carryOut(call).then(
      (reply) => {
        if (!call.aborted) call.resolve(reply);
      },
      (error) => {
        if (!call.aborted) call.reject(error);
      },
    );
  }

  /** Each call of a batch gets its own outcome; what an overloaded node turned away goes on alone. */
  #share(reply: Reply, calls: readonly CarriedCall[]): void {
    const { header, body } = reply;
    for (const [at, call] of calls.entries()) {
      if (body?.$case !== 'writtenBatch') {
        call.resolve(reply);
        continue;
      }
      const outcome = body.value.outcomes[at]?.outcome;
      if (outcome?.$case === 'failure' && verdictOn(outcome.value.code) === 'later') this.#settleAlone(call);
      else call.resolve({ header, body: outcome });
    }
  }

  async #carryOut(call: Carried): Promise<Reply> {
    const { header, body } = call.request;
    const isWrite = body?.$case !== 'get' && body?.$case !== 'recall' && body?.$case !== 'status';
    const space = header?.space ?? '';
    const requestId = isWrite && header !== undefined && header.requestId.length === 0 ? this.#world.requestId() : header?.requestId;
    const history: History = { isWrite, tries: 0, rounds: 0, unknown: null, partial: null, last: null };
    const tried = new Set<KnownNode>();
    let redirect: KnownNode | null = null;
    while (true) {
      const leftMs = Math.ceil(call.deadlineAtMs - this.#world.nowMs());
      if (call.aborted === true) throw new EngramError('CLOSED', { message: 'the call was aborted' });
      if (leftMs <= 0) return outOfTime(history);
      const node: KnownNode | null = redirect ?? this.#directory.next(space, tried);
      redirect = null;
      if (node === null) {
        if (history.last !== null && verdictOn(history.last.code) === 'once-elsewhere') throw history.last;
        await this.#backOff(call, history);
        tried.clear();
        continue;
      }
      tried.add(node);
      history.tries += 1;
      const request =
        header === undefined ? call.request : { header: { ...header, requestId: requestId as Uint8Array, deadlineMs: leftMs }, body };
      const reply = await this.#try(node, call, request, history);
      if (reply === null) continue;
      const failed = failureIn(reply);
      if (failed === null) {
        if (reply.header?.role === Role.ROLE_PRIMARY) this.#directory.setPrimary(space, node);
        return reply;
      }
      const verdict = verdictOn(failed.code);
      if (verdict === 'final') return settled(reply, failed, history);
      noteFailure(history, reply, failed);
      if (verdict === 'later') {
        await this.#backOff(call, history);
        tried.clear();
        continue;
      }
      this.#directory.unsetPrimary(space, node);
      redirect = await this.#redirect(failed, tried);
    }
  }

  /** One try. Null when there was no answer: `history` says why. */
  async #try(node: KnownNode, call: Carried, request: Request, history: History): Promise<Reply | null> {
    const { reply, cancel } = node.connection.call({ request, deadlineAtMs: call.deadlineAtMs });
    call.cancelTry = cancel;
    try {
      const answer = await reply;
      this.#directory.answered(node);
      return answer;
    } catch (error) {
      if (!(error instanceof EngramError) || verdictOn(error.code) === 'final') throw error;
      history.last = error;
      if (error.outcome === 'unknown' && history.isWrite) history.unknown = error;
      if (error.code !== 'OVERLOADED') {
        this.#directory.failed(node);
        void this.#directory.learn();
      }
      return null;
    } finally {
      call.cancelTry = null;
    }
  }

  /** The node that a failure names, if there is one to be asked in this round. */
  async #redirect(failed: Failure, tried: ReadonlySet<KnownNode>): Promise<KnownNode | null> {
    if (failed.redirectNodeId === '') return null;
    if (this.#directory.byNodeId(failed.redirectNodeId) === null) await this.#directory.learn();
    const named = this.#directory.byNodeId(failed.redirectNodeId);
    return named === null || tried.has(named) || this.#directory.isAvoided(named) ? null : named;
  }

  async #backOff(call: Carried, history: History): Promise<void> {
    const leftMs = Math.max(0, call.deadlineAtMs - this.#world.nowMs());
    await this.#world.wait(Math.min(leftMs, backOffMs(history.rounds, this.#world.chance())));
    history.rounds += 1;
  }
}

function noteFailure(history: History, reply: Reply, failed: Failure): void {
  const error = EngramError.fromFailure(failed);
  history.last = error;
  // It says of each entry what became of it: what an earlier answered try wrote is a duplicate now.
  if (reply.body?.$case === 'writtenBatch') history.partial = reply;
  else if (failed.outcomeUnknown && history.isWrite) history.unknown = error;
}

/** A final failure. After a try whose outcome is unknown it says nothing about that one, unless it follows from the request alone. */
function settled(reply: Reply, failed: Failure, { unknown, partial }: History): Reply {
  if (unknown === null) return partial ?? reply;
  if (failed.outcomeUnknown || speaksOfAllTries(failed.code)) return reply;
  const message = `an earlier try may have been carried out (${unknown.message}); a later one failed with ${failed.code}: ${failed.message}`;
  const value = { ...failed, code: 'CONNECTION_LOST', message, outcomeUnknown: true, hint: errorCodes.CONNECTION_LOST.hint };
  return { header: reply.header, body: { $case: 'failure', value } };
}

/** Throws unless something is known of each entry of a batch. */
function outOfTime({ tries, unknown, partial, last }: History): Reply {
  if (unknown === null && partial !== null) return partial;
  const tried = `not carried out before the deadline, ${tries} ${tries === 1 ? 'try' : 'tries'}`;
  const why = last === null ? '' : `; the last: ${last.message}`;
  if (unknown !== null) throw new EngramError('DEADLINE_EXCEEDED', { message: `${tried}${why}`, cause: unknown });
  throw new EngramError('UNAVAILABLE', { message: `${tried}${why}`, ...(last === null ? {} : { cause: last, hint: last.hint }) });
}

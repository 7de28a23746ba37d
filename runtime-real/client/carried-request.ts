/**
 * One request on its way to a cluster: to the primary of its space as far as it is known, else from node to node, again and again until the deadline. It
 * keeps its id over all tries, so that it happens once. Told by calls, not by promises: many thousand a second are on their way.
 *
 * Invariant: it ends as unknown if one of its tries did, unless a later answer speaks of all tries.
 */
import { EngramError, errorCodes } from '../../core/errors.js';
import { type Failure, type Reply, type Request, Role } from '../../core/wire/generated/engram/v1/service.js';
import type { ClientWorld, Try } from './client-world.js';
import type { KnownNode, MemberDirectory } from './member-directory.js';
import { backOffMs, failureIn, speaksOfAllTries, verdictOn } from './retry-policy.js';

/** Hears what comes of a request, once. */
export interface Outcome {
  answered(reply: Reply): void;
  failed(error: EngramError): void;
}

/** What all requests of a client share. */
export interface Roads {
  readonly directory: MemberDirectory;
  readonly world: ClientWorld;
}

const nobody: ReadonlySet<KnownNode> = new Set();

export class CarriedRequest implements Try {
  request: Request;
  readonly deadlineAtMs: number;
  readonly #roads: Roads;
  readonly #outcome: Outcome;
  readonly #space: string;
  readonly #isWrite: boolean;
  /** Asked now, and by which number of its connection. */
  #node: KnownNode | null = null;
  #number = 0;
  /** Asked in this round; none yet: null. */
  #tried: Set<KnownNode> | null = null;
  #tries = 0;
  #rounds = 0;
  /** Of a write, a try was sent and not answered: it may have been carried out. */
  #unknown: EngramError | null = null;
  /** What the last answer to a batch said that carried out some of it; another try can only add to that. */
  #partial: Reply | null = null;
  #last: EngramError | null = null;
  #dropped = false;

  constructor(roads: Roads, request: Request, deadlineAtMs: number, outcome: Outcome) {
    const { header, body } = request;
    this.request = request;
    this.deadlineAtMs = deadlineAtMs;
    this.#roads = roads;
    this.#outcome = outcome;
    this.#space = header?.space ?? '';
    this.#isWrite = body?.$case !== 'get' && body?.$case !== 'recall' && body?.$case !== 'status';
    if (this.#isWrite && header !== undefined && header.requestId.length === 0) {
      this.request = { header: { ...header, requestId: roads.world.requestId() }, body };
    }
  }

  start(): void {
    this.#tryNext(null);
  }

  /** Nobody waits any more: the try under way is dropped, what it did is not undone, and `outcome` hears nothing. */
  drop(): void {
    this.#dropped = true;
    this.#node?.connection.cancel(this.#number);
  }

  answered(reply: Reply): void {
    const node = this.#takeNode();
    if (this.#dropped) return;
    const { directory } = this.#roads;
    directory.answered(node);
    const failed = failureIn(reply);
    if (failed === null) {
      if (reply.header?.role === Role.ROLE_PRIMARY) directory.setPrimary(this.#space, node);
      return this.#outcome.answered(reply);
    }
    const verdict = verdictOn(failed.code);
    if (verdict === 'final') return this.#outcome.answered(this.#settled(reply, failed));
    this.#noteFailure(reply, failed);
    if (verdict === 'later') return void this.#backOff();
    directory.unsetPrimary(this.#space, node);
    this.#markTried(node);
    if (failed.redirectNodeId === '') this.#tryNext(null);
    else void this.#redirect(failed.redirectNodeId);
  }

  /** The try had no answer. */
  failed(error: EngramError): void {
    const node = this.#takeNode();
    if (this.#dropped) return;
    if (verdictOn(error.code) === 'final') return this.#outcome.failed(error);
    this.#last = error;
    if (error.outcome === 'unknown' && this.#isWrite) this.#unknown = error;
    if (error.code !== 'OVERLOADED') {
      this.#roads.directory.failed(node);
      void this.#roads.directory.learn();
    }
    this.#markTried(node);
    this.#tryNext(null);
  }

  #takeNode(): KnownNode {
    const node = this.#node as KnownNode;
    this.#node = null;
    return node;
  }

  #markTried(node: KnownNode): void {
    this.#tried ??= new Set();
    this.#tried.add(node);
  }

  #tryNext(redirect: KnownNode | null): void {
    if (this.#dropped) return;
    const { directory, world } = this.#roads;
    const leftMs = Math.ceil(this.deadlineAtMs - world.nowMs());
    if (leftMs <= 0) return this.#outOfTime();
    const node = redirect ?? directory.next(this.#space, this.#tried ?? nobody);
    if (node === null) {
      if (this.#last !== null && verdictOn(this.#last.code) === 'once-elsewhere') return this.#outcome.failed(this.#last);
      return void this.#backOff();
    }
    this.#node = node;
    this.#tries += 1;
    const { header, body } = this.request;
    if (header !== undefined) {
      // Field by field: a spread of this many costs a microsecond.
      const { space, requestId, sessionToken, ack } = header;
      this.request = { header: { space, requestId, sessionToken, ack, deadlineMs: leftMs }, body };
    }
    this.#number = node.connection.send(this);
  }

  /** To the node that a failure names, if it is one to be asked in this round. */
  async #redirect(nodeId: string): Promise<void> {
    const { directory } = this.#roads;
    if (directory.byNodeId(nodeId) === null) await directory.learn();
    const named = directory.byNodeId(nodeId);
    const isAsked = named !== null && this.#tried?.has(named) !== true && !directory.isAvoided(named);
    this.#tryNext(isAsked ? named : null);
  }

  /** The round is over: another one after a pause. */
  async #backOff(): Promise<void> {
    const { world } = this.#roads;
    const leftMs = Math.max(0, this.deadlineAtMs - world.nowMs());
    await world.wait(Math.min(leftMs, backOffMs(this.#rounds, world.chance())));
    this.#rounds += 1;
    this.#tried = null;
    this.#tryNext(null);
  }

  #noteFailure(reply: Reply, failed: Failure): void {
    const error = EngramError.fromFailure(failed);
    this.#last = error;
    // It says of each entry what became of it: what an earlier answered try wrote is a duplicate now.
    if (reply.body?.$case === 'writtenBatch') this.#partial = reply;
    else if (failed.outcomeUnknown && this.#isWrite) this.#unknown = error;
  }

  /** A final failure. After a try whose outcome is unknown it says nothing about that one, unless it follows from the request alone. */
  #settled(reply: Reply, failed: Failure): Reply {
    const unknown = this.#unknown;
    if (unknown === null) return this.#partial ?? reply;
    if (failed.outcomeUnknown || speaksOfAllTries(failed.code)) return reply;
    const message = `an earlier try may have been carried out (${unknown.message}); a later one failed with ${failed.code}: ${failed.message}`;
    const value = { ...failed, code: 'CONNECTION_LOST', message, outcomeUnknown: true, hint: errorCodes.CONNECTION_LOST.hint };
    return { header: reply.header, body: { $case: 'failure', value } };
  }

  /** A failure, unless something is known of each entry of a batch. */
  #outOfTime(): void {
    if (this.#unknown === null && this.#partial !== null) return this.#outcome.answered(this.#partial);
    const last = this.#last;
    const why = last === null ? '' : `; the last: ${last.message}`;
    const message = `not carried out before the deadline, ${this.#tries} ${this.#tries === 1 ? 'try' : 'tries'}${why}`;
    if (this.#unknown !== null) return this.#outcome.failed(new EngramError('DEADLINE_EXCEEDED', { message, cause: this.#unknown }));
    this.#outcome.failed(new EngramError('UNAVAILABLE', { message, ...(last === null ? {} : { cause: last, hint: last.hint }) }));
  }
}

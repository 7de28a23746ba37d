/**
 * Drives one EngramNode with the real world: events in, effects out, one turn at a time.
 *
 * Invariant: `handle` is never entered while it runs, and the effects that a turn asked for are performed before the next turn, those of one port in
 * order. Results that are there at once (a small scan, a cached file) come back through the queue like all others.
 */
import { randomBytes } from 'node:crypto';
import type { ComputeResult } from '../core/compute.js';
import type { NodeConfiguration } from '../core/configuration.js';
import type { ProposalAnswer } from '../core/control/control-events.js';
import type { DomainEvent } from '../core/domain-events.js';
import type { Compute, Datagrams, Disk, Effects, Exchanges, Network, RequestHandle, Ticket } from '../core/effects.js';
import { EngramNode, type ReplicationInspection } from '../core/engram-node.js';
import { EngramError, type ErrorCode, isErrorCode } from '../core/errors.js';
import type { CoreEvent, DiskResult, MembershipEvent, Now } from '../core/events.js';
import { type NodeId, nodeId } from '../core/identifiers.js';
import { invariant } from '../core/invariant.js';
import type { MembershipInspection } from '../core/membership/inspection.js';
import type { PureFunctions } from '../core/pure-functions.js';
import type { ReceiptPage, ReceiptsAsked } from '../core/replication/receipts.js';
import type { Reply, Request } from '../core/wire/generated/engram/v1/service.js';
import { AbortListeners } from './abort-listeners.js';
import { ApplicationListener } from './application-listener.js';
import { type Asker, Call, WaitingProposals } from './host-calls.js';
import { NodeTimers } from './node-timers.js';

/** After this many turns in a row, files, sockets and timers get theirs. */
const turnsInARowMax = 512;

export interface NodeHostOptions {
  readonly configuration: NodeConfiguration;
  readonly pure: PureFunctions;
  readonly openDisk: (report: (ticket: Ticket, result: DiskResult) => void) => Promise<Disk & { close(): Promise<void> }>;
  readonly openCompute: (report: (ticket: Ticket, result: ComputeResult) => void) => Compute & { close(): Promise<void> };
  /** Where messages to peers go; without one there are no peers. What it throws stops the node: it reports, counts and drops instead. */
  readonly network?: Network | undefined;
  /** Where packets and questions of membership go: needed when the configuration has membership, and used only then. */
  readonly datagrams?: Datagrams | undefined;
  readonly exchanges?: Exchanges | undefined;
  /** Domain events as they happen, for logs and metrics. */
  readonly onEvent?: ((event: DomainEvent) => void) | undefined;
}

/** What a node's control log knows. */
export type ControlInspection = NonNullable<ReturnType<EngramNode['inspectControl']>>;
/** What may be proposed to it. */
export type ControlProposal =
  | Omit<Extract<CoreEvent, { kind: 'propose' }>, 'handle'>
  | Omit<Extract<CoreEvent, { kind: 'found' }>, 'handle'>
  | Omit<Extract<CoreEvent, { kind: 'recover' }>, 'handle'>;

export class NodeHost {
  readonly #queue: CoreEvent[] = [];
  readonly #effects: (() => void)[] = [];
  /** Replies and messages of a turn, the many: pairs side by side, no closure for each. */
  readonly #repliesTo: RequestHandle[] = [];
  readonly #replies: Reply[] = [];
  readonly #messagesTo: NodeId[] = [];
  readonly #messages: Uint8Array[] = [];
  readonly #waiting = new Map<RequestHandle, Asker>();
  readonly #proposals = new WaitingProposals();
  readonly #listener: ApplicationListener;
  readonly #abortable = new AbortListeners();
  readonly #timers = new NodeTimers(monotonicMs, (name) => this.#submit({ kind: 'timer', name }));
  readonly #node: EngramNode;
  readonly #options: NodeHostOptions;
  /** Keeps the process alive while somebody waits for an answer: an open, idle store does not. */
  readonly #alive = setInterval(() => {}, 2 ** 30).unref();
  #disk!: Disk & { close(): Promise<void> };
  #compute!: Compute & { close(): Promise<void> };
  #handlesGiven = 0;
  #scheduled = false;
  #turnsInARow = 0;
  /** From the moment somebody closes the host: nothing more is taken, what was taken is answered. */
  #closing = false;
  #nodeId: NodeId | null = null;
  /** Why nothing happens any more. */
  #stopped: EngramError | null = null;
  #ended!: (why: EngramError) => void;
  /** Resolves when nothing happens any more, with the reason: closed, or what the node halted of. */
  readonly ended = new Promise<EngramError>((resolve) => {
    this.#ended = resolve;
  });
  #started: { resolve: () => void; reject: (error: EngramError) => void } | null = null;
  #drained: (() => void) | null = null;

  private constructor(options: NodeHostOptions) {
    this.#options = options;
    this.#listener = new ApplicationListener(options.onEvent);
    this.#node = new EngramNode(options.configuration, this.#recordingEffects(), options.pure);
  }

  /** Boots the node and resolves once it serves. Rejects with what the node says when it halts instead. */
  static async start(options: NodeHostOptions): Promise<NodeHost> {
    const host = new NodeHost(options);
    host.#disk = await options.openDisk((ticket, result) => host.#submit({ kind: 'disk', ticket, result }));
    host.#compute = options.openCompute((ticket, result) => host.#submit({ kind: 'compute', ticket, result }));
    try {
      await new Promise<void>((resolve, reject) => {
        host.#started = { resolve, reject };
        host.#alive.ref();
        host.#submit({ kind: 'start', candidateNodeId: nodeId(randomBytes(16).toString('hex')) });
      });
    } catch (error) {
      await host.close();
      throw error;
    }
    return host;
  }

  /** Hands a request to the node. Rejects only when there is no answer: the host is closed or the node has halted. */
  call(request: Request, signal?: AbortSignal): Promise<Reply> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    if (this.#closing) return Promise.reject(closed());
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    this.#handlesGiven += 1;
    const handle = this.#handlesGiven;
    return new Promise<Reply>((resolve, reject) => {
      const unlisten = signal === undefined ? () => {} : this.#abortable.add(signal, () => this.#cancel(handle, signal.reason));
      this.#wait(handle, new Call(resolve, reject, unlisten), request);
    });
  }

  /** As `call`, without a promise for each: `asker` hears the answer. Null, and nothing is heard, when the host is closed or has stopped. */
  ask(request: Request, asker: Asker): RequestHandle | null {
    if (this.#stopped !== null || this.#closing) return null;
    this.#handlesGiven += 1;
    this.#wait(this.#handlesGiven, asker, request);
    return this.#handlesGiven;
  }

  /** Nobody waits for the answer any more: nothing is undone, the asker hears nothing. */
  forget(handle: RequestHandle): void {
    if (this.#take(handle) !== undefined) this.#submit({ kind: 'cancel', handle });
  }

  /** Bytes that came from a peer. */
  receive(bytes: Uint8Array): void {
    this.#submit({ kind: 'message', bytes });
  }

  /** Packets, questions and answers of membership, what discovery finds, and the wish to leave. */
  membership(event: MembershipEvent): void {
    this.#submit(event);
  }

  /** What membership knows now; null: switched off, not started, or the node has stopped. */
  inspectMembership(): MembershipInspection | null {
    return this.#stopped === null ? this.#node.inspectMembership() : null;
  }

  /** What the control log knows now; null: the node keeps none, or has stopped. */
  inspectControl(): ControlInspection | null {
    return this.#stopped === null ? this.#node.inspectControl() : null;
  }

  /** What replication knows; null: the node has stopped. */
  inspectReplication(): ReplicationInspection | null {
    return this.#stopped === null ? this.#node.inspectReplication() : null;
  }

  /** What became of writes of other terms that the node has merged; nothing when it has stopped. */
  receipts(asked: ReceiptsAsked): ReceiptPage {
    return this.#stopped === null ? this.#node.receipts(asked) : { receipts: [], next: null, dropped: 0 };
  }

  /** As leader of the control log: plans anew where copies should be. */
  planMoves(): void {
    this.#submit({ kind: 'plan-moves' });
  }

  /** Says what has become of it; never rejects. */
  propose(proposal: ControlProposal): Promise<ProposalAnswer> {
    if (this.#stopped !== null || this.#closing) return Promise.resolve({ kind: 'refused', why: 'no control log', leader: null });
    this.#handlesGiven += 1;
    const settled = this.#proposals.wait(this.#handlesGiven);
    this.#submit({ ...proposal, handle: this.#handlesGiven });
    return settled;
  }

  /** Who this node is: known once it has started. */
  get nodeId(): NodeId {
    invariant(this.#nodeId !== null, 'a node that has started has an id');
    return this.#nodeId;
  }

  /** Events that wait for their turn: whoever brings in more may hold back beyond a bound of its own. */
  get eventsWaiting(): number {
    return this.#queue.length;
  }

  #wait(handle: RequestHandle, asker: Asker, request: Request): void {
    if (this.#waiting.size === 0) this.#alive.ref();
    this.#waiting.set(handle, asker);
    this.#submit({ kind: 'request', handle, request });
  }

  /** Ends everything at once, as a crash would: going on would break a promise. */
  halt(why: EngramError): void {
    this.#stop(why);
  }

  /** Takes no more calls, waits for the answers to those it took, then for the disk, and stops. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#waiting.size > 0 && this.#stopped === null) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#stop(closed());
    await this.#compute.close();
    await this.#disk.close();
  }

  #cancel(handle: RequestHandle, reason: unknown): void {
    const waiting = this.#take(handle);
    if (waiting === undefined) return;
    waiting.unanswered(reason as EngramError);
    this.#submit({ kind: 'cancel', handle });
  }

  #take(handle: RequestHandle): Asker | undefined {
    const waiting = this.#waiting.get(handle);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(handle);
    if (waiting instanceof Call) waiting.unlisten();
    if (this.#waiting.size === 0) {
      this.#alive.unref();
      this.#drained?.();
    }
    return waiting;
  }

  #submit(event: CoreEvent): void {
    if (this.#stopped !== null) return;
    this.#queue.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A microtask gathers what is asked in the same moment; but an endless chain of them would keep files and timers waiting for ever.
    if (this.#turnsInARow < turnsInARowMax) queueMicrotask(() => this.#takeTurns());
    else setImmediate(() => this.#afterOthers());
  }

  #afterOthers(): void {
    this.#turnsInARow = 0;
    this.#takeTurns();
  }

  #takeTurns(): void {
    if (this.#turnsInARow === 0) setImmediate(() => (this.#turnsInARow = 0)).unref();
    let taken = 0;
    while (taken < this.#queue.length && this.#stopped === null && this.#turnsInARow < turnsInARowMax) {
      const event = this.#queue[taken] as CoreEvent;
      taken += 1;
      this.#turnsInARow += 1;
      if (event.kind === 'timer' && !this.#timers.take(event.name)) continue;
      this.#turn(event);
    }
    this.#queue.splice(0, taken);
    this.#scheduled = this.#queue.length > 0;
    if (this.#scheduled) setImmediate(() => this.#afterOthers());
  }

  #turn(event: CoreEvent): void {
    try {
      this.#node.handle(event, now());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#stop(new EngramError('INTERNAL', { message: `the node stopped at a ${event.kind} event: ${why}`, cause: error }));
      return;
    }
    for (const perform of this.#effects) {
      if (this.#stopped !== null) break;
      perform();
    }
    this.#effects.length = 0;
    if (this.#messages.length > 0) this.#sendMessages();
    if (this.#replies.length > 0) this.#sendReplies();
  }

  #sendMessages(): void {
    const { network } = this.#options;
    for (let at = 0; at < this.#messages.length && this.#stopped === null; at += 1) {
      network?.send(this.#messagesTo[at], this.#messages[at]);
    }
    this.#messagesTo.length = 0;
    this.#messages.length = 0;
  }

  #sendReplies(): void {
    for (let at = 0; at < this.#replies.length && this.#stopped === null; at += 1) {
      this.#take(this.#repliesTo[at])?.answered(this.#replies[at]);
    }
    this.#repliesTo.length = 0;
    this.#replies.length = 0;
  }

  /** As a crash would: whoever waits learns that the outcome is unknown, and nothing is performed any more. */
  #stop(why: EngramError): void {
    if (this.#stopped !== null) return;
    this.#stopped = why;
    this.#queue.length = 0;
    this.#effects.length = 0;
    this.#timers.close();
    clearInterval(this.#alive);
    this.#started?.reject(why);
    this.#started = null;
    const lost = new EngramError('STOPPING', { message: `the node stopped before it answered: ${why.message}`, cause: why });
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const asker of waiting) {
      if (asker instanceof Call) asker.unlisten();
      asker.unanswered(lost);
    }
    this.#proposals.stop();
    this.#drained?.();
    this.#ended(why);
  }

  /** Invariant: nothing below does anything at once; each call becomes an entry, performed after the turn; those of one port in order. */
  #recordingEffects(): Effects {
    const later = (perform: () => void): void => {
      this.#effects.push(perform);
    };
    return {
      network: {
        send: (to, message) => {
          this.#messagesTo.push(to);
          this.#messages.push(message);
        },
      },
      datagrams: { send: (to, packet) => later(() => this.#options.datagrams?.send(to, packet)) },
      exchanges: {
        ask: (to, bytes, ticket) => later(() => this.#options.exchanges?.ask(to, bytes, ticket)),
        answer: (handle, bytes) => later(() => this.#options.exchanges?.answer(handle, bytes)),
      },
      disk: {
        list: (ticket) => later(() => this.#disk.list(ticket)),
        read: (file, span, ticket) => later(() => this.#disk.read(file, span, ticket)),
        reserve: (file, bytes, ticket) => later(() => this.#disk.reserve(file, bytes, ticket)),
        write: (file, offset, parts, ticket) => later(() => this.#disk.write(file, offset, parts, ticket)),
        sync: (file, ticket) => later(() => this.#disk.sync(file, ticket)),
        replace: (file, bytes, ticket) => later(() => this.#disk.replace(file, bytes, ticket)),
        remove: (file, ticket) => later(() => this.#disk.remove(file, ticket)),
      },
      timers: {
        arm: (name, atMs) => later(() => this.#timers.arm(name, atMs)),
        disarm: (name) => later(() => this.#timers.disarm(name)),
      },
      compute: { run: (job, ticket) => later(() => this.#compute.run(job, ticket)) },
      replies: {
        send: (handle, reply) => {
          this.#repliesTo.push(handle);
          this.#replies.push(reply);
        },
      },
      journal: { note: (event) => later(() => this.#note(event)) },
      lifecycle: { halt: (reason) => later(() => this.#stop(errorOfHalt(reason))) },
    };
  }

  #note(event: DomainEvent): void {
    this.#listener.tell(event);
    if (event.kind === 'control.proposal-answered') this.#proposals.answered(event.handle, event.answer);
    if (event.kind !== 'node.started' || this.#started === null) return;
    this.#nodeId = event.node;
    this.#started.resolve();
    this.#started = null;
    this.#alive.unref();
  }
}

function closed(): EngramError {
  return new EngramError('CLOSED', { message: 'this Engram has been closed' });
}

/** A reason that begins with one of our codes (`UNSUPPORTED_FORMAT: …`) is that error. */
function errorOfHalt(reason: string): EngramError {
  const [, code, rest] = /^([A-Z_]+): (.*)$/s.exec(reason) ?? [];
  if (code !== undefined && isErrorCode(code)) return new EngramError(code as ErrorCode, { message: rest as string });
  return new EngramError('INTERNAL', { message: `the node halted: ${reason}` });
}

function monotonicMs(): number {
  return Math.floor(performance.now());
}

function now(): Now {
  return { monotonicMs: monotonicMs(), wallMs: Date.now() };
}

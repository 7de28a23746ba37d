/**
 * The connection to one node: one bidirectional stream of calls, opened when it is needed and again after it broke. Calls made in the same moment share
 * a frame; what is in flight and what waits is bounded; every call ends by its deadline.
 *
 * Invariant: nothing is written before the connection stands. So a call that fails unsent certainly did nothing, and only a sent one is unknown.
 */
import { Client, type ClientDuplexStream, connectivityState, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { EngramError } from '../../core/errors.js';
import type { ClusterHealth } from '../../core/wire/generated/engram/v1/cluster.js';
import type { AnswerFrame, Call, CallFrame } from '../../core/wire/generated/engram/v1/service.js';
import { frameBytesMax } from '../grpc/channel-options.js';
import { clusterService, engramService, nodeIdMetadata } from '../grpc/service-definitions.js';
import type { LinkOptions, NodeLink, Try } from './client-world.js';
import { connectionOptions } from './connection-options.js';
import { requestBytes } from './request-bytes.js';

/** The waiting calls of one connection, at most; beyond, calls are refused as OVERLOADED. */
const callsWaitingMax = 65_536;
const bytesWaitingMax = 64 * 2 ** 20;
/** A frame is sent off when it has this much; one large call may make it larger, never beyond 4 MiB. */
const frameBytesTarget = 2 ** 20;
/** A host that does not even refuse the connection. */
const connectMsMax = 2_000;
/** The node answers when a deadline passes; here it counts only as long as its answer may take to come. */
const deadlineGraceMs = 100;
const sweepEveryMs = 25;
const endMsMax = 1_000;

const { stream: streamMethod } = engramService;
const { getClusterHealth: healthMethod } = clusterService;

type Stream = ClientDuplexStream<CallFrame, AnswerFrame>;

interface Waiting {
  readonly number: number;
  readonly bytes: number;
  readonly tried: Try;
}

export class NodeConnection implements NodeLink {
  readonly address: string;
  readonly #options: LinkOptions;
  readonly #client: Client;
  /** Written, not answered. */
  readonly #sent = new Map<number, Waiting>();
  /** Not written yet, in order. Invariant: disjoint from `#sent`. */
  #unsent: Waiting[] = [];
  #unsentBytes = 0;
  /** Written calls whose answers nobody wants any more. */
  #cancelled: number[] = [];
  #stream: Stream | null = null;
  /** The stream's connection stands. */
  #standing = false;
  #blocked = false;
  #flushing = false;
  #callsNumbered = 0;
  #sweep: NodeJS.Timeout | null = null;
  #closing: (() => void) | null = null;
  #closed = false;

  constructor(address: string, options: LinkOptions) {
    this.address = address;
    this.#options = options;
    this.#client = new Client(address, credentials.createInsecure(), connectionOptions);
  }

  send(tried: Try): number {
    this.#callsNumbered += 1;
    const bytes = requestBytes(tried.request);
    const refusal = this.#refusalOf(bytes);
    if (refusal !== null) {
      queueMicrotask(() => tried.failed(refusal));
      return this.#callsNumbered;
    }
    this.#unsent.push({ number: this.#callsNumbered, bytes, tried });
    this.#unsentBytes += bytes;
    this.#sweep ??= setInterval(() => this.#sweepDeadlines(), sweepEveryMs);
    this.#open();
    this.#flushSoon();
    return this.#callsNumbered;
  }

  cancel(number: number): void {
    if (this.#sent.delete(number)) {
      this.#cancelled.push(number);
      this.#flushSoon();
    } else {
      this.#dropUnsent(
        (waiting) => waiting.number === number,
        () => {},
      );
    }
    this.#settled();
  }

  health(deadlineMs: number): Promise<ClusterHealth> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        healthMethod.path,
        healthMethod.requestSerialize,
        healthMethod.responseDeserialize,
        {},
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, value) => {
          if (error === null && value !== undefined) resolve(value);
          else reject(this.#unavailable(error?.code ?? status.UNKNOWN, error?.details ?? 'it answered nothing'));
        },
      );
    });
  }

  /** Takes no more calls, waits for the answers that are due (each has a deadline), ends the stream and lets go of the connection. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#sent.size + this.#unsent.length > 0) {
      await new Promise<void>((resolve) => {
        this.#closing = resolve;
      });
    }
    this.#closed = true;
    const stream = this.#stream;
    if (stream !== null) {
      const ended = new Promise<void>((resolve) => stream.once('status', () => resolve()));
      stream.end();
      const timer = setTimeout(() => stream.cancel(), endMsMax);
      await ended;
      clearTimeout(timer);
    }
    this.#client.close();
  }

  #refusalOf(bytes: number): EngramError | null {
    if (this.#closed || this.#closing !== null) return closed();
    if (bytes > frameBytesMax) return tooLarge(bytes);
    if (this.#unsent.length < callsWaitingMax && (this.#unsent.length === 0 || this.#unsentBytes + bytes <= bytesWaitingMax)) return null;
    return new EngramError('OVERLOADED', { message: `too many calls wait in this client for ${this.address}` });
  }

  #open(): void {
    if (this.#stream !== null) return;
    const stream: Stream = this.#client.makeBidiStreamRequest(
      streamMethod.path,
      streamMethod.requestSerialize,
      streamMethod.responseDeserialize,
      new Metadata(),
      {},
    );
    this.#stream = stream;
    this.#standing = false;
    this.#blocked = false;
    let why = `no connection within ${connectMsMax} ms`;
    const timer = setTimeout(() => stream.cancel(), connectMsMax);
    stream.on('metadata', (metadata: Metadata) => {
      const [nodeId] = metadata.get(nodeIdMetadata);
      if (typeof nodeId === 'string') this.#options.onIdentity(nodeId);
    });
    stream.on('data', (frame: AnswerFrame) => this.#take(frame));
    stream.on('drain', () => {
      this.#blocked = false;
      this.#flushSoon();
    });
    // What happened is told by the status, which always comes.
    stream.on('error', () => {});
    stream.on('status', (ended: StatusObject) => {
      clearTimeout(timer);
      if (this.#standing || ended.code !== status.CANCELLED) why = ended.details;
      this.#lost(stream, ended.code, why);
    });
    this.#awaitStanding(stream, () => {
      clearTimeout(timer);
      this.#standing = true;
      this.#flushSoon();
    });
  }

  /** A connection that cannot be made ends the stream by itself. */
  #awaitStanding(stream: Stream, stands: () => void): void {
    if (this.#stream !== stream) return;
    const channel = this.#client.getChannel();
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return stands();
    if (state === connectivityState.SHUTDOWN) return;
    channel.watchConnectivityState(state, Date.now() + 2 * connectMsMax, () => this.#awaitStanding(stream, stands));
  }

  #flushSoon(): void {
    if (this.#flushing || !this.#standing) return;
    this.#flushing = true;
    // After what else is called in this very turn: it shares the frame.
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#standing && !this.#blocked && this.#stream !== null) {
      const calls = this.#nextFrame();
      if (calls.length === 0) return;
      this.#blocked = !this.#stream.write({ calls });
    }
  }

  #nextFrame(): Call[] {
    const calls: Call[] = this.#cancelled.map((number) => ({ number, request: undefined, cancel: true }));
    this.#cancelled = [];
    let bytes = 12 * calls.length;
    let taken = 0;
    while (taken < this.#unsent.length && this.#sent.size < this.#options.callsInFlightMax) {
      const waiting = this.#unsent[taken] as Waiting;
      if (calls.length > 0 && bytes + waiting.bytes > frameBytesTarget) break;
      taken += 1;
      bytes += waiting.bytes;
      this.#unsentBytes -= waiting.bytes;
      this.#sent.set(waiting.number, waiting);
      calls.push({ number: waiting.number, request: waiting.tried.request, cancel: false });
    }
    if (taken > 0) this.#unsent.splice(0, taken);
    return calls;
  }

  #take(frame: AnswerFrame): void {
    for (const { number, reply } of frame.answers) {
      const waiting = this.#sent.get(number);
      if (waiting === undefined || reply === undefined) continue;
      this.#sent.delete(number);
      waiting.tried.answered(reply);
    }
    this.#settled();
    if (this.#unsent.length > 0) this.#flushSoon();
  }

  #dropUnsent(isDropped: (waiting: Waiting) => boolean, each: (waiting: Waiting) => void): void {
    const dropped = this.#unsent.filter(isDropped);
    if (dropped.length === 0) return;
    this.#unsent = this.#unsent.filter((waiting) => !isDropped(waiting));
    for (const waiting of dropped) {
      this.#unsentBytes -= waiting.bytes;
      each(waiting);
    }
  }

  /** The stream has ended: what was sent is unknown, what was not is certainly not carried out. */
  #lost(stream: Stream, code: status, details: string): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    this.#standing = false;
    this.#cancelled = [];
    const sent = [...this.#sent.values()];
    const unsent = this.#unsent;
    this.#sent.clear();
    this.#unsent = [];
    this.#unsentBytes = 0;
    const message = `the connection to ${this.address} ended before the answer came: ${details || 'the node ended it'}`;
    for (const { tried } of sent) tried.failed(new EngramError('CONNECTION_LOST', { message }));
    const unavailable = unsent.length === 0 ? null : this.#unavailable(code, details);
    for (const { tried } of unsent) tried.failed(unavailable as EngramError);
    this.#settled();
  }

  #sweepDeadlines(): void {
    const now = performance.now();
    const isLate = ({ tried }: Waiting): boolean => now >= tried.deadlineAtMs + deadlineGraceMs;
    for (const waiting of this.#sent.values()) {
      if (!isLate(waiting)) continue;
      this.#sent.delete(waiting.number);
      this.#cancelled.push(waiting.number);
      waiting.tried.failed(new EngramError('DEADLINE_EXCEEDED', { message: `${this.address} did not answer before the deadline` }));
    }
    this.#dropUnsent(isLate, ({ tried }) => {
      tried.failed(new EngramError('UNAVAILABLE', { message: `the call could not be sent to ${this.address} before its deadline` }));
    });
    if (this.#cancelled.length > 0) this.#flushSoon();
    this.#settled();
  }

  #settled(): void {
    if (this.#sent.size + this.#unsent.length > 0) return;
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
    this.#closing?.();
  }

  #unavailable(code: status, details: string): EngramError {
    const place = this.address;
    if (code === status.UNIMPLEMENTED) {
      return new EngramError('UNAVAILABLE', {
        message: `what listens at ${place} is no Engram node: ${details}`,
        hint: 'check host and port',
      });
    }
    if (details.includes('ECONNREFUSED')) {
      const hint = `start a node there (engram-node), or name the address of one that runs`;
      return new EngramError('UNAVAILABLE', { message: `nothing listens at ${place}: the connection was refused`, hint });
    }
    if (/ENOTFOUND|EAI_AGAIN|name resolution/i.test(details)) {
      return new EngramError('UNAVAILABLE', {
        message: `the host of ${place} has no known address`,
        hint: 'check the spelling of the host name',
      });
    }
    return new EngramError('UNAVAILABLE', { message: `${place} cannot be reached: ${details}` });
  }
}

function closed(): EngramError {
  return new EngramError('CLOSED', { message: 'this Engram has been closed' });
}

function tooLarge(bytes: number): EngramError {
  return new EngramError('INVALID_ARGUMENT', {
    message: `a request has at most ${frameBytesMax} bytes, this one about ${bytes}`,
    hint: 'send fewer episodes at once',
  });
}

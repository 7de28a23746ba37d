/**
 * One client's stream of calls. Requests go to the node as they come, answers leave in any order, many in a frame.
 *
 * Nothing here grows without bound: while too much is under way, or the client does not read what it was answered, its calls are not read either,
 * and the transport's flow control holds the client back.
 */
import { EngramError } from '../../core/errors.js';
import type { Answer, AnswerFrame, Call, CallFrame, Reply } from '../../core/wire/generated/engram/v1/service.js';
import type { Asker } from '../host-calls.js';
import { frameBytesMax, messageBytesMax } from './channel-options.js';
import { failureReply, type RequestGate, replyBytes, stopped, tooLarge } from './request-gate.js';

/** The calls of one stream that the node works on; beyond, reading waits. */
const callsUnderWayMax = 16_384;
/** Bytes of answers that have not left; beyond, reading waits. */
const unsentBytesMax = 8 * 2 ** 20;
/** Frames handed to the transport that it has not yet let go of: one more leaves when one of them has. */
const framesUnderWayMax = 2;
/** Answers of less than this leave room for the fields around them in a message. */
const answerBytesMax = messageBytesMax - 65_536;

/** What this needs of grpc-js's stream. */
export interface Wire {
  on(event: 'data', listener: (frame: CallFrame) => void): unknown;
  on(event: 'end' | 'close' | 'cancelled', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  write(frame: AnswerFrame, sent: () => void): boolean;
  pause(): unknown;
  resume(): unknown;
  end(): unknown;
}

class StreamCall implements Asker {
  handle = 0;

  constructor(
    readonly stream: CallStream,
    readonly number: number,
  ) {}

  answered(reply: Reply): void {
    this.stream.answered(this.number, reply);
  }

  unanswered(error: EngramError): void {
    this.stream.answered(this.number, failureReply(this.stream.gate, error));
  }
}

export class CallStream {
  readonly gate: RequestGate;
  readonly #wire: Wire;
  readonly #underWay = new Map<number, StreamCall>();
  #answers: Answer[] = [];
  #unsentBytes = 0;
  #framesUnderWay = 0;
  #flushScheduled = false;
  #paused = false;
  /** The client has said all it has to say. */
  #halfClosed = false;
  #ended = false;
  #ending: (() => void) | null = null;

  constructor(wire: Wire, gate: RequestGate) {
    this.#wire = wire;
    this.gate = gate;
    wire.on('data', (frame) => this.#take(frame));
    wire.on('end', () => {
      this.#halfClosed = true;
      this.#endWhenDone();
    });
    wire.on('cancelled', () => this.#abandon());
    wire.on('close', () => this.#abandon());
    wire.on('error', () => this.#abandon());
  }

  /** Reads no more, and resolves when what was taken has been answered and has left, or the client has gone. */
  drain(): Promise<void> {
    this.#halfClosed = true;
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#ending = resolve;
      this.#endWhenDone();
    });
  }

  answered(number: number, reply: Reply): void {
    if (!this.#underWay.delete(number)) return;
    this.#answer(number, reply);
  }

  #take(frame: CallFrame): void {
    const refusal = this.gate.refusal();
    for (const call of frame.calls) {
      if (call.cancel) this.#cancel(call.number);
      else if (refusal !== null) this.#answer(call.number, failureReply(this.gate, refusal));
      else this.#ask(call);
    }
    this.#regulate();
  }

  #ask({ number, request }: Call): void {
    const wrong = this.#wrongWith(number, request !== undefined);
    if (wrong !== null) {
      this.#answer(number, failureReply(this.gate, new EngramError('INVALID_ARGUMENT', { message: wrong, field: 'calls' })));
      return;
    }
    const call = new StreamCall(this, number);
    this.#underWay.set(number, call);
    const handle = this.gate.ask(request as NonNullable<typeof request>, call);
    if (handle === null) this.answered(number, failureReply(this.gate, stopped()));
    else call.handle = handle;
  }

  #wrongWith(number: number, hasRequest: boolean): string | null {
    if (!hasRequest) return `call ${number} has neither a request nor a cancellation`;
    if (this.#underWay.has(number)) return `the number ${number} belongs to another call of this stream`;
    return null;
  }

  #cancel(number: number): void {
    const call = this.#underWay.get(number);
    if (call === undefined) return;
    this.#underWay.delete(number);
    this.gate.forget(call.handle);
    this.#endWhenDone();
  }

  #answer(number: number, reply: Reply): void {
    if (this.#ended) return;
    const bytes = replyBytes(reply);
    const carried = bytes > answerBytesMax ? failureReply(this.gate, tooLarge(bytes, answerBytesMax)) : reply;
    this.#unsentBytes += replyBytes(carried);
    this.#answers.push({ number, reply: carried });
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After the turns that are being taken: their answers share a frame.
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#answers.length > 0 && this.#framesUnderWay < framesUnderWayMax && !this.#ended) {
      let bytes = 0;
      let count = 0;
      while (count < this.#answers.length) {
        const next = replyBytes(this.#answers[count].reply as Reply);
        if (count > 0 && bytes + next > frameBytesMax) break;
        bytes += next;
        count += 1;
      }
      this.#framesUnderWay += 1;
      this.#wire.write({ answers: this.#answers.splice(0, count) }, () => this.#sent(bytes));
    }
    this.#regulate();
    this.#endWhenDone();
  }

  #sent(bytes: number): void {
    this.#framesUnderWay -= 1;
    this.#unsentBytes -= bytes;
    this.#flush();
  }

  #regulate(): void {
    const isTooMuch = this.#unsentBytes > unsentBytesMax || this.#underWay.size > callsUnderWayMax;
    if (isTooMuch === this.#paused) return;
    this.#paused = isTooMuch;
    if (isTooMuch) this.#wire.pause();
    else this.#wire.resume();
  }

  #endWhenDone(): void {
    if (!this.#halfClosed || this.#ended) return;
    if (this.#underWay.size > 0 || this.#answers.length > 0 || this.#framesUnderWay > 0) return;
    this.#ended = true;
    this.#wire.end();
    this.#ending?.();
  }

  /** The client has gone: nobody waits for anything any more, what was asked for goes on. */
  #abandon(): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#answers = [];
      for (const { handle } of this.#underWay.values()) this.gate.forget(handle);
      this.#underWay.clear();
    }
    this.#ending?.();
  }
}

/** One request as a call of its own: for convenience, grpcurl and clients in other languages. */
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { EngramError } from '../../core/errors.js';
import type { Reply, Request } from '../../core/wire/generated/engram/v1/service.js';
import { messageBytesMax } from './channel-options.js';
import { failureReply, type RequestGate, replyBytes, stopped, tooLarge } from './request-gate.js';

export type RequestKind = NonNullable<Request['body']>['$case'];

/** Answers the call with the node's reply. The method says which body the request must have. */
export function answerUnary(gate: RequestGate, kind: RequestKind, call: ServerUnaryCall<Request, Reply>, done: sendUnaryData<Reply>): void {
  let isAnswered = false;
  const answer = (reply: Reply): void => {
    isAnswered = true;
    const bytes = replyBytes(reply);
    done(null, bytes > messageBytesMax ? failureReply(gate, tooLarge(bytes, messageBytesMax)) : reply);
  };
  const refusal = gate.refusal() ?? wrongBody(kind, call.request);
  if (refusal !== null) return answer(failureReply(gate, refusal));
  const handle = gate.ask(call.request, { answered: answer, unanswered: (error) => answer(failureReply(gate, error)) });
  if (handle === null) return answer(failureReply(gate, stopped()));
  // Emitted after the end of answered calls too.
  call.on('cancelled', () => {
    if (isAnswered) return;
    isAnswered = true;
    gate.forget(handle);
    done({ code: status.CANCELLED, details: 'the client has gone' });
  });
}

/** The status of calls that come before there is a node to ask. */
export const notStartedYet = { code: status.UNAVAILABLE, details: 'the node is still reading its log' };

function wrongBody(kind: RequestKind, { body }: Request): EngramError | null {
  if (body?.$case === kind) return null;
  const message = `the method takes a request with the body ${kind}, got ${body?.$case ?? 'none'}`;
  return new EngramError('INVALID_ARGUMENT', { message, field: 'body' });
}

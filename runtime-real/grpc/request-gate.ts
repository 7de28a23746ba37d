/** Between the transports and the node: who may ask now, and a reply for who may not. */
import { EngramError, type ErrorCode, failure } from '../../core/errors.js';
import type { NodeId } from '../../core/identifiers.js';
import { type Failure, type Reply, type Request, Role } from '../../core/wire/generated/engram/v1/service.js';
import type { Asker } from '../host-calls.js';

/** The node as a transport sees it. */
export interface RequestGate {
  readonly nodeId: NodeId;
  readonly nodeName: string;
  /** Why no request is taken now; null when requests are taken. */
  refusal(): EngramError | null;
  /** Hands the request to the node. Null: it has stopped. */
  ask(request: Request, asker: Asker): number | null;
  /** The answer is not wanted any more. */
  forget(handle: number): void;
}

export function failureReply(gate: { readonly nodeId: string; readonly nodeName: string }, error: EngramError): Reply {
  return {
    header: {
      nodeId: gate.nodeId,
      nodeName: gate.nodeName,
      role: Role.ROLE_UNSPECIFIED,
      epoch: undefined,
      confirmed: false,
      lagRecords: 0,
      lagMs: undefined,
      sessionToken: new Uint8Array(0),
      sessionSatisfied: false,
      hinted: false,
    },
    body: { $case: 'failure', value: failureOf(error) },
  };
}

function failureOf(error: EngramError): Failure {
  const { code, message, field, hint, redirectNodeId } = error;
  return failure(code as ErrorCode, {
    message,
    hint,
    ...(field === undefined ? {} : { field }),
    ...(redirectNodeId === undefined ? {} : { redirectNodeId }),
  });
}

export function stopped(): EngramError {
  return new EngramError('UNAVAILABLE', { message: 'the node has stopped', hint: 'ask another copy, or this node after its restart' });
}

/** About how many bytes the reply takes: what varies, without encoding it. */
export function replyBytes({ body }: Reply): number {
  const fixed = 200;
  switch (body?.$case) {
    case 'writtenBatch':
      return fixed + 160 * body.value.outcomes.length;
    case 'got': {
      const { memory, alternates } = body.value;
      return fixed + (memory?.episode.length ?? 0) + alternates.reduce((sum, { episode }) => sum + episode.length + fixed, 0);
    }
    case 'recalled':
      return fixed + body.value.memories.reduce((sum, { episode }) => sum + episode.length + fixed, 0);
    case 'status':
      return fixed + fixed * body.value.spaces.length;
    default:
      return fixed;
  }
}

/** An answer that no message can carry. */
export function tooLarge(bytes: number, bytesMax: number): EngramError {
  return new EngramError('INVALID_ARGUMENT', {
    message: `the answer has about ${bytes} bytes; ${bytesMax} travel in one message`,
    hint: 'ask for fewer memories at once with a lower limit',
  });
}

/** Asks nodes about their cluster: those that were named, and those that they name. */
import { Client, type ClientReadableStream, credentials, Metadata, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { EngramError } from '../../../core/errors.js';
import type { ClusterChange } from '../../../core/wire/generated/engram/v1/cluster.js';
import { askNode, type Question } from '../../grpc/ask-node.js';
import { clusterService } from '../../grpc/service-definitions.js';

export const answerMsMax = 2_000;
/** A change waits for a majority, and a removal for the end of its vote before. */
export const changeMsMax = 25_000;

const channelOptions = { 'grpc.enable_http_proxy': 0, 'grpc.enable_retries': 0, 'grpc.max_receive_message_length': 8 * 2 ** 20 };

/** Of one node. Rejects with what the transport said. */
export function ask<In extends object, Out>(
  address: string,
  method: MethodDefinition<In, Out>,
  request: In,
  deadlineMs = answerMsMax,
): Promise<Out> {
  return askNode(address, { method, request, deadlineMs });
}

/** Of the first of these nodes that answers. Rejects with an EngramError that says what each of them did. */
export function askAny<Out>(servers: readonly string[], method: MethodDefinition<object, Out>): Promise<Out> {
  return askAnyFor(servers, { method, request: {}, deadlineMs: answerMsMax });
}

/** As askAny, with something to say. A node that takes longer may still do what it was asked: no other is asked then. */
export async function askAnyFor<In extends object, Out>(servers: readonly string[], question: Question<In, Out>): Promise<Out> {
  const failures: string[] = [];
  for (const server of servers) {
    try {
      return await askNode(server, question);
    } catch (error) {
      failures.push(`${server}: ${reasonOf(error as ServiceError, question.deadlineMs)}`);
      if ((error as ServiceError).code === status.DEADLINE_EXCEEDED && question.deadlineMs > answerMsMax) break;
    }
  }
  throw nobodyAnswers(failures);
}

export function nobodyAnswers(failures: readonly string[]): EngramError {
  return new EngramError('UNAVAILABLE', {
    message: `no node answers: ${failures.join('; ')}`,
    hint: 'name the gRPC address (node.listen) of a node that runs with --server',
  });
}

export function reasonOf({ code, details, message }: ServiceError, deadlineMs = answerMsMax): string {
  if (code === status.UNIMPLEMENTED) return 'what listens there is no Engram node of this version';
  if (code === status.DEADLINE_EXCEEDED) return `no answer within ${deadlineMs} ms`;
  return /ECONNREFUSED/.test(details) ? 'nothing listens there' : details || message;
}

/** Changes of the cluster as one node sees them, from its members now on. */
export class ClusterWatch {
  readonly #client: Client;
  readonly #call: ClientReadableStream<ClusterChange>;
  /** Resolves when there will be no more changes, with the reason. */
  readonly ended: Promise<string>;

  constructor(address: string, heard: (change: ClusterChange) => void) {
    const { path, requestSerialize, responseDeserialize } = clusterService.watch;
    this.#client = new Client(address, credentials.createInsecure(), {
      ...channelOptions,
      // A node that was stopped, or a network that swallows everything, says no goodbye.
      'grpc.keepalive_time_ms': 2_000,
      'grpc.keepalive_timeout_ms': 2_000,
    });
    this.#call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}, new Metadata(), {});
    this.#call.on('data', heard);
    this.ended = new Promise((resolve) => {
      this.#call.on('error', (error) => resolve(reasonOf(error as ServiceError)));
      this.#call.on('end', () => resolve('the node ended it'));
    });
    void this.ended.then(() => this.#client.close());
  }

  close(): void {
    this.#call.cancel();
  }
}

/** A client that knows nothing but gRPC: what it sends is what a test says, and it never retries. */
import { Client, type ClientDuplexStream, credentials, Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { encodeEpisode } from '../../core/wire/episode.js';
import type { ClusterHealth } from '../../core/wire/generated/engram/v1/cluster.js';
import type { AnswerFrame, CallFrame, Reply, Request, RequestHeader } from '../../core/wire/generated/engram/v1/service.js';
import { clusterService, engramService } from '../grpc/service-definitions.js';
import { createPureFunctions } from '../pure-functions.js';

const pure = await createPureFunctions();
const none = new Uint8Array(0);
const blank = { text: '', embedding: null, confidence: 1, occurredAtMs: null, who: '', where: '', tags: [], embedder: '' };

export type Body = NonNullable<Request['body']>;

export function request(body: Body, header: Partial<RequestHeader> = {}): Request {
  return { header: { space: '', requestId: none, sessionToken: none, ack: 0, deadlineMs: 0, ...header }, body };
}

export function rememberBody(id: string, text = `text of ${id}`): Body {
  return { $case: 'remember', value: { episode: encodeEpisode({ ...blank, id, text }, pure), context: none } };
}

export function batchBody(ids: readonly string[], text = 'text'): Body {
  return { $case: 'rememberBatch', value: { episodes: ids.map((id) => encodeEpisode({ ...blank, id, text }, pure)) } };
}

export function getBody(id: string): Body {
  return { $case: 'get', value: { id } };
}

/** The kind of the answer, or the code of the failure. */
export function outcomeOf({ body }: Reply): string {
  return body?.$case === 'failure' ? body.value.code : (body?.$case ?? 'nothing');
}

type CallStreamEnd = ClientDuplexStream<CallFrame, AnswerFrame>;

export class RawClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': 8 * 2 ** 20,
      'grpc.enable_http_proxy': 0,
    });
  }

  /** The unary method of the body's own name unless another is given. */
  unary(asked: Request, kind: Exclude<keyof typeof engramService, 'stream'> = asked.body?.$case ?? 'status'): Promise<Reply> {
    return this.#unary(engramService[kind], asked);
  }

  clusterHealth(): Promise<ClusterHealth> {
    return this.#unary(clusterService.getClusterHealth, {});
  }

  /** The reply to a write once it is none of those that pass by themselves: no term has been taken yet, a copy is not reached yet. */
  async written(asked: Request): Promise<Reply> {
    for (;;) {
      const reply = await this.unary(asked);
      if (!['NOT_PRIMARY', 'ACK_OUT_OF_REACH', 'UNAVAILABLE', 'STARTING'].includes(outcomeOf(reply))) return reply;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  stream(): CallStreamEnd {
    const { stream } = engramService;
    return this.#client.makeBidiStreamRequest(stream.path, stream.requestSerialize, stream.responseDeserialize, new Metadata());
  }

  close(): void {
    this.#client.close();
  }

  #unary<In, Out>(method: MethodDefinition<In, Out>, asked: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, reply?: Out): void => (error === null ? resolve(reply as Out) : reject(error));
      this.#client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, asked, new Metadata(), done);
    });
  }
}

/** Answers of a stream by number, as they come, and a way to wait for them. */
export class Answers {
  readonly byNumber = new Map<number, Reply>();
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  readonly status: Promise<{ readonly code: number; readonly details: string }>;

  constructor(stream: CallStreamEnd) {
    this.status = new Promise((resolve) => stream.on('status', resolve));
    stream.on('error', () => {});
    stream.on('data', (frame: AnswerFrame) => {
      for (const { number, reply } of frame.answers) this.byNumber.set(number, reply as Reply);
      for (const waiting of this.#waiting) {
        if (this.byNumber.size < waiting.count) continue;
        this.#waiting.delete(waiting);
        waiting.resolve();
      }
    });
  }

  /** Resolves once so many have come. */
  come(count: number): Promise<void> {
    if (this.byNumber.size >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ count, resolve }));
  }

  outcome(number: number): string {
    const reply = this.byNumber.get(number);
    return reply === undefined ? 'unanswered' : outcomeOf(reply);
  }
}

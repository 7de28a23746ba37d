/** One memory space, as an application uses it: the same over every transport. */
import { EngramError } from '../../core/errors.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import { AckLevel, type RecallRequest, type Reply, type Request } from '../../core/wire/generated/engram/v1/service.js';
import { answererOf, bodyOf } from './answers.js';
import { type BatchOutcome, BatchWriter } from './batch-writer.js';
import {
  checkBatchOptions,
  checkCallOptions,
  checkCue,
  checkNumbers,
  checkSource,
  checkText,
  checkWriteOptions,
  requestIdOf,
  shown,
} from './checks.js';
import type { Embedder } from './embedder.js';
import { type EncodedEpisode, encodeEpisodeInput, memoryOf, milliseconds, tokenBytes, tokenText, wantsEmbedding } from './episodes.js';
import { SessionToken } from './session-token.js';
import type { Transport } from './transport.js';
import type {
  Acknowledgement,
  BatchOptions,
  BatchSummary,
  CallOptions,
  ConditionalWriteOptions,
  Cue,
  EpisodeInput,
  GotMemory,
  Recalled,
  WriteOptions,
  WriteResult,
} from './types.js';

export interface Space {
  readonly name: string;
  /** Remembers one episode; resolves once it is durable. The same content again is the same write, other content under the same id an update. */
  remember(episode: EpisodeInput, options?: WriteOptions): Promise<WriteResult>;
  /** Remembers a source of any length in batches; an episode that is refused does not stop the others. */
  rememberBatch(episodes: Iterable<EpisodeInput> | AsyncIterable<EpisodeInput>, options?: BatchOptions): Promise<BatchSummary>;
  /** Replaces the episode of an id that exists; NOT_FOUND otherwise. */
  update(episode: EpisodeInput & { readonly id: string }, options?: ConditionalWriteOptions): Promise<WriteResult>;
  /** The memory of that id, or null when there is none. */
  get(id: string, options?: CallOptions): Promise<GotMemory | null>;
  forget(id: string, options?: ConditionalWriteOptions): Promise<WriteResult>;
  recall(cue: Cue, options?: CallOptions): Promise<Recalled>;
}

const acknowledgementLevels: Readonly<Record<Acknowledgement, AckLevel>> = {
  local: AckLevel.ACK_LOCAL,
  one: AckLevel.ACK_ONE,
  quorum: AckLevel.ACK_QUORUM,
  all: AckLevel.ACK_ALL,
};
const noBytes = new Uint8Array(0);

type Body = NonNullable<Request['body']>;
type CallDetails = WriteOptions & { readonly write?: boolean };

/** What a client is made of. */
export interface ClientParts {
  readonly transport: Transport;
  readonly embedder: Embedder | null;
  readonly pure: PureFunctions;
}

export class ClientSpace implements Space {
  readonly name: string;
  readonly #transport: Transport;
  readonly #embedder: Embedder | null;
  readonly #pure: PureFunctions;
  /** What this client has seen of the space: every request must see at least that. */
  readonly #session = new SessionToken();

  constructor(name: string, parts: ClientParts) {
    this.name = name;
    this.#transport = parts.transport;
    this.#embedder = parts.embedder;
    this.#pure = parts.pure;
  }

  async remember(episode: EpisodeInput, options: WriteOptions = {}): Promise<WriteResult> {
    checkWriteOptions(options);
    const context = tokenBytes(options.context, 'context');
    const { id, bytes } = await this.#encodeOne(episode);
    return this.#written(id, await this.#write({ $case: 'remember', value: { episode: bytes, context } }, options));
  }

  async update(episode: EpisodeInput & { readonly id: string }, options: ConditionalWriteOptions = {}): Promise<WriteResult> {
    checkWriteOptions(options);
    const context = tokenBytes(options.context, 'context');
    const expectedVersion = tokenBytes(options.expectedVersion, 'expectedVersion');
    // Derived from the new content it would be the id of no memory that is there.
    if (typeof episode === 'object' && episode !== null) checkText(episode.id, 'episode.id');
    const { id, bytes } = await this.#encodeOne(episode);
    return this.#written(id, await this.#write({ $case: 'update', value: { episode: bytes, context, expectedVersion } }, options));
  }

  async forget(id: string, options: ConditionalWriteOptions = {}): Promise<WriteResult> {
    checkText(id, 'id');
    checkWriteOptions(options);
    const context = tokenBytes(options.context, 'context');
    const expectedVersion = tokenBytes(options.expectedVersion, 'expectedVersion');
    return this.#written(id, await this.#write({ $case: 'forget', value: { id, context, expectedVersion } }, options));
  }

  async rememberBatch(episodes: Iterable<EpisodeInput> | AsyncIterable<EpisodeInput>, options: BatchOptions = {}): Promise<BatchSummary> {
    checkSource(episodes);
    checkBatchOptions(options);
    const writer = new BatchWriter({ encode: (some) => this.#encodeSome(some), send: (bytes) => this.#sendBatch(bytes, options) }, options);
    try {
      if (Symbol.asyncIterator in episodes) {
        for await (const episode of episodes) {
          const room = writer.add(episode);
          if (room !== null) await room;
        }
      } else {
        for (const episode of episodes) {
          const room = writer.add(episode);
          if (room !== null) await room;
        }
      }
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    return writer.finish();
  }

  async get(id: string, options: CallOptions = {}): Promise<GotMemory | null> {
    checkText(id, 'id');
    checkCallOptions(options);
    const reply = await this.#call({ $case: 'get', value: { id } }, options);
    const got = bodyOf(reply, 'got');
    if (got.memory === undefined) return null;
    return Object.assign(memoryOf(got.memory, this.#pure), {
      alternates: got.alternates.map((alternate) => memoryOf(alternate, this.#pure)),
      alternatesTotal: got.alternatesTotal,
      context: tokenText(got.context),
      answeredBy: answererOf(reply.header),
    });
  }

  async recall(cue: Cue, options: CallOptions = {}): Promise<Recalled> {
    checkCue(cue);
    checkCallOptions(options);
    const reply = await this.#call({ $case: 'recall', value: await this.#recallRequest(cue) }, options);
    const recalled = bodyOf(reply, 'recalled');
    const coverage = recalled.coverage ?? { targets: 1, answered: 1, searched: 0, total: 0, reasons: [] };
    return {
      memories: recalled.memories.map((memory) => Object.assign(memoryOf(memory, this.#pure), { score: memory.score })),
      coverage,
      answeredBy: answererOf(reply.header),
    };
  }

  async #recallRequest(cue: Cue): Promise<RecallRequest> {
    if (cue.text !== undefined && cue.embedding !== undefined) {
      throw new EngramError('INVALID_ARGUMENT', { message: 'a cue has a text or an embedding, not both', field: 'cue.text' });
    }
    if (cue.text === '') {
      const hint = 'leave the text out to recall the newest';
      throw new EngramError('INVALID_ARGUMENT', { message: 'the text of a cue is empty', field: 'cue.text', hint });
    }
    if (cue.embedding !== undefined) checkNumbers(cue.embedding, 'cue.embedding');
    const made = cue.text === undefined ? null : await this.#embedCue(cue.text);
    return {
      embedding: Array.from(made?.embedding ?? cue.embedding ?? []),
      embedder: made?.embedder ?? cue.embedder ?? '',
      limit: limitOf(cue.limit),
      occurredFromMs: cue.occurredFrom === undefined ? undefined : milliseconds(cue.occurredFrom, 'cue.occurredFrom'),
      occurredUntilMs: cue.occurredUntil === undefined ? undefined : milliseconds(cue.occurredUntil, 'cue.occurredUntil'),
      who: cue.who ?? '',
      where: cue.where ?? '',
      tags: cue.tags === undefined ? [] : [...cue.tags],
      confidenceMin: cue.confidenceMin ?? 0,
    };
  }

  async #embedCue(text: string): Promise<{ embedding: Float32Array; embedder: string }> {
    const embedder = this.#embedder;
    if (embedder === null) {
      const hint = 'open Engram with an embedder, or recall by an embedding';
      throw new EngramError('INVALID_ARGUMENT', {
        message: 'recalling by text needs an embedder, and this client has none',
        field: 'cue.text',
        hint,
      });
    }
    const [embedding] = await embedder.embed([text]);
    return { embedding: embedding as Float32Array, embedder: embedder.name };
  }

  async #encodeOne(episode: EpisodeInput): Promise<EncodedEpisode> {
    const [encoded] = await this.#encodeSome([episode]);
    if (encoded instanceof EngramError) throw encoded;
    return encoded as EncodedEpisode;
  }

  #encodeSome(
    episodes: readonly EpisodeInput[],
  ): Promise<readonly (EncodedEpisode | EngramError)[]> | readonly (EncodedEpisode | EngramError)[] {
    const embedder = this.#embedder;
    const wanting = embedder === null ? [] : episodes.filter((episode) => typeof episode?.text === 'string' && wantsEmbedding(episode));
    const encodeAll = (vectors: readonly Float32Array[]): (EncodedEpisode | EngramError)[] => {
      const made = new Map(
        wanting.map((episode, at) => [episode, { embedding: vectors[at] as Float32Array, embedder: embedder?.name ?? '' }]),
      );
      return episodes.map((episode) => encodedOrError(() => encodeEpisodeInput(episode, made.get(episode) ?? null, this.#pure)));
    };
    if (embedder === null || wanting.length === 0) return encodeAll([]);
    const vectors = embedder.embed(wanting.map(({ text }) => text as string));
    return vectors instanceof Promise ? vectors.then(encodeAll) : encodeAll(vectors as readonly Float32Array[]);
  }

  async #sendBatch(episodes: readonly Uint8Array[], options: BatchOptions): Promise<BatchOutcome[]> {
    const reply = await this.#write({ $case: 'rememberBatch', value: { episodes: [...episodes] } }, options);
    return bodyOf(reply, 'writtenBatch').outcomes.map(({ outcome }) => {
      if (outcome?.$case === 'written') return { kind: 'written', duplicate: outcome.value.duplicate };
      const error =
        outcome === undefined ? new EngramError('INTERNAL', { message: 'an outcome is missing' }) : EngramError.fromFailure(outcome.value);
      return { kind: 'refused', error };
    });
  }

  #written(id: string, reply: Reply): WriteResult {
    const written = bodyOf(reply, 'written');
    return {
      id,
      version: tokenText(written.version),
      context: tokenText(written.context),
      duplicate: written.duplicate,
      answeredBy: answererOf(reply.header),
    };
  }

  #write(body: Body, options: WriteOptions): Promise<Reply> {
    return this.#call(body, { ...options, write: true });
  }

  async #call(body: Body, details: CallDetails): Promise<Reply> {
    const header = {
      space: this.name,
      // Without one, a transport that retries draws one.
      requestId: details.write === true && details.requestId !== undefined ? requestIdOf(details.requestId) : noBytes,
      sessionToken: this.#session.bytes,
      ack: details.ack === undefined ? AckLevel.ACK_DEFAULT : acknowledgementLevels[details.ack],
      deadlineMs: details.deadlineMs ?? 0,
    };
    const reply = await this.#transport.call({ header, body }, details.signal);
    if (reply.header !== undefined) this.#session.see(reply.header.sessionToken);
    return reply;
  }
}

function encodedOrError(encode: () => EncodedEpisode): EncodedEpisode | EngramError {
  try {
    return encode();
  } catch (error) {
    if (error instanceof EngramError) return error;
    throw error;
  }
}

/** 0 stands for the node's default on the wire, so a 0 that an application asks for is refused here. */
function limitOf(limit: number | undefined): number {
  if (limit === undefined) return 0;
  if (Number.isInteger(limit) && limit >= 1 && limit < 2 ** 32) return limit;
  throw new EngramError('INVALID_ARGUMENT', {
    message: `cue.limit must be a whole number from 1 to 1000, got ${shown(limit)}`,
    field: 'cue.limit',
  });
}

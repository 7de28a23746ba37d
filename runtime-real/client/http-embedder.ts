/** Embeddings from any endpoint that speaks the OpenAI form of `POST …/embeddings`: hosted services and local servers alike. */
import { EngramError } from '../../core/errors.js';
import { type Embedder, toUnitLength } from './embedder.js';

export interface OpenAiEmbedderOptions {
  /** The whole address, for instance `http://localhost:11434/v1/embeddings`. */
  readonly url: string;
  readonly model: string;
  readonly apiKey?: string;
  readonly dimensions: number;
  /** Sends `dimensions` along, for models that can shorten their vectors. */
  readonly shorten?: boolean;
  readonly timeoutMs?: number;
  /** Texts per call. */
  readonly textsMax?: number;
}

interface EmbeddingsAnswer {
  readonly data?: readonly { readonly index?: number; readonly embedding?: readonly number[] }[];
}

export function openAiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  const textsMax = options.textsMax ?? 64;
  const name = `${options.model}-${options.dimensions}`;
  const fail = (message: string, cause?: unknown): EngramError =>
    new EngramError('EMBEDDER_FAILED', { message: `${name} at ${options.url}: ${message}`, cause });

  async function embedSome(texts: readonly string[]): Promise<Float32Array[]> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (options.apiKey !== undefined) headers.authorization = `Bearer ${options.apiKey}`;
    const body = JSON.stringify({
      model: options.model,
      input: texts,
      ...(options.shorten === true ? { dimensions: options.dimensions } : {}),
    });
    const signal = AbortSignal.timeout(options.timeoutMs ?? 30_000);
    const response = await fetch(options.url, { method: 'POST', headers, body, signal }).catch((error) => {
      throw fail(error instanceof Error ? error.message : String(error), error);
    });
    if (!response.ok) throw fail(`answered ${response.status}: ${(await response.text().catch(() => '')).slice(0, 200)}`);
    const answer = (await response.json().catch((error) => {
      throw fail('the answer is not JSON', error);
    })) as EmbeddingsAnswer;
    return inOrder(answer, texts.length);
  }

  function inOrder(answer: EmbeddingsAnswer, count: number): Float32Array[] {
    const vectors: Float32Array[] = new Array(count);
    for (const [position, item] of (answer.data ?? []).entries()) {
      const vector = Float32Array.from(item.embedding ?? []);
      if (vector.length !== options.dimensions) throw fail(`a vector has ${vector.length} numbers, ${options.dimensions} were expected`);
      vectors[item.index ?? position] = toUnitLength(vector);
    }
    for (let at = 0; at < count; at += 1) if (vectors[at] === undefined) throw fail(`no vector came back for text ${at}`);
    return vectors;
  }

  return {
    name,
    dimensions: options.dimensions,
    embed: async (texts) => {
      const vectors: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += textsMax) vectors.push(...(await embedSome(texts.slice(at, at + textsMax))));
      return vectors;
    },
  };
}

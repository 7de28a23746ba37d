/**
 * How the episodes of one space are entered for recall: one row each in the vector table, comparable with all others, since a space has one dimension and one
 * embedder, fixed by its first embedding.
 */
import type { PureFunctions } from '../pure-functions.js';
import { sameBytes } from '../wire/bytes.js';
import { checkEpisode, EpisodeView, readEmbedding } from '../wire/episode.js';
import type { RecordView } from '../wire/record.js';
import { VectorTable } from './vector-table.js';

export class SearchRows {
  readonly vectors = new VectorTable();
  /** Embedder of the first embedding; '' before it. */
  embedder = '';
  /** Versions whose embedding cannot be compared with the space's: kept, left out of vector recall, reported. */
  otherDimension = 0;
  readonly #pure: PureFunctions;
  readonly #dimensionsMax: number;
  #embedderBytes = new Uint8Array(0);
  /** An embedding on its way from a payload to its row. */
  #scratch = new Float32Array(0);
  readonly #episode = new EpisodeView();

  constructor(pure: PureFunctions, dimensionsMax: number) {
    this.#pure = pure;
    this.#dimensionsMax = dimensionsMax;
  }

  /** The row of a durable record's episode; -1 when this version cannot understand it: it is kept as it is and found by its id alone. */
  addRecord(view: RecordView): number {
    const payload = view.bytes.subarray(view.payloadOffset, view.payloadOffset + view.payloadLength);
    const limits = { textBytesMax: Number.MAX_SAFE_INTEGER, dimensionsMax: this.#dimensionsMax };
    const fault = checkEpisode(payload, limits, this.#episode, this.#pure);
    if (fault !== null || !this.#episode.canonical) return -1;
    return this.add(payload, this.#episode, view.timeMs);
  }

  /** Enters the columns by which an episode is found; not found before it is marked searchable. Fixes dimension and embedder of the space. */
  add(payload: Uint8Array, episode: EpisodeView, writtenAtMs: number): number {
    let embedding: Float32Array | null = null;
    if (episode.dimensions > 0) {
      if (this.vectors.dimensions === 0) {
        this.vectors.fixDimensions(episode.dimensions);
        this.#fixEmbedder(payload, episode);
      }
      if (episode.dimensions === this.vectors.dimensions && this.isSameEmbedder(payload, episode)) {
        if (this.#scratch.length !== episode.dimensions) this.#scratch = new Float32Array(episode.dimensions);
        embedding = this.#scratch;
        readEmbedding(payload, episode.embeddingOffset, episode.dimensions, embedding, 0);
      } else this.otherDimension += 1;
    }
    const occurredAtMs = Number.isNaN(episode.occurredAtMs) ? writtenAtMs : episode.occurredAtMs;
    return this.vectors.add({ embedding, occurredAtMs, contextBits: episode.contextBits });
  }

  isSameEmbedder(payload: Uint8Array, { embedderOffset, embedderLength }: EpisodeView): boolean {
    const known = this.#embedderBytes;
    return embedderLength === known.length && sameBytes(known, 0, payload, embedderOffset, known.length);
  }

  /** The name of the embedder that made this episode's embedding. */
  embedderOf(payload: Uint8Array, episode: EpisodeView): string {
    if (episode.embedderLength === 0) return '';
    return this.#pure.utf8Decode(payload.subarray(episode.embedderOffset, episode.embedderOffset + episode.embedderLength));
  }

  #fixEmbedder(payload: Uint8Array, episode: EpisodeView): void {
    this.embedder = this.embedderOf(payload, episode);
    this.#embedderBytes = payload.slice(episode.embedderOffset, episode.embedderOffset + episode.embedderLength);
  }
}

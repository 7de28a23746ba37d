/**
 * Gathers episodes into batches and keeps a few of them in flight: a source of any length is read only as fast as the disk takes it in, and
 * memory stays bounded. A batch leaves when it is full or when its first episode has waited a little.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { EngramError } from '../../core/errors.js';
import type { EncodedEpisode } from './episodes.js';
import type { Acknowledged, BatchOptions, BatchSummary, EpisodeInput, Refused } from './types.js';

/** Characters and numbers gathered for one request, about; an episode larger than that travels alone. */
const batchSizeMax = 1 << 20;
/** Encoded bytes per request: text may take three bytes a character, and a request must fit into a frame. */
const requestBytesMax = 2 << 20;
const gatherMsMax = 10;
/** An overloaded node is asked again after 10 ms, 20 ms, 40 ms … */
const overloadedTriesMax = 10;

export type BatchOutcome =
  | { readonly kind: 'written'; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly error: EngramError };

/** What the writer needs of a space. */
export interface BatchPort {
  /** Encodes in order; an episode that cannot be encoded yields the reason. */
  encode(episodes: readonly EpisodeInput[]): Promise<readonly (EncodedEpisode | EngramError)[]> | readonly (EncodedEpisode | EngramError)[];
  /** One outcome per episode, in order. Rejects when the request as a whole was refused. */
  send(episodes: readonly Uint8Array[]): Promise<readonly BatchOutcome[]>;
}

interface Indexed {
  readonly index: number;
  readonly encoded: EncodedEpisode;
}

export class BatchWriter {
  readonly #port: BatchPort;
  readonly #options: BatchOptions;
  readonly #episodesMax: number;
  readonly #inFlightMax: number;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #summary = { written: 0, duplicates: 0, refused: 0 };
  #gathered: EpisodeInput[] = [];
  #gatheredSize = 0;
  #taken = 0;
  #timer: NodeJS.Timeout | null = null;
  #failure: unknown = null;

  constructor(port: BatchPort, options: BatchOptions) {
    this.#port = port;
    this.#options = options;
    this.#episodesMax = options.episodesMax ?? 500;
    this.#inFlightMax = options.inFlightMax ?? 4;
  }

  /** Takes an episode in. When a promise is returned the caller waits for it before the next: that is the back-pressure. */
  add(episode: EpisodeInput): Promise<void> | null {
    this.#throwFailure();
    this.#gathered.push(episode);
    this.#gatheredSize += sizeOf(episode);
    if (this.#gathered.length >= this.#episodesMax || this.#gatheredSize >= batchSizeMax) {
      this.#send();
      return this.#inFlight.size >= this.#inFlightMax ? this.#room() : null;
    }
    this.#timer ??= setTimeout(() => this.#send(), gatherMsMax);
    return null;
  }

  /** Sends the rest and waits for all answers. */
  async finish(): Promise<BatchSummary> {
    this.#send();
    await Promise.all(this.#inFlight);
    this.#throwFailure();
    return { ...this.#summary };
  }

  /** Gives up after a failure of the source: nothing more is sent, what is in flight ends. */
  async abandon(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#gathered = [];
    await Promise.all(this.#inFlight);
  }

  async #room(): Promise<void> {
    while (this.#inFlight.size >= this.#inFlightMax) await Promise.race(this.#inFlight);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#gathered.length === 0 || this.#failure !== null) return;
    const episodes = this.#gathered;
    const firstIndex = this.#taken;
    this.#taken += episodes.length;
    this.#gathered = [];
    this.#gatheredSize = 0;
    const sent = this.#deliver(episodes, firstIndex)
      .catch((error) => {
        this.#failure ??= error;
      })
      .then(() => {
        this.#inFlight.delete(sent);
      });
    this.#inFlight.add(sent);
  }

  async #deliver(episodes: readonly EpisodeInput[], firstIndex: number): Promise<void> {
    const pending: Indexed[] = [];
    for (const [position, encoded] of (await this.#port.encode(episodes)).entries()) {
      const index = firstIndex + position;
      if (encoded instanceof EngramError) this.#refuse({ index, id: idOf(episodes[position]), error: encoded });
      else pending.push({ index, encoded });
    }
    for (const request of requestsOf(pending)) await this.#sendUntilTaken(request);
  }

  async #sendUntilTaken(episodes: readonly Indexed[]): Promise<void> {
    let pending = episodes;
    for (let tried = 1; pending.length > 0; tried += 1) {
      if (tried > 1) await wait(10 * 2 ** (tried - 2) * (0.5 + Math.random()));
      pending = await this.#attempt(pending, tried === overloadedTriesMax);
    }
  }

  /** Sends once; returns what an overloaded node turned away and is worth another try. */
  async #attempt(episodes: readonly Indexed[], last: boolean): Promise<Indexed[]> {
    let outcomes: readonly BatchOutcome[];
    try {
      outcomes = await this.#port.send(episodes.map(({ encoded }) => encoded.bytes));
    } catch (error) {
      if (!last && error instanceof EngramError && error.code === 'OVERLOADED') return [...episodes];
      throw error;
    }
    const acknowledged: Acknowledged[] = [];
    const again: Indexed[] = [];
    for (const [position, episode] of episodes.entries()) {
      const outcome = outcomes[position] ?? missingOutcome;
      if (outcome.kind === 'written') acknowledged.push({ index: episode.index, id: episode.encoded.id, duplicate: outcome.duplicate });
      else if (outcome.error.code === 'OVERLOADED' && !last) again.push(episode);
      else this.#refuse({ index: episode.index, id: episode.encoded.id, error: outcome.error });
    }
    for (const { duplicate } of acknowledged) this.#summary[duplicate ? 'duplicates' : 'written'] += 1;
    if (acknowledged.length > 0) this.#options.onAcknowledged?.(acknowledged);
    return again;
  }

  #refuse(refused: Refused): void {
    this.#summary.refused += 1;
    this.#options.onRefused?.(refused);
  }
}

/** In order, each as many episodes as fit. */
function requestsOf(episodes: readonly Indexed[]): Indexed[][] {
  const requests: Indexed[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const episode of episodes) {
    const size = episode.encoded.bytes.length;
    if (bytes + size > requestBytesMax) {
      requests.push([]);
      bytes = 0;
    }
    requests[requests.length - 1]?.push(episode);
    bytes += size;
  }
  return requests;
}

const missingOutcome: BatchOutcome = {
  kind: 'refused',
  error: new EngramError('INTERNAL', { message: 'the answer has fewer outcomes than the request has episodes' }),
};

function idOf(episode: EpisodeInput | undefined): string {
  return typeof episode?.id === 'string' ? episode.id : '';
}

function sizeOf(episode: EpisodeInput): number {
  return (episode?.text?.length ?? 0) + 4 * (episode?.embedding?.length ?? 256) + 64;
}

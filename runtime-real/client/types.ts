/** What an application gives to Engram and gets back. Tokens that only Engram reads (versions, contexts) are base64url text. */

export type Embedding = readonly number[] | Float32Array | Float64Array;

/** What to remember. At least a text or an embedding; text is well-formed UTF-16 throughout. */
export interface EpisodeInput {
  /** 1 to 256 bytes. Without one it is derived from the content: the same content is then the same memory. */
  readonly id?: string | undefined;
  /** Up to 1 MiB of UTF-8. */
  readonly text?: string | undefined;
  /** As many numbers as the space has dimensions. Without one, the embedder makes it from the text. */
  readonly embedding?: Embedding | undefined;
  /** Name of what made `embedding`; goes with `embedding` only. */
  readonly embedder?: string | undefined;
  /** False: store the text without an embedding. */
  readonly embed?: boolean | undefined;
  /** What you believe, in [0, 1]; 1 when absent. */
  readonly confidence?: number | undefined;
  /** When it happened, as a Date or milliseconds since 1970; when it was remembered if absent. */
  readonly occurredAt?: Date | number | undefined;
  readonly who?: string | undefined;
  readonly where?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** How many synced copies a write waits for. Embedded there is one copy: `local` is what can be had. */
export type Acknowledgement = 'local' | 'one' | 'quorum' | 'all';

export interface CallOptions {
  readonly deadlineMs?: number | undefined;
  /** Stops waiting. A write that has been handed over may happen all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly ack?: Acknowledgement | undefined;
  /** From an earlier answer for this id: the versions that this write takes the place of. */
  readonly context?: string | undefined;
  /** 32 hexadecimal digits or 16 bytes; drawn when absent. A write that is repeated under the id of its first try happens once. */
  readonly requestId?: string | Uint8Array | undefined;
}

export interface ConditionalWriteOptions extends WriteOptions {
  /** The version that must be current, from an earlier answer; otherwise the write fails with CONFLICT. */
  readonly expectedVersion?: string | undefined;
}

export interface BatchOptions extends CallOptions {
  readonly ack?: Acknowledgement | undefined;
  /** Episodes per request, at most. */
  readonly episodesMax?: number | undefined;
  /** Requests in flight; the source is read no faster. */
  readonly inFlightMax?: number | undefined;
  /** Called as soon as episodes are durable, in the order of the requests' answers. */
  readonly onAcknowledged?: ((acknowledged: readonly Acknowledged[]) => void) | undefined;
  /** Called for each episode that was refused; the others go on. */
  readonly onRefused?: ((refused: Refused) => void) | undefined;
}

export interface Acknowledged {
  /** Position in the source, from 0. */
  readonly index: number;
  readonly id: string;
  readonly duplicate: boolean;
}

export interface Refused {
  readonly index: number;
  /** Empty when the episode had none and could not be given one. */
  readonly id: string;
  readonly error: import('../../core/errors.js').EngramError;
}

export interface BatchSummary {
  readonly written: number;
  /** Already there with the same content: nothing new was written. */
  readonly duplicates: number;
  readonly refused: number;
}

/** Who answered, and with what standing. */
export interface Answerer {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly role: 'primary' | 'replica' | 'unknown';
  /** False: the answering primary is provisional, or the answer is a replica's. */
  readonly confirmed: boolean;
  readonly epoch: { readonly generation: number; readonly index: number; readonly provisionalCounter: number };
  readonly lagRecords: number;
  /** Null when the copy cannot tell. */
  readonly lagMs: number | null;
  readonly hinted: boolean;
  /** False: this answer may not show what an earlier one of this client did. */
  readonly sessionSatisfied: boolean;
}

export interface WriteResult {
  readonly id: string;
  readonly version: string;
  readonly context: string;
  /** The same content was already there under this id: nothing new was written. */
  readonly duplicate: boolean;
  readonly answeredBy: Answerer;
}

/** adjusted = stored × noNewerVersion × inTopK. */
export interface MemoryConfidence {
  /** What the writer said. */
  readonly stored: number;
  /** P(no newer acknowledged version exists). */
  readonly noNewerVersion: number;
  /** P(in the global top k). */
  readonly inTopK: number;
  readonly adjusted: number;
  /** Why a part is below 1, and whether the cluster is cut as far as this node can tell. */
  readonly reasons: readonly string[];
}

export interface Memory {
  readonly id: string;
  readonly text: string;
  /** Null when it was stored without. */
  readonly embedding: Float32Array | null;
  readonly embedder: string;
  readonly confidence: MemoryConfidence;
  readonly occurredAtMs: number;
  readonly writtenAtMs: number;
  readonly who: string;
  readonly where: string;
  readonly tags: readonly string[];
  readonly version: string;
}

export interface RecalledMemory extends Memory {
  /** Cosine similarity to the cue in [-1, 1]; 0 when the cue had no embedding. */
  readonly score: number;
}

export interface GotMemory extends Memory {
  /** Versions written at the same time elsewhere that lost; a bounded number of them. */
  readonly alternates: readonly Memory[];
  readonly alternatesTotal: number;
  readonly context: string;
  readonly answeredBy: Answerer;
}

/** What to recall by: the nearest to a text or embedding, or else the newest, that pass all filters. */
export interface Cue {
  /** Embedded by this client's embedder. */
  readonly text?: string | undefined;
  readonly embedding?: Embedding | undefined;
  /** What made `embedding`; when absent it is compared with every embedding of the space. */
  readonly embedder?: string | undefined;
  /** 1 to 1000; 10 when absent. */
  readonly limit?: number | undefined;
  /** Inclusive. */
  readonly occurredFrom?: Date | number | undefined;
  /** Exclusive. */
  readonly occurredUntil?: Date | number | undefined;
  readonly who?: string | undefined;
  readonly where?: string | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  /** In [0, 1], against the stored confidence. */
  readonly confidenceMin?: number | undefined;
}

export interface Recalled {
  /** Best first. */
  readonly memories: readonly RecalledMemory[];
  /** The share of the query's targets that answered, and why not the rest. */
  readonly coverage: {
    readonly targets: number;
    readonly answered: number;
    readonly searched: number;
    readonly total: number;
    readonly reasons: readonly string[];
  };
  readonly answeredBy: Answerer;
}

export interface SpaceStatus {
  readonly name: string;
  readonly memories: number;
  readonly tombstones: number;
  readonly alternates: number;
  /** 0 before the first embedding. */
  readonly dimensions: number;
  readonly embedder: string;
  readonly missingRecords: number;
  readonly otherDimension: number;
  /** Over all versions that are retained: 16 hexadecimal digits, the same on copies that hold the same. */
  readonly digest: string;
}

export interface Status {
  readonly spaces: readonly SpaceStatus[];
  readonly logBytes: number;
  readonly liveBytes: number;
  readonly segments: number;
  readonly damagedRanges: number;
  readonly writable: boolean;
  /** Why not, when not writable. */
  readonly reason: string;
  readonly boot: number;
  readonly answeredBy: Answerer;
}

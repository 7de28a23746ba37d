/**
 * Exact nearest-neighbour scan: the compute kernel behind recall. A pure function over pinned inputs, run by a worker thread or by the simulator,
 * the same bits in both: products and sums only, in a fixed order.
 *
 * Rows are unit vectors, so that the dot product is the cosine similarity. Equal scores rank by row, lowest first.
 */
export interface VectorChunk {
  /** `rowsPerChunk` × dimensions, row-major. Rows are written once, before they are marked searchable, and not reused while a scan is running. */
  readonly vectors: Float32Array;
  /** 1 where the row is the readable version of its memory. May change while a scan runs: the caller checks the answer again. */
  readonly searchable: Uint8Array;
  /** When each episode occurred, in milliseconds since 1970. */
  readonly occurredAtMs: Float64Array;
  /** A 32-bit signature of who, where and tags of each row: a row can only match if it contains all bits of the cue's. */
  readonly contextBits: Uint32Array;
}

export interface ComputeJob {
  readonly kind: 'scan';
  readonly dimensions: number;
  readonly rowsPerChunk: number;
  readonly chunks: readonly VectorChunk[];
  /** Rows in use; those beyond are not looked at. */
  readonly rows: number;
  /** The cue as a unit vector; null ranks by `occurredAtMs`, newest first. */
  readonly cue: Float32Array | null;
  readonly occurredFromMs: number;
  readonly occurredUntilMs: number;
  readonly contextBits: number;
  readonly limit: number;
}

export interface ScanResult {
  /** Best first. */
  readonly rows: Int32Array;
  /** Cosine similarity of each row, or its `occurredAtMs`. */
  readonly scores: Float64Array;
  /** Rows that passed the filters. */
  readonly matched: number;
}

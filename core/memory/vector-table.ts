/**
 * The searchable columns of one space: embeddings as unit vectors, when each episode occurred, and a signature of its context. Chunks of shared
 * memory, so that a scan can run on another thread without copying; a row is written once, before it is marked, and used again only when no scan
 * that might see it is running.
 */
import { invariant } from '../invariant.js';
import { normaliseInto, type VectorChunk } from './scan-kernel.js';

export type VectorRow = number;

export const searchable = {
  no: 0,
  withEmbedding: 1,
  /** Found by time and context only: no embedding, or one that cannot be compared with the space's. */
  withoutEmbedding: 2,
} as const;

const rowsPerChunk = 1_024;

function newChunk(dimensions: number): VectorChunk {
  return {
    vectors: new Float32Array(new SharedArrayBuffer(rowsPerChunk * dimensions * 4)),
    searchable: new Uint8Array(new SharedArrayBuffer(rowsPerChunk)),
    occurredAtMs: new Float64Array(new SharedArrayBuffer(rowsPerChunk * 8)),
    contextBits: new Uint32Array(new SharedArrayBuffer(rowsPerChunk * 4)),
  };
}

export class VectorTable {
  readonly rowsPerChunk = rowsPerChunk;
  #dimensions = 0;
  #chunks: VectorChunk[] = [];
  #rows = 0;
  #free: VectorRow[] = [];
  /** Freed while scans were running: free once all of those have ended. */
  #quarantine: VectorRow[] = [];
  #scansRunning = 0;
  /** Marked searchable while scans were running, in order: those may have passed the row by. Emptied once all of those have ended. */
  #shown: VectorRow[] = [];
  #searchableRows = 0;
  /** Whether each row's embedding can be compared: set when the row is written. */
  #comparable = new Uint8Array(rowsPerChunk);
  /** Version whose columns a row holds. */
  #owner = new Int32Array(rowsPerChunk).fill(-1);

  /** 0 until the first embedding fixes it. */
  get dimensions(): number {
    return this.#dimensions;
  }

  get rows(): number {
    return this.#rows;
  }

  get chunks(): readonly VectorChunk[] {
    return this.#chunks;
  }

  /** Rows that a recall can find: one for each readable memory. */
  get searchableRows(): number {
    return this.#searchableRows;
  }

  fixDimensions(dimensions: number): void {
    invariant(this.#dimensions === 0 && dimensions > 0, 'the dimension of a space is fixed once');
    this.#dimensions = dimensions;
    this.#chunks = this.#chunks.map((chunk) => ({
      ...chunk,
      vectors: new Float32Array(new SharedArrayBuffer(rowsPerChunk * dimensions * 4)),
    }));
  }

  /** Writes a row that no scan finds yet. `embedding` null or of zero length: found by time and context only. */
  add(row: { readonly embedding: Float32Array | null; readonly occurredAtMs: number; readonly contextBits: number }): VectorRow {
    const at = this.#free.pop() ?? this.#rows;
    if (at === this.#rows) {
      this.#rows += 1;
      if (this.#rows > this.#chunks.length * rowsPerChunk) this.#addChunk();
    }
    const chunk = this.#chunks[Math.floor(at / rowsPerChunk)];
    const within = at % rowsPerChunk;
    invariant(row.embedding === null || row.embedding.length === this.#dimensions, 'an embedding has the dimension of its space');
    this.#comparable[at] = row.embedding !== null && normaliseInto(row.embedding, chunk.vectors, within * this.#dimensions) ? 1 : 0;
    chunk.searchable[within] = searchable.no;
    chunk.occurredAtMs[within] = row.occurredAtMs;
    chunk.contextBits[within] = row.contextBits;
    return at;
  }

  setSearchable(row: VectorRow, found: boolean): void {
    const chunk = this.#chunks[Math.floor(row / rowsPerChunk)];
    const within = row % rowsPerChunk;
    if ((chunk.searchable[within] !== searchable.no) === found) return;
    this.#searchableRows += found ? 1 : -1;
    if (found && this.#scansRunning > 0) this.#shown.push(row);
    if (!found) chunk.searchable[within] = searchable.no;
    else chunk.searchable[within] = this.#comparable[row] === 1 ? searchable.withEmbedding : searchable.withoutEmbedding;
  }

  /** Says whose columns the row holds. */
  assign(row: VectorRow, version: number): void {
    this.#owner[row] = version;
  }

  /** The version that a scan has found in this row; -1 when it is not readable any more. */
  versionAt(row: VectorRow): number {
    return this.isSearchable(row) ? this.#owner[row] : -1;
  }

  isSearchable(row: VectorRow): boolean {
    return this.#chunks[Math.floor(row / rowsPerChunk)].searchable[row % rowsPerChunk] !== searchable.no;
  }

  remove(row: VectorRow): void {
    this.setSearchable(row, false);
    if (this.#scansRunning > 0) this.#quarantine.push(row);
    else this.#free.push(row);
  }

  /** Returns a mark to end the scan with. */
  scanStarted(): number {
    this.#scansRunning += 1;
    return this.#shown.length;
  }

  /** The rows, ascending, that have become searchable since that scan started and still are: it may not have seen them. */
  scanEnded(mark: number): VectorRow[] {
    this.#scansRunning -= 1;
    invariant(this.#scansRunning >= 0, 'a scan ends once');
    const shown = [...new Set(this.#shown.slice(mark))].filter((row) => this.isSearchable(row)).sort((left, right) => left - right);
    if (this.#scansRunning > 0) return shown;
    this.#shown = [];
    for (const row of this.#quarantine) this.#free.push(row);
    this.#quarantine = [];
    return shown;
  }

  /** These rows as chunks of one row each, for a scan of nothing else. */
  chunksOf(rows: readonly VectorRow[]): VectorChunk[] {
    return rows.map((row) => {
      const { vectors, searchable, occurredAtMs, contextBits } = this.#chunks[Math.floor(row / rowsPerChunk)];
      const at = row % rowsPerChunk;
      return {
        vectors: vectors.subarray(at * this.#dimensions, (at + 1) * this.#dimensions),
        searchable: searchable.subarray(at, at + 1),
        occurredAtMs: occurredAtMs.subarray(at, at + 1),
        contextBits: contextBits.subarray(at, at + 1),
      };
    });
  }

  #addChunk(): void {
    this.#chunks = [...this.#chunks, newChunk(this.#dimensions)];
    if (this.#comparable.length < this.#chunks.length * rowsPerChunk) {
      const comparable = new Uint8Array(this.#comparable.length * 2);
      comparable.set(this.#comparable);
      this.#comparable = comparable;
      const owner = new Int32Array(comparable.length).fill(-1);
      owner.set(this.#owner);
      this.#owner = owner;
    }
  }
}

/**
 * Get and recall: from the readable state to answers, records read back from cache or disk on the way. Only synced records are ever seen.
 *
 * A recall scans outside `handle` and is judged again when the scan comes back: what ceased to be readable meanwhile is left out, what became readable
 * meanwhile is looked at as well (a memory whose version was replaced would be missing otherwise, though it was there all the time), and what a signature
 * let pass is checked against the record itself.
 */
import { type CausalContext, contextWith, emptyContext, encodeContext, joinContexts } from '../clock/causal-context.js';
import { type ErrorCode, type ErrorDetails, failure } from '../errors.js';
import type { Now } from '../events.js';
import type { Dot, SpaceKey } from '../identifiers.js';
import type { NodeServices, PartitionView } from '../node-services.js';
import type { MemoryRow, VersionRow } from '../storage/record-index.js';
import { contextBitsOf, decodeEpisode } from '../wire/episode.js';
import type { Confidence, GetRequest, Memory, RecallRequest } from '../wire/generated/engram/v1/service.js';
import { encodeVersion } from '../wire/version-bytes.js';
import type { CopyStanding, ReplyBody } from './answers.js';
import { adjustedConfidence, expNegative, noNewerVersionUnheard } from './derived-confidence.js';
import { versionsOf } from './merge.js';
import type { ScanJob, ScanResult } from './scan-kernel.js';
import { normaliseInto, scan } from './scan-kernel.js';
import type { SpaceStore } from './space-store.js';
import type { VectorRow } from './vector-table.js';

export type Answer = (body: ReplyBody, now: Now) => void;

/** A version as it was when it was chosen: its row may mean something else once its payload has been read. */
interface Chosen {
  readonly version: VersionRow;
  readonly dot: Dot;
  readonly confidence: number;
  readonly writtenAtMs: number;
  readonly score: number;
}

/** What an answer says of its copy. */
interface Doubts {
  /** P(no newer version of a memory exists), as far as what is missing on this disk goes. */
  readonly newer: number;
  /** It lags behind nobody. */
  readonly isCurrent: boolean;
  readonly reasons: readonly string[];
}

interface Recall {
  readonly space: SpaceStore;
  readonly request: RecallRequest;
  readonly cue: Float32Array | null;
  readonly limit: number;
  /** Rows asked of the scan: more than the limit, since some may turn out not to match. */
  readonly asked: number;
  readonly answer: Answer;
}

interface RunningScan {
  readonly recall: Recall;
  readonly job: ScanJob;
  /** Of the table, when the scan started. */
  readonly mark: number;
}

interface ScoredRow {
  readonly row: VectorRow;
  readonly score: number;
}

const noContext = new Uint8Array(0);
const nothingRecalled: ReplyBody = {
  $case: 'recalled',
  value: { memories: [], coverage: { targets: 1, answered: 1, searched: 0, total: 0, reasons: [] } },
};
const recallLimitDefault = 10;
/** Answers beyond this are cut short, and say so. */
const replyBytesMax = 16 * 2 ** 20;
const spareRows = 16;

export class Reads {
  readonly #services: NodeServices;
  readonly #copies: CopyStanding;

  constructor(services: NodeServices, copies: CopyStanding) {
    this.#services = services;
    this.#copies = copies;
  }

  get(key: SpaceKey, request: GetRequest, answer: Answer, now: Now): void {
    const space = this.#services.store.spaceIfHeld(key);
    const id = this.#services.pure.utf8Encode(request.id);
    const memory = space?.index.find(id, 0, id.length) ?? -1;
    const nothing = { memory: undefined, alternates: [], alternatesTotal: 0, context: noContext };
    if (space === undefined) return answer({ $case: 'got', value: nothing }, now);
    const lost = this.#copies.term(key, now) === null ? 0 : this.#lost(space, now);
    if (memory < 0 && lost > 0) {
      // Whether it was ever remembered is more than this copy can say.
      const message = `${JSON.stringify(request.id)} is not here, and ${lost} records are missing on the disk of node ${this.#services.configuration.name}`;
      return answer({ $case: 'failure', value: failure('DATA_DAMAGED', { message, field: 'id' }) }, now);
    }
    if (memory < 0) return answer({ $case: 'got', value: nothing }, now);
    const { live } = space.standing(memory, { pending: false });
    if (live.length === 0)
      return answer({ $case: 'got', value: { ...nothing, context: encodeContext(this.#contextOf(space, memory)) } }, now);
    const listed = live.slice(0, 1 + this.#services.configuration.memory.alternatesListedMax);
    const chosen = listed.map((version) => choose(space, version, 0));
    const context = encodeContext(this.#contextOf(space, memory));
    this.#readAll(
      space,
      listed,
      (payloads, then) => {
        const readable = payloads[0];
        if (readable === null) {
          const message = `the record of ${JSON.stringify(request.id)} is damaged on the disk of node ${this.#services.configuration.name}`;
          return answer({ $case: 'failure', value: failure('DATA_DAMAGED', { message, field: 'id' }) }, then);
        }
        const doubts = this.#doubts(space, then);
        const memories: Memory[] = [];
        for (const [index, each] of chosen.entries()) {
          const payload = payloads[index];
          if (payload !== null) memories.push(this.#memory(space, each, payload, doubts, then));
        }
        const [first, ...alternates] = memories;
        answer({ $case: 'got', value: { memory: first, alternates, alternatesTotal: live.length - 1, context } }, then);
      },
      now,
    );
  }

  /** All versions of the id that this copy holds, deletes included. */
  #contextOf(space: SpaceStore, memory: MemoryRow): CausalContext {
    let context: CausalContext = emptyContext;
    for (const version of versionsOf(space.index, memory, { pending: false })) {
      context = joinContexts(context, space.contexts.get(version) ?? emptyContext);
      context = contextWith(context, { author: space.index.authorOf(version), sequence: space.index.columns.sequence[version] });
    }
    return context;
  }

  #readAll(
    space: SpaceStore,
    versions: readonly VersionRow[],
    then: (payloads: readonly (Uint8Array | null)[], now: Now) => void,
    now: Now,
  ): void {
    const payloads: (Uint8Array | null)[] = versions.map(() => null);
    let left = versions.length;
    if (left === 0) return then(payloads, now);
    versions.forEach((version, index) => {
      this.#services.store.readPayload(
        space,
        version,
        (payload, later) => {
          payloads[index] = payload;
          left -= 1;
          if (left === 0) then(payloads, later);
        },
        now,
      );
    });
  }

  #memory(space: SpaceStore, chosen: Chosen, payload: Uint8Array, doubts: Doubts, now: Now): Memory {
    const { dot, writtenAtMs, score } = chosen;
    return { episode: payload, version: encodeVersion(dot), confidence: this.#confidence(space, chosen, doubts, now), score, writtenAtMs };
  }

  /** Records that are known to have been written and are not here. What every copy has and none of them holds is gone, and no longer missing. */
  #lost(space: SpaceStore, now: Now): number {
    const copies = this.#services.otherCopies(space.key).length + 1;
    if (copies > 1 && this.#copies.reachableCopies(space.key, now) === copies) return this.#copies.lag(space.key, now).records;
    return space.missingCount();
  }

  /** What this copy cannot see, the same for all memories of one answer. */
  #doubts(space: SpaceStore, now: Now): Doubts {
    const primary = this.#copies.term(space.key, now) !== null;
    const lag = this.#copies.lagOfAnswer(space.key, now);
    const reasons: string[] = [];
    let newer = 1;
    // Each record that is missing here may be of any memory alike.
    const lost = primary ? this.#lost(space, now) : lag.records;
    if (lost > 0) {
      newer = expNegative(lost / (space.index.memoryCount + lost));
      reasons.push(`${lost} records are missing on this disk`);
    }
    if (lag.ms !== 0) reasons.push(lag.ms === null ? 'this copy cannot tell how far it lags' : `this copy may lag by ${lag.ms} ms`);
    const cut = reasonOfCut(this.#services.partition);
    if (cut !== null) reasons.push(cut);
    return { newer, isCurrent: lag.ms === 0, reasons };
  }

  /** Derived when read, never written back. */
  #confidence(space: SpaceStore, { confidence: stored, dot }: Chosen, doubts: Doubts, now: Now): Confidence {
    let { newer } = doubts;
    if (!doubts.isCurrent) {
      const sinceStartMs = this.#services.sinceStartMs(now);
      const { onTheWay, inSilence } = this.#copies.unheardMs(space.key, dot, now);
      const updatesPerMs = space.updates.perMemoryMs({ memories: space.index.memoryCount, sinceStartMs });
      newer *= noNewerVersionUnheard({ updatesPerMs, onTheWay, inSilence: Math.min(inSilence, sinceStartMs) });
    }
    return {
      stored,
      noNewerVersion: newer,
      inTopK: 1,
      adjusted: adjustedConfidence({ stored, noNewerVersion: newer, inTopK: 1 }),
      reasons: doubts.reasons.slice(),
    };
  }

  recall(key: SpaceKey, request: RecallRequest, answer: Answer, now: Now): void {
    const space = this.#services.store.spaceIfHeld(key);
    const fault = this.#recallFault(space, request);
    if (fault !== null) return answer({ $case: 'failure', value: failure(fault.code, fault) }, now);
    if (space === undefined) return answer(nothingRecalled, now);
    const limit = request.limit === 0 ? recallLimitDefault : request.limit;
    let cue: Float32Array | null = null;
    if (request.embedding.length > 0) {
      cue = new Float32Array(request.embedding.length);
      normaliseInto(request.embedding, cue, 0);
    }
    this.#scan({ space, request, cue, limit, asked: limit + spareRows, answer }, now);
  }

  #recallFault(space: SpaceStore | undefined, request: RecallRequest): (ErrorDetails & { readonly code: ErrorCode }) | null {
    const { recallLimitMax } = this.#services.configuration.memory;
    if (request.limit > recallLimitMax) {
      return { code: 'INVALID_ARGUMENT', field: 'limit', message: `limit is 1 to ${recallLimitMax}, not ${request.limit}` };
    }
    if (!request.embedding.every(Number.isFinite)) {
      return { code: 'INVALID_ARGUMENT', field: 'embedding', message: 'every number of the cue is finite' };
    }
    if (request.embedding.length > 0 && request.embedding.every((value) => value === 0)) {
      return { code: 'INVALID_ARGUMENT', field: 'embedding', message: 'a cue of zeros has no direction to compare' };
    }
    const dimensions = space?.vectors.dimensions ?? 0;
    if (space === undefined || dimensions === 0 || request.embedding.length === 0) return null;
    if (request.embedding.length !== dimensions) {
      const message = `space ${space.name} holds embeddings of ${dimensions} dimensions, the cue has ${request.embedding.length}`;
      return { code: 'DIMENSION_MISMATCH', field: 'embedding', message };
    }
    if (request.embedder !== '' && request.embedder !== space.search.embedder) {
      const message = `space ${space.name} was made with embedder ${space.search.embedder || '(none named)'}, the cue by ${request.embedder}`;
      return { code: 'EMBEDDER_MISMATCH', field: 'embedder', message };
    }
    return null;
  }

  #scan(recall: Recall, now: Now): void {
    const { space, request, cue } = recall;
    // Nothing to compare with: no embedding has come to this space yet.
    if (space.vectors.rows === 0 || (cue !== null && space.vectors.dimensions === 0)) return this.#found(recall, [], [], now);
    const job: ScanJob = {
      kind: 'scan',
      dimensions: space.vectors.dimensions,
      rowsPerChunk: space.vectors.rowsPerChunk,
      chunks: space.vectors.chunks,
      rows: space.vectors.rows,
      cue,
      occurredFromMs: request.occurredFromMs ?? Number.NEGATIVE_INFINITY,
      occurredUntilMs: request.occurredUntilMs ?? Number.POSITIVE_INFINITY,
      contextBits: contextBitsOf(request, this.#services.pure),
      limit: recall.asked,
    };
    const running: RunningScan = { recall, job, mark: space.vectors.scanStarted() };
    this.#services.computations.scan(job, (result, then) => this.#scanned(running, result, then));
  }

  #scanned(running: RunningScan, result: ScanResult, now: Now): void {
    const { recall } = running;
    const { space } = recall;
    const chosen: Chosen[] = [];
    for (const { row, score } of bestRows(running, result)) {
      const version = space.vectors.versionAt(row);
      if (version < 0 || space.index.columns.confidence[version] < recall.request.confidenceMin) continue;
      chosen.push(choose(space, version, recall.cue === null ? 0 : score));
    }
    const exhausted = result.rows.length < recall.asked;
    const versions = chosen.map(({ version }) => version);
    this.#readAll(space, versions, (payloads, then) => this.#judge(recall, { chosen, payloads, exhausted }, then), now);
  }

  #judge(
    recall: Recall,
    found: {
      readonly chosen: readonly Chosen[];
      readonly payloads: readonly (Uint8Array | null)[];
      readonly exhausted: boolean;
    },
    now: Now,
  ): void {
    const kept: Memory[] = [];
    const reasons: string[] = [];
    let damaged = 0;
    let bytes = 0;
    const doubts = this.#doubts(recall.space, now);
    for (let at = 0; at < found.chosen.length && kept.length < recall.limit; at += 1) {
      const payload = found.payloads[at];
      if (payload === null) {
        damaged += 1;
        continue;
      }
      if (!this.#matches(recall, payload)) continue;
      bytes += payload.length;
      if (bytes > replyBytesMax && kept.length > 0) {
        reasons.push(`the answer was cut at ${replyBytesMax} bytes`);
        break;
      }
      kept.push(this.#memory(recall.space, found.chosen[at], payload, doubts, now));
    }
    if (damaged > 0) reasons.push(`${damaged} of the best are damaged on this disk`);
    // Signatures let too much pass: look deeper.
    if (kept.length < recall.limit && !found.exhausted && reasons.length === 0) {
      return this.#scan({ ...recall, asked: recall.asked * 4 }, now);
    }
    this.#found(recall, kept, reasons, now);
  }

  #matches(recall: Recall, payload: Uint8Array): boolean {
    const { request } = recall;
    if (request.who === '' && request.where === '' && request.tags.length === 0) return true;
    const episode = decodeEpisode(payload, this.#services.pure);
    if (episode === null) return false;
    if (request.who !== '' && episode.who !== request.who) return false;
    if (request.where !== '' && episode.where !== request.where) return false;
    return request.tags.every((tag) => episode.tags.includes(tag));
  }

  #found(recall: Recall, memories: Memory[], reasons: string[], now: Now): void {
    const searched = recall.space.vectors.searchableRows;
    const lost = this.#lost(recall.space, now);
    if (lost > 0) reasons.push(`${lost} records are missing on this disk`);
    const coverage = { targets: 1, answered: 1, searched, total: searched + lost, reasons };
    recall.answer({ $case: 'recalled', value: { memories, coverage } }, now);
  }
}

/** Ends a scan: what it found and what has become searchable since it started, best first. */
function bestRows({ recall, job, mark }: RunningScan, { rows, scores }: ScanResult): ScoredRow[] {
  const { vectors } = recall.space;
  const shown = vectors.scanEnded(mark);
  const found = Array.from(rows, (row, at): ScoredRow => ({ row, score: scores[at] }));
  if (shown.length === 0) return found;
  const late = scan({ ...job, rowsPerChunk: 1, chunks: vectors.chunksOf(shown), rows: shown.length });
  // Of what ranks behind the last row of a full result the scan has kept nothing: others may be better.
  const scoreMin = rows.length < job.limit ? Number.NEGATIVE_INFINITY : scores[rows.length - 1];
  const lately = Array.from(late.rows, (at, place): ScoredRow => ({ row: shown[at], score: late.scores[place] }));
  const known = new Set(shown);
  return [...found.filter(({ row }) => !known.has(row)), ...lately.filter(({ score }) => score >= scoreMin)].sort(
    (left, right) => right.score - left.score || left.row - right.row,
  );
}

function choose(space: SpaceStore, version: VersionRow, score: number): Chosen {
  const { columns } = space.index;
  const dot = { author: space.index.authorOf(version), sequence: columns.sequence[version] };
  return { version, dot, confidence: columns.confidence[version], writtenAtMs: columns.timeMs[version], score };
}

/** What is out of reach may hold newer writes. How probably is a matter of lag; that there is a cut, of membership. */
function reasonOfCut(partition: PartitionView | null): string | null {
  if (partition === null || partition.partitionState === 'connected') return null;
  const { reachable, total } = partition.reach;
  if (partition.partitionState === 'partitioned') return `the cluster is partitioned: ${reachable} of ${total} members are in reach`;
  return `the cluster is healing from a partition: ${reachable} of ${total} members are in reach`;
}

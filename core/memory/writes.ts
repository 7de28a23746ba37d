/**
 * Remember, update, forget: from a request to a record in the log and, once enough copies have synced it, to an answer.
 *
 * A write is checked, placed after everything that this primary holds of its id, given a dot and appended; nothing is answered before the log says
 * that it is durable. Retries are recognised by request id, which versions carry, so that recognising them survives restarts and failovers.
 */
import { type CausalContext, contextEntriesMax, contextWith, decodeContext, emptyContext, joinContexts } from '../clock/causal-context.js';
import { type ErrorCode, type ErrorDetails, failure } from '../errors.js';
import type { Now } from '../events.js';
import { type Dot, memoryIdBytesMax, type SpaceKey, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { type VersionRow, versionFlags } from '../storage/record-index.js';
import { checkEpisode, decodeEpisode, EpisodeView, encodeEpisode } from '../wire/episode.js';
import { type RecordDraft, type RecordType, recordLength, recordTypes, type SupersededRequest, writeRecord } from '../wire/record.js';
import { decodeVersion } from '../wire/version-bytes.js';
import type { Acknowledgements } from './acknowledgements.js';
import { carriesRequest, versionsOf } from './merge.js';
import type { SpaceStore } from './space-store.js';
import { AwaitedWrite, requestHigh, requestLow, type WriteIntent } from './write-intent.js';

/** Superseded requests that are carried whatever their age. */
const supersededAlwaysKept = 8;
const noPayload = new Uint8Array(0);
/** Room for who, where, tags and embedder beside text and embedding. */
const otherFieldsBytesMax = 64 * 1_024;

export class Writes {
  readonly #services: NodeServices;
  readonly #acknowledgements: Acknowledgements;
  readonly #episode = new EpisodeView();
  readonly #hash = new Uint32Array(2);
  /** The last sequence given in each space by this boot, by its name: a space may be let go of and held again. */
  readonly #sequences = new Map<SpaceKey, number>();

  constructor(services: NodeServices, acknowledgements: Acknowledgements) {
    this.#services = services;
    this.#acknowledgements = acknowledgements;
  }

  /** `wait`: there is no room in the log now; nothing has happened yet. */
  begin(intent: WriteIntent, now: Now): 'taken' | 'wait' {
    // Judged when the record is made, not when the request came: a term may have ended while it waited for room.
    const term = intent.request.term(now);
    // A copy that was let go of while the write waited takes nothing any more.
    const { space } = intent.request;
    const isHeld = this.#services.store.spaceIfHeld(space.key) === space;
    const outcome = term === null || !isHeld ? notPrimary(this.#services.configuration.name) : this.#attempt(intent, term, now);
    if (outcome === 'wait') return 'wait';
    if (outcome !== null) this.#fail(intent, outcome.code, outcome, now);
    return 'taken';
  }

  #attempt(intent: WriteIntent, term: Term, now: Now): Attempt {
    return intent.kind === 'forget' ? this.#forget(intent, term, now) : this.#write(intent, term, now);
  }

  #fail(intent: WriteIntent, code: ErrorCode, details: ErrorDetails, now: Now): void {
    intent.request.finish(intent.entry, { $case: 'failure', value: failure(code, details) }, now);
  }

  #write(intent: WriteIntent, term: Term, now: Now): Attempt {
    const { space } = intent.request;
    const { pure } = this.#services;
    const episode = this.#episode;
    let { payload } = intent;
    const { textBytesMax, dimensionsMax } = this.#services.configuration.memory;
    const bytesMax = textBytesMax + dimensionsMax * 4 + otherFieldsBytesMax;
    if (payload.length > bytesMax) {
      const message = `an encoded episode has at most ${bytesMax} bytes, this one has ${payload.length}`;
      return { code: 'INVALID_ARGUMENT', field: 'episode', message };
    }
    const fault = checkEpisode(payload, this.#services.configuration.memory, episode, pure);
    if (fault !== null) return fault;
    if (!episode.canonical) {
      const content = decodeEpisode(payload, pure);
      if (content === null)
        return { code: 'INVALID_ARGUMENT', field: 'episode', message: 'the episode is not an encoded engram.v1.Episode' };
      payload = encodeEpisode(content, pure);
      const again = checkEpisode(payload, this.#services.configuration.memory, episode, pure);
      if (again !== null) return again;
    }
    const mismatch = this.#mismatch(space, payload);
    if (mismatch !== null) return mismatch;
    pure.hash64(payload, this.#hash);
    const id = { source: payload, offset: episode.idOffset, length: episode.idLength };
    const held = this.#held(intent, id);
    if (held.duplicate >= 0) return this.#repeat(intent, held, 'request-id', now);
    const current = held.live[0] ?? -1;
    if (current >= 0 && intent.kind === 'remember' && this.#sameContent(space, current))
      return this.#repeat(intent, { ...held, duplicate: current, superseded: false }, 'content', now);
    if (intent.kind === 'update' && current < 0) return notFound(this.#idText(id));
    const conflict = this.#conflict(intent, current, id);
    if (conflict !== null) return conflict;
    const context = this.#contextOf(intent, held.versions);
    if (!('authors' in context)) return context;
    const type = current < 0 ? recordTypes.episode : recordTypes.update;
    return this.#append(intent, { term, type, id, payload, context, held, confidence: episode.confidence }, now);
  }

  #forget(intent: WriteIntent, term: Term, now: Now): Attempt {
    const { payload } = intent;
    const { space } = intent.request;
    const fault = forgetFault(payload);
    if (fault !== null) return fault;
    const id = { source: payload, offset: 0, length: payload.length };
    const held = this.#held(intent, id);
    if (held.duplicate >= 0) return this.#repeat(intent, held, 'request-id', now);
    const current = held.live[0] ?? -1;
    // With a context the client says what it wants gone, though this copy may not have heard of it yet.
    if (current < 0 && intent.context.length === 0) return notFound(this.#idText(id));
    const conflict = this.#conflict(intent, current, id);
    if (conflict !== null) return conflict;
    const context = this.#contextOf(intent, held.versions);
    if (!('authors' in context)) return context;
    const confidence = current < 0 ? 1 : space.index.columns.confidence[current];
    this.#hash.fill(0);
    return this.#append(intent, { term, type: recordTypes.tombstone, id, payload: noPayload, context, held, confidence }, now);
  }

  #idText(id: IdBytes): string {
    return this.#services.pure.utf8Decode(id.source.subarray(id.offset, id.offset + id.length));
  }

  #mismatch(space: SpaceStore, payload: Uint8Array): Fault | null {
    const { dimensions } = space.vectors;
    const episode = this.#episode;
    if (episode.dimensions === 0 || dimensions === 0) return null;
    if (episode.dimensions !== dimensions) {
      const message = `space ${space.name} holds embeddings of ${dimensions} dimensions, this one has ${episode.dimensions}`;
      return { code: 'DIMENSION_MISMATCH', field: 'episode.embedding', message };
    }
    if (space.search.isSameEmbedder(payload, episode)) return null;
    const embedder = space.search.embedderOf(payload, episode);
    const message = `space ${space.name} was made with embedder ${nameOf(space.search.embedder)}, this embedding by ${nameOf(embedder)}`;
    return { code: 'EMBEDDER_MISMATCH', field: 'episode.embedder', message };
  }

  /** Everything that this primary holds of the id, appended or synced, and whether this very request is among it. */
  #held(intent: WriteIntent, id: IdBytes): Held {
    const { space } = intent.request;
    const memory = space.index.find(id.source, id.offset, id.length);
    if (memory < 0) return notHeld;
    const high = requestHigh(intent);
    const low = requestLow(intent);
    const versions = versionsOf(space.index, memory, { pending: true });
    const { live } = space.standing(memory, { pending: true });
    let duplicate = -1;
    let superseded = false;
    if (high !== 0 || low !== 0) {
      const { columns } = space.index;
      duplicate =
        versions.find(
          (version) => columns.requestHigh[version] === high && columns.requestLow[version] === low && isReadable(space, version),
        ) ?? -1;
      // Carried out before and superseded since: the write is done, what took its place stands.
      if (duplicate < 0) {
        duplicate = versions.find((version) => carriesRequest(space, version, high, low)) ?? -1;
        superseded = duplicate >= 0;
      }
    }
    return { memory, versions, live, duplicate, superseded };
  }

  #sameContent(space: SpaceStore, version: VersionRow): boolean {
    const { columns } = space.index;
    return columns.hashHigh[version] === this.#hash[0] && columns.hashLow[version] === this.#hash[1] && isReadable(space, version);
  }

  #conflict(intent: WriteIntent, current: VersionRow, id: IdBytes): Fault | null {
    if (intent.expectedVersion.length === 0) return null;
    const expected = decodeVersion(intent.expectedVersion);
    if (expected === null)
      return { code: 'INVALID_ARGUMENT', field: 'expected_version', message: 'the expected version is none that Engram gave out' };
    const { index } = intent.request.space;
    if (current >= 0 && index.authorOf(current) === expected.author && index.columns.sequence[current] === expected.sequence) return null;
    return { code: 'CONFLICT', field: 'expected_version', message: `${this.#idText(id)} is at another version than the one expected` };
  }

  /** What the new version takes the place of: all that is held here, and what the client has read elsewhere. */
  #contextOf(intent: WriteIntent, versions: readonly VersionRow[]): CausalContext | Fault {
    const { space } = intent.request;
    const own = this.#services.store.author;
    let context: CausalContext = emptyContext;
    if (intent.context.length > 0) {
      const given = decodeContext(intent.context);
      if (given === null) {
        return { code: 'INVALID_ARGUMENT', field: 'context', message: 'the context is none that Engram gave out' };
      }
      context = given;
    }
    for (const version of versions) {
      const author = space.index.authorOf(version);
      const known = space.contexts.get(version);
      if (known !== undefined) context = joinContexts(context, known);
      if (author !== own) context = contextWith(context, { author, sequence: space.index.columns.sequence[version] });
    }
    const at = context.authors.indexOf(own);
    const foreign =
      at < 0
        ? context
        : { authors: context.authors.filter((_, index) => index !== at), sequences: context.sequences.filter((_, index) => index !== at) };
    if (foreign.authors.length < contextEntriesMax) return foreign;
    const message = `a version takes the place of those of fewer than ${contextEntriesMax} boots, this one of ${foreign.authors.length}`;
    const given = intent.context.length > 0;
    return { code: given ? 'INVALID_ARGUMENT' : 'OVERLOADED', field: 'context', message, hint: 'remember it under another id' };
  }

  /**
   * Requests that the new version takes the place of, the youngest first: those within the retry window, and the last few whatever the clock says, since
   * a wall clock may have jumped in between.
   */
  #supersededBy(space: SpaceStore, versions: readonly VersionRow[], timeMs: number): readonly SupersededRequest[] {
    const { retryWindowMs, supersededRequestIdsMax } = this.#services.configuration.memory;
    const { columns } = space.index;
    const list: SupersededRequest[] = [];
    // By the first halves of their ids: nearly always enough to see whether an id is in the list, however many versions carry it.
    const listed = new Map<number, SupersededRequest>();
    for (const version of versions) {
      const [high, low, ms] = [columns.requestHigh[version], columns.requestLow[version], columns.timeMs[version]];
      if (high !== 0 || low !== 0) {
        const own = { high, low, ms };
        list.push(own);
        listed.set(high, own);
      }
      for (const request of space.superseded.get(version) ?? []) {
        const alike = listed.get(request.high);
        if (
          alike?.low === request.low ||
          (alike !== undefined && list.some(({ high, low }) => high === request.high && low === request.low))
        )
          continue;
        list.push(request);
        listed.set(request.high, request);
      }
    }
    if (list.length <= supersededAlwaysKept) return list;
    list.sort((left, right) => right.ms - left.ms || right.high - left.high || right.low - left.low);
    return list
      .slice(0, supersededRequestIdsMax)
      .filter((request, at) => at < supersededAlwaysKept || timeMs - request.ms <= retryWindowMs);
  }

  #append(intent: WriteIntent, write: NewRecord, now: Now): 'wait' | Fault | null {
    const { space, requestId } = intent.request;
    const { store, clock, pure } = this.#services;
    const superseded = this.#supersededBy(space, write.held.versions, Math.max(clock.latest().ms, now.wallMs));
    const dot: Dot = { author: store.author, sequence: (this.#sequences.get(space.key) ?? 0) + 1 };
    const tombstone = write.type === recordTypes.tombstone;
    const draft: RecordDraft = {
      type: write.type,
      term: write.term,
      timeMs: 0,
      timeLogical: 0,
      author: dot.author,
      authorBytes: store.authorBytes,
      sequence: dot.sequence,
      request: requestId,
      requestHigh: requestHigh(intent),
      requestLow: requestLow(intent),
      hashHigh: this.#hash[0],
      hashLow: this.#hash[1],
      confidence: write.confidence,
      spaceGeneration: space.generation,
      spaceName: space.nameBytes,
      idSource: write.id.source,
      idOffset: write.id.offset,
      idLength: write.id.length,
      context: write.context,
      superseded,
      payload: write.payload,
    };
    // The very bytes, before a dot is given: space that was judged too small would fail behind the promise.
    const length = recordLength(draft);
    const room = store.room(length);
    if (room === 'wait') return 'wait';
    if (room === 'full')
      return { code: 'STORAGE_FULL', message: `node ${this.#services.configuration.name} has no disk space left for new records` };
    const time = clock.next(now.wallMs);
    draft.timeMs = time.ms;
    draft.timeLogical = time.logical;
    this.#sequences.set(space.key, dot.sequence);
    const memory = write.held.memory >= 0 ? write.held.memory : space.index.addAbsent(write.id.source, write.id.offset, write.id.length);
    const row = tombstone ? -1 : space.search.add(write.payload, this.#episode, time.ms);
    const version = space.addPending(memory, draft, { tombstone, row });
    store.appendOwn(length, version, space, dot, (target, at) => writeRecord(draft, target, at, pure));
    this.#acknowledgements.wait(new AwaitedWrite(intent, dot, write.context, 'written'), now);
    return null;
  }

  /** The request has been carried out before: it waits for the same record, and gets the same answer. */
  #repeat(intent: WriteIntent, held: Held, by: 'content' | 'request-id', now: Now): null {
    const { space } = intent.request;
    const { index, contexts } = space;
    const version = held.duplicate;
    this.#services.effects.journal.note({ kind: 'write.duplicate', space: space.key, by });
    const dot = { author: index.authorOf(version), sequence: index.columns.sequence[version] };
    const context = contexts.get(version) ?? emptyContext;
    this.#acknowledgements.wait(new AwaitedWrite(intent, dot, context, held.superseded ? 'superseded' : 'duplicate'), now);
    return null;
  }
}

interface IdBytes {
  readonly source: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

interface Held {
  /** -1 when the id is not known here. */
  readonly memory: number;
  readonly versions: readonly VersionRow[];
  readonly live: readonly VersionRow[];
  /** The version that shows that this request was carried out before; -1 for none. */
  readonly duplicate: VersionRow;
  /** That version is not the request's own but took its place. */
  readonly superseded: boolean;
}

const notHeld: Held = { memory: -1, versions: [], live: [], duplicate: -1, superseded: false };

interface NewRecord {
  readonly term: Term;
  readonly type: RecordType;
  readonly id: IdBytes;
  readonly payload: Uint8Array;
  readonly context: CausalContext;
  readonly held: Held;
  readonly confidence: number;
}

/** What came of a write: a fault, no room yet, or null once it is on its way. */
type Attempt = Fault | 'wait' | null;

export type Fault = ErrorDetails & { readonly code: ErrorCode };

function notPrimary(name: string): Fault {
  return { code: 'NOT_PRIMARY', message: `node ${name} is a replica of this space and takes no writes` };
}

/** A version whose bytes are damaged is no answer to a retry: the write is made anew. */
function isReadable(space: SpaceStore, version: VersionRow): boolean {
  return !space.index.has(version, versionFlags.damaged);
}

function nameOf(embedder: string): string {
  return embedder === '' ? '(none named)' : embedder;
}

function notFound(id: string): Fault {
  return { code: 'NOT_FOUND', field: 'id', message: `there is no memory ${JSON.stringify(id)}` };
}

function forgetFault(id: Uint8Array): Fault | null {
  if (id.length > 0 && id.length <= memoryIdBytesMax) return null;
  return { code: 'INVALID_ARGUMENT', field: 'id', message: `an id has 1 to ${memoryIdBytesMax} bytes of UTF-8, this one has ${id.length}` };
}

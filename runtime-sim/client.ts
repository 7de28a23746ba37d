/**
 * A simulated client process: outside the nodes, reaching each over links of its own. It does one thing at a time, tries the copies of a space in row
 * order (where rows may change the one first that answered as primary last, and in the end all nodes), follows redirects, keeps the request id over its tries, and in the end says `info` of a write when any try may have happened.
 */
import type { Operation, RecalledMemory, SeenVersion } from '../checker/history.js';
import { isWrite } from '../checker/memory-traces.js';
import { requestIdBytes } from '../core/identifiers.js';
import { writeU32 } from '../core/wire/bytes.js';
import { type Failure, type Memory, type Reply, type ReplyHeader, Role } from '../core/wire/generated/engram/v1/service.js';
import { bytesToHex } from '../core/wire/hex.js';
import { Draws } from '../scenarios/random-streams.js';
import type { PlannedOperation } from '../scenarios/workload.js';
import { encodedRequest } from './client-requests.js';
import { spaceOf, valueOfEpisode, versionText } from './core-formats.js';
import type { MutableOperation } from './history-recorder.js';
import { decodeReply, readIdAndText } from './service-decoding.js';
import { eventKinds } from './trace.js';
import type { Answer, Call, World } from './world.js';

const tryTimeoutUs = 1_200_000;
const operationTimeoutUs = 5_000_000;
/** A node that did not answer is asked last for so long. */
const suspicionUs = 3_000_000;
/** Nodes without a copy that are asked at once. */
const othersAskedMax = 2;
const nothing = new Uint8Array(0);
/** Another copy may do better: go on with the tries. */
const otherCopyMayDo = new Set([
  'NOT_PRIMARY',
  'NOT_A_COPY',
  'STARTING',
  'OVERLOADED',
  'STORAGE_FULL',
  'DATA_DAMAGED',
  'STOPPING',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
]);

/** An operation as a client carries it out. */
export interface ClientOperation {
  readonly planned: PlannedOperation;
  readonly kind: Operation['kind'];
  /** The one node to ask as long as it holds a copy, or null for the copies in row order. */
  readonly only: number | null;
}

/** Who stands at an endpoint outside the nodes. */
export interface ClientEndpoint {
  /** Nothing is under way and nothing waits. */
  readonly idle: boolean;
  submit(operation: ClientOperation): void;
  answer(answer: Answer): void;
  /** The moment that was set for an attempt has come. */
  timedOut(attempt: number): void;
  /** What has not begun will not. */
  stop(): void;
}

export type ClientFactory = (world: World, endpoint: number) => ClientEndpoint;

interface Current {
  readonly operation: ClientOperation;
  readonly record: MutableOperation;
  readonly requestId: Uint8Array;
  readonly context: Uint8Array;
  readonly sessionToken: Uint8Array;
  readonly endUs: number;
  /** The request, which is the same in all tries; null before the first. */
  bytes: Uint8Array | null;
  /** Nodes still to be asked in this round. */
  candidates: number[];
  /** Nodes that have been asked in this round. */
  askedInRound: number[];
  asked: number;
  /** A try without a certain end: the write may have happened. */
  uncertain: boolean;
  lastCode: string | null;
}

export class SimulatedClient implements ClientEndpoint {
  readonly index: number;
  readonly #world: World;
  readonly #name: string;
  readonly #draws: Draws;
  /** Endpoints of the copies of a space, in row order. */
  readonly #copiesOf: ReadonlyMap<string, readonly number[]>;
  readonly #waiting: ClientOperation[] = [];
  #waitingHead = 0;
  #current: Current | null = null;
  #attempt = 0;
  /** Counts processes: one that does not know what became of its write retires. */
  #generation = 1;
  /** Its name. */
  #process: string;
  /** By space and id: the causal context of the latest answer. */
  readonly #contexts = new Map<string, Map<string, Uint8Array>>();
  /** By space: the token of the latest answer, and whose answer it was. */
  readonly #sessions = new Map<string, { readonly token: Uint8Array; readonly operation: number }>();
  readonly #suspectedUntilUs: Float64Array;
  /** By space, who answered as primary last; kept only where rows may change. */
  readonly #primaries: Map<string, number> | null;

  constructor(world: World, index: number, copiesOf: ReadonlyMap<string, readonly number[]>) {
    this.#world = world;
    this.index = index;
    this.#name = world.endpoints[index];
    this.#process = `${this.#name}.${this.#generation}`;
    this.#draws = new Draws(world.seed, `client/${this.#name}`);
    this.#copiesOf = copiesOf;
    this.#suspectedUntilUs = new Float64Array(world.plan.nodes.length);
    this.#primaries = world.plan.configuration.controlLog === undefined ? null : new Map();
  }

  get idle(): boolean {
    return this.#current === null && this.#waitingHead === this.#waiting.length;
  }

  stop(): void {
    this.#waitingHead = this.#waiting.length;
  }

  submit(operation: ClientOperation): void {
    this.#waiting.push(operation);
    if (this.#current === null) this.#next();
  }

  answer(answer: Answer): void {
    const current = this.#current;
    const late = current === null || answer.attempt !== this.#attempt;
    this.#world.tracer?.replyReceived(this.index, late);
    if (late) return;
    this.#attempt += 1;
    this.#suspectedUntilUs[answer.node] = 0;
    const reply = decodeReply(answer.bytes);
    const { record } = current;
    record.node = (reply.header?.nodeId ?? null) as Operation['node'];
    record.answeredAs = answeredAs(reply);
    if (reply.body?.$case === 'failure') this.#failed(current, reply.body.value);
    else this.#succeeded(current, reply);
  }

  /** A try has not been answered in time. */
  timedOut(attempt: number): void {
    const current = this.#current;
    if (current === null || attempt !== this.#attempt) return;
    this.#attempt += 1;
    this.#world.tracer?.tryTimedOut(this.index, current.asked >= 0 ? current.asked : null);
    if (current.asked >= 0) {
      this.#suspectedUntilUs[current.asked] = this.#world.nowUs + suspicionUs;
      current.uncertain = true;
      current.lastCode = 'TIMEOUT';
    }
    this.#tryNext(current);
  }

  #next(): void {
    if (this.#waitingHead === this.#waiting.length) return;
    const operation = this.#waiting[this.#waitingHead];
    this.#waitingHead += 1;
    const { planned, kind } = operation;
    const { nowUs } = this.#world;
    const context = planned.withContext === true ? (this.#contexts.get(planned.space)?.get(planned.id) ?? nothing) : nothing;
    const session = planned.withSession === true ? this.#sessions.get(planned.space) : undefined;
    const requestId = isWrite({ kind }) ? this.#drawRequestId() : nothing;
    const { recorder } = this.#world;
    const record = recorder.invoked({
      index: recorder.operations.length,
      process: this.#process,
      kind,
      space: spaceOf(planned.space),
      id: planned.id,
      value: planned.value ?? null,
      ack: planned.ack,
      invokedMs: this.#world.loadMs(nowUs),
      completedMs: Number.POSITIVE_INFINITY,
      outcome: 'info',
      error: null,
      node: null,
      answeredAs: null,
      version: null,
      seen: [],
      withContext: context.length > 0,
      requestId: bytesToHex(requestId, 0, requestId.length),
      unlisted: 0,
      sessionOf: session?.operation ?? null,
      // Named here though nobody knows them yet: checkers walk over all operations again and again, which is fastest when all have one shape.
      confidence: planned.confidence,
      embedded: planned.embedded === true ? true : undefined,
      limit: planned.limit,
      sessionSatisfied: undefined,
      hinted: undefined,
      lagMs: undefined,
      noNewerVersion: undefined,
      recalled: undefined,
      partial: undefined,
    });
    this.#world.tracer?.operationInvoked(this.index, record);
    this.#current = {
      operation,
      record,
      requestId,
      context,
      sessionToken: session?.token ?? nothing,
      endUs: nowUs + operationTimeoutUs,
      bytes: null,
      candidates: [],
      askedInRound: [],
      asked: -1,
      uncertain: false,
      lastCode: null,
    };
    this.#startRound(this.#current, 'first');
    this.#tryNext(this.#current);
  }

  #drawRequestId(): Uint8Array {
    const id = new Uint8Array(requestIdBytes);
    for (let at = 0; at < requestIdBytes; at += 4) writeU32(id, at, this.#draws.uint32());
    return id;
  }

  /** The copies in row order, those that were silent lately last; from the second round on, where rows may change, the other nodes as well. */
  #startRound(current: Current, round: 'first' | 'later'): void {
    const { operation } = current;
    current.askedInRound = [];
    if (operation.only !== null) {
      const copies = this.#copiesOf.get(operation.planned.space) ?? [];
      // Whoever gave its copy up meanwhile has nothing to say: those that hold one now are asked, as any client would.
      current.candidates = this.#primaries === null || copies.includes(operation.only) ? [operation.only] : [...copies];
      return;
    }
    const inOrder = this.#askable(operation.planned.space, round);
    // Any copy answers a recall: not always the first is asked.
    const copies = operation.kind === 'recall' ? this.#draws.shuffled(inOrder) : inOrder;
    const { nowUs } = this.#world;
    const answering = copies.filter((node) => this.#suspectedUntilUs[node] <= nowUs);
    const isSilent = answering.length < copies.length;
    current.candidates = isSilent ? [...answering, ...copies.filter((node) => this.#suspectedUntilUs[node] > nowUs)] : answering;
    if (isSilent && answering.length === 0 && mayBeHinted(operation)) current.candidates.unshift(...this.#others(copies));
  }

  /** Nodes without a copy: who cannot reach one either keeps the write for it. */
  #others(copies: readonly number[]): number[] {
    const { plan, nowUs } = this.#world;
    const others = [...plan.nodes.keys()].filter((node) => !copies.includes(node) && this.#suspectedUntilUs[node] <= nowUs);
    return this.#draws.shuffled(others).slice(0, othersAskedMax);
  }

  #askable(space: string, round: 'first' | 'later'): readonly number[] {
    const copies = this.#copiesOf.get(space) ?? [];
    if (this.#primaries === null) return copies;
    const primary = this.#primaries.get(space);
    const all = round === 'first' ? copies : [...copies, ...this.#world.plan.nodes.keys()];
    return [...new Set(primary === undefined ? all : [primary, ...all])];
  }

  #tryNext(current: Current): void {
    const { nowUs, heap, network } = this.#world;
    if (nowUs >= current.endUs) {
      this.#end(current, current.uncertain && current.requestId.length > 0 ? 'info' : 'fail', current.lastCode);
      return;
    }
    const node = current.candidates.shift();
    if (node === undefined) {
      // All have been asked: wait a little, then start over.
      this.#startRound(current, 'later');
      current.asked = -1;
      heap.push(nowUs + 50_000 + this.#draws.integer({ min: 0, max: 150_000 }), eventKinds.tryTimeout, this.index, this.#attempt, null);
      return;
    }
    current.asked = node;
    current.askedInRound.push(node);
    const { requestId, context, sessionToken } = current;
    const { planned, kind } = current.operation;
    current.bytes ??= encodedRequest({ planned, kind, requestId, context, sessionToken, deadlineMs: tryTimeoutUs / 1_000 });
    const call: Call = { client: this.index, attempt: this.#attempt, space: current.record.space, bytes: current.bytes };
    network.transmit(nowUs, this.index, node, eventKinds.request, call, call.bytes.length);
    heap.push(Math.min(current.endUs, nowUs + tryTimeoutUs), eventKinds.tryTimeout, this.index, this.#attempt, null);
  }

  #succeeded(current: Current, reply: Reply): void {
    const { record, operation } = current;
    if (reply.header !== undefined) this.#noteHeader(current, reply.header);
    if (record.answeredAs !== 'replica') this.#primaries?.set(operation.planned.space, current.asked);
    if (reply.body?.$case === 'written') {
      record.version = reply.body.value.superseded ? null : versionText(reply.body.value.version);
      this.#keepContext(operation.planned, reply.body.value.context);
    } else if (reply.body?.$case === 'got') {
      const { memory, alternates, alternatesTotal, context } = reply.body.value;
      record.seen = [...(memory === undefined ? [] : [memory]), ...alternates].map(seenVersion);
      record.unlisted = Math.max(0, alternatesTotal - alternates.length);
      if (memory?.confidence !== undefined) record.noNewerVersion = memory.confidence.noNewerVersion;
      this.#keepContext(operation.planned, context);
    } else if (reply.body?.$case === 'recalled') {
      record.recalled = reply.body.value.memories.map(recalledMemory);
      record.partial = reply.body.value.coverage?.reasons ?? [];
    }
    this.#end(current, 'ok', null);
  }

  #keepContext({ space, id }: PlannedOperation, context: Uint8Array): void {
    const ofSpace = this.#contexts.get(space);
    if (ofSpace === undefined) this.#contexts.set(space, new Map([[id, context]]));
    else ofSpace.set(id, context);
  }

  /** What an answer says of itself: how far its copy lags, whether it met the session; and the token for the next request. */
  #noteHeader({ record, operation, sessionToken }: Current, header: ReplyHeader): void {
    record.lagMs = header.lagMs ?? null;
    if (header.hinted) record.hinted = true;
    if (sessionToken.length > 0) record.sessionSatisfied = header.sessionSatisfied;
    if (header.sessionToken.length === 0) return;
    this.#sessions.set(operation.planned.space, { token: header.sessionToken, operation: record.index });
  }

  #failed(current: Current, failure: Failure): void {
    current.lastCode = failure.code;
    if (failure.outcomeUnknown) current.uncertain = true;
    if (!otherCopyMayDo.has(failure.code)) {
      this.#end(current, current.uncertain ? 'info' : 'fail', failure.code);
      return;
    }
    const redirect = this.#world.nodeOf(failure.redirectNodeId);
    // Whoever has been asked in this round is not asked again at once: while a term changes hands two nodes may name each other.
    // Who has no copy names one that it may not have asked yet: this client knows better who is silent.
    const isCopy = this.#copiesOf.get(current.operation.planned.space)?.includes(current.asked) === true;
    const isSilent = redirect !== null && !isCopy && this.#suspectedUntilUs[redirect] > this.#world.nowUs;
    if (redirect !== null && !isSilent && !current.askedInRound.includes(redirect) && current.operation.only === null) {
      current.candidates = [redirect, ...current.candidates.filter((other) => other !== redirect)];
    }
    this.#tryNext(current);
  }

  #end(current: Current, outcome: Operation['outcome'], error: string | null): void {
    const { record } = current;
    // Whatever became of a read, it had no effect.
    record.outcome = outcome === 'info' && current.requestId.length === 0 ? 'fail' : outcome;
    record.error = error;
    if (record.outcome === 'info') this.#retire();
    else record.completedMs = this.#world.loadMs(this.#world.nowUs);
    this.#world.tracer?.operationEnded(this.index, record);
    this.#attempt += 1;
    this.#current = null;
    this.#next();
  }

  /** Another process takes its place, and knows nothing of what this one has read or written. */
  #retire(): void {
    this.#generation += 1;
    this.#process = `${this.#name}.${this.#generation}`;
    this.#contexts.clear();
    this.#sessions.clear();
  }
}

/** What a node without a copy may take for copies that are out of its reach. */
function mayBeHinted({ kind, only, planned }: ClientOperation): boolean {
  return kind === 'remember' && only === null && planned.ack === 'local';
}

/** The whole text is what was remembered, padding and all: a value in front of anything else is no value that was written. */
const wholeText = /^\S*( \.*)?$/;

function seenVersion({ episode, version }: Pick<Memory, 'episode' | 'version'>): SeenVersion {
  return { value: seenValue(episode, readIdAndText(episode).text), version: versionText(version) ?? '' };
}

function seenValue(episode: Uint8Array, text: string): string {
  const value = valueOfEpisode(episode);
  return wholeText.test(text) ? value : `garbled ${value}`;
}

function recalledMemory({ episode, version, score, confidence }: Memory): RecalledMemory {
  const { id, text } = readIdAndText(episode);
  const value = seenValue(episode, text);
  return { value, version: versionText(version) ?? '', id, score, noNewerVersion: confidence?.noNewerVersion ?? 0 };
}

function answeredAs(reply: Reply): Operation['answeredAs'] {
  if (reply.header?.role === Role.ROLE_PRIMARY) return reply.header.confirmed ? 'confirmed' : 'provisional';
  return reply.header?.role === Role.ROLE_REPLICA ? 'replica' : null;
}

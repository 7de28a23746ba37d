/**
 * A node's front door: judges each request, waits where waiting may help (room in the log, a session token), and hands it to writes or reads.
 */
import { decodePrefixes } from '../clock/version-vector.js';
import type { RequestHandle } from '../effects.js';
import { failure } from '../errors.js';
import type { Now } from '../events.js';
import { type Author, authorNode, type SpaceKey, spaceName, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { AckLevel, type BatchOutcome, type Reply, type ReplyHeader, type Request } from '../wire/generated/engram/v1/service.js';
import { type Acknowledgements, copiesNeeded } from './acknowledgements.js';
import type { Answers, CopyStanding, ReplyBody } from './answers.js';
import { HeldWrites, heldWritesTimer } from './held-writes.js';
import { type HintBody, hintBytes, hintRefusal } from './hints.js';
import { isRead, isRepeated, type Placed, type ReadBody, type WriteBody } from './placed-request.js';
import type { Reads } from './reads.js';
import type { SpaceStore } from './space-store.js';
import { statusReport } from './status-report.js';
import { WaitingWrites } from './waiting-writes.js';
import { requestIdFrom, type WriteIntent, type WriteRequest } from './write-intent.js';
import type { Writes } from './writes.js';

type CommonIntent = Omit<WriteRequest, 'finish'>;

interface WaitingForSession {
  readonly placed: Placed;
  readonly prefixes: ReadonlyMap<Author, number>;
  readonly sinceMs: number;
  readonly untilMs: number;
}

const nothing = new Uint8Array(0);
const sessionFault = { message: 'the session token is none that Engram gave out', field: 'header.session_token' };
const roomTimer = 'requests.room';
const roomSweepEveryMs = 50;
const sessionTimer = 'requests.session';
const sessionCheckEveryMs = 20;

export class Requests {
  readonly #services: NodeServices;
  readonly #answers: Answers;
  readonly #copies: CopyStanding;
  readonly #writes: Writes;
  readonly #reads: Reads;
  readonly #acknowledgements: Acknowledgements;
  readonly #waitingForRoom = new WaitingWrites();
  /** While the primary moves. */
  readonly #held: HeldWrites;
  #sessions: WaitingForSession[] = [];

  constructor(
    services: NodeServices,
    parts: {
      readonly answers: Answers;
      readonly copies: CopyStanding;
      readonly writes: Writes;
      readonly reads: Reads;
      readonly acknowledgements: Acknowledgements;
    },
  ) {
    this.#services = services;
    this.#held = new HeldWrites(services);
    this.#answers = parts.answers;
    this.#copies = parts.copies;
    this.#writes = parts.writes;
    this.#reads = parts.reads;
    this.#acknowledgements = parts.acknowledgements;
  }

  take(handle: RequestHandle, request: Request, now: Now): void {
    this.#take(handle, request, { mayHold: true }, now);
  }

  #take(handle: RequestHandle, request: Request, { mayHold }: { readonly mayHold: boolean }, now: Now): void {
    const { body } = request;
    if (body === undefined) return this.#answers.fail(handle, 'INVALID_ARGUMENT', { message: 'the request has no body', field: 'body' });
    if (body.$case === 'status') {
      const value = statusReport(this.#services, this.#copies, now);
      return this.#answers.send(handle, this.#answers.headerOfNode(), { $case: 'status', value });
    }
    const space = this.#answers.spaceOf(request);
    if (space === null) {
      const message = `a space name has 3 to 64 characters of a-z, 0-9, _ and -; got ${JSON.stringify(request.header?.space)}`;
      return this.#answers.fail(handle, 'INVALID_ARGUMENT', { message, field: 'header.space' });
    }
    if (mayHold && this.#isHeld({ handle, request, space, body }, now)) return;
    if (!this.#services.isCopy(space) && !this.#isKnownToBeNowhere(space, body, now))
      return this.#elsewhere({ handle, request, space, body }, now);
    if (this.#waiting >= this.#services.configuration.memory.requestsWaitingMax) {
      this.#services.effects.journal.note({ kind: 'request.overloaded', bound: 'requestsWaitingMax' });
      return this.#answers.fail(handle, 'OVERLOADED', { message: 'too many requests are waiting on this node' });
    }
    const token = request.header?.sessionToken ?? new Uint8Array(0);
    const prefixes = token.length === 0 ? null : decodePrefixes(token);
    if (token.length > 0 && prefixes === null) {
      return this.#answers.fail(handle, 'INVALID_ARGUMENT', sessionFault);
    }
    const placed: Placed = { handle, request, space, body };
    if (prefixes === null || this.#satisfies(space, prefixes, now.monotonicMs, now)) return this.#proceed(placed, true, now);
    // Nobody else holds a copy: what is missing here will not come.
    if (this.#services.otherCopies(space).length === 0) return this.#proceed(placed, false, now);
    this.#waitForSession(
      {
        placed,
        prefixes,
        sinceMs: now.monotonicMs,
        untilMs: now.monotonicMs + this.#services.configuration.memory.sessionWaitMs,
      },
      now,
    );
  }

  get #waiting(): number {
    return this.#waitingForRoom.length + this.#acknowledgements.count + this.#sessions.length + this.#held.count;
  }

  /** Whether it is a write that waits here until it is known who is primary. */
  #isHeld({ handle, request, space, body }: Placed, now: Now): boolean {
    if (isRead(body) || !this.#held.isPaused(space, now)) return false;
    if (this.#waiting >= this.#services.configuration.memory.requestsWaitingMax) return false;
    // A node that has gone on provisionally while it was out of reach is primary for as long as its term lasts.
    if (this.#services.isCopy(space) && this.#copies.term(space, now) !== null) return false;
    return this.#held.hold({ handle, request, space, body }, this.#deadlineMs(request, now), now);
  }

  /** Who is primary may be judged otherwise now, or time has passed: what waited for that need not wait any more, or not any longer. */
  primariesChanged(now: Now): void {
    for (const { placed, deadlineMs } of this.#held.release(now)) {
      const { handle, request } = placed;
      const isLate = now.monotonicMs >= deadlineMs;
      const left =
        isLate || request.header === undefined ? request.header : { ...request.header, deadlineMs: deadlineMs - now.monotonicMs };
      this.#take(handle, { ...request, header: left }, { mayHold: !isLate }, now);
    }
    this.#held.rearm(now);
  }

  /** Whether a read is of a space that nobody has ever written to, for certain: there is nothing in it. */
  #isKnownToBeNowhere(space: SpaceKey, body: Placed['body'], now: Now): boolean {
    return isRead(body) && this.#services.row(space) === null && this.#services.authority?.knowsAllSpaces(now) === true;
  }

  /** No copy is here: says who may have one. */
  #elsewhere({ handle, request, space, body }: Placed, now: Now): void {
    const { authority, configuration } = this.#services;
    const name = spaceName(space);
    const row = this.#services.row(space);
    if (authority !== null && row === null && !isRead(body)) {
      authority.wantSpace(name);
      return this.#answers.fail(handle, 'NOT_PRIMARY', { message: `space ${name} is being made: try again`, redirectNodeId: '' });
    }
    const bytes = row === null ? null : hintBytes(body);
    const term = bytes === null ? null : this.#copies.hintTerm(space, now);
    if (bytes !== null && term !== null) return this.#hint({ handle, request, space, body: body as HintBody }, bytes, now);
    const redirect = row?.copies[0] ?? authority?.leader ?? undefined;
    const message = `node ${configuration.name} holds no copy of space ${name}`;
    this.#answers.fail(handle, 'NOT_A_COPY', redirect === undefined ? { message } : { message, redirectNodeId: redirect });
  }

  /** No copy can be reached: this node keeps the write for them under a dot of its own, and hands it over. */
  #hint({ handle, request, space, body }: Placed & { readonly body: HintBody }, bytes: number, now: Now): void {
    const refusal = hintRefusal(request);
    if (refusal !== null) return this.#answers.fail(handle, refusal.code, refusal);
    const token = request.header?.sessionToken ?? nothing;
    const seen = decodePrefixes(token);
    if (seen === null) return this.#answers.fail(handle, 'INVALID_ARGUMENT', sessionFault);
    // What the session has seen at copies is not here, and nobody can be asked for it.
    const sessionSatisfied = this.#satisfies(space, seen, now.monotonicMs, now);
    if (!this.#copies.takeHint(space, bytes)) {
      this.#services.effects.journal.note({ kind: 'request.overloaded', bound: 'hintBytesMax' });
      const message = `node ${this.#services.configuration.name} keeps as many writes for copies out of its reach as it may`;
      return this.#answers.fail(handle, 'OVERLOADED', { message });
    }
    this.#carryOut(
      {
        space: this.#services.store.space(space),
        term: (then) => this.#copies.hintTerm(space, then),
        handle,
        requestId: requestIdFrom(request.header?.requestId ?? nothing) ?? null,
        copies: 1,
        deadlineMs: this.#deadlineMs(request, now),
      },
      body,
      (reply, then) => this.#answers.send(handle, this.#answers.header(space, then, { sessionSatisfied, hinted: true }), reply),
      now,
    );
  }

  #proceed({ handle, request, space, body }: Placed, sessionSatisfied: boolean, now: Now): void {
    if (isRead(body)) this.#read(handle, space, body, sessionSatisfied, now);
    else this.#write(handle, request, space, body, sessionSatisfied, now);
  }

  #satisfies(space: SpaceKey, prefixes: ReadonlyMap<Author, number>, sinceMs: number, now: Now): boolean {
    if (prefixes.size === 0) return true;
    const coverage = this.#services.store.spaceIfHeld(space)?.coverage;
    if (coverage === undefined) return false;
    if (coverage.dominates(prefixes)) return true;
    // A gap that no copy can fill, in what came before the latest that the session saw: every copy has reported since the request came, and nothing that any
    // of them still has is missing here. What a node without a copy has written it may still keep as hints, and is not asked for here.
    const copies = this.#services.row(space)?.copies ?? [];
    for (const [author, sequence] of prefixes) {
      if (coverage.max(author) < sequence) return false;
      if (!copies.includes(authorNode(author)) && !coverage.dominates(new Map([[author, sequence]]))) return false;
    }
    return this.#copies.allReportedSince(space, sinceMs) && this.#copies.lag(space, now).records === 0;
  }

  /** The client has gone. */
  cancel(handle: RequestHandle): void {
    this.#acknowledgements.cancel(handle);
    this.#held.cancel(handle);
    this.#sessions = this.#sessions.filter(({ placed }) => placed.handle !== handle);
    this.#waitingForRoom.remove(({ request }) => request.handle === handle);
  }

  #waitForSession(waiting: WaitingForSession, now: Now): void {
    this.#sessions.push(waiting);
    if (this.#sessions.length === 1) this.#services.effects.timers.arm(sessionTimer, now.monotonicMs + sessionCheckEveryMs);
  }

  timer(name: string, now: Now): boolean {
    if (name === roomTimer) {
      this.#sweep(now);
      return true;
    }
    if (name === heldWritesTimer) {
      this.primariesChanged(now);
      return true;
    }
    if (name !== sessionTimer) return this.#acknowledgements.timer(name, now);
    const waiting = this.#sessions;
    this.#sessions = [];
    for (const session of waiting) {
      const { space } = session.placed;
      const satisfied = this.#satisfies(space, session.prefixes, session.sinceMs, now);
      if (!satisfied && now.monotonicMs < session.untilMs) this.#sessions.push(session);
      else {
        if (!satisfied) this.#services.effects.journal.note({ kind: 'session.unsatisfied', space });
        this.#proceed(session.placed, satisfied, now);
      }
    }
    if (this.#sessions.length > 0) this.#services.effects.timers.arm(sessionTimer, now.monotonicMs + sessionCheckEveryMs);
    return true;
  }

  /** There may be room in the log again. */
  roomChanged(now: Now): void {
    this.#waitingForRoom.releaseWhile((intent) => this.#writes.begin(intent, now) === 'taken');
  }

  /** Nobody waits for room beyond his deadline. Never appended: certainly not carried out. */
  #sweep(now: Now): void {
    const late = this.#waitingForRoom.remove(({ request }) => now.monotonicMs >= request.deadlineMs);
    for (const { request, entry } of late) {
      const message = 'the log of this node had no room before the deadline';
      request.finish(entry, { $case: 'failure', value: failure('OVERLOADED', { message }) }, now);
    }
    if (this.#waitingForRoom.length > 0) this.#services.effects.timers.arm(roomTimer, now.monotonicMs + roomSweepEveryMs);
  }

  #read(handle: RequestHandle, space: SpaceKey, body: ReadBody, sessionSatisfied: boolean, now: Now): void {
    // What an answer says of its copy is said of the moment in which the versions were chosen: while their bytes are read the copy may catch up.
    const header = this.#answers.header(space, now, { sessionSatisfied });
    if (body.$case === 'get') this.#reads.get(space, body.value, this.#answering(handle, header), now);
    else this.#reads.recall(space, body.value, this.#answering(handle, header), now);
  }

  #answering(handle: RequestHandle, header: ReplyHeader): (body: ReplyBody) => void {
    return (body) => this.#answers.send(handle, header, body);
  }

  #write(handle: RequestHandle, request: Request, space: SpaceKey, body: WriteBody, sessionSatisfied: boolean, now: Now): void {
    const common = this.#common(handle, request, space, now);
    if (common === null) return;
    // What had been carried out before, perhaps by another copy, was not written in knowledge of what this session has seen.
    const hasSession = (request.header?.sessionToken.length ?? 0) > 0;
    this.#carryOut(
      common,
      body,
      (reply, then) => {
        const header = this.#answers.header(space, then, { sessionSatisfied: sessionSatisfied && !(hasSession && isRepeated(reply)) });
        this.#answers.send(handle, header, reply);
      },
      now,
    );
  }

  #carryOut(common: CommonIntent, body: WriteBody, send: (reply: NonNullable<Reply['body']>, now: Now) => void, now: Now): void {
    if (body.$case === 'rememberBatch') return this.#batch(common, body.value.episodes, send, now);
    const request = asRequest(common, (_entry, outcome, then) =>
      send(outcome.$case === 'written' ? { $case: 'written', value: outcome.value } : { $case: 'failure', value: outcome.value }, then),
    );
    this.#begin(this.#intent(request, body), now);
    this.#forgetIfEmpty(common.space);
  }

  /** A refused write leaves no space behind. */
  #forgetIfEmpty(space: SpaceStore): void {
    if (this.#waitingForRoom.some(({ request }) => request.space === space)) return;
    if (this.#services.store.forgetIfEmpty(space)) this.#copies.forget(space.key);
  }

  #intent(request: WriteRequest, { $case: kind, value }: Exclude<WriteBody, { $case: 'rememberBatch' }>): WriteIntent {
    const payload = 'id' in value ? this.#services.pure.utf8Encode(value.id) : value.episode;
    const expectedVersion = 'expectedVersion' in value ? value.expectedVersion : nothing;
    return { request, kind, entry: 0, payload, context: value.context, expectedVersion };
  }

  /** What all writes of a request share; null when it was refused. */
  #common(handle: RequestHandle, request: Request, space: SpaceKey, now: Now): CommonIntent | null {
    const { name } = this.#services.configuration;
    const header = request.header;
    const requestId = requestIdFrom(header?.requestId ?? new Uint8Array(0));
    if (requestId === undefined) {
      this.#answers.fail(handle, 'INVALID_ARGUMENT', { message: 'a request id has 16 bytes', field: 'header.request_id' });
      return null;
    }
    // A first write makes the space here; asking for one that is not held does not.
    const store = this.#services.store.space(space);
    if (this.#services.store.blocked) {
      this.#answers.fail(handle, 'STORAGE_FULL', { message: `node ${name} has no disk space left to begin to write` });
      return null;
    }
    if (this.#copies.term(space, now) === null) {
      const redirectNodeId = this.#copies.redirect(space, now) ?? '';
      this.#answers.fail(handle, 'NOT_PRIMARY', { message: `node ${name} is a replica of this space and takes no writes`, redirectNodeId });
      return null;
    }
    const copies = copiesNeeded(header?.ack ?? AckLevel.ACK_DEFAULT, this.#services.copiesWanted(space));
    if (copies === null) {
      this.#answers.fail(handle, 'INVALID_ARGUMENT', { message: 'no such acknowledgement level', field: 'header.ack' });
      return null;
    }
    const reachable = this.#copies.reachableCopies(space, now);
    if (copies > reachable) {
      const message = `${copies} synced copies were asked for and ${reachable} can be reached from node ${name}`;
      this.#answers.fail(handle, 'ACK_OUT_OF_REACH', { message, field: 'header.ack' });
      return null;
    }
    return {
      space: store,
      term: this.#termOf(space),
      handle,
      requestId,
      copies,
      deadlineMs: this.#deadlineMs(request, now),
    };
  }

  #termOf(space: SpaceKey): (now: Now) => Term | null {
    return (now) => this.#copies.term(space, now);
  }

  #deadlineMs({ header }: Request, now: Now): number {
    const { deadlineMsDefault, deadlineMsMax } = this.#services.configuration.memory;
    const asked = header?.deadlineMs ?? 0;
    return now.monotonicMs + Math.min(asked === 0 ? deadlineMsDefault : asked, deadlineMsMax);
  }

  #batch(
    common: CommonIntent,
    episodes: readonly Uint8Array[],
    send: (reply: NonNullable<Reply['body']>, now: Now) => void,
    now: Now,
  ): void {
    const outcomes: BatchOutcome[] = episodes.map(() => ({ outcome: undefined }));
    let left = episodes.length;
    if (left === 0) return send({ $case: 'writtenBatch', value: { outcomes } }, now);
    const request = asRequest(common, (entry, outcome, then) => {
      outcomes[entry].outcome = outcome;
      left -= 1;
      if (left === 0) send({ $case: 'writtenBatch', value: { outcomes } }, then);
    });
    for (let entry = 0; entry < episodes.length; entry += 1) {
      this.#begin({ request, kind: 'remember', entry, payload: episodes[entry], context: nothing, expectedVersion: nothing }, now);
    }
    this.#forgetIfEmpty(common.space);
  }

  #begin(intent: WriteIntent, now: Now): void {
    const waiting = this.#waitingForRoom;
    if (waiting.length === 0 && this.#writes.begin(intent, now) === 'taken') return;
    // A single write may be larger than the bound, and then waits alone.
    if (waiting.length > 0 && waiting.payloadBytes + intent.payload.length > this.#services.configuration.storage.gatherBytesMax) {
      this.#services.effects.journal.note({ kind: 'request.overloaded', bound: 'gatherBytesMax' });
      const message = `writes of ${waiting.payloadBytes} bytes wait for room in the log of this node`;
      return intent.request.finish(intent.entry, { $case: 'failure', value: failure('OVERLOADED', { message }) }, now);
    }
    waiting.push(intent);
    if (waiting.length === 1) this.#services.effects.timers.arm(roomTimer, now.monotonicMs + roomSweepEveryMs);
  }
}

/** Named one by one: what spreads an object and then names more gets a shape of its own each time, and everything that reads it becomes slow. */
function asRequest({ space, handle, requestId, copies, deadlineMs, term }: CommonIntent, finish: WriteRequest['finish']): WriteRequest {
  return { space, handle, requestId, copies, deadlineMs, term, finish };
}

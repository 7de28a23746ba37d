/**
 * What every reply carries: who answers in which role, how far the copy lags, and the session token that lets the next request see as much.
 */
import { encodePrefixes } from '../clock/version-vector.js';
import type { RequestHandle } from '../effects.js';
import { type ErrorCode, type ErrorDetails, failure } from '../errors.js';
import type { Now } from '../events.js';
import { type Author, type Dot, defaultSpaceName, type SpaceKey, spaceKey, spaceNamePattern, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { type Reply, type ReplyHeader, type Request, Role } from '../wire/generated/engram/v1/service.js';
import type { SpaceStore } from './space-store.js';

/** What replication knows of this copy's place among the others. */
export interface CopyStanding {
  /** The term that this node acknowledges writes of the space in, or null. */
  term(space: SpaceKey, now: Now): Term | null;
  /** How far this copy lags; milliseconds null when it cannot tell. */
  lag(space: SpaceKey, now: Now): { readonly records: number; readonly ms: number | null };
  /** The same as an answer says it: a primary that no other copy can have passed does not lag. */
  lagOfAnswer(space: SpaceKey, now: Now): { readonly records: number; readonly ms: number | null };
  /**
   * For how many milliseconds copies that hold a version may have taken writes that this one has not heard of: copies that are heard, and silent ones if they are up;
   * Infinity of one that was never heard.
   */
  unheardMs(space: SpaceKey, dot: Dot, now: Now): { readonly onTheWay: number; readonly inSilence: number };
  /** A copy that takes writes of this space, as far as this node knows. */
  redirect(space: SpaceKey, now: Now): string | null;
  /** Whether every other copy has said what it holds after that moment. */
  allReportedSince(space: SpaceKey, sinceMs: number): boolean;
  /** The term to write in as a hint, on a node that holds no copy; null while some copy can be reached, or it is not known whether any can. */
  hintTerm(space: SpaceKey, now: Now): Term | null;
  /** Whether a hint of so many bytes is within the bounds; counts it if it is. */
  takeHint(space: SpaceKey, bytes: number): boolean;
  /** Nothing is held of the space any more. */
  forget(space: SpaceKey): void;
  reachableCopies(space: SpaceKey, now: Now): number;
}

interface HeaderOptions {
  readonly sessionSatisfied: boolean;
  /** It is about a write that this node keeps for copies out of reach. */
  readonly hinted?: boolean;
}

export type ReplyBody = NonNullable<Reply['body']>;

const noToken = new Uint8Array(0);

export class Answers {
  readonly #services: NodeServices;
  readonly #copies: CopyStanding;
  /** Session tokens by space, as long as its coverage stands still. */
  readonly #tokens = new Map<SpaceKey, { readonly changes: number; readonly token: Uint8Array }>();

  constructor(services: NodeServices, copies: CopyStanding) {
    this.#services = services;
    this.#copies = copies;
  }

  send(handle: RequestHandle, header: ReplyHeader, body: ReplyBody): void {
    this.#services.effects.replies.send(handle, { header, body });
  }

  fail(handle: RequestHandle, code: ErrorCode, details: ErrorDetails): void {
    this.send(handle, this.headerOfNode(), { $case: 'failure', value: failure(code, details) });
  }

  /** The space that a request names. */
  spaceOf(request: Request): SpaceKey | null {
    const name = request.header?.space || defaultSpaceName;
    return spaceNamePattern.test(name) ? spaceKey({ name, generation: 0 }) : null;
  }

  header(space: SpaceKey, now: Now, options: HeaderOptions = { sessionSatisfied: true }): ReplyHeader {
    const term = this.#copies.term(space, now);
    const lag = this.#copies.lagOfAnswer(space, now);
    const held = this.#services.store.spaceIfHeld(space);
    return {
      nodeId: this.#services.self,
      nodeName: this.#services.configuration.name,
      role: held === undefined || options.hinted === true ? Role.ROLE_UNSPECIFIED : term === null ? Role.ROLE_REPLICA : Role.ROLE_PRIMARY,
      epoch: term === null ? undefined : { generation: term.generation, index: term.index, provisionalCounter: term.counter },
      confirmed: term !== null && term.counter === 0,
      lagRecords: lag.records,
      lagMs: lag.ms ?? undefined,
      sessionToken: held === undefined ? noToken : this.#token(held),
      sessionSatisfied: options.sessionSatisfied,
      hinted: options.hinted === true,
    };
  }

  #token(space: SpaceStore): Uint8Array {
    const known = this.#tokens.get(space.key);
    if (known !== undefined && known.changes === space.coverageChanges) return known.token;
    const prefixes = new Map<Author, number>();
    // The greatest sequence seen, not the gapless prefix: a reader may have seen what lies beyond a gap.
    for (const author of space.coverage.authors()) prefixes.set(author, space.coverage.max(author));
    const token = encodePrefixes(prefixes);
    this.#tokens.set(space.key, { changes: space.coverageChanges, token });
    return token;
  }

  /** For answers that are about no space. */
  headerOfNode(): ReplyHeader {
    const { identified } = this.#services;
    return {
      nodeId: identified ? this.#services.self : '',
      nodeName: this.#services.configuration.name,
      role: Role.ROLE_UNSPECIFIED,
      epoch: undefined,
      confirmed: false,
      lagRecords: 0,
      lagMs: undefined,
      sessionToken: noToken,
      sessionSatisfied: true,
      hinted: false,
    };
  }
}

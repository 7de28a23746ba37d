/**
 * Whom a majority of voters reaches: the leader grants leases for all voters only to such nodes, so that who is confirmed is in touch with a majority and not with the leader alone.
 *
 * A voter reaches a node that has answered it lately: a ping of a copy, or a call, which is made only when nothing else was answered for a while. So both directions work; who is heard
 * and does not hear is not reached. With its answer to a heartbeat a voter names those that it does not reach, and says nothing as long as there are none. Whoever answers the
 * leader and names nobody reaches everybody.
 *
 * The leader itself is in touch with whoever asks it, and a node with itself: where these two are a majority nobody else is asked, and nothing is watched.
 */
import type { Now } from '../../events.js';
import type { NodeId } from '../../identifiers.js';
import type { AuthorityOptions } from '../control-log-options.js';
import type { ControlState } from '../control-state.js';
import { type Configuration, isVoter, quorumOf } from '../raft/vocabulary.js';

/** What a voter knows of a node that it watches. */
interface Watched {
  /** When it was last reached, or has been watched for the first time. */
  reachedMs: number;
  calledMs: number;
  /** Since when it has been called and has not answered; null when it was not. */
  calledSinceMs: number | null;
}

export interface Contact {
  readonly self: NodeId;
  readonly state: ControlState;
  readonly configuration: Configuration;
}

/** Of silences this share is waited for between two calls, and no longer than this many milliseconds. */
const silencePerCall = 4;
const callEveryMsMax = 1_000;

export class Contacts {
  readonly #options: AuthorityOptions;
  /** When the node last answered a ping of this one; minus infinity when it never has, or is not pinged. */
  readonly #pingedMs: (node: NodeId) => number;
  readonly #watched = new Map<NodeId, Watched>();
  #hasNamed = false;
  #copies: { readonly rows: ControlState['rows']; readonly nodes: readonly NodeId[] } | null = null;
  /** As leader: when each voter has answered last, and whom it has named last. */
  readonly #answeredMs = new Map<NodeId, number>();
  readonly #named = new Map<NodeId, { readonly atMs: number; readonly nodes: readonly NodeId[] }>();

  constructor(options: AuthorityOptions, pingedMs: (node: NodeId) => number) {
    this.#options = options;
    this.#pingedMs = pingedMs;
  }

  /** A node has answered this one's call. */
  answeredCall(node: NodeId, now: Now): void {
    const watched = this.#watched.get(node);
    if (watched !== undefined) this.#reached(watched, now.monotonicMs);
  }

  #reached(watched: Watched, atMs: number): void {
    watched.reachedMs = Math.max(watched.reachedMs, atMs);
    watched.calledSinceMs = null;
  }

  /**
   * As voter, with a heartbeat of the leader: whom to call, and whom it does not reach, to be named to the leader; null when there is nothing to tell. In id order. Who holds copies is
   * watched: who is primary, and who may become one.
   */
  look(leader: NodeId, contact: Contact, now: Now): { readonly calls: readonly NodeId[]; readonly unreached: readonly NodeId[] | null } {
    const nodes = this.#holders(contact.state).filter((node) => node !== contact.self && node !== leader && isAsked(node, contact));
    const calls: NodeId[] = [];
    const unreached: NodeId[] = [];
    for (const node of nodes) {
      const watched = this.#watch(node, now);
      const silentMs = now.monotonicMs - watched.reachedMs;
      if (silentMs < this.#options.askAllAfterMs) continue;
      // Who has had no time to answer a call is not named: this node itself may have stood still, or nobody had a reason to speak.
      if (silentMs >= this.#options.leaseMs && hasBeenCalledFor(watched, this.#options.askEveryMs, now)) unreached.push(node);
      if (now.monotonicMs - watched.calledMs < Math.min(callEveryMsMax, silentMs / silencePerCall)) continue;
      watched.calledMs = now.monotonicMs;
      watched.calledSinceMs ??= now.monotonicMs;
      calls.push(node);
    }
    if (this.#watched.size > nodes.length)
      for (const node of [...this.#watched.keys()]) if (!nodes.includes(node)) this.#watched.delete(node);
    const isToTell = unreached.length > 0 || this.#hasNamed;
    this.#hasNamed = unreached.length > 0;
    return { calls, unreached: isToTell ? unreached : null };
  }

  #watch(node: NodeId, now: Now): Watched {
    const watched = this.#watched.get(node) ?? { reachedMs: now.monotonicMs, calledMs: Number.NEGATIVE_INFINITY, calledSinceMs: null };
    this.#watched.set(node, watched);
    const pingedMs = this.#pingedMs(node);
    if (pingedMs > watched.reachedMs) this.#reached(watched, pingedMs);
    return watched;
  }

  /** Who stands in a row, in id order. */
  #holders({ rows }: ControlState): readonly NodeId[] {
    if (this.#copies?.rows !== rows) {
      const nodes = new Set(Object.values(rows).flatMap(({ copies }) => copies));
      this.#copies = { rows, nodes: [...nodes].sort() };
    }
    return this.#copies.nodes;
  }

  /** This node leads from now on: what was said to it before is of another time. */
  begin(): void {
    this.#answeredMs.clear();
    this.#named.clear();
  }

  /** As leader: a node has answered a heartbeat, and has named nobody unless `named` says so for a while. */
  answered(from: NodeId, now: Now): void {
    this.#answeredMs.set(from, now.monotonicMs);
  }

  /** As leader: whom a voter does not reach. */
  named(from: NodeId, nodes: readonly NodeId[], now: Now): void {
    this.#named.set(from, { atMs: now.monotonicMs, nodes });
  }

  /** As leader, to which `node` has just spoken: whether a majority of voters reaches it. */
  isReached(node: NodeId, contact: Contact, now: Now): boolean {
    if (!isAsked(node, contact)) return true;
    const { self, configuration } = contact;
    const reaching = configuration.voters.filter((voter) => voter === self || voter === node || this.#isReachedBy(voter, node, now));
    return reaching.length >= quorumOf(configuration);
  }

  #isReachedBy(voter: NodeId, node: NodeId, now: Now): boolean {
    const answeredMs = this.#answeredMs.get(voter) ?? Number.NEGATIVE_INFINITY;
    if (now.monotonicMs - answeredMs > this.#options.leaseMs) return false;
    // Named again with each heartbeat; what was named longer ago was said to be so no more by a message that was lost.
    const named = this.#named.get(voter);
    return named === undefined || now.monotonicMs - named.atMs > this.#options.askAllAfterMs || !named.nodes.includes(node);
  }
}

function hasBeenCalledFor({ calledSinceMs }: Watched, ms: number, now: Now): boolean {
  return calledSinceMs !== null && now.monotonicMs - calledSinceMs >= ms;
}

/** Whether the leader and the node itself are no majority yet. */
function isAsked(node: NodeId, { configuration }: Pick<Contact, 'configuration'>): boolean {
  return quorumOf(configuration) > (isVoter(configuration, node) ? 2 : 1);
}

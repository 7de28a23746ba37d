/**
 * Whom the voters hear: the evidence by which a primary is replaced. One bad link deposes nobody.
 *
 * In calm times only the leader hears everybody, by the asks that come with the answers to its heartbeats. Whom it misses it names to the voters. Each of them calls
 * that node, which answers with an ask, and says who stays silent; a node that gets no lease asks all voters by itself. Who is heard but has got no lease for as
 * long, because it cannot hear or lacks what was committed, says so, and counts as silent; so does who has no room to write. A leader that is lost was heard by all:
 * its silence counts from when it spoke last.
 */
import type { Now } from '../../events.js';
import type { NodeId } from '../../identifiers.js';
import type { AuthorityOptions } from '../control-log-options.js';
import type { ControlState } from '../control-state.js';
import { type Configuration, quorumOf } from '../raft/vocabulary.js';
import type { AuthorityMessage } from './authority-messages.js';

/** What is remembered of a node that asks. */
interface Heard {
  lastMs: number;
  needsTerms: boolean;
}

interface Doubt {
  /** Since when it would have been heard if it lived. */
  readonly sinceMs: number;
  /** When the leader named it last. */
  toldMs: number;
}

/** A doubt that the leader has not repeated for so long is none. */
const doubtedForMs = 400;

export class HeardNodes {
  readonly #options: AuthorityOptions;
  readonly #heard = new Map<NodeId, Heard>();
  /** As leader: what other voters say. */
  readonly #reports = new Map<NodeId, { readonly atMs: number; readonly nodes: readonly NodeId[] }>();
  /** As voter: whom the leader misses. */
  readonly #doubts = new Map<NodeId, Doubt>();
  /** Who led last, and when it spoke last. */
  #leader: { readonly node: NodeId; readonly atMs: number } | null = null;
  #reported = false;

  constructor(options: AuthorityOptions) {
    this.#options = options;
  }

  /** A node has asked for a lease, or is told to be of no use: `isLeased` false. */
  asked(from: NodeId, { isLeased, needsTerms }: { readonly isLeased: boolean; readonly needsTerms: boolean }, now: Now): void {
    const heard = this.#heard.get(from) ?? { lastMs: now.monotonicMs, needsTerms };
    if (isLeased) heard.lastMs = now.monotonicMs;
    heard.needsTerms = needsTerms;
    this.#heard.set(from, heard);
  }

  leaderSpoke(node: NodeId, now: Now): void {
    this.#leader = { node, atMs: now.monotonicMs };
  }

  /** This node leads from now on: whom it has not heard as a voter has time from now on, except who led before. */
  begin(state: ControlState, now: Now): void {
    this.#reports.clear();
    for (const node of Object.keys(state.members) as NodeId[]) {
      const lastMs = node === this.#leader?.node ? this.#leader.atMs : now.monotonicMs;
      const heard = this.#heard.get(node);
      if (heard === undefined) this.#heard.set(node, { lastMs, needsTerms: false });
      else heard.lastMs = Math.max(heard.lastMs, lastMs);
    }
  }

  /** As leader: members that it misses, to be named to the voters. In id order. */
  missed(state: ControlState, now: Now): readonly NodeId[] {
    return this.#silentFor(this.#options.doubtedAfterMs, state, now);
  }

  #silentFor(ms: number, state: ControlState, now: Now): readonly NodeId[] {
    const silent: NodeId[] = [];
    for (const node of Object.keys(state.members) as NodeId[]) {
      // Who has never been heard since it is a member has time from now on.
      const heard = this.#heard.get(node) ?? { lastMs: now.monotonicMs, needsTerms: false };
      this.#heard.set(node, heard);
      if (now.monotonicMs - heard.lastMs > ms) silent.push(node);
    }
    for (const node of this.#heard.keys()) if (state.members[node] === undefined) this.#heard.delete(node);
    return silent.sort();
  }

  /** As voter: the leader misses these. Returns whom to call: each for as long as it may take to be taken for silent. */
  doubted(nodes: readonly NodeId[], now: Now): readonly NodeId[] {
    return nodes.filter((node) => {
      const known = this.#doubts.get(node);
      // Who has answered since is doubted anew, and has the time for an answer once more.
      const isSilent = known !== undefined && (this.#heard.get(node)?.lastMs ?? known.sinceMs) <= known.sinceMs;
      const isFresh = isSilent && now.monotonicMs - known.toldMs <= doubtedForMs;
      const sinceMs = isFresh ? known.sinceMs : node === this.#leader?.node ? this.#leader.atMs : now.monotonicMs;
      this.#doubts.set(node, { sinceMs, toldMs: now.monotonicMs });
      return now.monotonicMs - sinceMs <= this.#options.silentAfterMs;
    });
  }

  /** As voter: who of those that the leader misses does not answer here either; null when there is nothing to tell. In id order. */
  report(self: NodeId, now: Now): Extract<AuthorityMessage, { kind: 'silent' }> | null {
    if (this.#doubts.size === 0 && !this.#reported) return null;
    const nodes: NodeId[] = [];
    for (const [node, { sinceMs, toldMs }] of this.#doubts) {
      const heardMs = this.#heard.get(node)?.lastMs ?? sinceMs;
      if (now.monotonicMs - toldMs > doubtedForMs) this.#doubts.delete(node);
      // Who has answered since the leader named it last was not asked again: that it says nothing more is no silence.
      else if (node !== self && heardMs <= toldMs && now.monotonicMs - Math.max(sinceMs, heardMs) >= this.#options.calledForMs)
        nodes.push(node);
    }
    this.#reported = nodes.length > 0;
    return { kind: 'silent', nodes: nodes.sort() };
  }

  /** As leader: what a voter says. */
  reported(from: NodeId, nodes: readonly NodeId[], now: Now): void {
    this.#reports.set(from, { atMs: now.monotonicMs, nodes });
  }

  /** As leader: whom a majority of voters does not hear. */
  dead(state: ControlState, configuration: Configuration, now: Now): (node: NodeId) => boolean {
    const own = this.#silentFor(this.#options.silentAfterMs, state, now);
    const fresh = [...this.#reports].filter(
      ([voter, { atMs }]) => configuration.voters.includes(voter) && now.monotonicMs - atMs <= this.#options.silentAfterMs,
    );
    const voices = (node: NodeId): number => (own.includes(node) ? 1 : 0) + fresh.filter(([, { nodes }]) => nodes.includes(node)).length;
    return (node) => voices(node) >= quorumOf(configuration);
  }

  /** Members that were heard, or missed. */
  all(): Iterable<readonly [NodeId, Readonly<Heard>]> {
    return this.#heard;
  }
}

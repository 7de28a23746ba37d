/**
 * How a voter that may have forgotten something comes to vote again; the leader's side. It is taken out of the electorate, by an entry that is committed without it. Then it is told to begin
 * anew: with an empty log, in the leader's term, in which it has no vote to give, and without a voice until it has all that was committed when it was told. So it is as if it had been silent, and
 * had heard everything since. It learns and votes again like any node that is let in.
 *
 * The leader remembers nothing of it beyond its term: whoever leads next is told again, and at worst takes a voter out and lets it in once more.
 */
import type { Author, NodeId } from '../identifiers.js';
import type { AuthorityMessage } from './leases/authority-messages.js';
import type { Raft } from './raft/raft.js';
import { type Configuration, everyone, isVoter } from './raft/vocabulary.js';

type LeadingRaft = Pick<Raft, 'role' | 'term' | 'configuration' | 'committed' | 'last' | 'mayReconfigure'>;

interface Known {
  /** In this boot it has found out. */
  readonly boot: Author;
  /** Where the leader's log ended when it was told so first: what is committed behind that was agreed on since. */
  readonly sinceIndex: number;
  /** Whether it has been out of the electorate since. */
  isOut: boolean;
}

export class Forgetful {
  readonly #known = new Map<NodeId, Known>();
  #term = 0;

  /** As leader: a member says that it may have forgotten what it said. Returns what it is told; null as long as it has to wait. */
  told(from: NodeId, boot: Author, raft: LeadingRaft): Extract<AuthorityMessage, { kind: 'begin-anew' }> | null {
    if (raft.role !== 'leader') return null;
    if (raft.term !== this.#term) this.#known.clear();
    this.#term = raft.term;
    let known = this.#known.get(from);
    if (known?.boot !== boot) {
      known = { boot, sinceIndex: raft.last.index, isOut: false };
      this.#known.set(from, known);
    }
    this.#look(raft.configuration);
    const { configuration, committed, term } = raft;
    // Committed in this term, by those who vote now, since it has found out: nobody leads in a later term who counted its voice without knowing all that.
    const isSettled = raft.mayReconfigure && committed > known.sinceIndex;
    if (!known.isOut || !isSettled || isVoter(configuration, from)) return null;
    return { kind: 'begin-anew', boot, term, votesFrom: committed };
  }

  #look(configuration: Configuration): void {
    const inside = everyone(configuration);
    for (const [node, known] of this.#known) if (!inside.includes(node)) known.isOut = true;
  }

  /** As leader: who is to be taken out of the electorate. */
  toTakeOut({ term, configuration }: Pick<Raft, 'term' | 'configuration'>): ReadonlySet<NodeId> {
    if (term !== this.#term || this.#known.size === 0) return nobody;
    this.#look(configuration);
    return new Set([...this.#known].flatMap(([node, { isOut }]) => (isOut ? [] : [node])));
  }
}

const nobody: ReadonlySet<NodeId> = new Set();

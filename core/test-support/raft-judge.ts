/**
 * Raft's invariants over what the voters of a test say, deliver and lead (Ongaro and Ousterhout 2014, figure 3): one vote and one leader a term, log matching, leader
 * completeness, state machine safety. The first that is broken ends the test.
 */
import type { Raft } from '../control/raft/raft.js';
import type { Entry, RaftMessage } from '../control/raft/vocabulary.js';
import type { NodeId } from '../identifiers.js';
import { testPureFunctions } from './pure-functions.js';

const pure = testPureFunctions();

export class RaftJudge {
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  /** By index and term: the term before it, and what it says. */
  readonly #entries = new Map<string, string>();
  /** By index what was delivered there first, and the least term in which anybody knew it to be committed. */
  readonly #delivered = new Map<number, { readonly text: string; readonly term: number; knownIn: number }>();

  said(from: NodeId, to: NodeId, message: RaftMessage): void {
    if (message.kind === 'ask-vote') this.#voted(from, message.term, from);
    if (message.kind === 'vote' && message.isGranted) this.#voted(from, message.term, to);
    if (message.kind !== 'append') return;
    let { term: previousTerm } = message.previous;
    for (const entry of message.entries) {
      const key = `${entry.index} ${entry.term}`;
      const text = `${previousTerm}>${describe(entry)}`;
      const known = this.#entries.get(key);
      if (known !== undefined && known !== text) throw new Error(`entry ${entry.index} of term ${entry.term} is ${known} and ${text}`);
      this.#entries.set(key, text);
      previousTerm = entry.term;
    }
  }

  #voted(voter: NodeId, term: number, candidate: NodeId): void {
    const key = `${voter} ${term}`;
    const other = this.#votes.get(key);
    if (other !== undefined && other !== candidate) throw new Error(`${voter} votes for ${other} and ${candidate} in term ${term}`);
    this.#votes.set(key, candidate);
  }

  elected(leader: NodeId, { term, termsOfLog: { start, terms } }: Pick<Raft, 'term' | 'termsOfLog'>): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== leader) throw new Error(`two leaders of term ${term}`);
    this.#leaders.set(term, leader);
    for (const [index, { term: entryTerm, knownIn }] of this.#delivered) {
      // A leader of an earlier term may be the last to hear of its election.
      if (knownIn >= term || index <= start) continue;
      if (terms[index - start - 1] !== entryTerm)
        throw new Error(`the leader of term ${term} lacks what is committed at ${index} since term ${knownIn}`);
    }
  }

  /** `term`: the one that the voter is in. */
  delivered(entry: Entry, { after, term }: { readonly after: number; readonly term: number }): string {
    if (entry.index !== after + 1) throw new Error(`${entry.index} delivered after ${after}`);
    const text = describe(entry);
    const known = this.#delivered.get(entry.index);
    if (known === undefined) this.#delivered.set(entry.index, { text, term: entry.term, knownIn: term });
    else if (known.text !== text) throw new Error(`${entry.index} is ${known.text} at one, ${text} at another`);
    else known.knownIn = Math.min(known.knownIn, term);
    return text;
  }
}

function describe(entry: Entry): string {
  const what = entry.kind === 'command' ? pure.utf8Decode(entry.bytes) : JSON.stringify(entry);
  return `${entry.term}:${what}`;
}

/**
 * How a control log begins without a majority that has agreed to it: when a cluster is made, and when an operator gives up a majority that is gone for good. Both are
 * a snapshot that one node takes for agreed; everybody else gets it from there.
 */
import type { NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { applyEntry } from './apply-entry.js';
import type { ProposalAnswer } from './control-events.js';
import { type ControlState, emptyControlState, isMade } from './control-state.js';
import type { ControlEntry } from './entries.js';
import { decodeEntry } from './entry-codec.js';
import { farther, nextGeneration, type Reached } from './generations.js';
import type { Ballot, Entry, Snapshot } from './raft/vocabulary.js';
import { encodeState } from './state-codec.js';

export interface Beginning {
  readonly ballot: Ballot;
  readonly snapshot: Snapshot;
}

/** As if the founders had agreed on these entries; the first makes the cluster. Null: an entry does not fit to those before it. */
export function foundingOf(entries: readonly ControlEntry[], pure: PureFunctions): Beginning | null {
  let state = emptyControlState;
  for (const [at, entry] of entries.entries()) {
    const { state: next, outcome } = applyEntry(state, entry, at + 1);
    if (outcome.kind === 'refused') return null;
    state = next;
  }
  return isMade(state) ? beginningWith(state, { term: 1, voters: state.voters }, pure) : null;
}

export interface Known {
  readonly self: NodeId;
  /** Of all that is committed as far as this node knows. */
  readonly state: ControlState;
  /** Behind that, in this node's log: may have been committed by those who are gone. */
  readonly entries: readonly Entry[];
  /** How far it has seen any control log of this cluster come. */
  readonly reached: Reached;
}

/**
 * The next generation: everything that this node knows, committed or not, with itself as the only voter. The others learn and vote again as they come back. All spaces have other
 * terms in it: what was not committed here may stand at an index at which those who were given up have committed something else.
 */
export function recoveryOf({ self, state: committed, entries, reached }: Known, pure: PureFunctions): Beginning {
  let state = committed;
  for (const entry of entries) {
    const reading = entry.kind === 'command' ? decodeEntry(entry.bytes, pure) : null;
    if (reading?.kind === 'entry') state = applyEntry(state, reading.entry, entry.index).state;
  }
  const known = { generation: state.generation, index: Math.max(state.applied, entries.at(-1)?.index ?? 0), term: 0 };
  const { generation, index, term } = nextGeneration(farther(reached, known), self);
  const recovered = applyEntry(state, { kind: 'recovered', generation }, index).state;
  return beginningWith({ ...recovered, voters: [self], learners: [] }, { term, voters: [self] }, pure);
}

function beginningWith(
  state: ControlState,
  { term, voters }: { readonly term: number; readonly voters: readonly NodeId[] },
  pure: PureFunctions,
): Beginning {
  const snapshot: Snapshot = { index: state.applied, term, configuration: { voters, learners: [] }, state: encodeState(state, pure) };
  return { ballot: { term, vote: null }, snapshot };
}

/** What is answered to whoever asked for it, once it is durable here. */
export function committedAt({ snapshot: { index } }: Beginning): ProposalAnswer {
  return { kind: 'committed', index, outcome: { kind: 'applied', skipped: [] } };
}

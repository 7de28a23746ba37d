/**
 * Brings entries into the control log from whichever node they are wanted on: proposes them here when this node leads, at the leader otherwise, and again while a
 * leader is being found. An entry names what it rests on, so that one which was committed though nobody heard of it does nothing the second time.
 */
import type { Outcome, RefusalReason } from '../../core/control/apply-entry.js';
import type { ProposalAnswer, ProposalRefusal } from '../../core/control/control-events.js';
import type { ControlEntry } from '../../core/control/entries.js';
import { decodeEntry, encodeEntry } from '../../core/control/entry-codec.js';
import { EngramError } from '../../core/errors.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import { type ProposeAnswer, ProposeAnswer_Outcome, type ProposeRequest } from '../../core/wire/generated/engram/v1/cluster.js';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import type { NodeHost } from '../node-host.js';

/** A leader is found within one or two elections. */
export const proposalMsMax = 10_000;
const tryAgainMs = 50;
const forwardMsMax = 3_000;

export interface ProposerOptions {
  readonly host: Pick<NodeHost, 'propose' | 'inspectControl' | 'nodeId'>;
  readonly pure: PureFunctions;
  /** host:port of a member; null: nobody knows. */
  readonly addressOf: (node: NodeId) => string | null;
}

/** What a committed entry did. */
export interface Committed {
  readonly index: number;
  readonly outcome: Outcome;
}

export class Proposer {
  readonly #options: ProposerOptions;

  constructor(options: ProposerOptions) {
    this.#options = options;
  }

  /** Resolves once the entry is committed, whatever it did. Rejects with UNAVAILABLE when nobody takes it in time, with CONNECTION_LOST when it may have been committed. */
  async submit(entry: ControlEntry, deadlineMs = proposalMsMax): Promise<Committed> {
    const untilMs = performance.now() + deadlineMs;
    for (;;) {
      const answer = await this.#try(entry);
      if (answer.kind === 'committed') return { index: answer.index, outcome: answer.outcome };
      if (answer.kind === 'unknown' || answer.kind === 'recovered') {
        const message = 'the node that had proposed it to the control log has not said what became of it';
        throw new EngramError('CONNECTION_LOST', { message, hint: 'look whether it was done (engram cluster log), and ask again if not' });
      }
      const why = answer.kind === 'replaced' ? 'another leader took over' : answer.why;
      if (why === 'no control log') throw noControlLog();
      if (performance.now() >= untilMs) throw nobodyTakesIt(why);
      await new Promise((resolve) => setTimeout(resolve, tryAgainMs));
    }
  }

  async #try(entry: ControlEntry): Promise<ProposalAnswer> {
    const { host, addressOf, pure } = this.#options;
    const answer = await host.propose({ kind: 'propose', entry });
    if (answer.kind !== 'refused' || answer.why !== 'not leader' || answer.leader === null || answer.leader === host.nodeId) return answer;
    const address = addressOf(answer.leader);
    if (address === null) return answer;
    const request = { clusterId: host.inspectControl()?.state.clusterId ?? '', entry: encodeEntry(entry, pure) };
    const forwarded = askNode(address, { method: clusterService.propose, request, deadlineMs: forwardMsMax });
    // Without an answer it is proposed again: what it rests on tells whether it has been committed.
    return forwarded.then(answerOf, () => answer);
  }

  /** What another node has sent for this one as leader. */
  async take({ clusterId, entry: bytes }: ProposeRequest): Promise<ProposeAnswer> {
    const { host, pure } = this.#options;
    const refused = (why: string): ProposeAnswer => ({ outcome: ProposeAnswer_Outcome.REFUSED, index: 0, why, leaderNodeId: '' });
    if (clusterId === '' || clusterId !== host.inspectControl()?.state.clusterId) return refused('another cluster');
    const reading = decodeEntry(bytes, pure);
    if (reading.kind !== 'entry' || reading.entry.kind === 'voters-changed') return refused('no entry');
    return messageOf(await host.propose({ kind: 'propose', entry: reading.entry }));
  }
}

export function noControlLog(): EngramError {
  const message = 'this node takes no part in a control log: it is a single node, or its control log is damaged';
  return new EngramError('CLUSTER_REFUSED', {
    message,
    hint: 'ask another node; a damaged one takes part again by itself as long as a majority of voters leads (docs/operations/running-nodes.md)',
  });
}

function nobodyTakesIt(why: string): EngramError {
  const message = `no leader of the control log has taken the change in time (the last answer: ${why})`;
  const hint = 'a majority of voters has to be up and reach each other: see engram cluster log; try again then';
  return new EngramError('UNAVAILABLE', { message, hint });
}

function messageOf(answer: ProposalAnswer): ProposeAnswer {
  switch (answer.kind) {
    case 'committed': {
      const why = answer.outcome.kind === 'refused' ? answer.outcome.why : '';
      return { outcome: ProposeAnswer_Outcome.COMMITTED, index: answer.index, why, leaderNodeId: '' };
    }
    case 'replaced':
      return { outcome: ProposeAnswer_Outcome.REPLACED, index: 0, why: '', leaderNodeId: '' };
    // No entry is answered as a recovery is.
    case 'recovered':
    case 'unknown':
      return { outcome: ProposeAnswer_Outcome.UNKNOWN, index: 0, why: '', leaderNodeId: '' };
    case 'refused':
      return { outcome: ProposeAnswer_Outcome.REFUSED, index: 0, why: answer.why, leaderNodeId: answer.leader ?? '' };
  }
}

function answerOf({ outcome, index, why }: ProposeAnswer): ProposalAnswer {
  switch (outcome) {
    case ProposeAnswer_Outcome.COMMITTED: {
      const did: Outcome = why === '' ? { kind: 'applied', skipped: [] } : { kind: 'refused', why: why as RefusalReason };
      return { kind: 'committed', index, outcome: did };
    }
    case ProposeAnswer_Outcome.REPLACED:
      return { kind: 'replaced' };
    case ProposeAnswer_Outcome.REFUSED:
      return { kind: 'refused', why: why as ProposalRefusal, leader: null };
    default:
      return { kind: 'unknown' };
  }
}

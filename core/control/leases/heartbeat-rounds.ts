/** Rounds of the heartbeats of the control log's leader, as each node sees them: leases are asked for and granted once a round. */
import type { Now } from '../../events.js';
import type { Raft } from '../raft/raft.js';
import type { RaftMessage, RoundOfLeader } from '../raft/vocabulary.js';

export class HeartbeatRounds {
  /** The latest that was heard; another object for each. */
  heard: RoundOfLeader = { term: 0, round: 0 };
  /** When this node last had all that a leader had committed. */
  currentAtMs = Number.NEGATIVE_INFINITY;
  /** The latest that this node has led; 0 while another leads. */
  #led = 0;

  /** The leader has said this; `raft` has heard it. */
  leaderSpoke(message: RaftMessage, raft: Pick<Raft, 'term' | 'committed'>, now: Now): void {
    if ((message.kind !== 'append' && message.kind !== 'snapshot') || message.term !== raft.term) return;
    const { term, round } = message;
    if (term > this.heard.term || round > this.heard.round) this.heard = { term, round };
    if (message.kind === 'append' && raft.committed >= message.committed) this.currentAtMs = now.monotonicMs;
  }

  /** Whether a round has begun that this node leads, or it leads no more. True once for each. */
  isNew({ round }: Pick<Raft, 'round'>): boolean {
    const isNew = round !== this.#led;
    this.#led = round;
    return isNew;
  }
}

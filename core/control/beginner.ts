/**
 * When a node's control log begins without a majority that has agreed to it, what that takes, and when it is refused: it makes a cluster, it begins anew when the leader has told it to, or an operator gives up
 * a majority of the voters that is gone for good.
 *
 * A recovery works on a node with a damaged control log as well. It goes by the latest state that the node can read or has been told: before, all members are asked once more, and whoever leads
 * is listened for. The new generation is written so that one record is the moment in which it begins: after a crash before it the node is damaged as it was, after one behind it the generation stands.
 * What the disk has lost before that is of no account then.
 */
import type { Effects } from '../effects.js';
import type { Now } from '../events.js';
import type { NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { sameBytes } from '../wire/bytes.js';
import { readableState } from './applied-state.js';
import { type Beginning, committedAt, foundingOf, type Known, recoveryOf } from './beginnings.js';
import type { ProposalAnswer, ProposalRefusal, RecoveryBasis } from './control-events.js';
import type { ControlJournal, JournalStore } from './control-journal.js';
import { type ControlState, isMade } from './control-state.js';
import type { ControlEntry } from './entries.js';
import type { FollowedState } from './followed-state.js';
import { farther, type Reached } from './generations.js';
import type { Raft } from './raft/raft.js';
import type { Entry, Recovered } from './raft/vocabulary.js';
import { encodeState } from './state-codec.js';

export interface BeginnerPorts {
  readonly journal: Pick<ControlJournal, 'save' | 'beginAnew' | 'reached'>;
  readonly store: Pick<JournalStore, 'author' | 'termsReached' | 'forgiveControlLoss'>;
  readonly followed: Pick<FollowedState, 'why' | 'begin' | 'end' | 'inquire' | 'toldBy' | 'reached'>;
  readonly notes: Effects['journal'];
  readonly pure: PureFunctions;
  self(): NodeId;
  state(): ControlState;
  raft(): Pick<Raft, 'term' | 'last' | 'leader' | 'undelivered'> | null;
  /** What stood here is given up: this node hears nobody until it begins. */
  rest(): void;
  /** `isLate`: this node has gone by rows before, so others may lead by them still. */
  begin(recovered: Recovered, how: { readonly isLate: boolean }, now: Now): void;
}

type Settled = (answer: ProposalAnswer) => void;

export class Beginner {
  readonly #ports: BeginnerPorts;
  /** Of a damaged control log: what can be read, committed or not. */
  #readable: Recovered | null = null;

  constructor(ports: BeginnerPorts) {
    this.#ports = ports;
  }

  /** The node's own control log is damaged: this can still be read of it. */
  damaged(readable: Recovered): void {
    this.#readable = readable;
  }

  #refuse(why: ProposalRefusal, settled: Settled): void {
    settled({ kind: 'refused', why, leader: this.#ports.raft()?.leader ?? null });
  }

  /** This node alone makes a cluster, of the members that the entries name; they get it from here. None of them may belong to one. */
  found(entries: readonly ControlEntry[], settled: Settled): void {
    const raft = this.#ports.raft();
    if (raft === null) return this.#refuse('no control log', settled);
    // Who has voted may have been let in, and does not know it yet.
    if (isMade(this.#ports.state()) || raft.term > 0 || raft.last.index > 0) return this.#refuse('cluster already made', settled);
    const beginning = foundingOf(entries, this.#ports.pure);
    if (beginning === null) return this.#refuse('no such cluster', settled);
    this.beginWith(beginning, () => settled(committedAt(beginning)));
  }

  /** From nothing, or in the place of all that stood here. Meanwhile this node hears nobody. */
  beginWith({ ballot, snapshot }: Beginning, begun: () => void): void {
    this.#ports.rest();
    this.#ports.journal.save({ ballot, snapshot: { snapshot, keepsEntries: false }, entries: [] }, (now) => {
      this.#ports.begin({ ballot, snapshot, entries: [], committed: snapshot.index, votesFrom: 0 }, { isLate: false }, now);
      begun();
    });
  }

  /** This node is out of the electorate, and has heard so in the boot that found its control log damaged: all that is left of that is given up. */
  beginAnew({ term, votesFrom }: { readonly term: number; readonly votesFrom: number }): void {
    this.#forgiven({ term, votesFrom, snapshot: null }, () => {});
  }

  /** `begun` is called when it is durable that all before is of no account; else the node is damaged as before. */
  #forgiven(how: Parameters<ControlJournal['beginAnew']>[0], begun: (isForgiven: boolean) => void): void {
    const { journal, store, followed, state, begin } = this.#ports;
    journal.beginAnew(how, (recovered) => {
      store.forgiveControlLoss((written, now) => {
        if (written) begin(recovered, { isLate: true }, now);
        else followed.begin(store.author, state(), now);
        begun(written);
      });
    });
  }

  /** A majority of voters is gone for good: this node goes on with what it knows, in another generation. */
  recover(settled: Settled, now: Now): void {
    const { followed, raft, state } = this.#ports;
    if (followed.why === 'damaged') return this.#recoverDamaged(settled, now);
    const own = raft();
    if (own === null) return this.#refuse('no control log', settled);
    const why = own.leader !== null ? 'nothing to recover' : this.#unfit(state());
    if (why !== null) return this.#refuse(why, settled);
    const { beginning, basis } = this.#recovery(own.undelivered, { generation: 0, index: own.last.index, term: own.term });
    this.beginWith(beginning, () => this.#recovered(beginning, basis, settled));
  }

  #unfit(state: ControlState): ProposalRefusal | null {
    if (!isMade(state)) return 'nothing to recover';
    return state.members[this.#ports.self()] === undefined ? 'not a member' : null;
  }

  #recoverDamaged(settled: Settled, now: Now): void {
    const { followed } = this.#ports;
    const isAsked = followed.inquire((inquired) => {
      if (inquired.kind === 'leader') return settled({ kind: 'refused', why: 'nothing to recover', leader: inquired.leader });
      const state = this.#ports.state();
      const why = isMade(state) ? this.#unfit(state) : 'nothing readable';
      if (why !== null) return this.#refuse(why, settled);
      const { beginning, basis } = this.#recovery(this.#behind(state), followed.reached);
      followed.end();
      this.#ports.rest();
      const { ballot, snapshot } = beginning;
      this.#forgiven({ term: ballot.term, votesFrom: snapshot.index, snapshot }, (isForgiven) => {
        if (isForgiven) this.#recovered(beginning, basis, settled);
        else settled({ kind: 'unknown' });
      });
    }, now);
    if (!isAsked) this.#refuse('recovery under way', settled);
  }

  /**
   * What can be read behind a state that may be another node's word. Only if this log leads to that very state: where something else was committed in the place of an entry here, those behind
   * it never were, and have been answered so.
   */
  #behind(state: ControlState): readonly Entry[] {
    if (this.#readable === null) return [];
    const { pure } = this.#ports;
    const [own, known] = [readableState({ ...this.#readable, committed: state.applied }, pure), state].map((each) =>
      encodeState(each, pure),
    );
    const isSame = own.length === known.length && sameBytes(own, 0, known, 0, own.length);
    return isSame ? this.#readable.entries.filter(({ index }) => index > state.applied) : [];
  }

  #recovery(entries: readonly Entry[], seen: Reached): { readonly beginning: Beginning; readonly basis: RecoveryBasis } {
    const { journal, store, followed, self, state, pure } = this.#ports;
    const reached = farther(farther(journal.reached, { ...store.termsReached, term: 0 }), seen);
    const known: Known = { self: self(), state: state(), entries, reached };
    const isDamaged = this.#ports.raft() === null;
    const basis: RecoveryBasis = {
      isDamaged,
      committed: known.state.applied,
      doubtful: entries.length,
      reached: Math.max(reached.index, known.state.applied),
      toldBy: isDamaged ? followed.toldBy : null,
    };
    return { beginning: recoveryOf(known, pure), basis };
  }

  #recovered({ snapshot: { index } }: Beginning, basis: RecoveryBasis, settled: Settled): void {
    const { generation } = this.#ports.state();
    this.#readable = null;
    this.#ports.notes.note({ kind: 'control.recovered', generation, index, basis });
    settled({ kind: 'recovered', index, generation, basis });
  }
}

/**
 * The control log of one node: Raft's agreement over the node's own disk, network and timers, and the state that the committed entries add up to.
 *
 * A voter that may have forgotten something (records of its control log were damaged) takes no part any more: a forgotten vote could elect two leaders, a forgotten entry
 * undo what was committed. The others go on as if it were down, until it is removed and comes back as a new node. Nor does a node that was removed: no entry reaches it, so
 * a voter tells it. Either goes by the state that others say is committed (followed-state.ts).
 */
import type { Effects } from '../effects.js';
import type { Now } from '../events.js';
import type { NodeId, SpaceKey } from '../identifiers.js';
import type { PrimaryAuthority } from '../node-services.js';
import type { PureFunctions } from '../pure-functions.js';
import { applyEntry, changedRows, nothingBy } from './apply-entry.js';
import { type Agreement, Authority, authorityTimer } from './authority.js';
import { isAuthorityMessage } from './authority-messages.js';
import { type Beginning, committedAt, foundingOf, recoveryOf } from './beginnings.js';
import type { ProposalAnswer, ProposalRefusal } from './control-events.js';
import { ControlJournal, type JournalStore } from './control-journal.js';
import type { ControlLogOptions } from './control-log-options.js';
import type { ControlRecords } from './control-records.js';
import { type ControlState, emptyControlState, isMade } from './control-state.js';
import { Demotions, takesSpaces } from './demotions.js';
import { mostCaughtUp, nextConfiguration } from './electorate.js';
import type { ControlEntry, Epoch } from './entries.js';
import { decodeEntry, encodeEntry } from './entry-codec.js';
import { FollowedState, followingTimer } from './followed-state.js';
import { isMoveMessage, type MoveMessage } from './move-messages.js';
import { decodeRaftMessage, encodeRaftMessage } from './raft/message-codec.js';
import { Raft } from './raft/raft.js';
import type { Entry, RaftEffects, Recovered, Snapshot } from './raft/vocabulary.js';
import { Rebalancing, type Underway } from './rebalancing.js';
import { decodeState, encodeState } from './state-codec.js';
import { WaitingProposals } from './waiting-proposals.js';

export const controlTimer = 'control.wake';

export interface ControlLogPorts {
  readonly options: ControlLogOptions;
  readonly store: JournalStore;
  /** To the control log of another node. May be lost, doubled, reordered or late. */
  send(to: NodeId, message: Uint8Array): void;
  canWrite(): boolean;
  readonly effects: Pick<Effects, 'timers' | 'journal' | 'lifecycle'>;
  readonly pure: PureFunctions;
  /** The state is another now. */
  changed(state: ControlState, now: Now): void;
}

export class ControlLog implements PrimaryAuthority {
  readonly #ports: ControlLogPorts;
  readonly #journal: ControlJournal;
  #self: NodeId | null = null;
  #raft: Raft | null = null;
  #state: ControlState = emptyControlState;
  readonly #waiting = new WaitingProposals();
  #now: Now = { monotonicMs: 0, wallMs: 0 };
  #snapshotIndex = 0;
  readonly #authority: Authority;
  readonly #followed: FollowedState;
  readonly #rebalancing: Rebalancing;
  /** When this node last had all that a leader had committed. */
  #currentAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: ControlLogPorts) {
    this.#ports = ports;
    this.#journal = new ControlJournal(ports.store, ports.pure);
    const { options, effects } = ports;
    this.#followed = new FollowedState({
      send: ports.send,
      effects,
      pure: ports.pure,
      askEveryMs: options.authority.askEveryMs,
      state: () => this.#state,
      goBy: (state, now) => this.#goBy(state, now),
    });
    this.#authority = new Authority(
      {
        options: { ...options.authority, leaderMsMax: options.raft.electionMsMax },
        agreement: () => this.#agreement(),
        send: ports.send,
        timers: effects.timers,
        pure: ports.pure,
        canWrite: ports.canWrite,
        propose: (entry, done, now) => this.propose(entry, done, now),
        told: (bytes, now) => this.#followed.told(bytes, this.#self as NodeId, now),
        led: (isSilent, now) => (isSilent === null ? this.#rebalancing.rest() : this.#rebalancing.lead(isSilent, now)),
      },
      new Demotions(ports.pure),
    );
    this.#rebalancing = new Rebalancing({
      options: options.rebalancing,
      pure: ports.pure,
      journal: effects.journal,
      state: () => this.#state,
      self: () => this.#self as NodeId,
      leader: () => this.leader,
      send: ports.send,
      propose: (entry, settled, now) => this.propose(entry, settled, now),
    });
  }

  get records(): ControlRecords {
    return this.#journal;
  }

  get state(): ControlState {
    return this.#state;
  }

  /** Null while the node has not recovered, and for good when it takes no part. */
  get raft(): Pick<Raft, 'role' | 'term' | 'leader' | 'committed' | 'last' | 'configuration' | 'termsOfLog' | 'matches'> | null {
    return this.#raft;
  }

  get isDamaged(): boolean {
    return this.#followed.why === 'damaged';
  }

  /** What is done about copies that are to move; null where another node leads. */
  get underway(): Underway | null {
    return this.#rebalancing.underway;
  }

  get leader(): NodeId | null {
    return this.#raft?.leader ?? null;
  }

  /** Recovery has ended. `isLossy`: records of the control log were on this disk and cannot be read. */
  open(self: NodeId, isLossy: boolean, now: Now): void {
    this.#self = self;
    this.#now = now;
    const { founding } = this.#ports.options;
    const reading = this.#journal.finishRecovery();
    if (reading.kind === 'newer') return this.#halt(`the control log has records of format ${reading.version}, written by a later version`);
    if (isLossy) {
      this.#followed.begin();
    } else if (!reading.isEmpty || founding === null || !founding.founders.some(({ id }) => id === self))
      this.#begin(reading.recovered, now);
    else {
      // Every founder begins with the same snapshot, in which the cluster is made: as if they had agreed on it.
      const beginning = foundingOf([{ kind: 'cluster-made', ...founding }], this.#ports.pure);
      if (beginning !== null) this.#beginWith(beginning, now, () => {});
    }
  }

  /** From nothing, or in the place of all that stood here. Meanwhile this node hears nobody. */
  #beginWith({ ballot, snapshot }: Beginning, now: Now, begun: () => void): void {
    this.#now = now;
    this.#raft = null;
    this.#journal.save({ ballot, snapshot: { snapshot, keepsEntries: false }, entries: [] }, (then) => {
      this.#begin({ ballot, snapshot, entries: [] }, then);
      begun();
    });
  }

  /** This node alone makes a cluster, of the members that the entries name; they get it from here. None of them may belong to one. */
  found(entries: readonly ControlEntry[], settled: (answer: ProposalAnswer) => void, now: Now): void {
    const refuse = (why: ProposalRefusal): void => settled({ kind: 'refused', why, leader: this.leader });
    if (this.#raft === null) return refuse('no control log');
    // Who has voted may have been let in, and does not know it yet.
    if (isMade(this.#state) || this.#raft.term > 0 || this.#raft.last.index > 0) return refuse('cluster already made');
    const beginning = foundingOf(entries, this.#ports.pure);
    if (beginning === null) return refuse('no such cluster');
    this.#beginWith(beginning, now, () => settled(committedAt(beginning)));
  }

  /** A majority of voters is gone for good: this node goes on with what it knows, in another generation. */
  recover(settled: (answer: ProposalAnswer) => void, now: Now): void {
    const raft = this.#raft;
    const refuse = (why: ProposalRefusal): void => settled({ kind: 'refused', why, leader: this.leader });
    if (raft === null) return refuse('no control log');
    if (!isMade(this.#state) || raft.leader !== null) return refuse('nothing to recover');
    const known = { self: this.#self as NodeId, state: this.#state, term: raft.term, entries: raft.undelivered };
    const beginning = recoveryOf(known, this.#ports.pure);
    this.#beginWith(beginning, now, () => settled(committedAt(beginning)));
    this.#waiting.unknownUpTo(Number.MAX_SAFE_INTEGER);
  }

  #begin(recovered: Recovered, now: Now): void {
    const { options, pure, effects } = this.#ports;
    this.#now = now;
    this.#snapshotIndex = recovered.snapshot?.index ?? 0;
    this.#authority.demotions.snapshotTaken(this.#snapshotIndex);
    this.#authority.appended(recovered.entries);
    const raft = new Raft(
      {
        self: this.#self as NodeId,
        options: options.raft,
        effects: this.#raftEffects(),
        random: pure.random('control.elections'),
        first: { voters: [], learners: [] },
        recovered,
      },
      now.monotonicMs,
    );
    this.#raft = raft;
    effects.journal.note({ kind: 'control.opened', term: raft.term, index: raft.last.index, voters: raft.configuration.voters.length });
    this.#authority.begin(raft.last.index, now);
    this.#after(now);
  }

  #agreement(): Agreement {
    const raft = this.#raft;
    const isCurrent = this.holdsLease(this.#now) || this.#now.monotonicMs - this.#currentAtMs <= this.#ports.options.authority.contactMs;
    const configuration = raft?.configuration ?? { voters: [], learners: [] };
    return { self: this.#self as NodeId, state: this.#state, configuration, leader: this.leader, isCurrent };
  }

  #raftEffects(): RaftEffects {
    const { effects, send } = this.#ports;
    return {
      send: (to, message) => send(to, encodeRaftMessage(message)),
      save: (change, ticket) => {
        this.#authority.appended(change.entries);
        if (change.snapshot?.keepsEntries === false) this.#authority.demotions.snapshotTaken(change.snapshot.snapshot.index);
        this.#journal.save(change, (now) => {
          this.#now = now;
          this.#raft?.saved(ticket, now.monotonicMs);
          this.#after(now);
        });
      },
      wakeAt: (atMs) => effects.timers.arm(controlTimer, atMs),
      committed: (entry) => this.#apply(entry),
      restored: (snapshot) => this.#restore(snapshot),
      note: (event) => effects.journal.note(event),
    };
  }

  receive(from: NodeId, bytes: Uint8Array, now: Now): void {
    this.#now = now;
    if (this.#followed.why !== null) return this.#followed.receive(from, bytes, now);
    if (isAuthorityMessage(bytes)) return this.#noteUnless(this.#raft === null || this.#authority.receive(from, bytes, now), bytes);
    if (isMoveMessage(bytes)) return this.#noteUnless(this.#rebalancing.receive(bytes, from, now), bytes);
    const message = decodeRaftMessage(bytes);
    if (message === null) return this.#noteUnless(false, bytes);
    this.#raft?.receive(from, message, now.monotonicMs);
    const isOfLeader = message.kind === 'append' && this.#raft?.leader === from && this.#raft.term === message.term;
    if (isOfLeader && (this.#raft?.committed ?? 0) >= message.committed) this.#currentAtMs = now.monotonicMs;
    this.#after(now);
  }

  #noteUnless(isReadable: boolean, bytes: Uint8Array): void {
    if (!isReadable) this.#ports.effects.journal.note({ kind: 'control.message-rejected', bytes: bytes.length });
  }

  /** What others have committed: this node takes no part any more. */
  #goBy(state: ControlState, now: Now): void {
    this.#raft = null;
    this.#rebalancing.rest();
    this.#waiting.unknownUpTo(Number.MAX_SAFE_INTEGER);
    this.#state = state;
    this.#ports.changed(state, now);
  }

  /** False when the timer is not one of these. */
  timer(name: string, now: Now): boolean {
    this.#now = now;
    if (name === authorityTimer) {
      if (this.#raft !== null) this.#authority.timer(now);
    } else if (name === followingTimer) this.#followed.timer(now);
    else if (name === controlTimer) {
      this.#raft?.wake(now.monotonicMs);
      this.#after(now);
    } else return false;
    return true;
  }

  roomChanged(): void {
    this.#journal.roomChanged();
  }

  /** Proposes an entry, as leader. `settled` is called once, when it is known what became of it; never, if this process ends before. */
  propose(entry: ControlEntry, settled: (answer: ProposalAnswer) => void, now: Now): void {
    this.#now = now;
    const refuse = (why: ProposalRefusal): void => settled({ kind: 'refused', why, leader: this.leader });
    if (this.#raft === null) return refuse('not leader');
    if (takesSpaces(entry) && !this.#authority.mayTake(now)) return refuse('electorate changed lately');
    if (this.#waiting.count >= this.#ports.options.proposalsMax) return refuse('overloaded');
    const proposed = this.#raft.propose(encodeEntry(entry, this.#ports.pure));
    if (proposed.kind === 'refused')
      return refuse(proposed.why === 'not leader' || proposed.why === 'handing over' ? proposed.why : 'overloaded');
    this.#waiting.add(proposed, settled);
    this.#after(now);
  }

  /** This node will be absent as planned: whoever leads hands over to the voter that has most of the log. */
  leave(now: Now): void {
    const raft = this.#raft;
    if (raft === null || raft.role !== 'leader') return;
    this.#now = now;
    const best = mostCaughtUp(this.#self as NodeId, raft);
    if (best !== undefined) raft.handOver(best, now.monotonicMs);
    this.#after(now);
  }

  /** Whether this node leads and no other can, as of now. */
  holdsLease(now: Now): boolean {
    return (this.#raft?.leaseUntilMs(now.monotonicMs) ?? Number.NEGATIVE_INFINITY) > now.monotonicMs;
  }

  /** The epoch in which this node is confirmed primary of the space now; null when it is not. */
  confirmed(space: SpaceKey, now: Now): Epoch | null {
    this.#now = now;
    return this.#raft === null ? null : this.#authority.confirmed(space, now);
  }

  /** Whether this node may call itself confirmed where it stands first. */
  isLeased(now: Now): boolean {
    this.#now = now;
    return this.#raft !== null && this.#authority.leaseUntilMs(now) > now.monotonicMs;
  }

  isHandingOver(space: SpaceKey, now: Now): boolean {
    this.#now = now;
    return this.#raft !== null && this.#authority.isHandingOver(space, now);
  }

  tellOfMove(message: MoveMessage, now: Now): void {
    if (this.#raft !== null) this.#rebalancing.tell(message, now);
  }

  wantSpace(name: string): void {
    this.#authority.want(name);
  }

  /** As a leader that no other can have followed, and that has applied all that was committed before its term. */
  knowsAllSpaces(now: Now): boolean {
    const raft = this.#raft;
    return raft !== null && this.holdsLease(now) && raft.hasCommittedInItsTerm && this.#state.applied >= raft.committed;
  }

  get allowsProvisional(): boolean {
    return this.#state.settings.partitionPolicy === 'accept';
  }

  #apply(entry: Entry): void {
    const { journal } = this.#ports.effects;
    const { index, term } = entry;
    const said = this.#entryIn(entry);
    if (said === 'unreadable') journal.note({ kind: 'control.entry-unreadable', index });
    const { state, outcome, patches } =
      said === null || said === 'unreadable' ? nothingBy(this.#state, index) : applyEntry(this.#state, said, index);
    this.#state = state;
    const isHandedOver = said !== null && said !== 'unreadable' && said.kind === 'move-changed';
    this.#authority.changed(state, changedRows(patches), { isHandedOver }, this.#now);
    if (entry.kind === 'configuration') this.#authority.electorateChanged(this.#now);
    journal.note({ kind: 'control.applied', index, term, entry: said === 'unreadable' ? null : said, outcome, patches });
    this.#ports.changed(state, this.#now);
    this.#waiting.committed(entry, outcome);
  }

  /** What an entry says to the state; null: nothing. */
  #entryIn(entry: Entry): ControlEntry | 'unreadable' | null {
    if (entry.kind === 'begin') return null;
    if (entry.kind === 'configuration') return { kind: 'voters-changed', ...entry.configuration };
    const reading = decodeEntry(entry.bytes, this.#ports.pure);
    if (reading.kind === 'newer')
      this.#halt(`entry ${entry.index} of the control log has format ${reading.version}, written by a later version`);
    // The electorate changes by the agreement's own entries alone.
    return reading.kind === 'entry' && reading.entry.kind !== 'voters-changed' ? reading.entry : 'unreadable';
  }

  #restore(snapshot: Snapshot): void {
    const reading = decodeState(snapshot.state, this.#ports.pure);
    if (reading.kind !== 'state')
      return this.#halt(`the control log's snapshot at ${snapshot.index} cannot be read: it is ${reading.kind}`);
    const { voters, learners } = snapshot.configuration;
    this.#state = { ...reading.state, voters, learners };
    this.#snapshotIndex = snapshot.index;
    this.#authority.replaced(this.#state, this.#now);
    this.#authority.electorateChanged(this.#now);
    this.#ports.changed(this.#state, this.#now);
    this.#waiting.unknownUpTo(snapshot.index);
  }

  #halt(message: string): void {
    const reason = `UNSUPPORTED_FORMAT: ${message}`;
    this.#ports.effects.journal.note({ kind: 'node.halted', reason });
    this.#ports.effects.lifecycle.halt(reason);
  }

  /** Upkeep after anything has happened: a snapshot when one is due, and as leader the electorate. */
  #after(_now: Now): void {
    const raft = this.#raft;
    if (raft === null) return;
    const { applied } = this.#state;
    if (applied - this.#snapshotIndex >= this.#ports.options.snapshotEveryEntries) {
      const bytes = encodeState(this.#state, this.#ports.pure);
      this.#snapshotIndex = applied;
      raft.compact(applied, bytes);
      this.#ports.effects.journal.note({ kind: 'control.compacted', index: applied, bytes: bytes.length });
    }
    if (raft.role !== 'leader') return;
    const { configuration, matches, committed } = raft;
    const next = nextConfiguration({ self: this.#self as NodeId, state: this.#state, configuration, matches, committed });
    if (next !== null) raft.reconfigure(next);
  }
}

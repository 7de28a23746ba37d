/**
 * The control log of one node: Raft's agreement over the node's own disk, network and timers, and the state that the committed entries add up to.
 *
 * A voter that may have forgotten something (records of its control log were damaged) takes no part: a forgotten vote could elect two leaders, a forgotten entry undo what was
 * committed. The others go on as if it were down, take it out of the electorate, and let it begin anew (forgetful.ts). Nor does a node that was removed: no entry reaches it, so a voter
 * tells it. Either goes by the state that others say is committed (followed-state.ts).
 */
import type { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import type { Author, NodeId, SpaceKey } from '../identifiers.js';
import type { PrimaryAuthority } from '../node-services.js';
import { AppliedState, readableState } from './applied-state.js';
import { Beginner } from './beginner.js';
import { foundingOf } from './beginnings.js';
import { ControlOutbox, partsOf } from './bundle.js';
import type { ProposalAnswer, ProposalRefusal } from './control-events.js';
import { ControlJournal } from './control-journal.js';
import type { ControlLogPorts } from './control-log-ports.js';
import type { ControlRecords } from './control-records.js';
import type { ControlState } from './control-state.js';
import { keepElectorate, mostCaughtUp } from './electorate.js';
import type { ControlEntry, Epoch } from './entries.js';
import { encodeEntry } from './entry-codec.js';
import { FollowedState, followingTimer } from './followed-state.js';
import { Forgetful } from './forgetful.js';
import { Authority, authorityTimer } from './leases/authority.js';
import { type AuthorityMessage, isAuthorityMessage } from './leases/authority-messages.js';
import type { Agreement } from './leases/authority-ports.js';
import { Demotions, takesSpaces } from './leases/demotions.js';
import { HeartbeatRounds } from './leases/heartbeat-rounds.js';
import { isMoveMessage, type MoveMessage } from './moves/move-messages.js';
import { Rebalancing, type Underway } from './moves/rebalancing.js';
import { decodeRaftMessage, encodeRaftMessage } from './raft/message-codec.js';
import { Raft } from './raft/raft.js';
import type { RaftEffects, Recovered } from './raft/vocabulary.js';
import { encodeState } from './state-codec.js';
import { WaitingProposals } from './waiting-proposals.js';

export const controlTimer = 'control.wake';

export class ControlLog implements PrimaryAuthority {
  readonly #ports: ControlLogPorts;
  readonly #journal: ControlJournal;
  #self: NodeId | null = null;
  #raft: Raft | null = null;
  readonly #applied: AppliedState;
  readonly #waiting = new WaitingProposals();
  #now: Now = { monotonicMs: 0, wallMs: 0 };
  #snapshotIndex = 0;
  readonly #authority: Authority;
  readonly #followed: FollowedState;
  readonly #beginner: Beginner;
  readonly #rebalancing: Rebalancing;
  readonly #outbox: ControlOutbox;
  readonly #rounds = new HeartbeatRounds();
  readonly #forgetful = new Forgetful();

  constructor(ports: ControlLogPorts) {
    this.#ports = ports;
    this.#journal = new ControlJournal(ports.store, ports.pure);
    const { options, effects } = ports;
    this.#outbox = new ControlOutbox(ports.send);
    const send: ControlLogPorts['send'] = (to, message) => this.#outbox.add(to, message);
    this.#followed = new FollowedState({
      send,
      effects,
      pure: ports.pure,
      askEveryMs: options.authority.askEveryMs,
      state: () => this.state,
      goBy: (state, now) => this.#goBy(state, now),
      beginAnew: (how) => this.#beginner.beginAnew(how),
    });
    this.#beginner = new Beginner({
      journal: this.#journal,
      store: ports.store,
      followed: this.#followed,
      notes: effects.journal,
      pure: ports.pure,
      self: () => this.#self as NodeId,
      state: () => this.state,
      raft: () => this.#raft,
      rest: () => this.#rest(),
      begin: (recovered, { isLate }, now) => {
        if (isLate) this.#authority.replaced(this.state, now);
        this.#begin(recovered, now);
      },
    });
    this.#authority = new Authority(
      {
        options: { ...options.authority, leaderMsMax: options.raft.electionMsMax },
        agreement: () => this.#agreement(),
        send,
        timers: effects.timers,
        pure: ports.pure,
        canWrite: ports.canWrite,
        pingedMs: ports.pingedMs,
        propose: (entry, done, now) => this.propose(entry, done, now),
        forgot: (from, boot) => this.#forgot(from, boot),
        told: (bytes, now) => this.#followed.told(bytes, this.#self as NodeId, now),
        led: (isSilent, now) => this.#rebalancing.lead(isSilent, now),
        leasesChanged: ports.leasesChanged,
      },
      new Demotions(ports.pure),
    );
    const { pure, changed } = ports;
    this.#applied = new AppliedState({ effects, pure, authority: this.#authority, waiting: this.#waiting, changed });
    this.#rebalancing = new Rebalancing({
      options: options.rebalancing,
      plan: ports.plan,
      journal: effects.journal,
      state: () => this.state,
      self: () => this.#self as NodeId,
      leader: () => this.leader,
      isOrderPending: () => this.#waiting.has('rebalancing-ordered'),
      send,
      propose: (entry, settled, now) => this.propose(entry, settled, now),
    });
  }

  get records(): ControlRecords {
    return this.#journal;
  }

  get state(): ControlState {
    return this.#applied.state;
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

  /** Recovery has ended. `lost`: records of the control log that were on this disk and cannot be read; null when none were lost. */
  open(self: NodeId, lost: VersionVector | null, now: Now): void {
    this.#self = self;
    this.#now = now;
    const { founding } = this.#ports.options;
    const reading = this.#journal.finishRecovery(lost);
    if (reading.kind === 'newer')
      return this.#applied.halt(`the control log has records of format ${reading.version}, written by a later version`);
    if (reading.kind === 'lossy') {
      this.#beginner.damaged(reading.recovered);
      this.#followed.begin(this.#ports.store.author, readableState(reading.recovered, this.#ports.pure), now);
    } else if (!reading.isEmpty || founding === null || !founding.founders.some(({ id }) => id === self))
      this.#begin(reading.recovered, now);
    else {
      // Every founder begins with the same snapshot, in which the cluster is made: as if they had agreed on it.
      const beginning = foundingOf([{ kind: 'cluster-made', ...founding }], this.#ports.pure);
      if (beginning !== null) this.#beginner.beginWith(beginning, () => {});
    }
  }

  #forgot(from: NodeId, boot: Author): AuthorityMessage | null {
    return this.#raft === null || this.state.members[from] === undefined ? null : this.#forgetful.told(from, boot, this.#raft);
  }

  /** This node alone makes a cluster, of the members that the entries name; they get it from here. None of them may belong to one. */
  found(entries: readonly ControlEntry[], settled: (answer: ProposalAnswer) => void, now: Now): void {
    this.#now = now;
    this.#beginner.found(entries, settled);
  }

  /** A majority of voters is gone for good: this node goes on with what it knows, in another generation. */
  recover(settled: (answer: ProposalAnswer) => void, now: Now): void {
    this.#now = now;
    this.#beginner.recover(settled, now);
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
    // What this node did before it began anew rests on what was committed then, though its log does not reach so far yet.
    this.#authority.begin(Math.max(raft.last.index, recovered.votesFrom, this.state.applied), this.#ports.store.author, now);
    raft.deliverRecovered();
    this.#after(now);
  }

  #agreement(): Agreement {
    const holdsLease = this.holdsLease(this.#now);
    const isCurrent = holdsLease || this.#now.monotonicMs - this.#rounds.currentAtMs <= this.#ports.options.authority.contactMs;
    const configuration = this.#raft?.configuration ?? { voters: [], learners: [] };
    const knowsWhatWasBefore = this.#raft?.hasAppliedInItsTerm ?? false;
    return { self: this.#self as NodeId, state: this.state, configuration, isCurrent, holdsLease, knowsWhatWasBefore };
  }

  #raftEffects(): RaftEffects {
    const { effects } = this.#ports;
    return {
      send: (to, message) => this.#outbox.add(to, encodeRaftMessage(message)),
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
      committed: (entry) => {
        this.#applied.apply(entry, this.#now);
        this.#rebalancing.applied(this.#now);
        this.#journal.committed(entry);
      },
      restored: (snapshot) => {
        this.#snapshotIndex = snapshot.index;
        this.#applied.restore(snapshot, this.#now);
      },
      note: (event) => effects.journal.note(event),
    };
  }

  /** Bytes of another node's control log: a message or several. */
  receive(from: NodeId, bytes: Uint8Array, now: Now): void {
    this.#now = now;
    const parts = partsOf(bytes);
    if (parts === null) return this.#noteUnless(false, bytes);
    const { heard } = this.#rounds;
    for (const part of parts) this.#receivePart(from, part, now);
    // After all that came with the heartbeat.
    if (this.#rounds.heard !== heard && this.#raft !== null) this.#authority.heartbeat(from, now);
  }

  #receivePart(from: NodeId, bytes: Uint8Array, now: Now): void {
    if (this.#followed.why !== null) return this.#followed.receive(from, bytes, now);
    if (isAuthorityMessage(bytes)) return this.#noteUnless(this.#raft === null || this.#authority.receive(from, bytes, now), bytes);
    if (isMoveMessage(bytes)) return this.#noteUnless(this.#rebalancing.receive(bytes, from, now), bytes);
    const message = decodeRaftMessage(bytes);
    if (message === null) return this.#noteUnless(false, bytes);
    this.#raft?.receive(from, message, now.monotonicMs);
    if (this.#raft?.leader === from) this.#rounds.leaderSpoke(message, this.#raft, now);
    this.#after(now);
  }

  /** The event has been handled: what it gave to say goes out, that for each node together. */
  endTurn(): void {
    this.#outbox.flush();
  }

  #noteUnless(isReadable: boolean, bytes: Uint8Array): void {
    if (!isReadable) this.#ports.effects.journal.note({ kind: 'control.message-rejected', bytes: bytes.length });
  }

  /** What others have committed: this node takes no part any more. */
  #goBy(state: ControlState, now: Now): void {
    this.#rest();
    this.#applied.goBy(state, now);
  }

  /** Takes no part for now. */
  #rest(): void {
    this.#raft = null;
    this.#rebalancing.rest();
    this.#waiting.unknownUpTo(Number.MAX_SAFE_INTEGER);
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
    this.#waiting.add({ ...proposed, kind: entry.kind }, settled);
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
    return this.#raft !== null && this.#authority.isLeased(now);
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
    return this.holdsLease(now) && this.#raft?.hasAppliedInItsTerm === true && this.state.applied >= this.#raft.committed;
  }

  get allowsProvisional(): boolean {
    return this.state.settings.partitionPolicy === 'accept';
  }

  /** Upkeep after anything has happened: a snapshot when one is due, and as leader the electorate. */
  #after(now: Now): void {
    const raft = this.#raft;
    if (raft === null) return;
    const { applied } = this.state;
    // A state that is ahead of the log here comes from others.
    if (applied - this.#snapshotIndex >= this.#ports.options.snapshotEveryEntries && applied <= raft.delivered) {
      const bytes = encodeState(this.state, this.#ports.pure);
      this.#snapshotIndex = applied;
      raft.compact(applied, bytes);
      this.#ports.effects.journal.note({ kind: 'control.compacted', index: applied, bytes: bytes.length });
    }
    if (this.#rounds.isNew(raft)) {
      this.#authority.lead(raft.round > 0, now);
      if (raft.round === 0) this.#rebalancing.rest();
    }
    if (raft.role !== 'leader') return;
    this.#authority.caughtUp(now);
    const forgetful = this.#forgetful.toTakeOut(raft);
    keepElectorate({ self: this.#self as NodeId, state: this.state, forgetful }, raft, now.monotonicMs);
  }
}

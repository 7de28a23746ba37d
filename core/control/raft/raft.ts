/**
 * Agreement on one sequence of entries among the voters of a cluster: Raft, as a pure state machine. Messages, the passing of time and the ends of saves come
 * in; what is to be sent, saved or delivered goes out through its effects.
 *
 * Beyond the paper's core: a term is begun only after a majority would have voted for it (pre-vote); who hears a leader votes for nobody else within its lease, and a
 * leader that hears no majority steps down (check-quorum); leadership is handed over by asking the successor to stand at once; voters change one at a
 * time, after having learnt the log without a vote. Votes and entries are durable before anybody is told of them.
 */
import type { NodeId } from '../../identifiers.js';
import { Following } from './following.js';
import { Leadership } from './leadership.js';
import { RaftState, type RaftWorld } from './raft-state.js';
import {
  type Configuration,
  compareEntries,
  type Entry,
  type EntryContent,
  isVoter,
  type Proposed,
  quorumOf,
  type RaftMessage,
  type Role,
  type RoundOfLeader,
  refusalPerLease,
  type WhySteppedDown,
} from './vocabulary.js';

export class Raft {
  readonly #state: RaftState;
  readonly #following: Following;
  #leadership: Leadership | null = null;
  readonly #votes = new Set<NodeId>();
  /** All up to here is known to be committed, though it may not be in the log here: because this voter has begun anew, or because another has it. */
  #votesFrom: number;
  #electionAtMs = 0;
  /** Until then this voter grants nothing: it has heard a leader, or may have before it was started anew. */
  #refusesUntilMs = 0;
  #wakeAtMs = Number.NaN;
  /** The latest round that was heard of a leader. */
  #heard: RoundOfLeader = { term: 0, round: 0 };

  constructor(world: RaftWorld, nowMs: number) {
    this.#state = new RaftState(world);
    this.#following = new Following(this.#state);
    this.#votesFrom = world.recovered.votesFrom;
    if (world.recovered.snapshot !== null) world.effects.restored(world.recovered.snapshot);
    this.#refuseRivals(nowMs);
    this.#schedule();
  }

  /** Delivers what this node knew to be committed when its process ended: it needs no leader for that. Once, before anything is received. */
  deliverRecovered(): void {
    this.#state.deliver();
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): number {
    return this.#state.term;
  }

  /** Of the current term, as far as this node knows. */
  get leader(): NodeId | null {
    return this.#state.leader;
  }

  get configuration(): Configuration {
    return this.#state.log.configuration;
  }

  get committed(): number {
    return this.#state.log.committed;
  }

  get last(): { readonly index: number; readonly term: number } {
    return { index: this.#state.log.last.index, term: this.#state.log.last.term };
  }

  /** Entries that stand in the log here and have not been delivered. */
  get undelivered(): readonly Entry[] {
    const { log } = this.#state;
    return log.slice(Math.max(log.delivered, log.start.index) + 1, Number.POSITIVE_INFINITY);
  }

  /** Where the log begins here, and the term of each entry behind that: by index and term logs can be compared. */
  get termsOfLog(): { readonly start: number; readonly terms: readonly number[] } {
    const { start, terms } = this.#state.log;
    return { start: start.index, terms };
  }

  /** Up to when this node, as leader, knows that there is no other; null when it does not lead. */
  leaseUntilMs(nowMs: number): number | null {
    return this.#leadership?.leaseUntilMs(nowMs) ?? null;
  }

  /** As leader: the latest round of its heartbeats, counted from 1 on; 0 for everybody else. */
  get round(): number {
    return this.#leadership?.round ?? 0;
  }

  /** As leader: whether all that was committed before its term has been delivered. */
  get hasAppliedInItsTerm(): boolean {
    const { log, term } = this.#state;
    return this.#leadership !== null && log.termAt(log.delivered) === term;
  }

  /** As leader: whether who votes now is agreed on, and something of its term: only then may that change. */
  get mayReconfigure(): boolean {
    return this.#leadership?.mayReconfigure ?? false;
  }

  /** As leader: whether it has tried to hand leadership over. */
  get hasOffered(): boolean {
    return this.#leadership?.hasOffered ?? false;
  }

  /** All up to here was delivered. */
  get delivered(): number {
    return this.#state.log.delivered;
  }

  /** Whether this node has all that it knows to be committed: before it neither votes nor stands. */
  get #hasVoice(): boolean {
    return this.#state.log.last.index >= this.#votesFrom;
  }

  /** As leader: whether the node answers. */
  isHeard(id: NodeId, nowMs: number): boolean {
    return this.#leadership?.isHeard(id, nowMs) ?? false;
  }

  /** As leader: up to which index each other member is known to have the log. */
  get matches(): ReadonlyMap<NodeId, number> {
    return this.#leadership?.matches ?? new Map();
  }

  propose(bytes: Uint8Array): Proposed {
    return this.#propose({ kind: 'command', bytes });
  }

  /** At most one voter more or less than now; learners as they come. */
  reconfigure(configuration: Configuration): Proposed {
    const { voters } = this.configuration;
    const { leader } = this.#state;
    if (configuration.voters.length === 0) return { kind: 'refused', why: 'no voters', leader };
    if (this.#leadership !== null && !this.#leadership.mayReconfigure) return { kind: 'refused', why: 'a change is under way', leader };
    const changed = [
      ...configuration.voters.filter((id) => !voters.includes(id)),
      ...voters.filter((id) => !configuration.voters.includes(id)),
    ];
    if (changed.length > 1) return { kind: 'refused', why: 'more than one change', leader };
    return this.#propose({ kind: 'configuration', configuration });
  }

  #propose(content: EntryContent): Proposed {
    const { leader } = this.#state;
    if (this.#leadership === null) return { kind: 'refused', why: 'not leader', leader };
    if (this.#leadership.isHandingOver) return { kind: 'refused', why: 'handing over', leader };
    if (!this.#leadership.hasRoomFor(content)) return { kind: 'refused', why: 'overloaded', leader };
    const { index, term } = this.#leadership.propose(content);
    return { kind: 'proposed', index, term };
  }

  /** As leader: asks a voter to take over as soon as it has everything. Given up after a while; commands are refused meanwhile. */
  handOver(to: NodeId, nowMs: number): boolean {
    if (this.#leadership === null || to === this.#state.self || !isVoter(this.configuration, to)) return false;
    this.#leadership.handOver(to, nowMs);
    return true;
  }

  /** Everything delivered up to `index` is in `state`: the entries up to there are given up. */
  compact(index: number, state: Uint8Array): void {
    const snapshot = this.#state.log.compact(index, state);
    if (snapshot !== null) this.#state.save({ snapshot: { snapshot, keepsEntries: true } }, () => {});
  }

  /** The time asked for has come, or any other. */
  wake(nowMs: number): void {
    const { role, log } = this.#state;
    if (this.#leadership !== null) {
      if (this.#leadership.hasLostMajority(nowMs)) this.#stepDown('no majority heard', nowMs);
      else if (!isVoter(log.configuration, this.#state.self) && log.configurationIndex <= log.committed)
        this.#stepDown('no voter any more', nowMs);
      else this.#leadership.tick(nowMs);
    } else if (nowMs >= this.#electionAtMs) {
      this.#drawElection(nowMs);
      if (this.#hasVoice && log.mayBeNeeded(this.#state.self)) this.#askWhoWouldVote(nowMs);
      else if (role !== 'follower') this.#state.role = 'follower';
    }
    this.#schedule();
  }

  /** A save has ended. */
  saved(ticket: number, nowMs: number): void {
    this.#state.saved(ticket, nowMs);
    this.#schedule();
  }

  receive(from: NodeId, message: RaftMessage, nowMs: number): void {
    if (this.#mayHear(from, message, nowMs)) this.#take(from, message, nowMs);
    this.#schedule();
  }

  /** Judges the term of a message; false when that is all there is to it. */
  #mayHear(from: NodeId, message: RaftMessage, nowMs: number): boolean {
    const { term } = this.#state;
    // A question about a term that may never begin, and a yes to one, commit nobody to it.
    if (message.kind === 'ask-pre-vote' || (message.kind === 'pre-vote' && message.isGranted)) return true;
    if (message.term > term) {
      if (message.kind === 'ask-vote' && this.#refuses(nowMs) && !this.#wasHandedOver(message.handedOver)) return false;
      this.#enterTerm(message.term, nowMs);
      return true;
    }
    if (message.term === term) return true;
    // Who is behind learns it from the answer.
    if (message.kind === 'ask-vote') this.#state.send(from, { kind: 'vote', term, isGranted: false });
    if (message.kind === 'append' || message.kind === 'snapshot')
      this.#state.whenDurable(nowMs, () => this.#state.send(from, { kind: 'pre-vote', term, isGranted: false }));
    return false;
  }

  #take(from: NodeId, message: RaftMessage, nowMs: number): void {
    switch (message.kind) {
      case 'ask-pre-vote':
        return this.#askedWhetherItWould(from, message, nowMs);
      case 'pre-vote':
        if (message.isGranted && this.#state.role === 'pre-candidate' && message.term === this.#state.term + 1) this.#counted(from, nowMs);
        return;
      case 'ask-vote':
        return this.#askedToVote(from, message, nowMs);
      case 'vote':
        if (message.isGranted && this.#state.role === 'candidate') this.#counted(from, nowMs);
        return;
      case 'append':
      case 'snapshot':
        if (!this.#follow(from, message, nowMs)) return;
        if (message.kind === 'append') this.#following.append(from, message, nowMs);
        else this.#following.snapshot(from, message, nowMs);
        return;
      case 'appended':
      case 'refused':
      case 'snapshot-part':
        if (this.#leadership === null) return;
        if (message.kind === 'appended' && message.match > this.#state.log.last.index) return this.#giveWay(message.match, nowMs);
        return this.#leadership.answered(from, message, nowMs);
      case 'take-over':
        // An offer that was overtaken by a later round is none: what was answered to that round may be a lease by now.
        if (
          from === this.#state.leader &&
          this.#hasVoice &&
          isVoter(this.configuration, this.#state.self) &&
          message.round >= this.#heard.round
        )
          this.#stand({ term: message.term, round: message.round }, nowMs);
    }
  }

  /** The leader of this term has spoken. */
  #follow(leader: NodeId, { term, round }: RoundOfLeader, nowMs: number): boolean {
    // Two leaders in one term cannot be; whoever says so is not believed.
    if (this.#leadership !== null) return false;
    if (term > this.#heard.term || round > this.#heard.round) this.#heard = { term, round };
    if (this.#state.leader !== leader) {
      this.#state.leader = leader;
      this.#state.effects.note({ kind: 'control.leader-followed', term: this.#state.term, leader });
    }
    this.#state.role = 'follower';
    this.#refuseRivals(nowMs);
    return true;
  }

  #refuseRivals(nowMs: number): void {
    this.#refusesUntilMs = nowMs + Math.ceil(refusalPerLease * this.#state.options.electionMsMin);
    this.#drawElection(nowMs);
  }

  /** A leader refuses by leading: it steps down by itself when it is out of reach. */
  #refuses(nowMs: number): boolean {
    return this.#leadership !== null || nowMs < this.#refusesUntilMs;
  }

  /** Whether the leader that this voter protects has given up its protection, and has not been heard again since. Who has heard nobody in this boot cannot tell. */
  #wasHandedOver(handedOver: RoundOfLeader | null): boolean {
    return handedOver !== null && handedOver.term === this.#heard.term && handedOver.round >= this.#heard.round;
  }

  #drawElection(nowMs: number): void {
    const { options, random } = this.#state;
    const waitMs = options.electionMsMin + Math.floor(random.fraction() * (options.electionMsMax - options.electionMsMin + 1));
    // A vote for oneself is a vote.
    this.#electionAtMs = Math.max(nowMs + waitMs, this.#refusesUntilMs);
  }

  #enterTerm(term: number, nowMs: number): void {
    if (this.#leadership !== null) this.#stepDown('higher term', nowMs);
    this.#state.role = 'follower';
    this.#state.enterTerm(term);
  }

  /** Whoever follows a leader has nothing committed that it lacks, unless in another generation (generations.ts): this one was given up, whatever terms it has come to since. */
  #giveWay(committed: number, nowMs: number): void {
    this.#votesFrom = Math.max(this.#votesFrom, committed);
    this.#stepDown('lacks what is committed', nowMs);
  }

  #stepDown(why: WhySteppedDown, nowMs: number): void {
    this.#leadership = null;
    this.#state.role = 'follower';
    this.#state.leader = null;
    this.#state.effects.note({ kind: 'control.stepped-down', term: this.#state.term, why });
    this.#drawElection(nowMs);
  }

  #isUpToDate(last: { readonly index: number; readonly term: number }): boolean {
    return compareEntries(last, this.#state.log.last) >= 0;
  }

  #wouldVoteFor(last: { readonly index: number; readonly term: number }): boolean {
    return this.#hasVoice && this.#isUpToDate(last);
  }

  #askedWhetherItWould(from: NodeId, { term, last }: Extract<RaftMessage, { kind: 'ask-pre-vote' }>, nowMs: number): void {
    const isGranted = term > this.#state.term && !this.#refuses(nowMs) && this.#wouldVoteFor(last);
    this.#state.send(from, { kind: 'pre-vote', term: isGranted ? term : this.#state.term, isGranted });
  }

  #askedToVote(from: NodeId, { term, last }: Extract<RaftMessage, { kind: 'ask-vote' }>, nowMs: number): void {
    const { vote, leader } = this.#state;
    const isFree = vote === from || (vote === null && leader === null);
    if (!isFree || !this.#wouldVoteFor(last)) return this.#state.send(from, { kind: 'vote', term, isGranted: false });
    if (vote === null) this.#state.voteFor(from);
    this.#drawElection(nowMs);
    this.#state.whenDurable(nowMs, () => {
      if (this.#state.term === term && this.#state.vote === from) this.#state.send(from, { kind: 'vote', term, isGranted: true });
    });
  }

  #otherVoters(): readonly NodeId[] {
    return this.configuration.voters.filter((id) => id !== this.#state.self);
  }

  #askWhoWouldVote(nowMs: number): void {
    const { log, term } = this.#state;
    this.#state.role = 'pre-candidate';
    this.#state.leader = null;
    this.#votes.clear();
    for (const id of this.#otherVoters()) this.#state.send(id, { kind: 'ask-pre-vote', term: term + 1, last: placeOf(log.last) });
    this.#counted(this.#state.self, nowMs);
  }

  /** Begins a term as its candidate. The own vote comes first, and is durable before anybody is asked for theirs. */
  #stand(handedOver: RoundOfLeader | null, nowMs: number): void {
    const term = this.#state.term + 1;
    this.#state.enterTerm(term);
    this.#state.voteFor(this.#state.self);
    this.#state.role = 'candidate';
    this.#votes.clear();
    this.#state.effects.note({
      kind: 'control.election-started',
      term,
      why: handedOver === null ? 'no leader heard' : 'asked to take over',
    });
    this.#drawElection(nowMs);
    this.#state.whenDurable(nowMs, (savedMs) => {
      if (this.#state.role !== 'candidate' || this.#state.term !== term) return;
      const last = placeOf(this.#state.log.last);
      for (const id of this.#otherVoters()) this.#state.send(id, { kind: 'ask-vote', term, last, handedOver });
      this.#counted(this.#state.self, savedMs);
    });
  }

  #counted(voter: NodeId, nowMs: number): void {
    if (!isVoter(this.configuration, voter)) return;
    this.#votes.add(voter);
    if (this.#votes.size < quorumOf(this.configuration)) return;
    if (this.#state.role === 'pre-candidate') this.#stand(null, nowMs);
    else this.#lead(nowMs);
  }

  #lead(nowMs: number): void {
    this.#state.role = 'leader';
    this.#state.leader = this.#state.self;
    this.#state.effects.note({ kind: 'control.leader-elected', term: this.#state.term, votes: [...this.#votes].sort() });
    this.#leadership = new Leadership(this.#state, nowMs);
  }

  #schedule(): void {
    const atMs = this.#leadership?.nextMs ?? this.#electionAtMs;
    if (atMs === this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#state.effects.wakeAt(atMs);
  }
}

function placeOf({ index, term }: { readonly index: number; readonly term: number }): { readonly index: number; readonly term: number } {
  return { index, term };
}

/**
 * A leader's side: what each follower has, what goes to it next, what is committed by that, and for how long the leader may still call itself one.
 *
 * A follower is probed with one append at a time until it agrees where the logs part, then sent one after another without waiting, or gets a snapshot when
 * what it lacks is compacted here.
 */
import type { NodeId } from '../../identifiers.js';
import { bytesOf } from './raft-log.js';
import type { RaftState } from './raft-state.js';
import { type Entry, type EntryContent, everyone, majorityMoment, quorumOf, type RaftMessage } from './vocabulary.js';

interface Follower {
  mode: 'probing' | 'streaming' | 'snapshot';
  /** The next entry to send. */
  next: number;
  /** Known to be durable there and equal to ours. */
  match: number;
  /** Appends with entries that are not answered. */
  inFlight: number;
  /** While probing: asked, and not answered in this round. */
  asked: boolean;
  /** Of the snapshot that it is being sent. */
  snapshot: { readonly index: number; offset: number } | null;
  /** Start of the latest round of ours that it has answered. */
  heardMs: number;
  /** Up to where it was last told what is committed. */
  told: number;
  /** It was let in, this time, after that round of ours began: what it says to that or an earlier one may be from before, when it may have had more than it has now. */
  readonly afterRound: number;
}

interface Round {
  readonly number: number;
  readonly startedMs: number;
}

const roundsMax = 64;
const never = Number.NEGATIVE_INFINITY;

export class Leadership {
  readonly #state: RaftState;
  readonly #followers = new Map<NodeId, Follower>();
  #rounds: Round[] = [];
  #lastRound = 0;
  #nextHeartbeatMs = 0;
  #uncommittedBytes = 0;
  #sinceMs: number;
  /** What was answered to rounds up to this one proves nothing any more: leadership was offered to another after it. */
  #offeredInRound = 0;
  /** To whom leadership is being handed, and until when that is tried. */
  #transfer: { readonly to: NodeId; readonly untilMs: number; asked: boolean } | null = null;
  #hasOffered = false;
  #ownConfiguration = 0;

  constructor(state: RaftState, nowMs: number) {
    this.#state = state;
    this.#sinceMs = nowMs;
    // In this term nobody has been asked anything yet.
    this.#followConfiguration(-1);
    this.propose({ kind: 'begin' });
    this.#heartbeat(nowMs);
  }

  get nextMs(): number {
    return this.#nextHeartbeatMs;
  }

  /** Of heartbeats, counted from 1 on. */
  get round(): number {
    return this.#lastRound;
  }

  get isHandingOver(): boolean {
    return this.#transfer !== null;
  }

  /** Whether leadership has been handed over in this term, or it has been tried. */
  get hasOffered(): boolean {
    return this.#hasOffered;
  }

  /** What every other member is known to have. */
  get matches(): ReadonlyMap<NodeId, number> {
    return new Map([...this.#followers].map(([id, { match }]) => [id, match]));
  }

  /** Whether commands may still be taken without going over the bound. */
  hasRoomFor(content: EntryContent): boolean {
    return this.#uncommittedBytes === 0 || this.#uncommittedBytes + bytesOf(content) <= this.#state.options.uncommittedBytesMax;
  }

  propose(content: EntryContent): Entry {
    const { log, term } = this.#state;
    const entry = log.append(term, content);
    this.#uncommittedBytes += bytesOf(content);
    if (content.kind === 'configuration') {
      this.#followConfiguration();
      this.#state.noteConfiguration();
    }
    this.#state.save({ entries: [entry] }, () => {
      this.#state.entriesSaved(entry);
      if (this.#state.role === 'leader' && this.#state.term === term) this.#commit();
    });
    this.#sendAll();
    return entry;
  }

  /** Members that are new in the configuration are probed; who is gone is spoken to no more. */
  #followConfiguration(afterRound = this.#lastRound): void {
    const { log, self } = this.#state;
    this.#ownConfiguration = log.configurationIndex;
    const members = new Set(everyone(log.configuration));
    for (const id of this.#followers.keys()) if (!members.has(id)) this.#followers.delete(id);
    for (const id of members) {
      if (id === self || this.#followers.has(id)) continue;
      const next = log.last.index + 1;
      const place = { next, match: 0, inFlight: 0, asked: false, snapshot: null };
      this.#followers.set(id, { mode: 'probing', ...place, heardMs: never, told: 0, afterRound });
    }
  }

  /** Whether the configuration in force is committed, and something of this term: only then may another be proposed (Ongaro's correction of 2015). */
  get mayReconfigure(): boolean {
    const { log, term } = this.#state;
    return this.#ownConfiguration <= log.committed && log.termAt(log.committed) === term;
  }

  tick(nowMs: number): void {
    if (this.#transfer !== null && nowMs >= this.#transfer.untilMs) this.#transfer = null;
    if (nowMs >= this.#nextHeartbeatMs) this.#heartbeat(nowMs);
  }

  /** Speaks to everyone. The answers prove that they had heard nobody else with a later term by now. */
  #heartbeat(nowMs: number): void {
    this.#nextHeartbeatMs = nowMs + this.#state.options.heartbeatMs;
    this.#lastRound += 1;
    this.#rounds.push({ number: this.#lastRound, startedMs: nowMs });
    if (this.#rounds.length > roundsMax) this.#rounds = this.#rounds.slice(-roundsMax);
    for (const [id, follower] of this.#followers) {
      // What was not answered within a heartbeat is taken for lost: asked again from the same place, or from where it agrees.
      follower.asked = false;
      if (follower.mode === 'snapshot') this.#sendSnapshot(id, follower);
      else if (!this.#sendNext(id, follower)) this.#sendAppend(id, follower, []);
    }
  }

  /** Up to this time no other leader can have been elected by the voters, which had all heard this one: the lease, counted from when it spoke. */
  leaseUntilMs(nowMs: number): number {
    return this.#heardByMajorityMs(nowMs) + this.#state.options.electionMsMin;
  }

  /** Whether a majority has not answered anything for so long that this leader can do nothing any more. */
  hasLostMajority(nowMs: number): boolean {
    return nowMs - Math.max(this.#sinceMs, this.#heardByMajorityMs(nowMs)) > this.#state.options.electionMsMax;
  }

  /** Whether the node has answered so lately that it would count for a majority. */
  isHeard(id: NodeId, nowMs: number): boolean {
    return id === this.#state.self || nowMs - (this.#followers.get(id)?.heardMs ?? never) <= this.#state.options.electionMsMax;
  }

  /** The start of the latest round that a majority of voters has answered. */
  #heardByMajorityMs(nowMs: number): number {
    const { log, self } = this.#state;
    return majorityMoment(log.configuration, (id) => (id === self ? nowMs : (this.#followers.get(id)?.heardMs ?? never)));
  }

  #sendAll(): void {
    for (const [id, follower] of this.#followers) this.#sendNext(id, follower);
    this.#commit();
  }

  /** Sends what comes next, as far as that may go now. Returns whether anything went. */
  #sendNext(id: NodeId, follower: Follower): boolean {
    const { log, options } = this.#state;
    let sent = false;
    while (follower.mode !== 'snapshot' && follower.next <= log.last.index) {
      if (follower.mode === 'probing' ? follower.asked : follower.inFlight >= options.appendsInFlightMax) break;
      if (log.termAt(follower.next - 1) === null) {
        this.#startSnapshot(id, follower);
        return true;
      }
      const entries = log.slice(follower.next, options.appendBytesMax);
      this.#sendAppend(id, follower, entries);
      follower.asked = true;
      sent = true;
      if (follower.mode === 'probing') break;
      follower.next += entries.length;
      follower.inFlight += 1;
    }
    return sent;
  }

  #sendAppend(id: NodeId, follower: Follower, entries: readonly Entry[]): void {
    const { log, term } = this.#state;
    const index = follower.next - 1;
    const previousTerm = log.termAt(index);
    if (previousTerm === null) {
      this.#startSnapshot(id, follower);
      return;
    }
    const previous = { index, term: previousTerm };
    follower.told = log.committed;
    this.#state.send(id, { kind: 'append', term, round: this.#lastRound, previous, entries, committed: log.committed });
  }

  #startSnapshot(id: NodeId, follower: Follower): void {
    const { snapshot } = this.#state.log;
    if (snapshot === null) return;
    follower.mode = 'snapshot';
    follower.snapshot = { index: snapshot.index, offset: 0 };
    this.#state.effects.note({ kind: 'control.snapshot-sent', to: id, index: snapshot.index });
    this.#sendSnapshot(id, follower);
  }

  #sendSnapshot(id: NodeId, follower: Follower): void {
    const { log, term, options } = this.#state;
    const { snapshot } = log;
    if (snapshot === null || follower.snapshot === null) return;
    // A newer one has taken its place meanwhile: from its beginning.
    if (follower.snapshot.index !== snapshot.index) follower.snapshot = { index: snapshot.index, offset: 0 };
    const { offset } = follower.snapshot;
    const bytes = snapshot.state.subarray(offset, offset + options.snapshotPartBytes);
    const isEnd = offset + bytes.length === snapshot.state.length;
    const last = { index: snapshot.index, term: snapshot.term };
    const { configuration } = snapshot;
    this.#state.send(id, { kind: 'snapshot', term, round: this.#lastRound, last, configuration, offset, bytes, isEnd });
  }

  /** A follower has answered, in this term. */
  answered(from: NodeId, message: Extract<RaftMessage, { kind: 'appended' | 'refused' | 'snapshot-part' }>, nowMs: number): void {
    const follower = this.#followers.get(from);
    if (follower === undefined || message.round <= follower.afterRound) return;
    const round = this.#rounds.find(({ number }) => number === message.round);
    if (round !== undefined && round.number > this.#offeredInRound) follower.heardMs = Math.max(follower.heardMs, round.startedMs);
    switch (message.kind) {
      case 'appended':
        this.#matched(from, follower, message.match, nowMs);
        break;
      case 'refused':
        this.#refused(from, follower, message);
        break;
      case 'snapshot-part':
        if (follower.snapshot?.index !== message.index) break;
        follower.snapshot.offset = message.received;
        this.#sendSnapshot(from, follower);
        break;
    }
  }

  #matched(id: NodeId, follower: Follower, match: number, nowMs: number): void {
    if (follower.mode === 'snapshot' && match < (follower.snapshot?.index ?? 0)) return;
    if (follower.mode !== 'streaming') {
      follower.mode = 'streaming';
      follower.snapshot = null;
      follower.inFlight = 0;
      follower.next = Math.max(follower.match, match) + 1;
    } else if (match >= follower.next - 1) follower.inFlight = 0;
    else follower.inFlight = Math.max(0, follower.inFlight - 1);
    if (match > follower.match) {
      follower.match = match;
      follower.next = Math.max(follower.next, match + 1);
      this.#commit();
    }
    // Who had something on its way when more was committed knows soon as well.
    if (!this.#sendNext(id, follower) && follower.told < this.#state.log.committed) this.#tellCommitted(id, follower);
    this.#maybeHandOver(nowMs);
  }

  #refused(id: NodeId, follower: Follower, { previousIndex, conflict }: Extract<RaftMessage, { kind: 'refused' }>): void {
    // An answer that was overtaken: what it refuses was not what stands next now.
    if (follower.mode === 'snapshot' || previousIndex <= follower.match) return;
    if (follower.mode === 'probing' && previousIndex !== follower.next - 1) return;
    follower.mode = 'probing';
    follower.asked = false;
    follower.inFlight = 0;
    const agreed = conflict.term === 0 ? conflict.index : this.#state.log.lastOfTerm(conflict.term).index + 1;
    follower.next = Math.max(follower.match + 1, Math.min(agreed, conflict.index, previousIndex));
    if (!this.#sendNext(id, follower)) this.#sendAppend(id, follower, []);
  }

  /** What a majority of voters has is committed, if it is of this term; and what stands before it. */
  #commit(): void {
    const { log, self, term } = this.#state;
    const { configuration } = log;
    const durable = configuration.voters.map((id) => (id === self ? log.durable : (this.#followers.get(id)?.match ?? 0)));
    durable.sort((left, right) => right - left);
    const index = durable[quorumOf(configuration) - 1] ?? 0;
    if (index <= log.committed || log.termAt(index) !== term) return;
    for (let at = log.committed + 1; at <= index; at += 1) this.#uncommittedBytes -= bytesOf(log.slice(at, 0)[0]);
    this.#uncommittedBytes = Math.max(0, this.#uncommittedBytes);
    log.commitTo(index);
    this.#state.deliver();
    // So that followers know soon, not only with the next heartbeat.
    for (const [id, follower] of this.#followers) if (!this.#sendNext(id, follower)) this.#tellCommitted(id, follower);
  }

  #tellCommitted(id: NodeId, follower: Follower): void {
    if (follower.mode === 'streaming' && follower.inFlight === 0) this.#sendAppend(id, follower, []);
  }

  /** Hands leadership to a voter, once that has all that this one has; proposals are refused meanwhile. */
  handOver(to: NodeId, nowMs: number): void {
    this.#hasOffered = true;
    this.#transfer = { to, untilMs: nowMs + this.#state.options.electionMsMax, asked: false };
    this.#maybeHandOver(nowMs);
  }

  /** From the offer on there may be another leader at any time: the lease that rests on earlier answers ends with it. */
  #maybeHandOver(nowMs: number): void {
    const transfer = this.#transfer;
    if (transfer === null || transfer.asked || this.#followers.get(transfer.to)?.match !== this.#state.log.last.index) return;
    transfer.asked = true;
    this.#offeredInRound = this.#lastRound;
    this.#sinceMs = nowMs;
    for (const follower of this.#followers.values()) follower.heardMs = never;
    this.#state.send(transfer.to, { kind: 'take-over', term: this.#state.term, round: this.#lastRound });
  }
}

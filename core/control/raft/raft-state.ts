/** What the parts of one voter's Raft share: who it is, its ballot, its log, its role, and how something is made durable. */
import type { NodeId } from '../../identifiers.js';
import type { RandomStream } from '../../pure-functions.js';
import { RaftLog } from './raft-log.js';
import type { Ballot, Change, Configuration, EntryAt, RaftEffects, RaftMessage, RaftOptions, Recovered, Role } from './vocabulary.js';

export interface RaftWorld {
  readonly self: NodeId;
  readonly options: RaftOptions;
  readonly effects: RaftEffects;
  readonly random: RandomStream;
  /** The configuration that the cluster was made with; without voters for a node that is to be let in. */
  readonly first: Configuration;
  readonly recovered: Recovered;
}

type WhenSaved = (nowMs: number) => void;

export class RaftState {
  readonly self: NodeId;
  readonly options: RaftOptions;
  readonly effects: RaftEffects;
  readonly random: RandomStream;
  readonly log: RaftLog;
  role: Role = 'follower';
  /** Of the current term; null as long as it is not known. */
  leader: NodeId | null = null;
  #ballot: Ballot;
  #ballotToSave = false;
  #lastTicket = 0;
  /** What waits for the end of each save, in the order of the calls. */
  readonly #saving = new Map<number, WhenSaved>();

  constructor({ self, options, effects, random, first, recovered }: RaftWorld) {
    this.self = self;
    this.options = options;
    this.effects = effects;
    this.random = random;
    this.log = new RaftLog(recovered, first);
    this.#ballot = recovered.ballot;
  }

  get term(): number {
    return this.#ballot.term;
  }

  get vote(): NodeId | null {
    return this.#ballot.vote;
  }

  /** A later term, in which nobody has this node's vote yet. Durable with the next save, and before anything is said in that term that rests on it. */
  enterTerm(term: number): void {
    this.#ballot = { term, vote: null };
    this.#ballotToSave = true;
    this.leader = null;
  }

  voteFor(node: NodeId): void {
    this.#ballot = { term: this.term, vote: node };
    this.#ballotToSave = true;
  }

  /** Makes a change durable, the ballot with it if that has changed, and goes on once it is. */
  save(change: Partial<Change>, then: WhenSaved): void {
    this.#lastTicket += 1;
    this.#saving.set(this.#lastTicket, then);
    const ballot = this.#ballotToSave ? this.#ballot : null;
    this.#ballotToSave = false;
    this.effects.save({ ballot, snapshot: change.snapshot ?? null, entries: change.entries ?? [] }, this.#lastTicket);
  }

  /** Goes on once the ballot is durable, and everything else that was to become so before: at once, if it is. */
  whenDurable(nowMs: number, then: WhenSaved): void {
    if (this.#ballotToSave) return this.save({}, then);
    const before = this.#saving.get(this.#lastTicket);
    if (before === undefined) return then(nowMs);
    this.#saving.set(this.#lastTicket, (savedMs) => {
      before(savedMs);
      then(savedMs);
    });
  }

  saved(ticket: number, nowMs: number): void {
    const then = this.#saving.get(ticket);
    this.#saving.delete(ticket);
    then?.(nowMs);
  }

  /** Entries up to this one are durable. */
  entriesSaved(last: EntryAt): void {
    this.log.markDurable(last);
    this.deliver();
  }

  deliver(): void {
    for (let entry = this.log.nextToDeliver(); entry !== null; entry = this.log.nextToDeliver()) this.effects.committed(entry);
  }

  send(to: NodeId, message: RaftMessage): void {
    this.effects.send(to, message);
  }

  noteConfiguration(): void {
    const { configuration, configurationIndex } = this.log;
    this.effects.note({ kind: 'control.configuration-changed', index: configurationIndex, configuration });
  }
}

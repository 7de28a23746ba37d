/**
 * Voters of one control log over a network and disks of a test's making, with Raft's invariants checked at every step: one leader a term, one lease at a time, no entry
 * ever delivered that differs from what another delivered there, nothing committed missing in a later leader's log.
 */

import { Raft } from '../control/raft/raft.js';
import {
  type Ballot,
  type Change,
  type Configuration,
  defaultRaftOptions,
  type Entry,
  type RaftEffects,
  type RaftEvent,
  type RaftMessage,
  type RaftOptions,
  type Snapshot,
} from '../control/raft/vocabulary.js';
import type { NodeId } from '../identifiers.js';
import { nodeId } from '../identifiers.js';
import type { RandomStream } from '../pure-functions.js';
import { testPureFunctions } from './pure-functions.js';

const pure = testPureFunctions();

interface Disk {
  ballot: Ballot;
  snapshot: Snapshot | null;
  entries: Entry[];
  /** Noted as committed. */
  committed: number;
}

interface Post {
  readonly atMs: number;
  readonly from: Voter;
  readonly to: NodeId;
  readonly message: RaftMessage;
}

/** A stream of its own for each seed. */
export function drawsFrom(seed: number): RandomStream {
  let state = seed >>> 0;
  const uint32 = (): number => {
    // Mulberry32: enough for tests.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { uint32, fraction: () => uint32() / 2 ** 32 };
}

export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  readonly delayMsMax: number;
  readonly saveMsMax: number;
}

export const calm: Weather = { loss: 0, duplicate: 0, delayMsMax: 2, saveMsMax: 2 };

export class Voter {
  readonly id: NodeId;
  readonly disk: Disk = { ballot: { term: 0, vote: null }, snapshot: null, entries: [], committed: 0 };
  readonly events: RaftEvent[] = [];
  /** What was delivered in this boot and stands in snapshots before it: the owner's state. */
  delivered: string[] = [];
  deliveredTo = 0;
  raft: Raft | null = null;
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Its clock runs so many times as fast as time. */
  readonly rate: number;
  readonly #cluster: Voters;
  #saves: { readonly atMs: number; readonly change: Change; readonly ticket: number }[] = [];

  constructor(cluster: Voters, index: number, rate: number) {
    this.#cluster = cluster;
    this.rate = rate;
    this.id = nodeId((index + 1).toString(16).padStart(32, '0'));
  }

  get nowMs(): number {
    return Math.floor(this.#cluster.nowMs * this.rate);
  }

  start(): void {
    this.delivered = [];
    this.deliveredTo = 0;
    const { ballot, snapshot, entries, committed } = this.disk;
    this.raft = new Raft(
      {
        self: this.id,
        options: this.#cluster.options,
        effects: this.#effects(),
        random: this.#cluster.random,
        first: this.#cluster.first,
        recovered: { ballot, snapshot, entries: [...entries], committed, votesFrom: 0 },
      },
      this.nowMs,
    );
    this.raft.deliverRecovered();
  }

  crash(): void {
    this.raft = null;
    this.#saves = [];
    this.wakeAtMs = Number.POSITIVE_INFINITY;
  }

  get isLeader(): boolean {
    return this.raft?.role === 'leader';
  }

  /** The earliest time, in the cluster's, at which something happens here by itself. */
  get nextAtMs(): number {
    if (this.raft === null) return Number.POSITIVE_INFINITY;
    return Math.min(this.wakeAtMs / this.rate, this.#saves[0]?.atMs ?? Number.POSITIVE_INFINITY);
  }

  happen(): void {
    const save = this.#saves[0];
    if (save !== undefined && save.atMs <= this.#cluster.nowMs) {
      this.#saves.shift();
      this.#write(save.change);
      this.raft?.saved(save.ticket, this.nowMs);
    } else {
      this.wakeAtMs = Number.POSITIVE_INFINITY;
      this.raft?.wake(this.nowMs);
    }
  }

  #write({ ballot, snapshot, entries }: Change): void {
    const { disk } = this;
    if (ballot !== null) disk.ballot = ballot;
    if (snapshot !== null) {
      disk.snapshot = snapshot.snapshot;
      disk.entries = snapshot.keepsEntries ? disk.entries.filter(({ index }) => index > snapshot.snapshot.index) : [];
    }
    const [first] = entries;
    if (first === undefined) return;
    disk.entries = disk.entries
      .filter(({ index }) => index < first.index)
      .concat(entries.filter(({ index }) => index > (disk.snapshot?.index ?? 0)));
  }

  #effects(): RaftEffects {
    return {
      send: (to, message) => this.#cluster.send(this, to, message),
      save: (change, ticket) => {
        const lastMs = this.#saves.at(-1)?.atMs ?? 0;
        const atMs = Math.max(lastMs, this.#cluster.nowMs + this.#cluster.draw(this.#cluster.weather.saveMsMax));
        this.#saves.push({ atMs, change, ticket });
      },
      wakeAt: (atMs) => {
        this.wakeAtMs = atMs;
      },
      committed: (entry) => {
        this.#cluster.judgeDelivered(this, entry);
        this.delivered.push(describe(entry));
        this.deliveredTo = entry.index;
        // Noted soon after, or not any more before the crash.
        if (this.#cluster.draw(1) === 1) this.disk.committed = entry.index;
      },
      restored: (snapshot) => {
        this.delivered = JSON.parse(pure.utf8Decode(snapshot.state)) as string[];
        this.deliveredTo = snapshot.index;
      },
      note: (event) => {
        this.events.push(event);
        if (event.kind === 'control.leader-elected') this.#cluster.judgeElected(this, event.term);
      },
    };
  }

  compact(): void {
    if (this.raft === null || this.deliveredTo <= (this.disk.snapshot?.index ?? 0)) return;
    this.raft.compact(this.deliveredTo, pure.utf8Encode(JSON.stringify(this.delivered)));
  }
}

export class Voters {
  readonly all: readonly Voter[];
  readonly options: RaftOptions;
  readonly first: Configuration;
  readonly random: RandomStream;
  weather: Weather = calm;
  nowMs = 0;
  /** Asked for each message; what it returns false for is lost. */
  filter: ((from: NodeId, to: NodeId, message: RaftMessage) => boolean) | null = null;
  readonly #cuts = new Set<string>();
  #posts: Post[] = [];
  /** What any voter has delivered, by index: all must agree with it. */
  readonly committed = new Map<number, string>();
  readonly #leaders = new Map<number, NodeId>();

  constructor(
    count: number,
    given: { readonly random: RandomStream; readonly voters?: number; readonly options?: Partial<RaftOptions>; readonly drift?: number },
  ) {
    const { random, voters = count, options = {}, drift = 0 } = given;
    this.random = random;
    this.options = { ...defaultRaftOptions, ...options };
    this.all = Array.from({ length: count }, (_, index) => new Voter(this, index, 1 + drift * (2 * random.fraction() - 1)));
    this.first = { voters: this.all.slice(0, voters).map(({ id }) => id), learners: [] };
    for (const voter of this.all) voter.start();
  }

  draw(maxMs: number): number {
    return Math.floor(this.random.fraction() * (maxMs + 1));
  }

  get(id: NodeId): Voter {
    return this.all.find((voter) => voter.id === id) as Voter;
  }

  get leader(): Voter | null {
    const leaders = this.all.filter(({ isLeader }) => isLeader);
    return leaders.sort((left, right) => (right.raft?.term ?? 0) - (left.raft?.term ?? 0))[0] ?? null;
  }

  cut(left: Voter, right: Voter): void {
    this.#cuts.add(`${left.id} ${right.id}`).add(`${right.id} ${left.id}`);
  }

  cutOneWay(from: Voter, to: Voter): void {
    this.#cuts.add(`${from.id} ${to.id}`);
  }

  isolate(voter: Voter): void {
    for (const other of this.all) if (other !== voter) this.cut(voter, other);
  }

  heal(): void {
    this.#cuts.clear();
  }

  send(from: Voter, to: NodeId, message: RaftMessage): void {
    if (this.#cuts.has(`${from.id} ${to}`) || this.filter?.(from.id, to, message) === false) return;
    if (this.random.fraction() < this.weather.loss) return;
    const copies = this.random.fraction() < this.weather.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1)
      this.#posts.push({ atMs: this.nowMs + this.draw(this.weather.delayMsMax), from, to, message });
  }

  /** Lets time pass until something is so, at most so long. Returns whether it is. */
  passUntil(isSo: () => boolean, withinMs = 10_000): boolean {
    const untilMs = this.nowMs + withinMs;
    while (!isSo()) if (!this.#step(untilMs)) return isSo();
    return true;
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.#step(untilMs));
    this.nowMs = untilMs;
  }

  #step(untilMs: number): boolean {
    let post: Post | null = null;
    for (const each of this.#posts) if (post === null || each.atMs < post.atMs) post = each;
    let next: Voter | null = null;
    for (const voter of this.all) if (next === null || voter.nextAtMs < next.nextAtMs) next = voter;
    const atMs = Math.min(post?.atMs ?? Number.POSITIVE_INFINITY, next?.nextAtMs ?? Number.POSITIVE_INFINITY);
    if (atMs > untilMs) return false;
    this.nowMs = Math.max(this.nowMs, Math.ceil(atMs));
    if (post !== null && post.atMs <= atMs) {
      this.#posts.splice(this.#posts.indexOf(post), 1);
      const to = this.get(post.to);
      to?.raft?.receive(post.from.id, post.message, to.nowMs);
    } else next?.happen();
    this.#judgeLeases();
    return true;
  }

  #judgeLeases(): void {
    const holders = this.all.filter(({ raft, nowMs }) => raft !== null && (raft.leaseUntilMs(nowMs) ?? Number.NEGATIVE_INFINITY) > nowMs);
    if (holders.length > 1)
      throw new Error(`two leases at ${this.nowMs} ms: ${holders.map(({ id, raft }) => `${id.slice(-2)} term ${raft?.term}`).join(', ')}`);
  }

  judgeElected(voter: Voter, term: number): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== voter.id) throw new Error(`two leaders of term ${term}`);
    this.#leaders.set(term, voter.id);
    const greatest = Math.max(0, ...this.committed.keys());
    if ((voter.raft?.last.index ?? 0) < greatest) throw new Error(`the leader of term ${term} lacks what is committed at ${greatest}`);
  }

  judgeDelivered(voter: Voter, entry: Entry): void {
    if (entry.index !== voter.deliveredTo + 1) throw new Error(`${entry.index} delivered after ${voter.deliveredTo}`);
    const text = describe(entry);
    const before = this.committed.get(entry.index);
    if (before !== undefined && before !== text) throw new Error(`${entry.index} is ${before} at one, ${text} at another`);
    this.committed.set(entry.index, text);
  }
}

function describe(entry: Entry): string {
  const what = entry.kind === 'command' ? pure.utf8Decode(entry.bytes) : JSON.stringify(entry);
  return `${entry.term}:${what}`;
}

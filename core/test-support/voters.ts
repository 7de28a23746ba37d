/**
 * Voters of one control log over a network and disks of a test's making, with Raft's invariants checked at every step (raft-judge.ts), and one lease at a time. A voter whose
 * disk has lost what must not be forgotten begins anew, told and let in by the core's own parts (forgetful.ts, electorate.ts): of a control log nothing else is there.
 */
import { type ControlMember, type ControlState, emptyControlState } from '../control/control-state.js';
import { keepElectorate } from '../control/electorate.js';
import { Forgetful } from '../control/forgetful.js';
import type { AuthorityMessage } from '../control/leases/authority-messages.js';
import { Raft } from '../control/raft/raft.js';
import {
  type Ballot,
  type Change,
  type Configuration,
  defaultRaftOptions,
  type Entry,
  quorumOf,
  type RaftEffects,
  type RaftEvent,
  type RaftMessage,
  type RaftOptions,
  type Snapshot,
} from '../control/raft/vocabulary.js';
import { type Author, authorOf, type NodeId, nodeId } from '../identifiers.js';
import type { RandomStream } from '../pure-functions.js';
import { testPureFunctions } from './pure-functions.js';
import { RaftJudge } from './raft-judge.js';

const pure = testPureFunctions();

interface Disk {
  ballot: Ballot;
  snapshot: Snapshot | null;
  entries: Entry[];
  /** Noted as committed. */
  committed: number;
  /** What was committed when this voter began anew. */
  votesFrom: number;
  /** Something was lost, nobody knows what. */
  isInDoubt: boolean;
}

const emptyDisk = { ballot: { term: 0, vote: null }, snapshot: null, entries: [], committed: 0, votesFrom: 0, isInDoubt: false } as const;

type BeginAnew = Extract<AuthorityMessage, { kind: 'begin-anew' }>;
type VoterMessage = RaftMessage | BeginAnew | Extract<AuthorityMessage, { kind: 'forgot' }>;

interface Post {
  readonly atMs: number;
  readonly from: Voter;
  readonly to: NodeId;
  readonly message: VoterMessage;
}

/** How often a voter in doubt says so. */
const tellsEveryMs = 100;

export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  readonly delayMsMax: number;
  readonly saveMsMax: number;
}

export const calm: Weather = { loss: 0, duplicate: 0, delayMsMax: 2, saveMsMax: 2 };

export class Voter {
  readonly id: NodeId;
  readonly disk: Disk = { ...emptyDisk, entries: [] };
  readonly events: RaftEvent[] = [];
  /** What was delivered in this boot and stands in snapshots before it: the owner's state. */
  delivered: string[] = [];
  deliveredTo = 0;
  raft: Raft | null = null;
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Its clock runs so many times as fast as time. */
  readonly rate: number;
  readonly #cluster: Voters;
  /** On their way to the disk. */
  #saves: { readonly atMs: number; readonly end: () => void }[] = [];
  #boots = 0;
  #forgetful = new Forgetful();
  /** This boot has found the disk in doubt, and waits to be told to begin anew. */
  #waitsToBegin = false;

  constructor(cluster: Voters, index: number, rate: number) {
    this.#cluster = cluster;
    this.rate = rate;
    this.id = nodeId((index + 1).toString(16).padStart(32, '0'));
  }

  get nowMs(): number {
    return Math.floor(this.#cluster.nowMs * this.rate);
  }

  start(): void {
    this.#boots += 1;
    this.#forgetful = new Forgetful();
    this.#waitsToBegin = this.disk.isInDoubt;
    if (this.#waitsToBegin) this.wakeAtMs = this.nowMs;
    else this.#begin();
  }

  #begin(): void {
    this.delivered = [];
    this.deliveredTo = 0;
    const { ballot, snapshot, entries, committed, votesFrom } = this.disk;
    this.raft = new Raft(
      {
        self: this.id,
        options: this.#cluster.options,
        effects: this.#effects(),
        random: this.#cluster.random,
        first: this.#cluster.first,
        recovered: { ballot, snapshot, entries: [...entries], committed, votesFrom },
      },
      this.nowMs,
    );
    this.raft.deliverRecovered();
  }

  crash(): void {
    this.raft = null;
    this.#saves = [];
    this.#waitsToBegin = false;
    this.wakeAtMs = Number.POSITIVE_INFINITY;
  }

  get isUp(): boolean {
    return this.raft !== null || this.#waitsToBegin;
  }

  /** Power goes, and the disk with it: what comes back may have forgotten anything. */
  lose(): void {
    this.crash();
    this.disk.isInDoubt = true;
  }

  /** Whether it has not yet again, on its disk, all that it may have forgotten. */
  get isInDoubt(): boolean {
    const { isInDoubt, votesFrom, entries, snapshot } = this.disk;
    return isInDoubt || (entries.at(-1)?.index ?? snapshot?.index ?? 0) < votesFrom;
  }

  get #boot(): Author {
    return authorOf(this.id, { counter: this.#boots, random: '0'.repeat(16) });
  }

  /** As what is left of a disk whose voter begins anew (control-journal.ts): first the record of it, then that the loss is of no account. */
  #beginAnew({ boot, term, votesFrom }: BeginAnew): void {
    if (!this.#waitsToBegin || boot !== this.#boot) return;
    this.#waitsToBegin = false;
    this.wakeAtMs = Number.POSITIVE_INFINITY;
    this.#save(() => Object.assign(this.disk, emptyDisk, { ballot: { term, vote: this.id }, entries: [], votesFrom, isInDoubt: true }));
    this.#save(() => {
      this.disk.isInDoubt = false;
      this.#begin();
    });
  }

  receive(from: NodeId, message: VoterMessage): void {
    if (message.kind === 'begin-anew') return this.#beginAnew(message);
    if (this.raft === null) return;
    if (message.kind === 'forgot') {
      const answer = this.#forgetful.told(from, message.boot, this.raft);
      if (answer !== null) this.#cluster.send(this, from, answer);
    } else this.raft.receive(from, message, this.nowMs);
    this.#keepElectorate();
  }

  #keepElectorate(): void {
    const { raft } = this;
    const { state } = this.#cluster;
    if (raft?.role !== 'leader' || state === null) return;
    keepElectorate({ self: this.id, state, forgetful: this.#forgetful.toTakeOut(raft) }, raft, this.nowMs);
  }

  get isLeader(): boolean {
    return this.raft?.role === 'leader';
  }

  /** The earliest time, in the cluster's, at which something happens here by itself. */
  get nextAtMs(): number {
    return Math.min(this.wakeAtMs / this.rate, this.#saves[0]?.atMs ?? Number.POSITIVE_INFINITY);
  }

  happen(): void {
    const save = this.#saves[0];
    if (save !== undefined && save.atMs <= this.#cluster.nowMs) {
      this.#saves.shift();
      save.end();
      this.#keepElectorate();
    } else if (this.#waitsToBegin) {
      this.wakeAtMs = this.nowMs + tellsEveryMs;
      for (const { id } of this.#cluster.all) this.#cluster.send(this, id, { kind: 'forgot', boot: this.#boot });
    } else {
      this.wakeAtMs = Number.POSITIVE_INFINITY;
      this.raft?.wake(this.nowMs);
      this.#keepElectorate();
    }
  }

  #save(end: () => void): void {
    const lastMs = this.#saves.at(-1)?.atMs ?? 0;
    const atMs = Math.max(lastMs, this.#cluster.nowMs + this.#cluster.draw(this.#cluster.weather.saveMsMax));
    this.#saves.push({ atMs, end });
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
      save: (change, ticket) =>
        this.#save(() => {
          this.#write(change);
          this.raft?.saved(ticket, this.nowMs);
        }),
      wakeAt: (atMs) => {
        this.wakeAtMs = atMs;
      },
      committed: (entry) => {
        this.delivered.push(
          this.#cluster.judge.delivered(entry, { after: this.deliveredTo, term: this.raft?.term ?? this.disk.ballot.term }),
        );
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
        if (event.kind === 'control.leader-elected') this.#cluster.judge.elected(this.id, this.raft as Raft);
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
  /** In which all are members, where the leader keeps the electorate by itself, as the core's does; null: tests say who votes. */
  readonly state: ControlState | null;
  readonly judge = new RaftJudge();
  weather: Weather = calm;
  nowMs = 0;
  /** Asked for each message; what it returns false for is lost. */
  filter: ((from: NodeId, to: NodeId, message: VoterMessage) => boolean) | null = null;
  readonly #cuts = new Set<string>();
  #posts: Post[] = [];

  constructor(
    count: number,
    given: {
      readonly random: RandomStream;
      readonly voters?: number;
      readonly options?: Partial<RaftOptions>;
      readonly drift?: number;
      readonly keepsElectorate?: boolean;
    },
  ) {
    const { random, voters = count, options = {}, drift = 0, keepsElectorate = false } = given;
    this.random = random;
    this.options = { ...defaultRaftOptions, ...options };
    this.all = Array.from({ length: count }, (_, index) => new Voter(this, index, 1 + drift * (2 * random.fraction() - 1)));
    this.first = { voters: this.all.slice(0, voters).map(({ id }) => id), learners: [] };
    const member: Omit<ControlMember, 'id'> = { name: '', zone: '', rack: '', address: '', isDraining: false, since: 0 };
    const members = Object.fromEntries(this.all.map(({ id }) => [id, { id, ...member }]));
    this.state = keepsElectorate ? { ...emptyControlState, members } : null;
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
    this.split([voter]);
  }

  /** These and the others do not hear each other. */
  split(side: readonly Voter[]): void {
    for (const voter of side) for (const other of this.all) if (!side.includes(other)) this.cut(voter, other);
  }

  heal(): void {
    this.#cuts.clear();
  }

  /**
   * Whether only a minority of voters would be in doubt if this one's disk were lost as well: by every configuration that stands in a log or is on its way to one, and also
   * when they vote again before anybody knows.
   */
  mayLose(voter: Voter): boolean {
    const inDoubt = this.all.filter((each) => each === voter || each.isInDoubt).map(({ id }) => id);
    return this.#configurations().every(({ voters }) => {
      const left = voters.filter((id) => !inDoubt.includes(id)).length;
      return left >= quorumOf({ voters: [...new Set([...voters, ...inDoubt])], learners: [] });
    });
  }

  #configurations(): readonly Configuration[] {
    const configurationOf = (entry: Entry): readonly Configuration[] => (entry.kind === 'configuration' ? [entry.configuration] : []);
    return [
      ...this.all.flatMap(({ raft }) => raft?.configuration ?? []),
      ...this.all.map(
        ({ disk: { entries, snapshot } }) => entries.flatMap(configurationOf).at(-1) ?? snapshot?.configuration ?? this.first,
      ),
      ...this.#posts.flatMap(({ message }) => (message.kind === 'append' ? message.entries.flatMap(configurationOf) : [])),
    ];
  }

  send(from: Voter, to: NodeId, message: VoterMessage): void {
    if (message.kind !== 'forgot' && message.kind !== 'begin-anew') this.judge.said(from.id, to, message);
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
      this.get(post.to)?.receive(post.from.id, post.message);
    } else next?.happen();
    this.#judgeLeases();
    return true;
  }

  #judgeLeases(): void {
    const holders = this.all.filter(({ raft, nowMs }) => raft !== null && (raft.leaseUntilMs(nowMs) ?? Number.NEGATIVE_INFINITY) > nowMs);
    if (holders.length > 1)
      throw new Error(`two leases at ${this.nowMs} ms: ${holders.map(({ id, raft }) => `${id.slice(-2)} term ${raft?.term}`).join(', ')}`);
  }
}

/** The commands that it has delivered. */
export function commandsOf(voter: Voter): string[] {
  return voter.delivered.map((each) => each.slice(each.indexOf(':') + 1)).filter((each) => !each.startsWith('{'));
}

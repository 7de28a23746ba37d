/**
 * Everybody this node knows of. The table holds state and keeps its counts and lists; what a claim means is decided in `claims.ts`.
 *
 * Lists are such that no packet costs time that grows with the cluster: a random live member, the next dead one and the counts are at hand.
 */
import { type Author, authorNode, type NodeId } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { RandomStream } from '../pure-functions.js';
import type { Description } from './claim.js';
import type { MemberState } from './inspection.js';
import { ReplayWindow } from './replay-window.js';
import type { Suspicion } from './suspicion.js';

const never = Number.NEGATIVE_INFINITY;

export class Member {
  readonly id: NodeId;
  /** Node and boot of the claim that holds. */
  author: Author;
  refutation: number;
  description: Description;
  /** What others are told. */
  sharedState: MemberState = 'alive';
  /** What this node goes by: worse than what is shared when it was concluded while nobody was in reach. */
  state: MemberState = 'alive';
  sinceMs: number;
  suspicion: Suspicion | null = null;
  /** Who said that it is dead. */
  declaredBy: NodeId | null = null;
  /** When a packet, question or answer of it came last. */
  heardMs = never;
  /** When it last answered a ping of this node that it was sent directly, and how long that took. */
  answeredMs = never;
  roundTripMs: number | null = null;
  /** Direct pings in a row that failed although others reach it: of those that arrived there, and of those that did not. */
  inboundMisses = 0;
  outboundMisses = 0;
  readonly packets = new ReplayWindow();
  readonly questions = new ReplayWindow();
  conflictNotedMs = never;
  /** Places in the lists of the table; −1: in none. */
  liveAt = -1;
  deadAt = -1;

  constructor(author: Author, refutation: number, description: Description, nowMs: number) {
    this.id = authorNode(author);
    this.author = author;
    this.refutation = refutation;
    this.description = description;
    this.sinceMs = nowMs;
  }

  get isPrivate(): boolean {
    return this.state !== this.sharedState;
  }
}

export class MemberTable {
  readonly self: Member;
  readonly #membersMax: number;
  readonly #random: RandomStream;
  readonly #byId = new Map<NodeId, Member>();
  /** The same by node and boot: packets name both. */
  readonly #byAuthor = new Map<Author, Member>();
  readonly #counts: Record<MemberState, number> = { alive: 0, suspect: 0, dead: 0, left: 0 };
  /** Alive or suspect, this node not among them; in no particular order, which is the same in every run. */
  readonly live: Member[] = [];
  readonly dead: Member[] = [];
  /** Counts what changes the numbers of members in each state. */
  changes = 0;

  constructor(self: Member, options: { readonly membersMax: number; readonly random: RandomStream }) {
    this.self = self;
    this.#membersMax = options.membersMax;
    this.#random = options.random;
    this.#byId.set(self.id, self);
    this.#byAuthor.set(self.author, self);
    this.#counts.alive = 1;
  }

  get size(): number {
    return this.#byId.size;
  }

  count(state: MemberState): number {
    return this.#counts[state];
  }

  /** Alive and suspect, this node included: what timeouts and retransmissions are scaled for. */
  get liveCount(): number {
    return this.live.length + 1;
  }

  get(id: NodeId): Member | undefined {
    return this.#byId.get(id);
  }

  /** By node and boot; undefined also when it is known under another boot. */
  byAuthor(author: Author): Member | undefined {
    return this.#byAuthor.get(author);
  }

  all(): Iterable<Member> {
    return this.#byId.values();
  }

  /** A member in state `alive`. When the table is full somebody who left or died is forgotten for it and returned; `full`: there is nobody. */
  add(member: Member): Member | 'full' | null {
    invariant(!this.#byId.has(member.id), 'a member is added once');
    const forgotten = this.#byId.size < this.#membersMax ? null : this.#leastMissed();
    if (this.#byId.size >= this.#membersMax) {
      if (forgotten === null) return 'full';
      this.#remove(forgotten);
    }
    this.#byId.set(member.id, member);
    this.#byAuthor.set(member.author, member);
    this.#counts[member.state] += 1;
    this.changes += 1;
    this.#list(member);
    return forgotten;
  }

  /** Another boot or refutation of it holds now. */
  setIncarnation(member: Member, author: Author, refutation: number): void {
    if (member.author !== author) {
      this.#byAuthor.delete(member.author);
      this.#byAuthor.set(author, member);
      member.author = author;
      member.packets.reset();
      member.questions.reset();
    }
    member.refutation = refutation;
  }

  /** What this node goes by; `isShared`: and what it tells others. */
  setState(member: Member, state: MemberState, nowMs: number, { isShared }: { readonly isShared: boolean }): void {
    if (isShared) member.sharedState = state;
    if (member.state === state) return;
    this.#counts[member.state] -= 1;
    this.#counts[state] += 1;
    this.changes += 1;
    member.state = state;
    member.sinceMs = nowMs;
    if (member !== this.self) this.#list(member);
  }

  /** One that is alive or suspect and passes, chosen evenly; undefined when a few tries find none. */
  randomLive(passes: (member: Member) => boolean): Member | undefined {
    for (let tries = 0; tries < 8 && this.live.length > 0; tries += 1) {
      const member = this.live[this.#random.uint32() % this.live.length];
      if (passes(member)) return member;
    }
    return this.live.length <= 8 ? this.live.find(passes) : undefined;
  }

  #list(member: Member): void {
    const isLive = member.state === 'alive' || member.state === 'suspect';
    if (isLive && member.liveAt < 0) member.liveAt = this.live.push(member) - 1;
    else if (!isLive && member.liveAt >= 0) {
      const last = this.live.pop() as Member;
      if (last !== member) {
        this.live[member.liveAt] = last;
        last.liveAt = member.liveAt;
      }
      member.liveAt = -1;
    }
    const isDead = member.state === 'dead';
    if (isDead && member.deadAt < 0) member.deadAt = this.dead.push(member) - 1;
    else if (!isDead && member.deadAt >= 0) {
      const last = this.dead.pop() as Member;
      if (last !== member) {
        this.dead[member.deadAt] = last;
        last.deadAt = member.deadAt;
      }
      member.deadAt = -1;
    }
  }

  /**
   * Of those that left the one that left first; else of the dead the one dead for longest. Not one of which this node alone believes that
   * it is dead: it may be back any moment, and without a word.
   */
  #leastMissed(): Member | null {
    let found: Member | null = null;
    for (const member of this.#byId.values()) {
      if ((member.state !== 'left' && member.state !== 'dead') || member.isPrivate) continue;
      const better = found === null || (member.state === found.state ? member.sinceMs < found.sinceMs : member.state === 'left');
      if (better) found = member;
    }
    return found;
  }

  #remove(member: Member): void {
    this.#byId.delete(member.id);
    this.#byAuthor.delete(member.author);
    this.#counts[member.state] -= 1;
    this.changes += 1;
    if (member.deadAt >= 0) {
      member.state = 'left';
      this.#list(member);
    }
  }
}

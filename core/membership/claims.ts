/**
 * What claims do to the table: who joins, is suspected, dies, leaves and comes back, and this node's own refutations. The order of claims decides alone
 * (claim.ts); everything here is about what follows from it.
 */
import { authorBoot, authorNode, type NodeId } from '../identifiers.js';
import { type Claim, compareIncarnations, type Description, refutationMax, stateRanks } from './claim.js';
import { sameDescription } from './claim-bytes.js';
import type { FailedPaths } from './domain-events.js';
import type { MemberState } from './inspection.js';
import { Member } from './member-table.js';
import { incarnationOf, type MembershipServices, membershipTimers } from './membership-services.js';
import { accuse, newSuspicion } from './suspicion.js';
import { Suspicions } from './suspicions.js';

/** What the other parts do when the table changes. */
export interface ClaimsOwner {
  /** It is new, or back. */
  becameLive(member: Member): void;
  /** It has died or left. */
  becameGone(member: Member): void;
  /** A suspicion that somebody else raised begins here: it may be worth a ping of our own. */
  suspicionHeard(member: Member): void;
  /** Whether this node has had an answer from anybody lately: else it can tell nothing about others. */
  reachesSomebody(): boolean;
}

/** Claims without a description, about nodes that nobody has described yet: they wait for the announcement. */
const undescribedMax = 1_024;
const conflictToldEveryMs = 10_000;

export class Claims {
  readonly #services: MembershipServices;
  readonly #owner: ClaimsOwner;
  readonly suspicions = new Suspicions();
  readonly #undescribed = new Map<NodeId, Claim>();
  /** Those whose state nobody else has been told. */
  readonly #private = new Set<Member>();
  /** Whether the claim that is being taken is to be told on. */
  #isNews = true;

  constructor(services: MembershipServices, owner: ClaimsOwner) {
    this.#services = services;
    this.#owner = owner;
  }

  /** Somebody says this of a member. Not told on when it is no news to anybody but this node. */
  take(claim: Claim, { isNews }: { readonly isNews: boolean } = { isNews: true }): void {
    const { table, self } = this.#services;
    this.#isNews = isNews;
    const known = table.byAuthor(claim.author) ?? table.get(authorNode(claim.author));
    if (known === self) this.#aboutSelf(claim);
    else if (known === undefined) this.#aboutUnknown(claim);
    else this.#aboutKnown(known, claim);
  }

  #aboutUnknown(claim: Claim): void {
    const { description, state } = claim;
    if (description === null) {
      this.#keepUndescribed(claim);
      return;
    }
    const member = new Member(claim.author, claim.refutation, description, this.#services.nowMs);
    const forgotten = this.#services.table.add(member);
    if (forgotten === 'full') {
      this.#services.overloaded('members');
      return;
    }
    if (forgotten !== null) {
      this.#services.news.remove(forgotten.id);
      this.#services.note({ kind: 'member.forgotten', node: forgotten.id, was: forgotten.state });
    }
    if (state === 'dead' || state === 'left') {
      // It was gone before this node heard of it.
      this.#settle(member, state);
      if (state === 'dead') member.declaredBy = claim.accusers[0] ?? member.id;
      this.#services.note({ kind: 'member.found-gone', node: member.id, state, incarnation: incarnationOf(member) });
      this.#tell(member);
    } else {
      const { address, metadata } = description;
      this.#services.note({ kind: 'member.joined', node: member.id, name: metadata.name, address, incarnation: incarnationOf(member) });
      this.#tell(member, { described: true });
      this.#owner.becameLive(member);
      if (state === 'suspect') this.#suspect(member, claim.accusers, { paths: null, isPrivate: false });
    }
    this.#takeUndescribed(member);
  }

  #tell(member: Member, options: { readonly described: boolean } = { described: false }): void {
    if (this.#isNews) this.#services.tell(member, options);
  }

  /** Of two such claims the later is kept. */
  #keepUndescribed(claim: Claim): void {
    const node = authorNode(claim.author);
    const held = this.#undescribed.get(node);
    if (held !== undefined) {
      const order = compareIncarnations(claim, held) || stateRanks[claim.state] - stateRanks[held.state];
      if (order <= 0) return;
    } else if (this.#undescribed.size >= undescribedMax) {
      this.#undescribed.delete(this.#undescribed.keys().next().value as NodeId);
      this.#services.overloaded('claims about nodes that nobody has described');
    }
    this.#undescribed.set(node, claim);
  }

  #takeUndescribed(member: Member): void {
    const held = this.#undescribed.get(member.id);
    if (held === undefined) return;
    if (held.author === member.author || held.author < member.author) this.#undescribed.delete(member.id);
    if (held.author === member.author) this.#aboutKnown(member, held);
  }

  #aboutKnown(member: Member, claim: Claim): void {
    if (claim.author !== member.author) {
      this.#watchForTwins(member, claim);
      if (claim.author < member.author) return;
      // Another boot may stand elsewhere: without its announcement it cannot be reached.
      if (claim.description === null) return this.#keepUndescribed(claim);
    }
    const isDescriptionNews = claim.description !== null && this.#describe(member, claim.author, claim.description);
    const order = compareIncarnations(claim, member);
    if (order < 0) return;
    const rank = stateRanks[claim.state] - stateRanks[member.sharedState];
    if (order > 0 || rank > 0) this.#override(member, claim);
    else if (rank === 0 && claim.state === 'suspect') this.#confirm(member, claim);
    else if (isDescriptionNews) this.#tell(member, { described: true });
    if (this.#undescribed.size > 0) this.#takeUndescribed(member);
  }

  /** The claim holds from now on. */
  #override(member: Member, claim: Claim): void {
    const { table, counters } = this.#services;
    const isNewBoot = claim.author !== member.author;
    const isLater = compareIncarnations(claim, member) > 0;
    const was = { state: member.state, shared: member.sharedState, sinceMs: member.sinceMs, isNewBoot };
    table.setIncarnation(member, claim.author, claim.refutation);
    if (isNewBoot && claim.description !== null) this.#moveTo(member, claim.description);
    switch (claim.state) {
      case 'alive':
        if (member.suspicion !== null && was.state === 'suspect') counters.all.refutationsSeen += 1;
        this.#settle(member, 'alive');
        this.#tell(member, { described: claim.description !== null });
        this.#tellAlive(member, was);
        return;
      case 'suspect':
        if (isLater) this.#settle(member, 'alive');
        this.#suspect(member, claim.accusers, { paths: null, isPrivate: false });
        return;
      case 'dead': {
        const declaredBy = claim.accusers[0] ?? member.id;
        this.#settle(member, 'dead');
        member.declaredBy = declaredBy;
        this.#tell(member);
        // A boot that came and went unseen is news as well: the one before it was dead already.
        if (was.state !== 'dead' || isNewBoot)
          this.#services.note({ kind: 'member.died', node: member.id, incarnation: incarnationOf(member), declaredBy });
        return;
      }
      case 'left':
        this.#settle(member, 'left');
        this.#tell(member);
        this.#services.note({ kind: 'member.left', node: member.id, incarnation: incarnationOf(member) });
    }
  }

  /** In this state, for everybody, without a suspicion. */
  #settle(member: Member, state: MemberState): void {
    this.suspicions.end(member);
    this.#private.delete(member);
    this.#services.table.setState(member, state, this.#services.nowMs, { isShared: true });
    if (state === 'dead' || state === 'left') this.#owner.becameGone(member);
  }

  #tellAlive(member: Member, was: { readonly state: MemberState; readonly sinceMs: number; readonly isNewBoot: boolean }): void {
    const { nowMs } = this.#services;
    const incarnation = incarnationOf(member);
    if (was.state === 'dead' || was.state === 'left') {
      const { address } = member.description;
      this.#services.note({
        kind: 'member.returned',
        node: member.id,
        address,
        incarnation,
        was: was.state,
        absentMs: nowMs - was.sinceMs,
      });
    } else if (was.isNewBoot) this.#services.note({ kind: 'member.restarted', node: member.id, incarnation });
    else if (was.state === 'suspect')
      this.#services.note({ kind: 'member.refuted', node: member.id, incarnation, suspectedForMs: nowMs - was.sinceMs });
    if (was.state === 'dead' || was.state === 'left') this.#owner.becameLive(member);
  }

  /** A later description of the same boot. Two different ones that claim to be the same come from two processes. */
  #describe(member: Member, author: Claim['author'], description: Description): boolean {
    if (author !== member.author) return false;
    const { description: known } = member;
    if (description.described < known.described) return false;
    if (description.described === known.described) {
      if (!sameDescription(description, known)) this.#noteConflict(member, description, author);
      return false;
    }
    this.#moveTo(member, description);
    return true;
  }

  #moveTo(member: Member, description: Description): void {
    const { address: from } = member.description;
    member.description = description;
    const { address: to } = description;
    if (from !== to) this.#services.note({ kind: 'member.moved', node: member.id, from, to });
  }

  /** Equal boot counters with different random bits: the directory was copied, or two processes share it. */
  #watchForTwins(member: Member, claim: Claim): void {
    if (authorBoot(claim.author).counter === authorBoot(member.author).counter) this.#noteConflict(member, claim.description, claim.author);
  }

  #noteConflict(member: Member, description: Description | null, author: Claim['author']): void {
    const { nowMs } = this.#services;
    if (nowMs - member.conflictNotedMs < conflictToldEveryMs) return;
    member.conflictNotedMs = nowMs;
    const addresses = [member.description.address, description?.address ?? member.description.address];
    const boots = [member.author, author].map((each) => each.slice(member.id.length));
    this.#services.note({ kind: 'member.conflict-seen', node: member.id, addresses: [...new Set(addresses)], boots: [...new Set(boots)] });
  }

  // Suspicions.

  /** This node's own ping of the member failed on all paths. */
  foundUnreachable(member: Member, paths: FailedPaths, options: { readonly isPrivate: boolean }): void {
    if (member.state === 'alive') {
      this.#services.counters.all.suspicionsRaised += 1;
      this.#suspect(member, [this.#services.self.id], { paths, ...options });
      return;
    }
    const { suspicion } = member;
    if (member.state !== 'suspect' || member.isPrivate || options.isPrivate || suspicion === null) return;
    suspicion.paths = paths;
    if (accuse(suspicion, this.#services.self.id)) this.#confirmed(member, this.#services.self.id, paths);
  }

  #suspect(
    member: Member,
    accusers: readonly NodeId[],
    { paths, isPrivate }: { readonly paths: FailedPaths | null; readonly isPrivate: boolean },
  ): void {
    const { table, options, nowMs } = this.#services;
    const suspicion = newSuspicion(options, table.liveCount, nowMs);
    for (const accuser of accusers) accuse(suspicion, accuser);
    suspicion.paths = paths;
    member.suspicion = suspicion;
    table.setState(member, 'suspect', nowMs, { isShared: !isPrivate });
    if (isPrivate) this.#private.add(member);
    else this.#private.delete(member);
    this.#watch(member);
    this.#services.note({
      kind: 'member.suspected',
      node: member.id,
      incarnation: incarnationOf(member),
      accuser: accusers[0] ?? member.id,
      paths,
      isPrivate,
      timeoutMs: suspicion.timeoutMs,
      confirmationsMax: suspicion.confirmationsMax,
    });
    if (paths !== null && !isPrivate) this.#services.tell(member);
    if (paths !== null) return;
    this.#tell(member);
    this.#owner.suspicionHeard(member);
  }

  /** Others suspect it as well. */
  #confirm(member: Member, claim: Claim): void {
    if (member.suspicion === null) return;
    for (const accuser of claim.accusers) if (accuse(member.suspicion, accuser)) this.#confirmed(member, accuser, null);
  }

  #confirmed(member: Member, accuser: NodeId, paths: FailedPaths | null): void {
    const suspicion = member.suspicion as NonNullable<Member['suspicion']>;
    this.#services.counters.all.suspicionsConfirmed += 1;
    const confirmations = suspicion.accusers.length - 1;
    const { timeoutMs } = suspicion;
    this.#services.note({ kind: 'suspicion.confirmed', node: member.id, accuser, paths, confirmations, timeoutMs });
    this.#services.tell(member);
    this.#watch(member);
  }

  #watch(member: Member): void {
    if (this.suspicions.watch(member)) this.#services.effects.timers.arm(membershipTimers.suspicion, this.suspicions.nextMs);
  }

  /** The suspicion timer: those whose time has run out are dead. */
  expire(): void {
    const { nowMs, options, effects } = this.#services;
    for (const member of this.suspicions.due(nowMs)) {
      const suspicion = member.suspicion as NonNullable<Member['suspicion']>;
      const isPrivate = member.isPrivate || !this.#owner.reachesSomebody();
      // Who reaches nobody at the moment waits for a while before it goes by its own judgement alone.
      if (isPrivate && !member.isPrivate && nowMs - suspicion.startedMs < 2 * suspicion.longestMs)
        this.suspicions.postpone(member, options.probeIntervalMs);
      else this.#declare(member, { isPrivate });
    }
    if (this.suspicions.size > 0) effects.timers.arm(membershipTimers.suspicion, this.suspicions.nextMs);
  }

  #declare(member: Member, { isPrivate }: { readonly isPrivate: boolean }): void {
    const { table, nowMs, self, health, counters } = this.#services;
    const suspicion = member.suspicion as NonNullable<Member['suspicion']>;
    this.suspicions.end(member);
    if (!isPrivate) member.declaredBy = self.id;
    table.setState(member, 'dead', nowMs, { isShared: !isPrivate });
    if (isPrivate) this.#private.add(member);
    this.#owner.becameGone(member);
    counters.all.deathsDeclared += 1;
    this.#services.note({
      kind: 'member.declared-dead',
      node: member.id,
      incarnation: incarnationOf(member),
      confirmedBy: suspicion.accusers,
      paths: suspicion.paths,
      isPrivate,
      suspectedForMs: nowMs - suspicion.startedMs,
      timeoutMs: suspicion.timeoutMs,
      localHealth: health.score,
    });
    if (!isPrivate) this.#services.tell(member);
  }

  /** Somebody is in reach again: what was concluded without anybody in reach is void. Whether there was anything. */
  dropPrivate(): boolean {
    if (this.#private.size === 0) return false;
    const { table, nowMs, options } = this.#services;
    for (const member of this.#private) {
      const wasDead = member.state === 'dead';
      const shared = member.sharedState;
      this.suspicions.end(member);
      table.setState(member, shared, nowMs, { isShared: true });
      if (shared === 'suspect') {
        member.suspicion = newSuspicion(options, table.liveCount, nowMs);
        this.#watch(member);
      }
      this.#services.note({ kind: 'member.reconsidered', node: member.id, state: shared, incarnation: incarnationOf(member) });
      if (wasDead) this.#owner.becameLive(member);
    }
    this.#private.clear();
    return true;
  }

  /** This process stood still: suspects have so much longer. */
  forgive(byMs: number): void {
    if (this.suspicions.size === 0) return;
    this.suspicions.extend(byMs);
    this.#services.effects.timers.arm(membershipTimers.suspicion, this.suspicions.nextMs);
  }

  // This node.

  /** Another process speaks under this node's identity. */
  twinHeard(author: Claim['author']): void {
    this.#noteConflict(this.#services.self, null, author);
  }

  #aboutSelf(claim: Claim): void {
    const { self, nowMs, news } = this.#services;
    if (claim.author !== self.author) {
      this.#watchForTwins(self, claim);
      if (claim.author > self.author) this.#noteConflict(self, claim.description, claim.author);
      else if (!this.#services.hasLeft) {
        // They remember an earlier boot: they have not heard of this one.
        this.#services.isAccused = true;
        if (!news.has(self.id)) this.#services.tell(self, { described: true });
      }
      return;
    }
    if (claim.description !== null && claim.description.described === self.description.described) {
      if (!sameDescription(claim.description, self.description)) this.#noteConflict(self, claim.description, claim.author);
    }
    if (claim.state === 'alive' || this.#services.hasLeft || claim.refutation >= refutationMax) return;
    this.#services.isAccused = true;
    if (claim.refutation < self.refutation) {
      // Refuted already, and the refutation has not got there: it is news again.
      this.#services.tell(self);
      return;
    }
    this.#services.table.setIncarnation(self, self.author, claim.refutation + 1);
    self.sinceMs = Math.min(self.sinceMs, nowMs);
    this.#services.health.change(1);
    this.#services.counters.all.refutationsMade += 1;
    this.#services.tell(self);
    this.#services.note({
      kind: 'membership.refuted-itself',
      claim: claim.state,
      incarnation: incarnationOf(self),
      localHealth: this.#services.health.score,
    });
  }
}

/**
 * Who takes writes for a space. A copy that the control log has confirmed as primary takes the term of its row; all others are provisional, numbered by their holder
 * alone: a copy takes one if no earlier copy in row order answered its own round trip within a second, after pulling what every reachable copy holds; it gives it up when an earlier
 * copy says that it holds one, or holds all that it holds itself: so the earlier one, which waits for that, takes over after it and not beside it. During a
 * partition each side may have its own; all merge.
 *
 * A restart ends a term: the counter lives in memory, and the boot in the dots of its writes tells its terms from those of the boot before.
 */
import type { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { compareText, type Dot, type NodeId, type SpaceKey, type Term } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { Peers } from './peers.js';

type Standing =
  | { readonly kind: 'replica' }
  /** Pulling; `targets` holds for each reachable copy what it had when the claim began, once it has said so. */
  | Claim
  | { readonly kind: 'primary'; readonly term: Term };

/** The claim of who is to be primary once the row says so. */
interface Preparation {
  claim: Claim;
  /** Since when all that it asked for is here; null: not yet. */
  doneSinceMs: number | null;
}

interface Claim {
  readonly kind: 'claiming';
  readonly sinceMs: number;
  readonly targets: Map<NodeId, VersionVector>;
  /** Since when all of that is here; null while it is not. */
  completeSinceMs: number | null;
}

const replica: Standing = { kind: 'replica' };
const noClaims: readonly (readonly [SpaceKey, ReadonlyMap<NodeId, VersionVector>])[] = [];

export class Terms {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #standings = new Map<SpaceKey, Standing>();
  readonly #overlaps = new Set<SpaceKey>();
  /** The last term of this node in a space that has ended, and what the others said then that they held; until all of that is here. */
  readonly #ended = new Map<SpaceKey, { readonly term: Term; readonly theirs: readonly VersionVector[] }>();
  /** False when certainly no space is being claimed, which is nearly always. */
  #mayClaim = false;
  #counter = 0;
  /** False when certainly no term of this node is a confirmed one. */
  #mayBeConfirmed = false;
  /** What this node pulls for spaces whose primary is to move here, so that it can take over at once. */
  readonly #preparations = new Map<SpaceKey, Preparation>();

  constructor(services: NodeServices, peers: Peers) {
    this.#services = services;
    this.#peers = peers;
  }

  term(space: SpaceKey): Term | null {
    const standing = this.#standings.get(space);
    return standing?.kind === 'primary' ? standing.term : null;
  }

  /** A space that only this node holds has nobody to ask. */
  termOrTake(space: SpaceKey, now: Now): Term | null {
    const standing = this.#standings.get(space);
    const isJudged = standing !== undefined || !this.#services.isCopy(space) || this.#services.store.spaceIfHeld(space) === undefined;
    if (!isJudged) this.judge(space, now);
    return this.term(space);
  }

  /** A space outside all rows that nothing is held of: its term goes with it. */
  forget(space: SpaceKey): void {
    if (this.#services.control.rows[space] === undefined) this.#standings.delete(space);
  }

  /** The spaces being claimed and the copies that are pulled from. */
  claiming(): readonly (readonly [SpaceKey, ReadonlyMap<NodeId, VersionVector>])[] {
    if (!this.#mayClaim) return noClaims;
    const claims: [SpaceKey, ReadonlyMap<NodeId, VersionVector>][] = [];
    for (const [space, standing] of this.#standings) if (standing.kind === 'claiming') claims.push([space, standing.targets]);
    for (const [space, { claim }] of this.#preparations) claims.push([space, claim.targets]);
    this.#mayClaim = claims.length > 0;
    return claims;
  }

  /** Judges every space of this node again, at each round of pings. */
  judgeAll(now: Now): void {
    for (const space of this.#services.ownSpaces()) this.judge(space, now);
    this.#prepareAll(now);
  }

  /** Spaces whose primary is to move here: each claim is renewed once it is a second old, until writes pause. */
  #prepareAll(now: Now): void {
    const { authority, self } = this.#services;
    const expected = new Set<SpaceKey>();
    for (const { space, copies, move, revision } of this.#services.moves()) {
      if (authority === null || move?.to !== self || move.from !== copies[0] || revision === undefined) continue;
      expected.add(space);
      const preparation = this.#preparations.get(space) ?? { claim: this.#newClaim(space, now), doneSinceMs: null };
      this.#preparations.set(space, preparation);
      this.#mayClaim = true;
      if (preparation.doneSinceMs === null && this.#hasWaited(space, now) && this.#isComplete(space, preparation.claim, now))
        preparation.doneSinceMs = now.monotonicMs;
      const isOld = now.monotonicMs - preparation.claim.sinceMs > this.#services.configuration.replication.reachableMs;
      if (preparation.doneSinceMs !== null && isOld && move.stage === 'copying') {
        preparation.claim = this.#newClaim(space, now);
        preparation.doneSinceMs = null;
      } else if (preparation.doneSinceMs !== null) authority.tellOfMove({ kind: 'prepared', space, revision }, now);
    }
    for (const space of this.#preparations.keys()) if (!expected.has(space)) this.#preparations.delete(space);
  }

  /** Whether this node has pulled what whoever takes the term has to, since it was to be the next primary. */
  #isPrepared(space: SpaceKey, now: Now): boolean {
    const isDone = (this.#preparations.get(space)?.doneSinceMs ?? null) !== null;
    return isDone && (this.#services.authority?.confirmed(space, now) ?? null) !== null;
  }

  /** Who is no longer a copy has no term; all others are judged by the new rows. */
  rowsChanged(now: Now): void {
    for (const [space, standing] of this.#standings) {
      if (this.#services.isCopy(space)) continue;
      if (standing.kind === 'primary') this.#end(space, standing.term, 'this node is no longer a copy');
      this.#standings.delete(space);
    }
    // Before what was prepared is forgotten.
    this.judgeAll(now);
  }

  /** Judges one space again, when anything has come that may decide a claim or end a term. */
  judge(space: SpaceKey, now: Now): void {
    if (this.#handsOver(space, now)) return;
    if (this.#services.authority !== null) this.#judgeAuthority(space, now);
    const standing = this.#standings.get(space) ?? replica;
    const earlier = this.#services.earlierCopies(space);
    this.#noteOverlap(space, standing, now);
    if (standing.kind === 'primary') {
      const successor = earlier.find((copy) => this.#peers.isReachable(copy, now) && this.#mayTakeOver(copy, space));
      if (successor !== undefined) {
        const how = this.#holdsTerm(successor, space) ? 'holds a term' : 'holds all that is held here';
        this.#end(space, standing.term, `copy ${successor}, earlier in the row, ${how}`);
      }
      return;
    }
    if (earlier.some((copy) => this.#peers.isReachable(copy, now)) || !this.#hasWaited(space, now)) {
      this.#standings.set(space, replica);
      return;
    }
    if (this.#isPrepared(space, now)) return this.#take(space, now);
    if (!this.#isAnswered(space, now)) {
      this.#standings.set(space, replica);
      return;
    }
    const claim = standing.kind === 'claiming' ? standing : this.#startClaim(space, now);
    if (!this.#isComplete(space, claim, now)) claim.completeSinceMs = null;
    else if (!this.#awaitsHandBack(space, claim, now)) this.#take(space, now);
  }

  /** A copy that has never answered may yet: nobody is out of reach before a second has passed. */
  #hasWaited(space: SpaceKey, now: Now): boolean {
    return this.#services.otherCopies(space).every((copy) => this.#peers.isReachable(copy, now) || this.#peers.hadTimeToAnswer(copy, now));
  }

  /** Who has just become a copy takes no term without the others before they have had a second to answer it as one. */
  #isAnswered(space: SpaceKey, now: Now): boolean {
    return this.#peers.hadTimeAsCopy(space, now) || this.#services.otherCopies(space).every((copy) => this.#peers.isReachable(copy, now));
  }

  #holdsTerm(copy: NodeId, space: SpaceKey): boolean {
    return (this.#peers.get(copy)?.spaces.get(space)?.term ?? null) !== null;
  }

  /** Nothing is lost and nobody stands beside it when this copy takes the term. */
  #mayTakeOver(copy: NodeId, space: SpaceKey): boolean {
    return this.#holdsTerm(copy, space) || this.#peers.reports.holdsAll(copy, space, this.#services.store.space(space).vouched());
  }

  /** Whether a later copy still has to give up its term, which it does once it hears that all is here; one that does not is not waited for any longer. */
  #awaitsHandBack(space: SpaceKey, claim: Claim, now: Now): boolean {
    claim.completeSinceMs ??= now.monotonicMs;
    if (now.monotonicMs - claim.completeSinceMs >= this.#services.configuration.replication.reachableMs) return false;
    return this.#services.otherCopies(space).some((copy) => this.#peers.isReachable(copy, now) && this.#holdsTerm(copy, space));
  }

  #startClaim(space: SpaceKey, now: Now): Claim {
    const claim = this.#newClaim(space, now);
    this.#standings.set(space, claim);
    this.#mayClaim = true;
    return claim;
  }

  #newClaim(space: SpaceKey, now: Now): Claim {
    const claim: Claim = { kind: 'claiming', sinceMs: now.monotonicMs, targets: new Map(), completeSinceMs: null };
    const sources = this.#services.otherCopies(space).filter((copy) => this.#peers.isReachable(copy, now)).length;
    if (sources > 0) this.#services.effects.journal.note({ kind: 'term.claim-started', space, sources });
    return claim;
  }

  /** Whether everything that the reachable copies held when the claim began is synced here. */
  #isComplete(space: SpaceKey, claim: Claim, now: Now): boolean {
    const { coverage } = this.#services.store.space(space);
    let complete = true;
    for (const copy of this.#services.otherCopies(space)) {
      if (!this.#peers.isReachable(copy, now)) {
        claim.targets.delete(copy);
        continue;
      }
      const report = this.#peers.reports.said(copy, space);
      if (!claim.targets.has(copy) && report !== undefined && report.vouchedMs > claim.sinceMs) claim.targets.set(copy, report.reported);
      const target = claim.targets.get(copy);
      // What the copy itself has found damaged since is not to be had there any more.
      const missing = target === undefined ? null : coverage.missingFrom(target);
      if (missing === null || missing.some(({ author, from, to }) => report?.reported.of(author)?.intersects(from, to))) complete = false;
    }
    return complete;
  }

  /** Whoever has paused so that the primary can move takes no term: nothing that it could acknowledge now is sure to be known there. */
  #handsOver(space: SpaceKey, now: Now): boolean {
    if (this.#services.authority?.isHandingOver(space, now) !== true) return false;
    const standing = this.#standings.get(space);
    if (standing?.kind === 'primary') this.#end(space, standing.term, 'writes pause for a move');
    this.#standings.set(space, replica);
    return true;
  }

  /** A term that is confirmed no more goes on as a provisional one, where there are such; a provisional one that is confirmed gives way to that of the row. */
  #judgeAuthority(space: SpaceKey, now: Now): void {
    const standing = this.#standings.get(space);
    if (standing?.kind !== 'primary') return;
    const { term } = standing;
    const epoch = this.#services.authority?.confirmed(space, now) ?? null;
    const isConfirmed = epoch !== null && term.counter === 0 && term.index === epoch.index && term.generation === epoch.generation;
    if (isConfirmed || (epoch === null && term.counter > 0)) return;
    this.#end(space, term, epoch === null ? 'nobody confirms it any more' : 'its row has another term');
    this.#take(space, now);
  }

  /** Told at each event: who has no lease any more is not confirmed, whatever comes next. */
  checkLease(now: Now): void {
    const { authority } = this.#services;
    if (authority === null || !this.#mayBeConfirmed || authority.isLeased(now)) return;
    this.#mayBeConfirmed = false;
    for (const [space, standing] of this.#standings) if (standing.kind === 'primary' && standing.term.counter === 0) this.judge(space, now);
  }

  #take(space: SpaceKey, now: Now): void {
    const { authority } = this.#services;
    const epoch = authority?.confirmed(space, now) ?? null;
    if (epoch === null && authority?.allowsProvisional === false) return;
    if (epoch === null) this.#counter += 1;
    else this.#mayBeConfirmed = true;
    const { generation, index } = epoch ?? this.#services.control.epoch;
    const term: Term = { generation, index, counter: epoch === null ? this.#counter : 0 };
    this.#standings.set(space, { kind: 'primary', term });
    this.#services.effects.journal.note({ kind: 'term.taken', space, term });
  }

  /** What a hint is written in: no term of any space, and confirmed by nobody. */
  provisional(): Term {
    const { generation, index } = this.#services.control.epoch;
    return { generation, index, counter: Math.max(1, this.#counter) };
  }

  /**
   * For records of a space that come here: in which term of this node something else was written beside them. Of a term that goes on that is all that comes; of the last one that has
   * ended, what others had by then. Null: nothing can have been.
   */
  besides(space: SpaceKey): ((dot: Dot) => Term | null) | null {
    const term = this.term(space);
    if (term !== null) return () => term;
    const ended = this.#ended.get(space);
    if (ended === undefined) return null;
    const coverage = this.#services.store.spaceIfHeld(space)?.coverage;
    if (coverage === undefined || ended.theirs.every((theirs) => coverage.includesAll(theirs))) {
      this.#ended.delete(space);
      return null;
    }
    return (dot) => (ended.theirs.some((theirs) => theirs.has(dot)) ? ended.term : null);
  }

  #end(space: SpaceKey, term: Term, reason: string): void {
    this.#standings.set(space, replica);
    const theirs = this.#services.otherCopies(space).flatMap((copy) => this.#peers.get(copy)?.spaces.get(space)?.reported ?? []);
    this.#ended.set(space, { term, theirs });
    this.#services.effects.journal.note({ kind: 'term.ended', space, term, reason });
  }

  #noteOverlap(space: SpaceKey, standing: Standing, now: Now): void {
    const rival = standing.kind === 'primary' ? this.#rival(space, now) : undefined;
    if (rival === undefined) {
      this.#overlaps.delete(space);
      return;
    }
    if (this.#overlaps.has(space)) return;
    this.#overlaps.add(space);
    this.#services.effects.journal.note({ kind: 'term.overlap-seen', space, rival });
  }

  #rival(space: SpaceKey, now: Now): NodeId | undefined {
    return this.#services.otherCopies(space).find((copy) => this.#peers.isHeard(copy, now) && this.#holdsTerm(copy, space));
  }

  /** The first copy in row order that is known to hold a term, else the first that can be reached. */
  redirect(space: SpaceKey, now: Now): NodeId | null {
    const others = [...this.#services.otherCopies(space)].filter((copy) => this.#peers.isReachable(copy, now));
    return others.find((copy) => this.#holdsTerm(copy, space)) ?? others.sort((left, right) => this.#order(space, left, right))[0] ?? null;
  }

  #order(space: SpaceKey, left: NodeId, right: NodeId): number {
    const copies = this.#services.row(space)?.copies ?? [];
    return copies.indexOf(left) - copies.indexOf(right) || compareText(left, right);
  }
}

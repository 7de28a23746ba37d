/**
 * Replication as the rest of the node sees it: hands each message to the part that it is for, and answers what is known of the other copies.
 */
import { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { type Author, authorNode, type Dot, type NodeId, type SpaceKey, type Term } from '../identifiers.js';
import type { CopyStanding } from '../memory/answers.js';
import type { Appended } from '../memory/appended.js';
import type { NodeServices } from '../node-services.js';
import type { Group } from '../storage/write-ahead-log.js';
import { PeerCodec, type PeerMessage, type SpaceReport } from '../wire/peer-message.js';
import { CatchUp } from './catch-up.js';
import { FetchSource } from './fetch-source.js';
import { HandOver } from './hand-over.js';
import { type CopyLag, LagWatch } from './lag-watch.js';
import { MoveProgress } from './move-progress.js';
import { never, type Peer } from './peer.js';
import { Peers } from './peers.js';
import { Receipts } from './receipts.js';
import { RecordShipper } from './record-shipper.js';
import { SettledHoles } from './settled-holes.js';
import { SizeReports } from './size-reports.js';
import { Terms } from './terms.js';

/** Who has not been heard for so many intervals of pings is silent. */
const silentAfterPings = 2;
const noLag = { records: 0, ms: 0 } as const;
/** Never changed. */
const nothing = new VersionVector();

export class Replication implements CopyStanding {
  readonly #services: NodeServices;
  readonly #codec: PeerCodec;
  readonly #peers: Peers;
  readonly #terms: Terms;
  readonly #shipper: RecordShipper;
  readonly #catchUp: CatchUp;
  readonly #source: FetchSource;
  readonly #settledHoles: SettledHoles;
  readonly #handOver: HandOver;
  readonly #lagWatch: LagWatch;
  /** What became of writes of other terms that came here. */
  readonly receipts: Receipts;
  readonly #moveProgress: MoveProgress;
  readonly #sizeReports: SizeReports;
  readonly #acknowledged: (space: SpaceKey, now: Now) => void;
  readonly #toControl: (from: NodeId, bytes: Uint8Array, now: Now) => void;

  /** `acknowledged` is called when a copy has said that more is synced there, `toControl` with what is meant for the control log. */
  constructor(
    services: NodeServices,
    acknowledged: (space: SpaceKey, now: Now) => void,
    toControl: (from: NodeId, bytes: Uint8Array, now: Now) => void,
  ) {
    this.#toControl = toControl;
    this.#services = services;
    this.#codec = new PeerCodec(services.configuration.clusterId, services.pure);
    this.#peers = new Peers(services, this.#codec);
    this.#terms = new Terms(services, this.#peers);
    this.receipts = new Receipts(services.pure);
    this.#shipper = new RecordShipper(services, this.#peers, { receipts: this.receipts, besides: (space) => this.#terms.besides(space) });
    this.#catchUp = new CatchUp(services, this.#peers, this.#shipper);
    this.#source = new FetchSource(services, this.#peers);
    this.#settledHoles = new SettledHoles(services, this.#peers);
    this.#handOver = new HandOver(services, this.#peers);
    this.#lagWatch = new LagWatch(services, this.#peers, (space) => this.#terms.term(space) !== null);
    this.#moveProgress = new MoveProgress(services, this.#peers);
    this.#sizeReports = new SizeReports(services);
    this.#acknowledged = acknowledged;
  }

  start(now: Now): void {
    this.#peers.membersChanged(now);
    this.#peers.pingAll((space) => this.#terms.term(space), now);
    this.#terms.judgeAll(now);
    this.#handOver.consider(now);
  }

  /** Told at each event, before all else: what time it is. */
  noteTime(now: Now): void {
    this.#peers.forgiveOwnPause(now);
    this.#terms.checkLease(now);
  }

  /** What confirms terms may have changed. */
  judgeTerms(now: Now): void {
    this.#terms.judgeAll(now);
  }

  /** Members or rows have changed. */
  membersChanged(now: Now): void {
    this.#peers.membersChanged(now);
    this.#peers.pingAll((space) => this.#terms.term(space), now);
    this.#terms.rowsChanged(now);
    this.#catchUp.rowsChanged();
    this.#handOver.consider(now);
    this.#moveProgress.tellPaused(now);
  }

  timer(name: string, now: Now): boolean {
    if (!this.#peers.isPingTimer(name)) return false;
    this.#peers.pingAll((space) => this.#terms.term(space), now);
    this.#terms.judgeAll(now);
    this.#catchUp.retryRefused();
    this.#pullForClaims(now);
    this.#handOver.consider(now);
    this.#moveProgress.tellAll(now);
    this.#sizeReports.tellAll(now);
    this.#lagWatch.look(now);
    this.keepReceipts();
    return true;
  }

  /** What the ledger has got since the last time goes into the next checkpoint, which is written for it. */
  keepReceipts(): void {
    if (this.receipts.takeUnkept()) this.#services.store.writeCheckpoint();
  }

  /** Bytes from anyone: what is damaged or not meant for this cluster is counted and dropped. */
  receive(bytes: Uint8Array, now: Now): void {
    const envelope = this.#codec.decode(bytes);
    if (typeof envelope === 'string')
      return this.#services.effects.journal.note({ kind: 'frame.rejected', reason: envelope, bytes: bytes.length });
    const { message } = envelope;
    if (message.kind === 'control') return this.#toControl(authorNode(envelope.from), message.bytes, now);
    if (message.kind === 'ping' && !this.#peers.isKnown(envelope.from)) this.#peers.admit(envelope.from, message.spaces, now);
    const peer = this.#peers.heard(envelope.from, now);
    if (peer === null)
      return this.#services.effects.journal.note({ kind: 'frame.rejected', reason: 'no member of a shared row', bytes: bytes.length });
    if (message.kind !== 'ping' && !this.#takes(message.kind, message.space)) return;
    switch (message.kind) {
      case 'ping':
        if (this.#peers.pinged(peer, envelope.from, message, now)) this.#told(peer, message.spaces, now);
        return;
      case 'run':
        return this.#catchUp.received(peer, message, now);
      case 'acknowledge':
        // Late, from before the copy was started anew: it may have found damaged since what it had synced then.
        if (envelope.from !== peer.author) return;
        this.#peers.reports.acknowledged(peer, message);
        this.#shipper.acknowledged(peer, message, now);
        this.#moveProgress.tellPaused(now);
        return this.#acknowledged(message.space, now);
      case 'fetch':
        return this.#source.serve(peer, envelope.from, message);
      case 'fetched':
        return this.#catchUp.fetched(peer, message, now);
      case 'snapshot':
        return this.#catchUp.snapshot(peer, message, now);
    }
  }

  /** Of a space that this node only hands over it answers who fetches, and nothing else. */
  #takes(kind: PeerMessage['kind'], space: SpaceKey): boolean {
    return this.#services.takesPart(space) || (kind === 'fetch' && this.#services.isOutside(space));
  }

  /** When the node last answered a ping of this one; minus infinity when it never has, or is not pinged. */
  pingedMs(id: NodeId): number {
    return this.#peers.get(id)?.lastReachedMs ?? Number.NEGATIVE_INFINITY;
  }

  /** To the control log of any node, whether it shares a space with this one or not. */
  sendControl(to: NodeId, bytes: Uint8Array): void {
    this.#peers.send(to, { kind: 'control', bytes });
  }

  /** A ping has come: these spaces are told anew, and all others are vouched for once more. */
  #told(peer: Peer, spaces: readonly SpaceReport[], now: Now): void {
    for (const { space } of spaces) if (this.#services.takesPart(space)) this.#settledHoles.reported(peer.id, space);
    this.#catchUp.consider(peer, now);
    for (const { space } of spaces) {
      if (!this.#services.isCopy(space)) continue;
      this.#acknowledged(space, now);
      this.#terms.judge(space, now);
      this.#settledHoles.consider(space, now);
    }
    this.#settledHoles.considerAgreed(now);
    this.#moveProgress.tellPaused(now);
    for (const [space] of this.#terms.claiming()) this.#terms.judge(space, now);
    this.#pullForClaims(now);
  }

  /** Who claims a term pulls from everyone reachable at once. */
  #pullForClaims(now: Now): void {
    for (const [space, targets] of this.#terms.claiming()) {
      for (const [copy, known] of targets) this.#catchUp.pull(copy, space, known, now);
    }
  }

  groupSent(group: Group<Appended>, now: Now): void {
    this.#shipper.groupSent(group, now);
  }

  groupDurable(now: Now): void {
    this.#shipper.sendAcknowledgements();
    this.#catchUp.recordsDurable(now);
    for (const [space, records] of this.receipts.recordsDurable(now))
      this.#services.effects.journal.note({ kind: 'replication.superseded', space, records });
    this.#moveProgress.tellPaused(now);
    // What was pulled may have been the last that a claim waited for.
    for (const [space] of this.#terms.claiming()) this.#terms.judge(space, now);
    this.#pullForClaims(now);
  }

  knows(peer: NodeId, space: SpaceKey, dot: Dot): boolean {
    return this.#peers.reports.knows(peer, space, dot);
  }

  /** Whether all other copies are known to have synced everything of the author up to the dot. */
  heldByCopies(space: SpaceKey, dot: { readonly author: Author; readonly sequence: number }): boolean {
    return this.#services.otherCopies(space).every((copy) => this.#peers.reports.knowsUpTo(copy, space, dot));
  }

  term(space: SpaceKey, now: Now | null): Term | null {
    return now === null ? this.#terms.term(space) : this.#terms.termOrTake(space, now);
  }

  /**
   * In milliseconds the age of the oldest report: any copy that is silent may have taken a term since, and what a primary had when it last reported
   * is here; of a copy whose own latest records are still missing here, the age of its last report that is all here. What a copy has lost to damage it may
   * have acknowledged: it counts as missing like what it has, but not among the records behind, which may yet come. Null without a primary that says so, while
   * something is missing that no primary's own next records account for, and while this copy itself lacks what it once held.
   */
  lag(space: SpaceKey, now: Now): { readonly records: number; readonly ms: number | null } {
    const held = this.#services.store.spaceIfHeld(space);
    const coverage = held?.coverage ?? nothing;
    const copies = this.#services.otherCopies(space);
    const holders = copies.filter((copy) => (this.#peers.get(copy)?.spaces.get(space)?.term ?? null) !== null);
    if (this.#terms.term(space) !== null) holders.push(this.#services.self);
    let records = 0;
    let ms: number | null = holders.length === 0 || held?.lacksWhatItHeld() === true ? null : 0;
    for (const copy of copies) {
      const peer = this.#peers.get(copy);
      const report = peer?.spaces.get(space);
      if (peer === undefined || report === undefined) {
        ms = null;
        continue;
      }
      const missing = coverage.missingFrom(report.reported);
      let missingRecords = 0;
      for (const { from, to } of missing) missingRecords += to - from + 1;
      records = Math.max(records, missingRecords);
      missing.push(...coverage.missingFrom(report.lost));
      const isBehind = missing.some(({ author }) => report.term !== null || !holders.includes(authorNode(author)));
      const ageMs = isBehind ? this.#peers.reports.caughtUpAgeMs(peer, report, coverage, now) : this.#peers.ageMs(peer, now);
      ms = ms === null || ageMs === null ? null : Math.max(ms, ageMs);
    }
    return { records, ms };
  }

  /**
   * What an answer says. A primary lags behind nobody, unless it lacks what it once held; or another copy is out of its reach or holds a term as well, where terms
   * may be provisional: then others may acknowledge what it does not see.
   */
  lagOfAnswer(space: SpaceKey, now: Now): { readonly records: number; readonly ms: number | null } {
    const term = this.#terms.term(space);
    const isWhole = this.#services.store.spaceIfHeld(space)?.lacksWhatItHeld() !== true;
    return term !== null && isWhole && this.#isAlone(space, now) ? noLag : this.lag(space, now);
  }

  /**
   * What a copy that holds the version and is heard acknowledges is on its way here. A silent one may be down, or may be cut off and take writes that this copy
   * does not hear of.
   */
  unheardMs(space: SpaceKey, dot: Dot, now: Now): { readonly onTheWay: number; readonly inSilence: number } {
    const { pingIntervalMs } = this.#services.configuration.replication;
    let [onTheWay, inSilence] = [0, 0];
    for (const copy of this.#services.otherCopies(space)) {
      const peer = this.#peers.get(copy);
      const report = peer?.spaces.get(space);
      // Of a copy that has not said what it holds since this node started nobody knows since when it is silent.
      if (report !== undefined && !this.#peers.reports.knows(copy, space, dot)) continue;
      const silentMs = now.monotonicMs - (peer?.lastHeardMs ?? never);
      const isSilent = silentMs > silentAfterPings * pingIntervalMs;
      if (isSilent) inSilence = Math.max(inSilence, silentMs);
      else if (peer !== undefined && report?.term != null) onTheWay += this.#peers.wayMs(peer, now);
    }
    return { onTheWay, inSilence };
  }

  /** Whether nobody but this primary has acknowledged writes of the space that are not here, as far as it can tell: a silent copy may have, before this term began. */
  #isAlone(space: SpaceKey, now: Now): boolean {
    return this.#services.otherCopies(space).every((copy) => this.#peers.isReachable(copy, now) && this.#hasNothingElse(copy, space));
  }

  /** Whether the copy holds no term, and nothing that is missing here: one that had a term until now may have acknowledged more than this copy has merged yet. */
  #hasNothingElse(copy: NodeId, space: SpaceKey): boolean {
    const report = this.#peers.get(copy)?.spaces.get(space);
    if (report === undefined) return true;
    const coverage = this.#services.store.spaceIfHeld(space)?.coverage ?? nothing;
    return report.term === null && coverage.missingFrom(report.reported).length === 0;
  }

  hintTerm(space: SpaceKey, now: Now): Term | null {
    if (this.#services.authority?.allowsProvisional === false || !this.#handOver.isOutOfReach(space, now)) return null;
    return this.#terms.provisional();
  }

  takeHint(space: SpaceKey, bytes: number): boolean {
    return this.#handOver.takeHint(space, bytes);
  }

  /** Whether all copies of the row, as many as there are to be, have synced what is held here of the space. */
  isHandedOver(space: SpaceKey, now: Now): boolean {
    return this.#handOver.isHandedOver(space, now);
  }

  /** Copies that are behind this node, of the spaces that it is primary of. */
  lags(): readonly CopyLag[] {
    return this.#lagWatch.lags();
  }

  /** Whether something is held here of spaces whose rows name others only: who is to be removed keeps on until there is nothing. */
  holdsForOthers(): boolean {
    for (const space of this.#services.outsideSpaces()) if (this.#services.store.spaceIfHeld(space) !== undefined) return true;
    return false;
  }

  redirect(space: SpaceKey, now: Now): string | null {
    return this.#terms.redirect(space, now);
  }

  allReportedSince(space: SpaceKey, sinceMs: number): boolean {
    return this.#services.otherCopies(space).every((copy) => (this.#peers.reports.said(copy, space)?.vouchedMs ?? 0) > sinceMs);
  }

  forget(space: SpaceKey): void {
    this.#terms.forget(space);
  }

  reachableCopies(space: SpaceKey, now: Now): number {
    return 1 + this.#services.otherCopies(space).filter((copy) => this.#peers.isReachable(copy, now)).length;
  }
}

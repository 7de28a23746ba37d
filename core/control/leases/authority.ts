/**
 * Who may call itself a confirmed primary: the node that stands first in a committed row, while a majority of voters has granted it a lease.
 *
 * Never two at one instant. A voter grants nothing to a node that has not applied what stands in the voter's own log and takes spaces from nodes, committed or not.
 * An entry is committed only when a majority has it, so every lease that its loser can still hold was granted by one of them before; the new primary waits for 1.1
 * leases from when it has applied the entry, and the old lease, counted from when it was asked for, has run out by then, with clock rates 10 % apart.
 *
 * A leader of the control log that no other can have followed, since a majority of voters has heard it within the agreement's own lease, grants for all of them: whatever takes a space from
 * anybody is in its log, or is committed later. It does so only to nodes that a majority of voters reaches (contacts.ts). So in calm times everybody asks the leader alone, with the answer to a
 * heartbeat, and is answered with the next one. Who is not answered in time asks every voter, ten times a second.
 *
 * That takes majorities that overlap, so both sides must know nearly the same electorate. A voter grants only while it has all that a leader had committed a moment ago,
 * and only to nodes that have applied the electorate it knows; and nobody takes spaces from others until an electorate is so old that all of these know it.
 * The leases are those of Gray and Cheriton (1989), granted by the electorate instead of one server.
 *
 * The leader reassigns all spaces of a node that a majority of voters does not hear by one entry (heard-nodes.ts).
 *
 * A restart ends a term: what a node led in an earlier boot it leads again only by a later entry, which it asks for.
 */
import type { Now } from '../../events.js';
import type { Author, NodeId, SpaceKey } from '../../identifiers.js';
import { spacesLedBy } from '../apply-entry.js';
import { type ControlRow, type ControlState, isPausedAt } from '../control-state.js';
import type { Epoch } from '../entries.js';
import { stateAnswer } from '../followed-state.js';
import { type Entry, isVoter, majorityMoment, refusalPerLease } from '../raft/vocabulary.js';
import { Asks } from './asks.js';
import { type AuthorityMessage, decodeAuthorityMessage, encodeAuthorityMessage } from './authority-messages.js';
import type { Agreement, AuthorityPorts } from './authority-ports.js';
import { Contacts } from './contacts.js';
import type { Demotions } from './demotions.js';
import { HeardNodes } from './heard-nodes.js';
import { Successions } from './successions.js';

export const authorityTimer = 'control.authority';
type Ask = Extract<AuthorityMessage, { kind: 'ask' }>;
const never = Number.NEGATIVE_INFINITY;
/** Who has been without a lease for long asks this often: whoever leads speaks first. */
const asksAgainAfterMs = 500;

export class Authority {
  readonly #ports: AuthorityPorts;
  readonly demotions: Demotions;
  readonly #asks = new Asks();
  /** By voter: when the latest ask was sent that it granted. */
  readonly #granted = new Map<NodeId, number>();
  /** When the latest ask was sent that a leader granted for all of them. */
  #grantedByLeaderMs = never;
  /** Entries up to here may have been acted on in an earlier boot. */
  #bootIndex = 0;
  /** By space: its revision when it was looked at last, and from when on this node may be confirmed in it. */
  readonly #rows = new Map<SpaceKey, { readonly epoch: Epoch; readonly primary: NodeId; readonly fromMs: number }>();
  readonly #heard: HeardNodes;
  readonly #contacts: Contacts;
  readonly #successions: Successions;
  /** As leader: the latest ask of each node, to be answered with the next heartbeat. Null: this node does not lead. */
  #unanswered: Map<NodeId, Ask> | null = null;
  /** Rows with which it was judged last whether this node needs other terms. */
  #ended: { readonly rows: ControlState['rows']; readonly needsTerms: boolean } | null = null;
  /** As leader: what there is to decide waits until all that was committed before is applied. */
  #isPutOff = false;
  /** When every voter is asked next, unless a leader grants before. */
  #asksAllAtMs = 0;
  /** When the next wait is over of the rows in which this node stands first. */
  #rowsDueMs = Number.POSITIVE_INFINITY;

  constructor(ports: AuthorityPorts, demotions: Demotions) {
    this.#ports = ports;
    this.demotions = demotions;
    this.#heard = new HeardNodes(ports.options);
    this.#contacts = new Contacts(ports.options, (node) => ports.pingedMs(node));
    this.#successions = new Successions(ports);
  }

  /** The agreement has begun; `lastIndex` is where the log ended when `boot` found it. Rows of the state that was found are those of another time. */
  begin(lastIndex: number, boot: Author, now: Now): void {
    this.#bootIndex = lastIndex;
    this.#asks.begin(boot);
    this.electorateChanged(now);
    this.timer(now);
  }

  /** A change of the electorate is known to be committed. */
  electorateChanged(now: Now): void {
    this.#successions.electorateChanged(now);
  }

  /** A space of that name is written to, and does not exist: it is to be made. */
  want(name: string): void {
    this.#successions.want(name);
  }

  /** Whether an entry that takes spaces from their primaries may be proposed now. */
  mayTake(now: Now): boolean {
    return this.#successions.mayTake(now);
  }

  /** Another state at once, by a snapshot: who led what meanwhile is not known. */
  replaced(state: ControlState, now: Now): void {
    this.#look(state, new Set([...this.#rows.keys(), ...(Object.keys(state.rows) as SpaceKey[])]), { mayHaveRivals: true }, now);
  }

  /** An entry has changed the rows of these spaces. `isHandedOver`: whoever was primary has given the space up before, and said so. */
  changed(state: ControlState, spaces: Iterable<SpaceKey>, { isHandedOver }: { readonly isHandedOver: boolean }, now: Now): void {
    this.#look(state, spaces, { mayHaveRivals: false, isHandedOver }, now);
  }

  #look(
    state: ControlState,
    spaces: Iterable<SpaceKey>,
    { mayHaveRivals, isHandedOver = false }: { readonly mayHaveRivals: boolean; readonly isHandedOver?: boolean },
    now: Now,
  ): void {
    for (const space of spaces) {
      const row = state.rows[space];
      const known = this.#rows.get(space);
      if (row === undefined) this.#rows.delete(space);
      if (row === undefined) continue;
      const { epoch, copies } = row;
      if (known !== undefined && known.epoch.index === epoch.index && known.epoch.generation === epoch.generation) continue;
      const [primary] = copies;
      // Nobody was primary of what is new, and nobody else of what this node led already.
      const hasRival = mayHaveRivals || (known !== undefined && known.primary !== primary && !isHandedOver);
      const waitMs = hasRival ? Math.ceil(refusalPerLease * this.#ports.options.leaseMs) : 0;
      // A wait that goes on is not shortened by another term of the same primary.
      const fromMs = Math.max(now.monotonicMs + waitMs, known?.fromMs ?? 0);
      this.#rows.set(space, { epoch, primary, fromMs });
      if (primary === this.#ports.agreement().self && fromMs > now.monotonicMs) {
        this.#rowsDueMs = Math.min(this.#rowsDueMs, fromMs);
        this.#arm();
      }
    }
  }

  /** The time has come to ask every voter, or a wait for another primary's lease is over. */
  timer(now: Now): void {
    const { askEveryMs, contactMs, leaseMs } = this.#ports.options;
    const agreement = this.#ports.agreement();
    if (now.monotonicMs >= this.#asksAllAtMs) {
      const ask = this.#ask(agreement, { isUrgent: true, isCalled: false }, now);
      for (const voter of agreement.configuration.voters) if (ask !== null && voter !== agreement.self) this.#send(voter, ask);
      const isLong = now.monotonicMs - (this.leaseUntilMs(now) - leaseMs) > contactMs;
      this.#asksAllAtMs = now.monotonicMs + (isLong ? asksAgainAfterMs : askEveryMs);
    }
    this.#rowsDueMs = Number.POSITIVE_INFINITY;
    for (const { primary, fromMs } of this.#rows.values())
      if (primary === agreement.self && fromMs > now.monotonicMs) this.#rowsDueMs = Math.min(this.#rowsDueMs, fromMs);
    this.#arm();
    this.#ports.leasesChanged();
  }

  #arm(): void {
    this.#ports.timers.arm(authorityTimer, Math.min(this.#asksAllAtMs, this.#rowsDueMs));
  }

  /** A leader has granted what was asked at that moment: nobody else need be asked for a while. */
  #grantedByLeader(askedMs: number): void {
    this.#grantedByLeaderMs = Math.max(this.#grantedByLeaderMs, askedMs);
    this.#asksAllAtMs = Math.max(this.#asksAllAtMs, this.#grantedByLeaderMs + this.#ports.options.askAllAfterMs);
    this.#arm();
  }

  #send(to: NodeId, message: AuthorityMessage): void {
    this.#ports.send(to, encodeAuthorityMessage(message));
  }

  /** Every member asks, so that the leader knows whom it hears: also who is to get a copy. Null: this node is none. */
  #ask({ self, state }: Agreement, how: Pick<Ask, 'isUrgent' | 'isCalled'>, now: Now): AuthorityMessage | null {
    if (state.members[self] === undefined) return null;
    const number = this.#asks.next(now);
    const { isLeased, needsTerms } = this.#standing(self, state, now);
    const { isUrgent, isCalled } = how;
    return { kind: 'ask', number, applied: state.applied, isLeased, needsTerms, isUrgent, isCalled };
  }

  /** What this node says of itself. */
  #standing(self: NodeId, state: ControlState, now: Now): { readonly isLeased: boolean; readonly needsTerms: boolean } {
    const { leaseMs, silentAfterMs } = this.#ports.options;
    const isLeased = this.#ports.canWrite() && now.monotonicMs - (this.leaseUntilMs(now) - leaseMs) <= silentAfterMs;
    if (this.#ended?.rows !== state.rows) this.#ended = { rows: state.rows, needsTerms: this.#endedRows(state, self).length > 0 };
    return { isLeased, needsTerms: this.#ended.needsTerms };
  }

  /** Rows that this node led in an earlier boot. */
  #endedRows(state: ControlState, self: NodeId): readonly ControlRow[] {
    return this.#bootIndex <= 1 ? [] : spacesLedBy(state, self).filter(({ epoch }) => epoch.index <= this.#bootIndex);
  }

  receive(from: NodeId, bytes: Uint8Array, now: Now): boolean {
    const message = decodeAuthorityMessage(bytes);
    if (message === null) return false;
    switch (message.kind) {
      case 'ask': {
        const agreement = this.#ports.agreement();
        // Who was removed gets no entries any more, the one that says so among them.
        if (agreement.state.removed[from] !== undefined) return this.#tell(from, message.applied, agreement);
        this.#heard.asked(from, message, now);
        if (message.isCalled) this.#contacts.answeredCall(from, now);
        if (message.isUrgent || (this.#unanswered === null && !message.isCalled)) this.#answer(from, message, agreement, now);
        else if (this.#unanswered !== null) {
          if (!message.isCalled) this.#contacts.answered(from, now);
          this.#unanswered.set(from, message);
        }
        return true;
      }
      case 'answer':
        this.#noteAnswer(from, message, now);
        return true;
      case 'call': {
        const isUrgent = now.monotonicMs - this.#grantedByLeaderMs > this.#ports.options.askAllAfterMs;
        const ask = this.#ask(this.#ports.agreement(), { isUrgent, isCalled: true }, now);
        if (ask !== null) this.#send(from, ask);
        return true;
      }
      case 'doubted':
        for (const node of this.#heard.doubted(message.nodes, now))
          if (node !== this.#ports.agreement().self) this.#send(node, { kind: 'call' });
        return true;
      case 'unreached':
        this.#contacts.named(from, message.nodes, now);
        return true;
      case 'wanted':
        for (const name of message.names) this.want(name);
        return true;
      case 'silent':
        this.#heard.reported(from, message.nodes, now);
        if (this.#unanswered !== null && message.nodes.length > 0) this.#succeed(this.#ports.agreement(), now);
        return true;
      case 'forgot': {
        const answer = this.#ports.forgot(from, message.boot);
        if (answer !== null) this.#send(from, answer);
        return true;
      }
      case 'begin-anew':
        // It takes part already.
        return true;
      case 'state-wanted':
        return this.#tell(from, message.applied, this.#ports.agreement());
      case 'state':
        this.#ports.told(message.bytes, now);
        return true;
    }
  }

  /** What is committed, to a node that only follows. */
  #tell(to: NodeId, applied: number, { state }: Agreement): true {
    const answer = stateAnswer(applied, state, this.#ports.pure);
    if (answer !== null) this.#ports.send(to, answer);
    return true;
  }

  #mayGrant({ self, configuration, isCurrent }: Agreement, to: NodeId, applied: number): boolean {
    return isCurrent && configuration.voters.includes(self) && applied >= this.demotions.of(to);
  }

  #answer(to: NodeId, { number, applied }: Ask, agreement: Agreement, now: Now): void {
    const isGranted = this.#mayGrant(agreement, to, applied);
    const isOfLeader = isGranted && agreement.holdsLease && this.#contacts.isReached(to, agreement, now);
    this.#send(to, { kind: 'answer', number, isGranted, isOfLeader });
  }

  #noteAnswer(from: NodeId, { number, isGranted, isOfLeader }: Extract<AuthorityMessage, { kind: 'answer' }>, now: Now): void {
    const sentMs = this.#asks.sentMs(number);
    if (sentMs === undefined || !isGranted) return;
    const wasLeased = this.isLeased(now);
    this.#granted.set(from, Math.max(sentMs, this.#granted.get(from) ?? never));
    if (isOfLeader) this.#grantedByLeader(sentMs);
    if (!wasLeased && this.isLeased(now)) this.#ports.leasesChanged();
  }

  /** Up to when this node may call itself confirmed where it stands first; counted from when it asked. */
  leaseUntilMs(now: Now): number {
    const agreement = this.#ports.agreement();
    const { self, state, configuration } = agreement;
    // What a voter would not grant to another it does not grant to itself.
    const own = this.#mayGrant(agreement, self, state.applied) ? now.monotonicMs : never;
    const byMajority = majorityMoment(configuration, (voter) => (voter === self ? own : (this.#granted.get(voter) ?? never)));
    return Math.max(byMajority, this.#grantedByLeaderMs) + this.#ports.options.leaseMs;
  }

  /** The same as a question; nearly always a leader has answered it. Asked at every event. */
  isLeased(now: Now): boolean {
    return this.#grantedByLeaderMs + this.#ports.options.leaseMs > now.monotonicMs || this.leaseUntilMs(now) > now.monotonicMs;
  }

  /** The epoch in which this node is confirmed primary of the space now; null when it is not. */
  confirmed(space: SpaceKey, now: Now): Epoch | null {
    const { self, state } = this.#ports.agreement();
    const known = this.#rows.get(space);
    const row = state.rows[space];
    if (known === undefined || known.primary !== self || row === undefined || isPausedAt(row, self)) return null;
    const isOfThisBoot = this.#bootIndex <= 1 || known.epoch.index > this.#bootIndex;
    return isOfThisBoot && now.monotonicMs >= known.fromMs && this.isLeased(now) ? known.epoch : null;
  }

  /** Whether this node has to give the space up, and keeps to that: without a lease it may go on provisionally, as in any cut. */
  isHandingOver(space: SpaceKey, now: Now): boolean {
    const { self, state } = this.#ports.agreement();
    const row = state.rows[space];
    return row !== undefined && isPausedAt(row, self) && this.isLeased(now);
  }

  /** A round of the leader's heartbeats has come: what there is to tell it goes with the answer. */
  heartbeat(leader: NodeId, now: Now): void {
    const agreement = this.#ports.agreement();
    this.#unanswered = null;
    this.#heard.leaderSpoke(leader, now);
    const ask = this.#ask(agreement, { isUrgent: false, isCalled: false }, now);
    if (ask !== null) this.#send(leader, ask);
    if (isVoter(agreement.configuration, agreement.self)) this.#reportTo(leader, agreement, now);
    const names = this.#successions.takeWanted();
    if (names.length > 0) this.#send(leader, { kind: 'wanted', names });
  }

  /** As voter: whom the leader misses and this node does not hear either, and whom this node does not reach. */
  #reportTo(leader: NodeId, agreement: Agreement, now: Now): void {
    const report = this.#heard.report(agreement.self, now);
    if (report !== null) this.#send(leader, report);
    const { calls, unreached } = this.#contacts.look(leader, agreement, now);
    for (const node of calls) this.#send(node, { kind: 'call' });
    if (unreached !== null) this.#send(leader, { kind: 'unreached', nodes: unreached });
  }

  /** This leader's own heartbeats go out: leases with them, and whom it misses. Other primaries for the dead, new terms for those that were started anew. `isLeader` false: it leads no more. */
  lead(isLeader: boolean, now: Now): void {
    if (!isLeader) this.#unanswered = null;
    if (!isLeader) return;
    const agreement = this.#ports.agreement();
    const { self, state, configuration } = agreement;
    if (this.#unanswered === null) this.#heard.begin(state, now);
    if (this.#unanswered === null) this.#contacts.begin();
    for (const [node, ask] of this.#unanswered ?? []) this.#answer(node, ask, agreement, now);
    this.#unanswered = new Map();
    if (agreement.holdsLease && this.#mayGrant(agreement, self, state.applied)) this.#grantedByLeader(now.monotonicMs);
    this.#heard.asked(self, this.#standing(self, state, now), now);
    const missed = this.#heard.missed(state, now);
    for (const voter of configuration.voters)
      if (missed.length > 0 && voter !== self) this.#send(voter, { kind: 'doubted', nodes: missed });
    this.#decide(agreement, now);
  }

  /** As leader, whenever something may have been applied: decides what was put off. */
  caughtUp(now: Now): void {
    if (!this.#isPutOff) return;
    const agreement = this.#ports.agreement();
    if (agreement.knowsWhatWasBefore) this.#decide(agreement, now);
  }

  /** What an earlier leader has begun may stand in the log, not applied yet: to decide before that is known would be to decide it twice. */
  #decide(agreement: Agreement, now: Now): void {
    this.#isPutOff = !agreement.knowsWhatWasBefore;
    if (this.#isPutOff) return;
    const { state, configuration } = agreement;
    const isDead = this.#heard.dead(state, configuration, now);
    this.#successions.makeWanted(state, isDead, now);
    this.#ports.led(isDead, now);
    this.#successions.proceed(state, this.#heard.all(), isDead, now);
  }

  #succeed({ state, configuration, knowsWhatWasBefore }: Agreement, now: Now): void {
    if (knowsWhatWasBefore) this.#successions.proceed(state, this.#heard.all(), this.#heard.dead(state, configuration, now), now);
  }

  /** Entries that stand in this voter's log from now on, committed or not. */
  appended(entries: readonly Entry[]): void {
    this.demotions.appended(entries);
  }
}

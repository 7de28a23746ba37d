/**
 * Who may call itself a confirmed primary: the node that stands first in a committed row, while a majority of voters has granted it a lease.
 *
 * Never two at one instant. A voter grants nothing to a node that has not applied what stands in the voter's own log and takes spaces from nodes, committed or not.
 * An entry is committed only when a majority has it, so every lease that its loser can still hold was granted by one of them before; the new primary waits for 1.1
 * leases from when it has applied the entry, and the old lease, counted from when it was asked for, has run out by then, with clock rates 10 % apart.
 *
 * That takes majorities that overlap, so both sides must know nearly the same electorate. A voter grants only while it has all that a leader had committed a moment ago,
 * and only to nodes that have applied the electorate it knows; and nobody takes spaces from others until an electorate is so old that all of these know it.
 * The leases are those of Gray and Cheriton (1989), granted by the electorate instead of one server.
 *
 * A dead primary is noticed by the voters: who holds copies asks each of them ten times a second. The leader reassigns all of a node's spaces by one entry, once a
 * majority of voters has not heard it for half a second; one bad link deposes nobody. Who is heard but has got no lease for as long, because it cannot hear or lacks what
 * was committed, says so, and counts as silent; so does who has no room to write.
 *
 * A restart ends a term: what a node led in an earlier boot it leads again only by a later entry, which it asks for.
 */
import type { Timers } from '../effects.js';
import type { Now } from '../events.js';
import type { NodeId, SpaceKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { spacesLedBy } from './apply-entry.js';
import { type AuthorityMessage, decodeAuthorityMessage, encodeAuthorityMessage } from './authority-messages.js';
import type { AuthorityOptions } from './control-log-options.js';
import type { ControlRow, ControlState } from './control-state.js';
import type { Demotions } from './demotions.js';
import type { ControlEntry, Epoch } from './entries.js';
import { stateAnswer } from './followed-state.js';
import { type Configuration, type Entry, majorityMoment, quorumOf, refusalPerLease } from './raft/vocabulary.js';
import { entriesFor, wantedMax } from './space-making.js';

export const authorityTimer = 'control.authority';
const never = Number.NEGATIVE_INFINITY;
/** Asks whose answers can still be told. */
const asksMax = 32;

/** What the agreement knows now. */
export interface Agreement {
  readonly self: NodeId;
  readonly state: ControlState;
  readonly configuration: Configuration;
  readonly leader: NodeId | null;
  /** Whether all that a leader had committed lately is here. */
  readonly isCurrent: boolean;
}

export interface AuthorityPorts {
  /** `leaderMsMax`: for so long at most somebody may lead whom a majority has left. */
  readonly options: AuthorityOptions & { readonly leaderMsMax: number };
  agreement(): Agreement;
  send(to: NodeId, message: Uint8Array): void;
  readonly timers: Timers;
  readonly pure: PureFunctions;
  /** Looked at again: this node leads, and a majority of voters does not hear those nodes; null: it does not lead. */
  led(isSilent: ((node: NodeId) => boolean) | null, now: Now): void;
  /** Whether this node's log has room: a primary that cannot write is of no use either. */
  canWrite(): boolean;
  /** A voter says what is committed: to a node that it holds for removed, for one. */
  told(state: Uint8Array, now: Now): void;
  /** As leader. `done` is called when it is settled, whatever became of it. */
  propose(entry: ControlEntry, done: () => void, now: Now): void;
}

/** What a voter remembers of a node that asks. */
interface Heard {
  lastMs: number;
  needsTerms: boolean;
}

export class Authority {
  readonly #ports: AuthorityPorts;
  readonly demotions: Demotions;
  /** Of this boot's asks: when each was sent. */
  readonly #asks = new Map<number, number>();
  #lastAsk = 0;
  /** By voter: when the latest ask was sent that it granted. */
  readonly #granted = new Map<NodeId, number>();
  /** Entries up to here may have been acted on in an earlier boot. */
  #bootIndex = 0;
  /** By space: its revision when it was looked at last, and from when on this node may be confirmed in it. */
  readonly #rows = new Map<SpaceKey, { readonly epoch: Epoch; readonly primary: NodeId; readonly fromMs: number }>();
  /** As voter: whom it heard. As leader: what other voters say. */
  readonly #heard = new Map<NodeId, Heard>();
  readonly #reports = new Map<NodeId, { readonly atMs: number; readonly nodes: readonly NodeId[] }>();
  readonly #proposing = new Set<NodeId>();
  /** Names of spaces that were asked for here, or by others when this node leads. */
  readonly #wanted = new Set<string>();
  /** From when on spaces may be taken from their primaries. */
  #mayTakeFromMs = 0;

  constructor(ports: AuthorityPorts, demotions: Demotions) {
    this.#ports = ports;
    this.demotions = demotions;
  }

  /** The agreement has begun; `lastIndex` is where the log ended when this boot found it. Rows of the state that was found are those of another time. */
  begin(lastIndex: number, now: Now): void {
    this.#bootIndex = lastIndex;
    this.electorateChanged(now);
    this.#tick(now);
  }

  /** A change of the electorate is known to be committed. */
  electorateChanged(now: Now): void {
    const { leaseMs, contactMs, leaderMsMax } = this.#ports.options;
    this.#mayTakeFromMs = now.monotonicMs + Math.ceil(refusalPerLease * (leaseMs + contactMs + leaderMsMax));
  }

  /** A space of that name is written to, and does not exist: it is to be made. */
  want(name: string): void {
    if (this.#wanted.size < wantedMax) this.#wanted.add(name);
  }

  /** Whether an entry that takes spaces from their primaries may be proposed now. */
  mayTake(now: Now): boolean {
    return now.monotonicMs >= this.#mayTakeFromMs;
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
      this.#rows.set(space, { epoch, primary, fromMs: Math.max(now.monotonicMs + waitMs, known?.fromMs ?? 0) });
    }
  }

  timer(now: Now): void {
    this.#tick(now);
  }

  #tick(now: Now): void {
    const { options, timers } = this.#ports;
    timers.arm(authorityTimer, now.monotonicMs + options.askEveryMs);
    const agreement = this.#ports.agreement();
    this.#ask(agreement, now);
    if (this.#wanted.size > 0 && agreement.leader !== null && agreement.leader !== agreement.self) {
      this.#send(agreement.leader, { kind: 'wanted', names: [...this.#wanted] });
      this.#wanted.clear();
    }
    if (agreement.leader !== agreement.self) this.#ports.led(null, now);
    if (!agreement.configuration.voters.includes(agreement.self)) return;
    const silent = this.#silent(agreement, now);
    if (agreement.leader === agreement.self) this.#lead(agreement, silent, now);
    else if (agreement.leader !== null) this.#send(agreement.leader, { kind: 'silent', nodes: silent });
  }

  #send(to: NodeId, message: AuthorityMessage): void {
    this.#ports.send(to, encodeAuthorityMessage(message));
  }

  /** Every member asks, so that the voters know whom they hear: also who is to get a copy. */
  #ask({ self, state, configuration }: Agreement, now: Now): void {
    if (state.members[self] === undefined) return;
    this.#lastAsk += 1;
    this.#asks.set(this.#lastAsk, now.monotonicMs);
    this.#asks.delete(this.#lastAsk - asksMax);
    const { leaseMs, silentAfterMs } = this.#ports.options;
    const isLeased = this.#ports.canWrite() && now.monotonicMs - (this.leaseUntilMs(now) - leaseMs) <= silentAfterMs;
    const needsTerms = this.#endedRows(state, self).length > 0;
    const ask = { kind: 'ask', number: this.#lastAsk, applied: state.applied, isLeased, needsTerms } as const;
    for (const voter of configuration.voters) if (voter !== self) this.#send(voter, ask);
    this.#noteAsk(self, { isLeased, needsTerms }, now);
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
        this.#noteAsk(from, message, now);
        const isGranted = this.#mayGrant(agreement, from, message.applied);
        this.#send(from, { kind: 'answer', number: message.number, isGranted });
        return true;
      }
      case 'answer':
        this.#noteAnswer(from, message);
        return true;
      case 'wanted':
        for (const name of message.names) this.want(name);
        return true;
      case 'silent':
        this.#reports.set(from, { atMs: now.monotonicMs, nodes: message.nodes });
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

  #noteAsk(from: NodeId, { isLeased, needsTerms }: { readonly isLeased: boolean; readonly needsTerms: boolean }, now: Now): void {
    const heard = this.#heard.get(from) ?? { lastMs: now.monotonicMs, needsTerms };
    if (isLeased) heard.lastMs = now.monotonicMs;
    heard.needsTerms = needsTerms;
    this.#heard.set(from, heard);
  }

  #noteAnswer(from: NodeId, { number, isGranted }: Extract<AuthorityMessage, { kind: 'answer' }>): void {
    const sentMs = this.#asks.get(number);
    if (sentMs === undefined) return;
    if (isGranted) this.#granted.set(from, Math.max(sentMs, this.#granted.get(from) ?? never));
  }

  /** Up to when this node may call itself confirmed where it stands first; counted from when it asked. */
  leaseUntilMs(now: Now): number {
    const agreement = this.#ports.agreement();
    const { self, state, configuration } = agreement;
    // What a voter would not grant to another it does not grant to itself.
    const own = this.#mayGrant(agreement, self, state.applied) ? now.monotonicMs : never;
    const byMajority = majorityMoment(configuration, (voter) => (voter === self ? own : (this.#granted.get(voter) ?? never)));
    return byMajority + this.#ports.options.leaseMs;
  }

  /** The epoch in which this node is confirmed primary of the space now; null when it is not. */
  confirmed(space: SpaceKey, now: Now): Epoch | null {
    const { self, state } = this.#ports.agreement();
    const known = this.#rows.get(space);
    const row = state.rows[space];
    if (known === undefined || known.primary !== self || row === undefined || isPausedAt(row, self)) return null;
    const isOfThisBoot = this.#bootIndex <= 1 || known.epoch.index > this.#bootIndex;
    return isOfThisBoot && now.monotonicMs >= known.fromMs && this.leaseUntilMs(now) > now.monotonicMs ? known.epoch : null;
  }

  /** Whether this node has to give the space up, and keeps to that: without a lease it may go on provisionally, as in any cut. */
  isHandingOver(space: SpaceKey, now: Now): boolean {
    const { self, state } = this.#ports.agreement();
    const row = state.rows[space];
    return row !== undefined && isPausedAt(row, self) && this.leaseUntilMs(now) > now.monotonicMs;
  }

  /** Members that this voter has not heard for long enough, in id order. */
  #silent({ self, state }: Agreement, now: Now): readonly NodeId[] {
    const members = Object.keys(state.members) as NodeId[];
    const silent: NodeId[] = [];
    for (const node of members.sort()) {
      if (node === self) continue;
      // Who has never been heard since it is a member has time from now on.
      const heard = this.#heard.get(node) ?? { lastMs: now.monotonicMs, needsTerms: false };
      this.#heard.set(node, heard);
      if (now.monotonicMs - heard.lastMs > this.#ports.options.silentAfterMs) silent.push(node);
    }
    for (const node of this.#heard.keys()) if (state.members[node] === undefined) this.#heard.delete(node);
    return silent;
  }

  /** As leader: other primaries for the silent ones, new terms for those that were started anew. */
  #lead(agreement: Agreement, own: readonly NodeId[], now: Now): void {
    const { state, configuration } = agreement;
    const fresh = [...this.#reports].filter(
      ([voter, { atMs }]) => configuration.voters.includes(voter) && now.monotonicMs - atMs <= this.#ports.options.silentAfterMs,
    );
    const voices = (node: NodeId): number => (own.includes(node) ? 1 : 0) + fresh.filter(([, { nodes }]) => nodes.includes(node)).length;
    const isDead = (node: NodeId): boolean => voices(node) >= quorumOf(configuration);
    this.#makeWanted(state, isDead, now);
    this.#ports.led(isDead, now);
    if (!this.mayTake(now)) return;
    for (const [node, { needsTerms }] of this.#heard) {
      if (isDead(node)) this.#replace(state, node, isDead, now);
      else if (needsTerms) this.#renew(state, node, now);
    }
  }

  #makeWanted(state: ControlState, isDead: (node: NodeId) => boolean, now: Now): void {
    if (this.#wanted.size === 0) return;
    const entries = entriesFor(this.#wanted, state, isDead, this.#ports.pure);
    this.#wanted.clear();
    for (const entry of entries) this.#ports.propose(entry, () => {}, now);
  }

  #replace(state: ControlState, dead: NodeId, isDead: (node: NodeId) => boolean, now: Now): void {
    const successors = spacesLedBy(state, dead).flatMap(({ space, revision, copies }) => {
      const primary = copies.find((copy) => copy !== dead && !isDead(copy));
      return primary === undefined ? [] : [{ space, basis: revision, primary }];
    });
    if (successors.length > 0) this.#proposeFor(dead, { kind: 'primaries-reassigned', dead, successors }, now);
  }

  #renew(state: ControlState, node: NodeId, now: Now): void {
    const rows = spacesLedBy(state, node).map(({ space, revision, copies }) => ({ space, basis: revision, copies }));
    if (rows.length > 0) this.#proposeFor(node, { kind: 'rows-assigned', rows }, now);
  }

  /** One at a time for each node. */
  #proposeFor(node: NodeId, entry: ControlEntry, now: Now): void {
    if (this.#proposing.has(node)) return;
    this.#proposing.add(node);
    this.#ports.propose(entry, () => this.#proposing.delete(node), now);
  }

  /** Entries that stand in this voter's log from now on, committed or not. */
  appended(entries: readonly Entry[]): void {
    this.demotions.appended(entries);
  }
}

/** Whether the node, as primary, has to take no more writes until the row changes. */
function isPausedAt({ move }: ControlRow, node: NodeId): boolean {
  return move?.stage === 'paused' && move.from === node;
}

/**
 * How a node that takes no part in the agreement still learns which rows are committed: one whose own control log is damaged, and that holds copies all the same; and one that
 * was removed, and hands over what it holds. It asks whoever of the agreement speaks to it, and the voters that it knows, for the state, and goes by the latest that it was
 * told. What is told is committed, so it rests on nobody's vote.
 */
import type { Effects } from '../effects.js';
import type { Now } from '../events.js';
import type { Author, NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { type ControlState, isMade } from './control-state.js';
import { farther, nothingReached, type Reached } from './generations.js';
import { type AuthorityMessage, decodeAuthorityMessage, encodeAuthorityMessage } from './leases/authority-messages.js';
import { decodeRaftMessage } from './raft/message-codec.js';
import { decodeState, encodeState } from './state-codec.js';

export const followingTimer = 'control.following';
/** Voters are asked so often: rows change seldom, and nobody waits for who was removed. */
const votersAskedEveryMs = 1_000;
/** So long it is listened to the others before a recovery: many heartbeats of a leader, and the way there and back over any link that is of use. */
export const inquiryMs = 2_000;

/** What came of an inquiry. `leader`: somebody leads, or this node takes part again. */
export type Inquired = { readonly kind: 'nobody leads' } | { readonly kind: 'leader'; readonly leader: NodeId | null };

export interface FollowedStatePorts {
  send(to: NodeId, message: Uint8Array): void;
  readonly effects: Pick<Effects, 'timers' | 'journal'>;
  readonly pure: PureFunctions;
  /** It asks this often at most. */
  readonly askEveryMs: number;
  /** What the node goes by now, and another that it is to go by. */
  state(): ControlState;
  goBy(state: ControlState, now: Now): void;
  /** Whose control log is damaged is told by the leader that it may begin anew: it takes part again. */
  beginAnew(how: Extract<AuthorityMessage, { kind: 'begin-anew' }>, now: Now): void;
}

export class FollowedState {
  readonly #ports: FollowedStatePorts;
  #why: 'damaged' | 'removed' | null = null;
  /** The boot that has found its control log damaged. */
  #boot: Author | null = null;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asked = 0;
  /** Who told what this node goes by; null: its own records. */
  #toldBy: NodeId | null = null;
  #reached = nothingReached;
  #inquiry: { readonly untilMs: number; readonly done: (inquired: Inquired, now: Now) => void } | null = null;

  constructor(ports: FollowedStatePorts) {
    this.#ports = ports;
  }

  /** Why the node takes no part in the agreement; null when it does. */
  get why(): 'damaged' | 'removed' | null {
    return this.#why;
  }

  get toldBy(): NodeId | null {
    return this.#toldBy;
  }

  /** How far the control log has come by what was heard in this boot. */
  get reached(): Reached {
    return this.#reached;
  }

  /** Asks all members what is committed, and listens for a leader. False: that is being done already. */
  inquire(done: (inquired: Inquired, now: Now) => void, now: Now): boolean {
    if (this.#inquiry !== null) return false;
    this.#inquiry = { untilMs: now.monotonicMs + inquiryMs, done };
    const { members } = this.#ports.state();
    for (const id of Object.keys(members).sort() as NodeId[]) {
      this.#askedMs = Number.NEGATIVE_INFINITY;
      this.#ask(id, now);
    }
    this.#arm(now);
    return true;
  }

  #inquired(inquired: Inquired, now: Now): void {
    const inquiry = this.#inquiry;
    this.#inquiry = null;
    inquiry?.done(inquired, now);
  }

  /** This node takes part again, in a generation that it has begun itself. */
  end(): void {
    this.#why = null;
  }

  /** The node's own control log is damaged: it goes by what can still be read of it until others tell it more. */
  begin(boot: Author, readable: ControlState, now: Now): void {
    this.#why = 'damaged';
    this.#boot = boot;
    this.#ports.effects.journal.note({ kind: 'control.log-damaged' });
    if (isMade(readable) && readable.applied > this.#ports.state().applied) this.#goBy(readable, null, now);
    this.timer(now);
  }

  /** A node that takes part goes by its own log alone, unless it is told that it was removed: then it follows from now on. */
  told(bytes: Uint8Array, self: NodeId, now: Now): void {
    const known = this.#ports.state();
    const state = this.#newer(bytes);
    const index = state?.removed[self];
    if (state === null || state.clusterId !== known.clusterId || index === undefined) return;
    this.#why = 'removed';
    this.#ports.effects.journal.note({ kind: 'control.removed', index });
    this.#goBy(state, null, now);
    this.timer(now);
  }

  /** Whatever is said to a node that only follows. */
  receive(from: NodeId, bytes: Uint8Array, now: Now): void {
    const message = decodeAuthorityMessage(bytes);
    if (message?.kind === 'begin-anew') return this.#beginAnew(message, now);
    if (message?.kind === 'state-wanted') this.#tell(from, message.applied);
    if (message === null) this.#overhear(from, bytes, now);
    if (message?.kind !== 'state') return this.#ask(from, now);
    const state = this.#newer(message.bytes);
    if (state !== null) this.#goBy(state, from, now);
  }

  /** The agreement's own messages tell how far it has come, and that somebody leads. */
  #overhear(from: NodeId, bytes: Uint8Array, now: Now): void {
    const message = decodeRaftMessage(bytes);
    if (message === null) return;
    const index = message.kind === 'append' ? message.previous.index + message.entries.length : 'last' in message ? message.last.index : 0;
    this.#reached = farther(this.#reached, { generation: 0, index, term: message.term });
    if (message.kind === 'append' || message.kind === 'snapshot') this.#inquired({ kind: 'leader', leader: from }, now);
  }

  /** What this node goes by is committed, whoever told it: where all control logs are damaged they still tell each other the latest rows. */
  #tell(to: NodeId, applied: number): void {
    const answer = stateAnswer(applied, this.#ports.state(), this.#ports.pure);
    if (answer !== null) this.#ports.send(to, answer);
  }

  #beginAnew(how: Extract<AuthorityMessage, { kind: 'begin-anew' }>, now: Now): void {
    // What was said to another boot says nothing of what this one has forgotten.
    if (this.#why !== 'damaged' || how.boot !== this.#boot) return;
    this.#why = null;
    this.#ports.effects.journal.note({ kind: 'control.begun-anew', term: how.term, votesFrom: how.votesFrom });
    this.#inquired({ kind: 'leader', leader: null }, now);
    this.#ports.beginAnew(how, now);
  }

  /** One voter after the other is asked. */
  timer(now: Now): void {
    if (this.#inquiry !== null && now.monotonicMs >= this.#inquiry.untilMs) this.#inquired({ kind: 'nobody leads' }, now);
    if (this.#why === null) return;
    this.#arm(now);
    const { voters } = this.#ports.state();
    this.#asked += 1;
    if (voters.length > 0) this.#ask(voters[this.#asked % voters.length], now);
  }

  #arm(now: Now): void {
    const nextMs = now.monotonicMs + votersAskedEveryMs;
    this.#ports.effects.timers.arm(followingTimer, Math.min(nextMs, this.#inquiry?.untilMs ?? nextMs));
  }

  #goBy(state: ControlState, toldBy: NodeId | null, now: Now): void {
    this.#toldBy = toldBy;
    this.#ports.effects.journal.note({ kind: 'control.state-followed', index: state.applied });
    this.#ports.goBy(state, now);
  }

  #newer(bytes: Uint8Array): ControlState | null {
    const reading = decodeState(bytes, this.#ports.pure);
    return reading.kind === 'state' && reading.state.applied > this.#ports.state().applied ? reading.state : null;
  }

  #ask(whom: NodeId, now: Now): void {
    if (now.monotonicMs - this.#askedMs < this.#ports.askEveryMs) return;
    this.#askedMs = now.monotonicMs;
    this.#ports.send(whom, encodeAuthorityMessage({ kind: 'state-wanted', applied: this.#ports.state().applied }));
    if (this.#why === 'damaged' && this.#boot !== null)
      this.#ports.send(whom, encodeAuthorityMessage({ kind: 'forgot', boot: this.#boot }));
  }
}

/** What a node of the agreement tells one that has applied entries up to `applied` and only follows; null when it has nothing newer. */
export function stateAnswer(applied: number, state: ControlState, pure: PureFunctions): Uint8Array | null {
  if (!isMade(state) || state.applied <= applied) return null;
  return encodeAuthorityMessage({ kind: 'state', bytes: encodeState(state, pure) });
}

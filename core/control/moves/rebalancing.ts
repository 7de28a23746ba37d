/**
 * Carries placement out: the leader of the control log compares the rows with what is wanted (`wanted-moves.ts`) and has copies moved, one entry after the other.
 *
 *   nothing ── started ──► copying ── paused ──► paused ── committed ──► nothing, with another row
 *                             │                    │
 *                             └──── aborted ◄──────┘
 *
 * The target pulls as one who learns: it counts for nothing. Once the row's primary says that the target has nearly all, the row changes: at once where a replica
 * moves; where the primary moves only after that has paused, by an entry, and has said that nothing is on its way any more and the target holds all. So
 * the new primary need not wait for the old one's lease: it was given back. Whatever a move has come to stands in its row, so another leader goes on with it.
 *
 * A node that is silent for longer than the grace is treated as one that gives up what it holds: its copies get new places. When it comes back it hands over what
 * it has. The order of steps and their number at a time are this leader's own; what it began and cannot end, because target or source is gone, it aborts. Whether it begins anything
 * at all is what an operator ordered last (`rebalancing-ordered`), and its configuration where nobody has.
 */
import type { Journal } from '../../effects.js';
import type { Now } from '../../events.js';
import type { NodeId, SpaceKey } from '../../identifiers.js';
import type { ProposalAnswer, WhyGivenUp } from '../control-events.js';
import type { ControlRow, ControlState } from '../control-state.js';
import type { ControlEntry, MoveChange } from '../entries.js';
import { MoveBudget } from './move-budget.js';
import { type CopyProgress, decodeMoveMessage, encodeMoveMessage, type MoveMessage } from './move-messages.js';
import { MoveReports } from './move-reports.js';
import type { PlanningJob, PlanningResult } from './planning.js';
import type { RebalancingOptions } from './rebalancing-options.js';
import { SpaceSizes } from './space-sizes.js';
import type { Wanted, WantedStep } from './wanted-moves.js';

export interface RebalancingPorts {
  readonly options: RebalancingOptions;
  /** Plans beside the node's turns. */
  plan(job: PlanningJob, done: (result: PlanningResult, now: Now) => void): void;
  readonly journal: Journal;
  state(): ControlState;
  self(): NodeId;
  /** Whoever leads the control log, as far as this node knows. */
  leader(): NodeId | null;
  /** Whether an order was proposed here of which it is not known what becomes: a move that begins behind it would be one that nobody wants. */
  isOrderPending(): boolean;
  send(to: NodeId, message: Uint8Array): void;
  propose(entry: ControlEntry, settled: (answer: ProposalAnswer) => void, now: Now): void;
}

export class Rebalancing {
  readonly #ports: RebalancingPorts;
  /** Null: this node does not lead. */
  #leading: Leading | null = null;

  constructor(ports: RebalancingPorts) {
    this.#ports = ports;
  }

  get options(): RebalancingOptions {
    return this.#ports.options;
  }

  /** False for what is malformed. */
  receive(bytes: Uint8Array, from: NodeId, now: Now): boolean {
    const message = decodeMoveMessage(bytes);
    if (message === null) return false;
    this.#leading?.told(message, from, now);
    return true;
  }

  /** A node tells the leader how far a copy has come. */
  tell(message: MoveMessage, now: Now): void {
    const leader = this.#ports.leader();
    if (leader === this.#ports.self()) this.#leading?.told(message, leader, now);
    else if (leader !== null) this.#ports.send(leader, encodeMoveMessage(message));
  }

  /** Time has passed and this node leads. `isSilent`: a majority of voters does not hear that node. */
  lead(isSilent: (node: NodeId) => boolean, now: Now): void {
    this.#leading ??= new Leading(this.#ports);
    this.#leading.proceed(isSilent, now);
  }

  /** An entry was applied. */
  applied(now: Now): void {
    this.#leading?.applied(now);
  }

  /** Another node leads. */
  rest(): void {
    this.#leading?.end();
    this.#leading = null;
  }

  /** What would be done, and is: null where another node leads. */
  get underway(): Underway | null {
    return this.#leading;
  }
}

/** What the leader can tell of its work. */
export interface Underway {
  /** What was planned last; null: not yet. */
  readonly latest: Wanted | null;
  /** Plans anew, whether or not anything has changed, and does nothing about it; the next `latest` is of now or later. */
  planAnew(): void;
  progressOf(space: SpaceKey): CopyProgress | null;
  /** Whether moves begin by themselves. */
  readonly isAtWork: boolean;
  readonly options: RebalancingOptions;
}

class Leading implements Underway {
  readonly #ports: RebalancingPorts;
  readonly #reports = new MoveReports();
  readonly #sizes = new SpaceSizes();
  /** Spaces with a proposal that is not settled. */
  readonly #proposing = new Set<SpaceKey>();
  /** Since when a node is silent, and a move is where it is. */
  readonly #silentSinceMs = new Map<NodeId, number>();
  readonly #stages = new Map<SpaceKey, { readonly revision: number; sinceMs: number; missing: number }>();
  /** Nodes that a move to was given up; up to when nothing is moved to them. */
  readonly #avoidedUntilMs = new Map<NodeId, number>();
  /** Moves that this leader has begun, or knows to go on with. */
  readonly #begun = new Set<SpaceKey>();
  readonly #budget: MoveBudget;
  /** What an operator had ordered when it was looked at last. */
  #order: ControlState['order'];
  #steps: readonly WantedStep[] = [];
  /** What the steps were judged by; another judgement is due then. */
  #judged: { readonly rows: ControlState['rows']; readonly around: string } | null = null;
  /** Members, who of them is away, and how many copies there are to be. */
  #around = '';
  #rowsSeen: ControlState['rows'] | null = null;
  #dueMs = 0;
  #absent: ReadonlySet<NodeId> = new Set();
  #isPlanning = false;
  #isOver = false;
  #latest: Wanted | null = null;

  constructor(ports: RebalancingPorts) {
    this.#ports = ports;
    this.#budget = new MoveBudget(ports.options.bytesPerSecondMax);
    this.#order = ports.state().order;
  }

  get options(): RebalancingOptions {
    return this.#ports.options;
  }

  get isAtWork(): boolean {
    const { order } = this.#ports.state();
    return order === null ? this.#ports.options.isAutomatic : order.order === 'apply';
  }

  told(message: MoveMessage, from: NodeId, now: Now): void {
    const row = this.#ports.state().rows[message.kind === 'copied' ? message.progress.space : message.space];
    if (message.kind === 'sized') {
      if (from === row?.copies[0]) this.#sizes.note(message.space, message.bytes);
      return;
    }
    if (row === undefined || row.move === null) return;
    const { space, revision, copies, move } = row;
    if (message.kind === 'prepared') {
      if (from === move.to && message.revision === revision) this.#reports.prepared(row, now);
    } else if (from === copies[0]) {
      this.#sizes.noteMoving(space, message.progress.bytes);
      this.#reports.copied(row, message.progress, now);
      // Between two copies nothing is left to copy, and once writes have paused all is there.
      if (move.stage === 'copying' && !copies.includes(move.to))
        this.#budget.charge({ space, revision, bytes: message.progress.bytes, nodes: nodesOf(copies, move) }, now.monotonicMs);
    }
    this.#goOn(row, now);
  }

  /** What was said of rows that were not known yet may be of one that is. */
  applied(now: Now): void {
    for (const row of this.#reports.takeEarly(this.#ports.state().rows)) this.#goOn(row, now);
  }

  proceed(isSilent: (node: NodeId) => boolean, now: Now): void {
    const state = this.#ports.state();
    this.#lookAround(state, isSilent, now);
    this.#heedOrder(state);
    let underWay = 0;
    const busy = new Map<NodeId, number>();
    for (const row of Object.values(state.rows)) {
      if (row.move === null) continue;
      underWay += 1;
      for (const node of nodesOf(row.copies, row.move)) busy.set(node, (busy.get(node) ?? 0) + 1);
      this.#noteTakenOver(row);
      const why = this.#whyHopeless(row, isSilent, now);
      if (why !== null) this.#giveUp(row, why, now);
      else this.#goOn(row, now);
    }
    if (underWay === 0) this.#forgetEnded();
    if (!this.isAtWork || this.#ports.isOrderPending()) return;
    this.#judgeAgain(state, underWay, now);
    this.#begin(state, { underWay, busy, isSilent }, now);
  }

  #lookAround(state: ControlState, isSilent: (node: NodeId) => boolean, now: Now): void {
    for (const id of Object.keys(state.members) as NodeId[]) {
      if (!isSilent(id)) this.#silentSinceMs.delete(id);
      else if (!this.#silentSinceMs.has(id)) this.#silentSinceMs.set(id, now.monotonicMs);
    }
    const absent = [...this.#silentSinceMs]
      .filter(([id, sinceMs]) => state.members[id] !== undefined && now.monotonicMs - sinceMs >= this.#ports.options.graceMs)
      .map(([id]) => id)
      .sort();
    const members = Object.values(state.members).map(({ id, zone, rack, isDraining }) => [id, zone, rack, isDraining]);
    const around = JSON.stringify([members, absent, state.settings.replicationFactor]);
    if (around === this.#around) return;
    this.#around = around;
    this.#absent = new Set(absent);
    this.#dueMs = now.monotonicMs + this.#ports.options.settleMs;
  }

  /** Whoever asks for it now does not want to wait until the members have been the same for long. */
  #heedOrder({ order }: ControlState): void {
    if (order === this.#order) return;
    this.#order = order;
    this.#steps = [];
    this.#judged = null;
    this.#dueMs = 0;
  }

  #noteTakenOver({ space, move }: ControlRow): void {
    if (move === null || this.#begun.has(space)) return;
    this.#begun.add(space);
    this.#ports.journal.note({ kind: 'move.taken-over', space, to: move.to });
  }

  #forgetEnded(): void {
    this.#begun.clear();
    this.#budget.forgetMoves();
    this.#reports.forgetMoves();
    this.#stages.clear();
  }

  /** The next entry of a move, once what it takes has been said. */
  #goOn(row: ControlRow, now: Now): void {
    const { copies, move } = row;
    if (move === null) return;
    const copied = this.#reports.of(row, now);
    if (copied === null || copied.heldMs === null) return;
    if (move.stage === 'paused') {
      if (copied.heldMs === 0) this.#change(row, { kind: 'committed' }, now);
      return;
    }
    if (copied.heldMs > this.#ports.options.lagMsMax) return;
    if (move.from !== copies[0]) return this.#change(row, { kind: 'committed' }, now);
    if (this.#reports.isPrepared(row, now)) this.#change(row, { kind: 'paused' }, now);
  }

  #change({ space, revision }: ControlRow, change: MoveChange, now: Now): void {
    this.#propose(space, { kind: 'move-changed', space, basis: revision, change }, now);
  }

  /** One proposal at a time for each space: another rests on what comes of it. */
  #propose(space: SpaceKey, entry: ControlEntry, now: Now): void {
    if (this.#proposing.has(space)) return;
    this.#proposing.add(space);
    const settled = (answer: ProposalAnswer): void => {
      this.#proposing.delete(space);
      // It has had no effect: what is wanted is judged again.
      if (answer.kind !== 'committed' || answer.outcome.kind === 'refused') this.#judged = null;
    };
    this.#ports.propose(entry, settled, now);
  }

  /** Null while there is hope. */
  #whyHopeless({ space, revision, move }: ControlRow, isSilent: (node: NodeId) => boolean, now: Now): WhyGivenUp | null {
    if (move === null) return null;
    const { pauseMsMax, stallMs } = this.#ports.options;
    const missing = this.#reports.latest(space)?.missing ?? Number.POSITIVE_INFINITY;
    const before = this.#stages.get(space);
    if (before === undefined || before.revision !== revision || missing < before.missing) {
      this.#stages.set(space, { revision, sinceMs: now.monotonicMs, missing });
      return null;
    }
    const forMs = now.monotonicMs - before.sinceMs;
    if (this.#absent.has(move.to) || (move.stage === 'paused' && isSilent(move.to))) return 'target silent';
    if (move.stage === 'paused') return forMs > pauseMsMax ? 'writes paused too long' : null;
    if (this.#ports.state().members[move.to]?.isDraining !== false) return 'target leaves';
    if (forMs <= stallMs) return null;
    return isSilent(move.to) ? 'target silent' : 'no progress';
  }

  #giveUp(row: ControlRow, why: WhyGivenUp, now: Now): void {
    if (row.move === null || this.#proposing.has(row.space)) return;
    this.#ports.journal.note({ kind: 'move.given-up', space: row.space, to: row.move.to, why });
    this.#avoidedUntilMs.set(row.move.to, now.monotonicMs + this.#ports.options.stallMs);
    // What is wanted instead is judged once this is so.
    this.#judged = null;
    this.#change(row, { kind: 'aborted' }, now);
  }

  /** Plans anew when the members are others; when all that was wanted is done and the rows are still not those that were planned for; and when spaces have grown. */
  #judgeAgain(state: ControlState, underWay: number, now: Now): void {
    if (now.monotonicMs < this.#dueMs || this.#isPlanning) return;
    if (this.#judged?.around === this.#around) {
      if (this.#steps.length > 0 || underWay > 0) return;
      if (this.#judged.rows === state.rows && !this.#sizes.isJudgementDue(now)) return;
      // Rows change in groups too, when a primary dies.
      if (this.#rowsSeen !== state.rows) {
        this.#rowsSeen = state.rows;
        this.#dueMs = now.monotonicMs + this.#ports.options.settleMs;
        return;
      }
    }
    this.#judged = { rows: state.rows, around: this.#around };
    this.#sizes.judged(now);
    this.#steps = [];
    this.#plan(state, { isToBeDone: true });
  }

  #plan({ members, rows, settings }: ControlState, { isToBeDone }: { readonly isToBeDone: boolean }): void {
    const around = this.#around;
    const job: PlanningJob = {
      kind: 'planning',
      state: { members, rows, settings },
      absent: [...this.#absent],
      bytes: this.#sizes.snapshot(rows),
    };
    this.#isPlanning = true;
    this.#ports.plan(job, (result) => {
      this.#isPlanning = false;
      if (this.#isOver) return;
      this.#latest = result;
      if (!isToBeDone) return;
      const isJudged = this.#judged?.rows === rows && this.#judged.around === around;
      if (!isJudged || around !== this.#around) return;
      // What rests on a row that has changed meanwhile is planned anew once the rest is done.
      const { rows: present } = this.#ports.state();
      this.#steps = result.steps.filter(({ space }) => present[space] === rows[space]);
    });
  }

  /** Another node leads: whatever is still being planned here is nobody's business. */
  end(): void {
    this.#isOver = true;
  }

  #begin(
    state: ControlState,
    given: { readonly underWay: number; readonly busy: Map<NodeId, number>; readonly isSilent: (node: NodeId) => boolean },
    now: Now,
  ): void {
    const { movesMax, movesPerNodeMax } = this.#ports.options;
    const { busy, isSilent } = given;
    let { underWay } = given;
    const left: WantedStep[] = [];
    for (const step of this.#steps) {
      const row = state.rows[step.space];
      // The row is another by now: what is wanted of it is judged again once all is done.
      if (row === undefined || !isStillWanted(row, step)) continue;
      if (row.move !== null || this.#proposing.has(step.space) || isSilent(row.copies[0])) {
        left.push(step);
        continue;
      }
      if (step.kind === 'fewer') {
        this.#propose(step.space, { kind: 'rows-assigned', rows: [{ space: step.space, basis: row.revision, copies: step.copies }] }, now);
        continue;
      }
      const nodes = nodesOf(row.copies, step);
      const isPaidOff = step.kind === 'primary' || nodes.every((node) => this.#budget.isFree(node, now.monotonicMs));
      const isFree = isPaidOff && nodes.every((node) => (busy.get(node) ?? 0) < movesPerNodeMax);
      if (underWay >= movesMax || !isFree || isSilent(step.to) || now.monotonicMs < (this.#avoidedUntilMs.get(step.to) ?? 0)) {
        left.push(step);
        continue;
      }
      underWay += 1;
      for (const node of nodes) busy.set(node, (busy.get(node) ?? 0) + 1);
      this.#begun.add(step.space);
      this.#ports.journal.note({ kind: 'move.begun', space: step.space, from: step.from, to: step.to });
      this.#change(row, { kind: 'started', from: step.from, to: step.to }, now);
    }
    this.#steps = left;
  }

  get latest(): Wanted | null {
    return this.#latest;
  }

  planAnew(): void {
    if (!this.#isPlanning) this.#plan(this.#ports.state(), { isToBeDone: false });
  }

  progressOf(space: SpaceKey): CopyProgress | null {
    return this.#reports.latest(space);
  }
}

/** Who is busy with a move: the target, the source, and the primary, which tells how far it is. */
export function nodesOf(copies: readonly NodeId[], { from, to }: { readonly from: NodeId | null; readonly to: NodeId }): readonly NodeId[] {
  return [...new Set([to, copies[0], ...(from === null ? [] : [from])])];
}

function isStillWanted({ copies }: ControlRow, step: WantedStep): boolean {
  if (step.kind === 'fewer') return step.copies.every((copy) => copies.includes(copy)) && copies[0] === step.copies[0];
  if (step.kind === 'primary') return copies[0] === step.from && copies.includes(step.to);
  return !copies.includes(step.to) && (step.from === null || copies.includes(step.from));
}

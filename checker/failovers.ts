/**
 * Failover as clients see it: for each confirmed primary that a fault takes away, the time to the first write of its space that another confirmed
 * primary acknowledges. Told from answers, terms, processes and links, as an observer has them; this counts and judges nothing.
 *
 * A time is measured only where nothing else can have stood in the way: until that answer the fault lasted, somebody could lead the control log
 * without the lost primary and reach a copy of the space, and a write was waiting when the other primary was confirmed. All else is counted apart, by
 * reason, so that no slow failover hides among those that could not happen: who waited for as long as the goal allows, with all there, is `late`.
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { History, MemberLife, MembershipRecord, Operation, PlacedRow, TermSpan } from './history.js';
import { isWrite } from './memory-traces.js';
import { Reachability } from './reachability.js';

/** Failover takes less than this, from the fault to the first acknowledged write. */
export const failoverMsMax = 5_000;

/**
 * `killed`: its process ended and the machine refused connections. `crashed`: power lost, or it stopped itself. `left`: it ended after it had taken
 * its leave. `cut-off`: no links both ways to a majority of the voters. `paused`: as cut off, by links that held back what was sent on them.
 */
export const failoverKinds = ['killed', 'crashed', 'left', 'cut-off', 'paused'] as const;
export type FailoverKind = (typeof failoverKinds)[number];

/**
 * Why there is no time. `healed`: the fault was over, or the load, within less than the goal, and before anybody else acknowledged. `no-majority`: at
 * some moment nobody could have led the control log and reached a copy in reach of a majority. `no-writes`: no write was waiting when another was
 * confirmed. `late`: none of these, and nobody acknowledged within the goal.
 */
export const unmeasuredReasons = ['healed', 'no-majority', 'no-writes', 'late'] as const;
export type UnmeasuredReason = (typeof unmeasuredReasons)[number];

export interface Failover {
  readonly space: SpaceKey;
  /** Who was confirmed when the fault came. */
  readonly primary: NodeId;
  readonly kind: FailoverKind;
  readonly atMs: number;
  /** For how long the fault lasted under load; Infinity never is: the load ends. */
  readonly lastedMs: number;
  /** From the fault until another was confirmed; null if nobody was meanwhile. */
  readonly confirmedMs: number | null;
  /** From the fault to the acknowledgement; null for a reason. */
  readonly acknowledgedMs: number | null;
  readonly reason: UnmeasuredReason | null;
}

interface Taken {
  readonly kind: FailoverKind;
  readonly atMs: number;
}

/** All of them, in the order of the faults; none where no control log was kept. */
export function failoversOf(history: History): readonly Failover[] {
  const { membership, control, placement } = history;
  if (membership === undefined || control?.electorates === undefined || placement === undefined) return [];
  const reachability = new Reachability(membership, control.electorates);
  const story: Story = {
    history,
    membership,
    reachability,
    rows: placement.rows,
    loadEndsMs: history.majorityHealedMs ?? history.healedMs,
  };
  const confirmed = history.terms.filter((term) => term.confirmed);
  return confirmed.flatMap((span) => ofSpan(span, confirmed, story)).sort((left, right) => left.atMs - right.atMs);
}

interface Story {
  readonly history: History;
  readonly membership: MembershipRecord;
  readonly reachability: Reachability;
  readonly rows: readonly PlacedRow[];
  readonly loadEndsMs: number;
}

/** One fault after another that takes the holder of this term away while it holds it. */
function ofSpan(span: TermSpan, confirmed: readonly TermSpan[], story: Story): Failover[] {
  const found: Failover[] = [];
  for (let fromMs = span.fromMs; ; ) {
    const taken = firstFault(span, { fromMs, untilMs: span.untilMs }, story);
    // What comes when the load is over keeps nobody waiting.
    if (taken === null || taken.atMs >= story.loadEndsMs) return found;
    const healedMs = endOf(span.node, taken, story);
    found.push(measured({ span, taken, healedMs, confirmed, story }));
    fromMs = healedMs;
  }
}

/** The first that begins after `fromMs`, and not after `untilMs`. */
function firstFault(
  { node }: TermSpan,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
  story: Story,
): Taken | null {
  const { membership, reachability } = story;
  const life = membership.lives.find((each) => each.node === node && each.untilMs > fromMs && each.untilMs <= untilMs);
  const cuts = membership.broken.filter((link) => link.how !== 'rates' && link.fromMs > fromMs && link.fromMs <= untilMs);
  const cutsMs = [...new Set(cuts.map((link) => link.fromMs))].sort((left, right) => left - right);
  const isPaused = (atMs: number): boolean => reachability.isCutOff(node, atMs, { clogsCount: true });
  // Who is cut off already is not cut off by this.
  const cutMs = isPaused(fromMs) ? undefined : cutsMs.find(isPaused);
  if (life !== undefined && (cutMs === undefined || life.untilMs <= cutMs)) return { kind: kindOfEnd(life), atMs: life.untilMs };
  if (cutMs === undefined) return null;
  return { kind: reachability.isCutOff(node, cutMs, { clogsCount: false }) ? 'cut-off' : 'paused', atMs: cutMs };
}

function kindOfEnd({ leftMs, untilMs, endedBy }: MemberLife): FailoverKind {
  if (leftMs <= untilMs) return 'left';
  return endedBy === 'kill' ? 'killed' : 'crashed';
}

/** When it runs again and its links carry what a primary needs. */
function endOf(node: NodeId, { atMs }: Taken, { reachability, loadEndsMs }: Story): number {
  const isBack = (ms: number): boolean => reachability.isUp(node, ms) && !reachability.isCutOff(node, ms, { clogsCount: true });
  return reachability.moments({ fromMs: atMs, untilMs: loadEndsMs }).find(isBack) ?? loadEndsMs;
}

function measured(parts: {
  readonly span: TermSpan;
  readonly taken: Taken;
  readonly healedMs: number;
  readonly confirmed: readonly TermSpan[];
  readonly story: Story;
}): Failover {
  const { span, taken, healedMs, confirmed, story } = parts;
  const { space, node } = span;
  const { atMs, kind } = taken;
  const successors = confirmed.filter(
    (each) => each.space === space && each.node !== node && each.fromMs >= atMs && each.fromMs <= healedMs,
  );
  const confirmedAtMs = successors.length === 0 ? null : Math.min(...successors.map(({ fromMs }) => fromMs));
  const writes = story.history.operations.filter((operation) => operation.space === space && isWrite(operation));
  const answered = writes.filter((write) => successors.some((successor) => isAnswerOf(write, successor)));
  const acknowledgedAtMs = answered.reduce((first, { completedMs }) => Math.min(first, completedMs), Number.POSITIVE_INFINITY);
  const isInTime = acknowledgedAtMs <= healedMs;
  const untilMs = isInTime ? acknowledgedAtMs : healedMs;
  const reason = reasonOf({ atMs, untilMs, isInTime, isWritten: confirmedAtMs === null || isWaiting(writes, confirmedAtMs) }, span, story);
  return {
    ...{ space, primary: node, kind, atMs, lastedMs: healedMs - atMs, reason },
    confirmedMs: confirmedAtMs === null ? null : confirmedAtMs - atMs,
    acknowledgedMs: reason === null ? acknowledgedAtMs - atMs : null,
  };
}

function isAnswerOf({ outcome, answeredAs, node, completedMs }: Operation, successor: TermSpan): boolean {
  return outcome === 'ok' && answeredAs === 'confirmed' && node === successor.node && completedMs >= successor.fromMs;
}

function isWaiting(writes: readonly Operation[], atMs: number): boolean {
  return writes.some(({ invokedMs, completedMs }) => invokedMs <= atMs && completedMs > atMs);
}

function reasonOf(
  {
    atMs,
    untilMs,
    isInTime,
    isWritten,
  }: { readonly atMs: number; readonly untilMs: number; readonly isInTime: boolean; readonly isWritten: boolean },
  { space, node }: TermSpan,
  { reachability, rows }: Story,
): UnmeasuredReason | null {
  const copiesAt = (ms: number): readonly NodeId[] => rows.findLast((row) => row.space === space && row.atMs <= ms)?.copies ?? [];
  const isAlwaysServed = reachability
    .moments({ fromMs: atMs, untilMs })
    .every((ms) => reachability.isServedWithout(node, copiesAt(ms), ms));
  if (!isAlwaysServed) return 'no-majority';
  if (!isWritten) return 'no-writes';
  if (isInTime) return null;
  return untilMs - atMs < failoverMsMax ? 'healed' : 'late';
}

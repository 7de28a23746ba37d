/**
 * Staleness: no answer is older than it says. A read invoked at s that saw version v is stale by s − ack(w), w being the earliest acknowledged version
 * that takes the place of v and was acknowledged before s; and by the number of such versions. What was held outside the row when it was acknowledged, or lost its place
 * there later, counts since it came into the row.
 *
 * The bound is what the answer reports as its copy's lag. A primary that hears all other copies, none of which holds a term, says that it does not lag: that
 * speaks for its side only, since a cut may not have been noticed yet. So of a provisional primary it bounds nothing, of a confirmed one what was not
 * acknowledged provisionally elsewhere; what they miss is published apart. While no fault has happened, 99 % of all answers must report a finite lag.
 */
import { defaultRebalancingOptions } from '../core/control/moves/rebalancing-options.js';
import type { NodeId } from '../core/identifiers.js';
import type { Checker, FaultRecord, History, Operation, PlacedRow } from './history.js';
import { isWrite } from './memory-traces.js';
import { type JudgedRead, judgedReads, type Newer } from './newer-versions.js';

const finiteShareMin = 0.99;
/** After a change of its row a space's copies have heard of each other: a voter's refusal of rivals (1.1 leases of 400 ms), and two pings of 250 ms. */
const settlingMs = 1_000;
/** A longer pause before a change is given up. */
const { pauseMsMax } = defaultRebalancingOptions;
/** Of fewer answers, one without a bound is no share. */
const answersMin = 100;
const evidenceMax = 10;
export const staleness: Checker = (history) => {
  const reads = judgedReads(history).filter(({ read }) => read.lagMs !== undefined);
  const bounded = reads.filter(isBounded);
  const beyond = bounded.filter(isBeyond);
  const { answers, finite } = faultFreeBounds(history);
  const figures = {
    reads: reads.length,
    boundedReads: bounded.length,
    staleReads: reads.filter(({ newer }) => newer !== null).length,
    beyondBound: beyond.length,
    provisionalStale: reads.filter((judged) => judged.read.lagMs === 0 && judged.newer !== null && !isBeyond(judged)).length,
    stalenessMs: quantilesOf(reads.map(staleMs)),
    newerVersionsMax: reads.reduce((most, { newerVersions }) => Math.max(most, newerVersions), 0),
    // Of the bounded answers that were stale: how much of the bound was used up.
    actualOverBound: quantilesOf(bounded.filter((read) => boundedBy(read) !== null).map((read) => share(read))),
    boundCoverage: bounded.length === 0 ? null : rounded(1 - beyond.length / bounded.length),
    faultFreeAnswers: answers,
    finiteBoundShare: answers === 0 ? null : rounded(finite / answers),
  };
  const [first] = beyond;
  if (first !== undefined) {
    const { read } = first;
    const newer = boundedBy(first);
    return {
      verdict: 'violation',
      reason: `${beyond.length} reads were staler than they said, one by ${Math.round(boundedStaleMs(first))} ms that said ${read.lagMs} ms`,
      operations: [newer?.write.index ?? read.index, ...beyond.slice(0, evidenceMax).map(({ read: each }) => each.index)],
      ...figures,
    };
  }
  if (answers >= answersMin && finite < finiteShareMin * answers) {
    const reason = `before any fault only ${finite} of ${answers} answers said how far they lag`;
    return { verdict: 'violation', reason, ...figures };
  }
  if (reads.length === 0) return { verdict: 'not-applicable', reason: 'no read said how far its copy lags' };
  return { verdict: 'ok', ...figures };
};

function staleMs({ read, newer }: JudgedRead): number {
  return newer === null ? 0 : read.invokedMs - newer.sinceMs;
}

function isBounded({ read: { answeredAs, lagMs } }: JudgedRead): boolean {
  return lagMs != null && (answeredAs !== 'provisional' || lagMs > 0);
}

/** The earliest newer version that the bound speaks of. */
function boundedBy({ read, newer, newerConfirmed }: JudgedRead): Newer | null {
  return read.answeredAs === 'confirmed' && read.lagMs === 0 ? newerConfirmed : newer;
}

function boundedStaleMs(judged: JudgedRead): number {
  const newer = boundedBy(judged);
  return newer === null ? 0 : judged.read.invokedMs - newer.sinceMs;
}

function isBeyond(judged: JudgedRead): boolean {
  return isBounded(judged) && boundedStaleMs(judged) > (judged.read.lagMs as number);
}

function share(judged: JudgedRead): number {
  return rounded(boundedStaleMs(judged) / Math.max(1, judged.read.lagMs as number));
}

/** Answers of all kinds before the first fault, but for those of nodes to which a change of the space's row gave another part. */
function faultFreeBounds({ operations, faults, placement }: History): { readonly answers: number; readonly finite: number } {
  const untilMs = firstFaultMs(faults);
  const rows = (placement?.rows ?? []).toSorted((left, right) => left.atMs - right.atMs);
  const changes = rows.map((row, at) => ({ row, former: rows.slice(0, at).findLast(({ space }) => space === row.space)?.copies ?? [] }));
  const isSettling = (answer: Operation): boolean => changes.some(({ row, former }) => isChanging(answer, row, former));
  const answered = ({ outcome, completedMs, lagMs, kind }: Operation): boolean =>
    outcome === 'ok' &&
    lagMs !== undefined &&
    completedMs < untilMs &&
    (isWrite({ kind } as Operation) || kind === 'get' || kind === 'recall');
  const answers = operations.filter((operation) => answered(operation) && !isSettling(operation));
  return { answers: answers.length, finite: answers.filter(({ lagMs }) => lagMs !== null).length };
}

/**
 * Whether the node that answered had just become a copy, which does not know how far it lags; or knew of nobody's term: where the primary changes all but the new one do, from the pause on
 * and until that one reports. Who keeps its part under the same primary can tell all the while.
 */
function isChanging({ space, node, completedMs }: Operation, row: PlacedRow, former: readonly NodeId[]): boolean {
  if (row.space !== space || node === null || completedMs >= row.atMs + settlingMs) return false;
  const hasOtherPrimary = former.length > 0 && former[0] !== row.copies[0];
  if (hasOtherPrimary && node !== row.copies[0]) return completedMs > row.atMs - pauseMsMax;
  return completedMs >= row.atMs && !former.includes(node);
}

export function firstFaultMs(faults: readonly FaultRecord[]): number {
  return faults.reduce((first, { atMs, tookEffect }) => (tookEffect ? Math.min(first, atMs) : first), Number.POSITIVE_INFINITY);
}

function quantilesOf(values: readonly number[]): {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
} {
  const sorted = [...values].sort((left, right) => left - right);
  const quantile = (of: number): number => rounded(sorted[Math.ceil(of * sorted.length) - 1] ?? 0);
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: rounded(sorted.at(-1) ?? 0) };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

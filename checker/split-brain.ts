/**
 * Split-brain: who may acknowledge writes of a space, and whether names of writes stay unique.
 *
 * - At most one confirmed primary per space at any instant.
 * - From heal + 10 s on no confirmed acknowledgement in an older epoch than the newest, at most one primary of either kind per space at any
 *   instant, and at most one node that acknowledges.
 * - Nobody takes a term without what the copies within its reach held when it began to ask for it (unpulled-terms.ts).
 * - Under the policy `reject` nobody holds a term that the control log has not confirmed.
 * - Never two contents for one dot: not in the logs, not among what copies hold, not among what clients were told.
 *
 * Overlaps are found by time, not by dots: two primaries write different dots by construction.
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import { dotConflicts } from './dot-conflicts.js';
import type { Checker, History, Operation, TermSpan } from './history.js';
import { isWrite } from './memory-traces.js';
import { unpulledTerms } from './unpulled-terms.js';

/** SPEC section 3, Split-brain: overlapping terms are gone this long after a heal. */
export const settledAfterHealMs = 10_000;
const evidenceMax = 10;

interface Finding {
  readonly reason: string;
  readonly operations?: readonly number[];
}

export const splitBrain: Checker = (history) => {
  const { terms, logs, healedMs, endedMs } = history;
  const settledMs = healedMs + settledAfterHealMs;
  const acknowledged = history.operations.filter((operation) => operation.outcome === 'ok' && isWrite(operation));
  const confirmed = overlaps(terms.filter((term) => term.confirmed));
  const lasting = overlaps(terms).filter(({ untilMs }) => Math.min(untilMs, endedMs) > settledMs);
  const { judged: claimsJudged, unpulled } = unpulledTerms(history);
  const findings: Finding[] = [
    ...confirmed.map(({ first, second }) => ({ reason: `two confirmed primaries of ${first.space}: ${first.node} and ${second.node}` })),
    ...lasting.map(({ first, second }) => ({
      reason: `${first.node} and ${second.node} are both primary of ${first.space} later than ${settledAfterHealMs} ms after the heal`,
    })),
    ...unconfirmedTerms(history),
    ...staleAcknowledgements(acknowledged, terms, settledMs),
    ...rivalAcknowledgements(acknowledged, settledMs),
    ...unpulled,
    ...dotConflicts(history),
  ];
  const figures = {
    terms: terms.length,
    claimsJudged,
    overlaps: overlaps(terms).length,
    confirmedOverlaps: confirmed.length,
    lastOverlapAfterHealMs: lastOverlapAfterHealMs(history),
  };
  if (findings.length > 0) {
    const operations = [...new Set(findings.flatMap((finding) => finding.operations ?? []))].slice(0, evidenceMax);
    const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`;
    return { verdict: 'violation', reason: `${(findings[0] as Finding).reason}${more}`, operations, ...figures };
  }
  if (terms.length === 0) return { verdict: 'unknown', reason: 'no term was recorded', ...figures };
  if (![...logs.values()].some((log) => log.length > 0)) return { verdict: 'unknown', reason: 'no log was read', ...figures };
  const openAtTheEnd = overlaps(terms).some(({ untilMs }) => untilMs >= endedMs);
  if (openAtTheEnd) return { verdict: 'unknown', reason: 'the run ended with two primaries before they had time to settle', ...figures };
  return { verdict: 'ok', ...figures };
};

function unconfirmedTerms({ terms, partitionPolicy }: History): Finding[] {
  if (partitionPolicy !== 'reject') return [];
  return terms
    .filter(({ confirmed }) => !confirmed)
    .map(({ node, space, fromMs }) => ({
      reason: `${node} took a provisional term of ${space} at ${fromMs} ms, though the policy is to reject`,
    }));
}

interface Overlap {
  readonly first: TermSpan;
  readonly second: TermSpan;
  readonly untilMs: number;
}

/** Pairs of terms of one space, on different nodes, that have more than an instant in common. */
function overlaps(terms: readonly TermSpan[]): Overlap[] {
  const found: Overlap[] = [];
  const open = new Map<SpaceKey, TermSpan[]>();
  for (const term of terms.toSorted((left, right) => left.fromMs - right.fromMs)) {
    if (term.untilMs <= term.fromMs) continue;
    const lasting = (open.get(term.space) ?? []).filter(({ untilMs }) => untilMs > term.fromMs);
    for (const other of lasting) {
      if (other.node !== term.node) found.push({ first: other, second: term, untilMs: Math.min(other.untilMs, term.untilMs) });
    }
    open.set(term.space, [...lasting, term]);
  }
  return found;
}

function lastOverlapAfterHealMs({ terms, healedMs, endedMs }: History): number {
  return overlaps(terms).reduce((latest, { untilMs }) => Math.max(latest, Math.min(untilMs, endedMs) - healedMs), 0);
}

/** Confirmed acknowledgements of requests made after the settling time, in a term that was no longer the newest. */
function staleAcknowledgements(acknowledged: readonly Operation[], terms: readonly TermSpan[], settledMs: number): Finding[] {
  const late = acknowledged.filter(({ answeredAs, invokedMs }) => answeredAs === 'confirmed' && invokedMs > settledMs);
  return late.flatMap((operation) => {
    const confirmed = terms.filter((term) => term.confirmed && term.space === operation.space);
    // Any term that its node held while the request was under way may be the one that answered.
    const own = confirmed.filter(
      ({ node, fromMs, untilMs }) => node === operation.node && fromMs <= operation.completedMs && untilMs >= operation.invokedMs,
    );
    const begun = confirmed.filter(({ fromMs }) => fromMs <= operation.invokedMs);
    const isStale = own.length > 0 && own.every((term) => begun.some((newer) => compareEpochs(newer, term) > 0));
    if (!isStale) return [];
    return [
      {
        reason: `${operation.node} acknowledged as confirmed primary of ${operation.space} in an older epoch`,
        operations: [operation.index],
      },
    ];
  });
}

function compareEpochs({ term: left }: TermSpan, { term: right }: TermSpan): number {
  return left.generation - right.generation || left.index - right.index;
}

function rivalAcknowledgements(acknowledged: readonly Operation[], settledMs: number): Finding[] {
  const findings: Finding[] = [];
  const firstOf = new Map<SpaceKey, Map<NodeId, Operation>>();
  for (const operation of acknowledged) {
    const { node, space, invokedMs } = operation;
    if (node === null || invokedMs < settledMs) continue;
    const nodes = firstOf.get(space) ?? new Map<NodeId, Operation>();
    firstOf.set(space, nodes.has(node) ? nodes : nodes.set(node, operation));
  }
  for (const [space, nodes] of firstOf) {
    if (nodes.size < 2) continue;
    const operations = [...nodes.values()].map(({ index }) => index);
    findings.push({
      reason: `${nodes.size} nodes acknowledged writes of ${space} later than ${settledAfterHealMs} ms after the heal`,
      operations,
    });
  }
  return findings;
}

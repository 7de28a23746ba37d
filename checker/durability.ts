/**
 * Durability: what a node had released as durable, to a client or to a peer, is on its disk after every crash; and nothing is there that was never
 * written. Records on sectors that the fault plan damaged are excused here: another copy owes them (loss.ts).
 *
 * Beside what the history lists as released, every write that a client saw acknowledged by the node that made it counts: a primary's own sync is
 * part of every acknowledgement level.
 */

import type { NodeId, SpaceKey } from '../core/identifiers.js';
import { acknowledgedByTooFew, type TooFewCopies } from './acknowledged-copies.js';
import type { Checker, CopyState, History, LoggedRecord, Operation, Recovery } from './history.js';
import { isWrite, versionNode } from './memory-traces.js';
import {
  countOf,
  covers,
  type DotRanges,
  dotRanges,
  joined,
  notCovered,
  type Range,
  type SpaceDot,
  sequencesIn,
  spaceDot,
} from './sequence-ranges.js';

const evidenceMax = 10;

interface Finding {
  readonly reason: string;
  readonly operations: readonly number[];
}

export const durability: Checker = (history) => {
  const { recoveries, faults } = history;
  const copies = acknowledgedByTooFew(history);
  const invented = [...inventedRecords(history), ...copies.tooFew.map(tooFewCopies)];
  if (recoveries.length === 0 && invented.length === 0) {
    const crashes = faults.filter(({ family, tookEffect }) => tookEffect && family.startsWith('crash')).length;
    const destroyed = faults.filter(({ family, tookEffect }) => tookEffect && family === 'disk-destroyed').length;
    // A node whose disk is destroyed while it is down never comes back.
    if (crashes <= destroyed) return { verdict: 'not-applicable', reason: 'no node crashed whose disk is still there' };
    return { verdict: 'unknown', reason: `${crashes} crashes and no recovery on record` };
  }
  const written = everWritten(history);
  const checks = recoveries.map((recovery) => checkRecovery(recovery, history, written));
  const findings = [...checks.flatMap(({ findings }) => findings), ...invented];
  const figures = {
    acknowledgementsJudged: copies.judged,
    acknowledgedByTooFew: copies.tooFew.length,
    recoveries: recoveries.length,
    releasedDots: checks.reduce((sum, { released }) => sum + released, 0),
    excusedByDamage: checks.reduce((sum, { excused }) => sum + excused, 0),
    lostAtRecovery: checks.reduce((sum, { lost }) => sum + lost, 0),
    neverWritten: checks.reduce((sum, { neverWritten }) => sum + neverWritten, 0) + invented.length - copies.tooFew.length,
  };
  if (findings.length === 0) return { verdict: 'ok', ...figures };
  const operations = [...new Set(findings.flatMap((finding) => finding.operations))].slice(0, evidenceMax);
  const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`;
  return { verdict: 'violation', reason: `${(findings[0] as Finding).reason}${more}`, operations, ...figures };
};

function tooFewCopies({ operation: { index, ack }, needed, durable }: TooFewCopies): Finding {
  return { reason: `write ${index} was acknowledged for ${ack} when ${durable} of ${needed} disks had it`, operations: [index] };
}

/** Whether the node let go of the space with that record, which it acknowledged only afterwards: others may be waited for meanwhile. */
function wasLetGo(dot: SpaceDot, { node, letGo = [] }: Recovery, { logs, logDurableMs }: History): boolean {
  const times = letGo.filter(({ space }) => space === dot.space);
  if (times.length === 0) return false;
  const at = (logs.get(node) ?? []).findIndex(
    ({ space, author, sequence }) => space === dot.space && author === dot.author && sequence === dot.sequence,
  );
  const durableMs = at < 0 ? undefined : logDurableMs?.get(node)?.[at];
  return durableMs !== undefined && times.some(({ atMs }) => durableMs <= atMs);
}

interface RecoveryCheck {
  readonly findings: readonly Finding[];
  readonly released: number;
  readonly excused: number;
  readonly lost: number;
  readonly neverWritten: number;
}

function checkRecovery(recovery: Recovery, history: History, written: DotRanges): RecoveryCheck {
  const { node, crashedMs, recovered } = recovery;
  const acknowledged = history.operations.filter((operation) => isAcknowledgedBy(node, operation) && operation.completedMs <= crashedMs);
  const released = dotRanges([
    ...recovery.released.map(({ space, version }) => spaceDot(space, version)),
    ...acknowledged.map(({ space, version }) => spaceDot(space, version as string)),
  ]);
  const missing = missingDots(released, recovered);
  // Damage stays on the disk: a hole found at an earlier recovery may not have been refilled yet.
  const damaged = new Set(
    history.recoveries
      .filter((earlier) => earlier.node === node && earlier.crashedMs <= crashedMs)
      .flatMap((earlier) => earlier.damaged.map(({ space, version }) => `${space} ${version}`)),
  );
  const handedOver = new Set((recovery.handedOver ?? []).map(({ space, version }) => `${space} ${version}`));
  const lost = missing.filter((dot) => !damaged.has(textOf(dot)) && !handedOver.has(textOf(dot)) && !wasLetGo(dot, recovery, history));
  const unknown = recovered.flatMap((copy) => dotsNotIn(copy, written));
  const neverWritten = unknown.reduce((sum, { ranges }) => sum + countOf(ranges), 0);
  const findings: Finding[] = [];
  if (lost.length > 0) {
    const texts = new Set(lost.map(textOf));
    const operations = acknowledged.filter(({ space, version }) => texts.has(`${space} ${version}`)).map(({ index }) => index);
    findings.push({
      reason: `${node} lost ${lost.length} durable records in the crash at ${crashedMs} ms, ${textOf(lost[0] as SpaceDot)}`,
      operations,
    });
  }
  const [first] = unknown;
  if (first !== undefined) {
    const dot = textOf({ ...first, sequence: (first.ranges[0] as Range)[0] });
    findings.push({ reason: `${node} recovered ${neverWritten} records that were never written, ${dot}`, operations: [] });
  }
  const dots = [...released.values()].flatMap((authors) => [...authors.values()].flat());
  return {
    findings,
    released: countOf(dots),
    excused: missing.length - lost.length,
    lost: lost.length,
    neverWritten,
  };
}

/** Made and answered there: a retry may be answered by a copy whose author crashed before its own sync. */
function isAcknowledgedBy(node: NodeId, operation: Operation): boolean {
  if (operation.node !== node || operation.outcome !== 'ok' || operation.version === null) return false;
  return isWrite(operation) && versionNode(operation.version) === node;
}

function missingDots(released: DotRanges, recovered: readonly CopyState[]): SpaceDot[] {
  const missing: SpaceDot[] = [];
  for (const [space, authors] of released) {
    const copy = recovered.find((state) => state.space === space);
    const versions = new Set(copy?.versions.map(({ version }) => version));
    for (const [author, needed] of authors) {
      for (const sequence of sequencesIn(notCovered(needed, copy?.coverage[author] ?? []))) {
        if (!versions.has(`${sequence}@${author}`)) missing.push({ space, author, sequence });
      }
    }
  }
  return missing;
}

/** All dots of which a log holds a record or a client was told. */
function everWritten({ logs, operations }: History): DotRanges {
  // Logs share the records that are the same bytes.
  const dots: SpaceDot[] = [...new Set([...logs.values()].flat())];
  for (const { space, version, seen } of operations) {
    if (version !== null) dots.push(spaceDot(space, version));
    for (const each of seen) dots.push(spaceDot(space, each.version));
  }
  return dotRanges(dots);
}

interface UnknownDots {
  readonly space: SpaceKey;
  readonly author: string;
  readonly ranges: readonly Range[];
}

/** By author, what a copy says that it holds and nobody wrote. */
function dotsNotIn({ space, coverage, versions }: CopyState, written: DotRanges): UnknownDots[] {
  const authors = written.get(space);
  const unknown = new Map<string, Range[]>();
  for (const [author, ranges] of Object.entries(coverage)) unknown.set(author, notCovered(ranges, authors?.get(author) ?? []));
  for (const { version } of versions) {
    const { author, sequence } = spaceDot(space, version);
    if (covers(authors?.get(author) ?? [], sequence)) continue;
    unknown.set(author, [...(unknown.get(author) ?? []), [sequence, sequence]]);
  }
  return [...unknown].flatMap(([author, ranges]) => (ranges.length === 0 ? [] : [{ space, author, ranges: joined(ranges) }]));
}

/** Records in logs whose content no client ever asked to write. Needs the request ids of all writes and the values of the records. */
function inventedRecords({ operations, logs }: History): Finding[] {
  const writes = operations.filter(isWrite);
  if (writes.length === 0 || writes.some(({ requestId }) => !requestId)) return [];
  const byRequest = new Map(writes.map((operation) => [operation.requestId as string, operation]));
  const findings = new Map<string, Finding>();
  for (const [node, log] of logs) {
    for (const record of log) {
      const operation = byRequest.get(record.requestId);
      if (record.kind === 'other' || isAskedFor(record, operation)) continue;
      const dot = textOf(record);
      const reason = `the log of ${node} holds ${record.kind} ${dot} of ${JSON.stringify(record.id)}, which no client asked for`;
      if (!findings.has(dot)) findings.set(dot, { reason, operations: operation === undefined ? [] : [operation.index] });
    }
  }
  return [...findings.values()];
}

function isAskedFor({ space, id, kind, value }: LoggedRecord, operation: Operation | undefined): boolean {
  if (operation === undefined || operation.space !== space || operation.id !== id) return false;
  if ((operation.kind === 'forget') !== (kind === 'tombstone')) return false;
  return value === undefined || kind === 'tombstone' || value === operation.value;
}

function textOf({ space, author, sequence }: { readonly space: SpaceKey; readonly author: string; readonly sequence: number }): string {
  return `${space} ${sequence}@${author}`;
}

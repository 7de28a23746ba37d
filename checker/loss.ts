/**
 * Loss: no acknowledged write may be missing from later reads unless something is known to have taken its place.
 *
 * Judged per write, after the set checker of Jepsen (Kingsbury), whose words these are: a write is *known* from its acknowledgement or from the end
 * of the first read that saw it. It is *lost* when the latest read that misses it was invoked after it was known and after the latest read that
 * saw it, or when the final read of any copy misses it, and nothing excuses its absence (supersession.ts):
 * - what the read saw, or a forget that took effect, includes it; or
 * - a forget took effect that it does not include: a delete beats every version that does not causally include it.
 * A chain of absent writes counts once, at its end. A forget is lost when a read sees a version that it ought to have beaten.
 *
 * Only keyed reads at primaries and final reads miss anything: a replica's answer may lag and says so.
 */
import type { Checker, History, Operation, Verdict } from './history.js';
import { goneWithDisk } from './lost-with-disks.js';
import { isWrite, type Memory, type Step, tracesOf } from './memory-traces.js';
import { certainlyIncluding, Supersession } from './supersession.js';

/** A write of the history, and the read that misses it (or that sees what a forget had deleted). */
export interface Loss {
  readonly write: Operation;
  readonly read: Operation;
}

/** Evidence is for people: beyond this many cases a verdict counts only. */
const evidenceMax = 10;

export const loss: Checker = (history) => {
  const { memories, valuesWrittenTwice } = tracesOf(history);
  if (valuesWrittenTwice.length > 0) return { verdict: 'unknown', reason: `the value ${valuesWrittenTwice[0]} was written twice` };

  const damaged = new Set(history.recoveries.flatMap((recovery) => recovery.damaged.map(({ space, version }) => `${space} ${version}`)));
  const isGone = goneWithDisk(history.destroyedDisks);
  const losses = memories.flatMap((memory) => {
    const isDamaged = (version: string): boolean => damaged.has(`${memory.space} ${version}`);
    return memory.writes.length === 0 ? [] : [...lostWrites(memory, isDamaged, isGone), ...lostForgets(memory, isGone)];
  });
  const acknowledged = memories.flatMap(({ writes }) => writes.filter(({ operation }) => isAcknowledgedWrite(operation as Operation)));
  const goneWithDisks = acknowledged.filter(isGone).length;
  return verdictOf(history, { losses, goneWithDisks, ...readsThatCannotBe(memories, history), ...freshness(memories) });
};

interface Findings {
  readonly losses: readonly Loss[];
  /** Reads, each with a value that it cannot have seen or saw twice. */
  readonly phantoms: readonly Operation[];
  readonly duplicated: readonly Operation[];
  readonly failedButVisible: readonly Operation[];
  readonly neverRead: readonly Operation[];
  readonly stableLatencyMs: Quantiles;
  readonly stale: number;
  /** Acknowledged by one copy alone, whose disk was then destroyed before another had them. */
  readonly goneWithDisks: number;
}

function verdictOf(history: History, findings: Findings): Verdict {
  const { losses, phantoms, duplicated, failedButVisible, neverRead } = findings;
  const acknowledged = history.operations.filter(isAcknowledgedWrite).length;
  const finalReads = history.operations.filter(({ kind }) => kind === 'final-read');
  const unanswered = finalReads.filter(({ outcome }) => outcome !== 'ok').length;
  const figures = {
    acknowledgedWrites: acknowledged,
    lostWrites: losses.filter(({ write }) => isAcknowledgedWrite(write)).length,
    lostAfterBeingRead: losses.filter(({ write }) => !isAcknowledgedWrite(write)).length,
    forgetsUndone: losses.filter(({ write }) => write.kind === 'forget').length,
    lost: losses
      .slice(0, evidenceMax)
      .map(({ write, read }) => ({ write: write.index, id: write.id, missedBy: read.index, node: read.node })),
    phantoms: phantoms.length,
    duplicated: duplicated.length,
    failedButVisible: failedButVisible.length,
    neverRead: neverRead.length,
    goneWithDisks: findings.goneWithDisks,
    stale: findings.stale,
    stableLatencyMs: findings.stableLatencyMs,
    finalReads: finalReads.length,
    unanswered,
  };
  const absenceCounts = history.insideFaultModel;
  const kinds = [
    { what: 'lost', found: absenceCounts ? losses.map(({ write, read }) => [write.index, read.index]) : [] },
    { what: 'read but never written', found: phantoms.map(({ index }) => [index]) },
    { what: 'seen twice in one read', found: duplicated.map(({ index }) => [index]) },
    { what: 'failed but visible', found: failedButVisible.map(({ index }) => [index]) },
  ].filter(({ found }) => found.length > 0);
  if (kinds.length > 0) {
    const reason = kinds.map(({ what, found }) => `${found.length} ${what}`).join(', ');
    const operations = [...new Set(kinds.flatMap(({ found }) => found.slice(0, evidenceMax).flat()))];
    return { verdict: 'violation', reason, operations, ...figures };
  }
  if (acknowledged === 0) return { verdict: 'unknown', reason: 'no write was acknowledged', ...figures };
  // Where every copy was damaged, or most control logs were, nobody may be left who can answer for a memory: what is answered is judged.
  if (unanswered > (history.insideFaultModel ? 0 : finalReads.length - 1))
    return { verdict: 'unknown', reason: `${unanswered} final reads were not answered`, ...figures };
  if (neverRead.length > 0) {
    const operations = neverRead.slice(0, evidenceMax).map(({ index }) => index);
    return { verdict: 'unknown', reason: `${neverRead.length} known writes were never read afterwards`, operations, ...figures };
  }
  return absenceCounts ? { verdict: 'ok', ...figures } : { verdict: 'ok', judged: 'safety only: outside the fault model', ...figures };
}

/** An ok forget without a version found nothing to delete and wrote nothing. */
function isAcknowledgedWrite(operation: Operation): boolean {
  return operation.outcome === 'ok' && isWrite(operation) && !(operation.kind === 'forget' && operation.version === null);
}

function knownFromMs(write: Step): number {
  const operation = write.operation as Operation;
  return Math.min(isAcknowledgedWrite(operation) ? operation.completedMs : Number.POSITIVE_INFINITY, write.seenFromMs);
}

/** Whether a read that does not list a version proves that it was not there. */
function provesAbsence({ operation }: Step): boolean {
  const { kind, answeredAs, unlisted } = operation as Operation;
  return (kind === 'final-read' || answeredAs !== 'replica') && (unlisted ?? 0) === 0;
}

/** The reads that can convict: the last of all, and the final read of every copy. */
function judgingReads(memory: Memory): Step[] {
  const proving = memory.reads.filter(provesAbsence);
  return proving.filter(({ operation }, at) => at === proving.length - 1 || operation?.kind === 'final-read');
}

function forgetsInEffect(memory: Memory): Step[] {
  return memory.forgets.filter(({ operation, recorded }) => recorded || isAcknowledgedWrite(operation as Operation));
}

function lostWrites(memory: Memory, isDamaged: (version: string) => boolean, isGone: (write: Step) => boolean): Loss[] {
  const graph = new Supersession(memory);
  const forgets = forgetsInEffect(memory);
  const notBeaten = new Map<Step, ReadonlySet<Step>>();
  const isBeatenBy = (write: Step, forget: Step): boolean => {
    const including = notBeaten.get(forget) ?? certainlyIncluding(memory, forget, isDamaged);
    notBeaten.set(forget, including);
    return !including.has(write);
  };
  const lost = new Map<Step, Step>();
  for (const read of judgingReads(memory)) {
    const { kind, invokedMs, completedMs } = read.operation as Operation;
    const earlierForgets = forgets.filter(({ operation }) => (operation as Operation).invokedMs <= completedMs);
    graph.include([...read.sees.filter((seen) => seen !== null), ...earlierForgets]);
    const unexplained = memory.writes.filter(
      (write) =>
        write.operation?.kind !== 'forget' &&
        !graph.isIncluded(write) &&
        !isGone(write) &&
        knownFromMs(write) < invokedMs &&
        (kind === 'final-read' || write.seenLastMs < invokedMs) &&
        !earlierForgets.some((forget) => isBeatenBy(write, forget)),
    );
    for (const write of endsOfChains(graph, unexplained)) if (!lost.has(write)) lost.set(write, read);
  }
  return [...lost].map(([write, read]) => ({ write: write.operation as Operation, read: read.operation as Operation }));
}

/** Leaves out the writes whose absence another absent one explains. */
function endsOfChains(graph: Supersession, absent: readonly Step[]): ReadonlySet<Step> {
  const ends = new Set<Step>();
  graph.begin();
  for (const write of absent.toReversed()) {
    if (graph.isIncluded(write)) continue;
    ends.add(write);
    graph.alsoInclude([write], (met) => {
      if (met !== write) ends.delete(met);
    });
  }
  return ends;
}

/** Acknowledged forgets of which a later read sees a version that does not include them and ought to be beaten. */
function lostForgets(memory: Memory, isGone: (write: Step) => boolean): Loss[] {
  const forgets = memory.forgets.filter((forget) => isAcknowledgedWrite(forget.operation as Operation) && !isGone(forget));
  if (forgets.length === 0) return [];
  const graph = new Supersession(memory);
  const undoneBy = new Map<Step, readonly Step[]>();
  const forgetsUndoneBy = (seen: Step): readonly Step[] => {
    const judged = undoneBy.get(seen);
    if (judged !== undefined) return judged;
    const { latestContextReadMs, latestUnloggedMs } = graph.include([seen]);
    const inDoubtUntilMs = Math.max(latestContextReadMs, latestUnloggedMs);
    const undone = forgets.filter((forget) => !graph.isIncluded(forget) && inDoubtUntilMs < (forget.operation as Operation).invokedMs);
    undoneBy.set(seen, undone);
    return undone;
  };
  const lost = new Map<Step, Step>();
  for (const read of judgingReads(memory)) {
    for (const seen of read.sees) {
      if (seen === null) continue;
      for (const forget of forgetsUndoneBy(seen)) {
        if (knownFromMs(forget) < (read.operation as Operation).invokedMs && !lost.has(forget)) lost.set(forget, read);
      }
    }
  }
  return [...lost].map(([write, read]) => ({ write: write.operation as Operation, read: read.operation as Operation }));
}

/** Reads that show what cannot be there, and failures that had an effect: each a violation of its own. */
function readsThatCannotBe(
  memories: readonly Memory[],
  { operations }: History,
): Pick<Findings, 'phantoms' | 'duplicated' | 'failedButVisible'> {
  const phantoms: Operation[] = [];
  const duplicated: Operation[] = [];
  const failed = new Set<Operation>();
  for (const { reads, writes } of memories) {
    for (const { operation, sees } of reads) {
      const { completedMs, seen } = operation as Operation;
      if (sees.some((write) => write === null || (write.operation as Operation).invokedMs > completedMs))
        phantoms.push(operation as Operation);
      if (seen.length > 1 && new Set(seen.map(({ value }) => value)).size < seen.length) duplicated.push(operation as Operation);
    }
    for (const { operation, recorded, seenFromMs } of writes) {
      if (operation?.outcome === 'fail' && (recorded || seenFromMs < Number.POSITIVE_INFINITY)) failed.add(operation);
    }
  }
  return { phantoms, duplicated, failedButVisible: operations.filter((operation) => failed.has(operation)) };
}

interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** How long known writes went on being missed by reads, of those that the last reads see; and those that no read could judge. */
function freshness(memories: readonly Memory[]): Pick<Findings, 'neverRead' | 'stale' | 'stableLatencyMs'> {
  const neverRead: Operation[] = [];
  const latenciesMs: number[] = [];
  for (const { writes, reads } of memories) {
    const proving = reads.filter(provesAbsence);
    const lastRead = proving.at(-1);
    const lastProofMs = lastRead?.operation?.invokedMs ?? Number.NEGATIVE_INFINITY;
    for (const write of writes) {
      const knownMs = knownFromMs(write);
      if (knownMs === Number.POSITIVE_INFINITY) continue;
      if (lastProofMs <= knownMs && write.seenFromMs === Number.POSITIVE_INFINITY) neverRead.push(write.operation as Operation);
      if (!lastRead?.sees.includes(write)) continue;
      const lastMiss = proving.findLast(({ sees }) => !sees.includes(write));
      latenciesMs.push(Math.max(0, (lastMiss?.operation?.invokedMs ?? 0) - knownMs));
    }
  }
  latenciesMs.sort((left, right) => left - right);
  const quantile = (share: number): number => latenciesMs[Math.ceil(share * latenciesMs.length) - 1] ?? 0;
  const stableLatencyMs = { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: latenciesMs.at(-1) ?? 0 };
  return { neverRead, stale: latenciesMs.filter((latencyMs) => latencyMs > 0).length, stableLatencyMs };
}

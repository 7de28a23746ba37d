/**
 * Linearizability of reads at a primary, per memory, on the stretches for which it is promised: without restart, promotion, a merged record of another
 * node, or an earlier acknowledgement elsewhere. In between, copies merge, and that is not linearizable by intent.
 *
 * A stretch is what is left of a term when all of these are cut out. Its initial value is unknown, and may be one only. A write that began before it or
 * ends behind it, or whose end nobody knows, is carried into it; one of another node that is merged ends it. Deletes are cut out as well.
 * Values are unique, so the judgement is exact (value-intervals.ts).
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { Checker, History, LoggedRecord, Operation, TermSpan } from './history.js';
import { type RegisterOperation, readKind, registerOperations, writeKind } from './linearizability/register-operations.js';
import { judgeByIntervals } from './linearizability/value-intervals.js';
import { type Memory, tracesOf, versionNode } from './memory-traces.js';

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Stretch extends Span {
  readonly node: NodeId;
  readonly memory: Memory;
  /** Requests of which the node's log holds a record that it made itself. */
  readonly ownRequests: ReadonlySet<string>;
}

interface Breach {
  readonly reason: string;
  readonly operations: readonly number[];
}

const evidenceMax = 10;

export const linearizability: Checker = (history) => {
  if (history.terms.length === 0)
    return { verdict: 'not-applicable', reason: 'no term was recorded: linearizability is claimed within terms only' };
  // What every copy has lost is given up in the end, and what it had taken the place of may come back from another copy.
  if (!history.insideFaultModel)
    return { verdict: 'not-applicable', reason: 'outside the fault model a lost value uncovers the one before it' };
  const stretches = stretchesOf(history);
  const judged = stretches.map(judgeStretch);
  const breaches = judged.flatMap(({ breach }) => (breach === null ? [] : [breach]));
  const figures = {
    stretches: judged.filter(({ reads }) => reads > 0).length,
    reads: judged.reduce((sum, { reads }) => sum + reads, 0),
    // Reads that can be wrong: they follow a write of the same stretch.
    readsAfterWrites: judged.reduce((sum, { readsAfterWrites }) => sum + readsAfterWrites, 0),
    breaches: breaches.length,
  };
  const [first] = breaches;
  if (first !== undefined) {
    const operations = [...new Set(breaches.slice(0, evidenceMax).flatMap((breach) => breach.operations))];
    return { verdict: 'violation', reason: `within a stretch at one primary ${first.reason}`, operations, ...figures };
  }
  if (figures.reads === 0)
    return { verdict: 'not-applicable', reason: 'no read lies within a stretch for which it is claimed', ...figures };
  return { verdict: 'ok', ...figures };
};

function stretchesOf(history: History): Stretch[] {
  const logs = new Map([...history.logs].map(([node, log]) => [node, readLog(node, log, history)]));
  const termsOf = new Map<SpaceKey, TermSpan[]>();
  for (const term of history.terms) {
    const known = termsOf.get(term.space);
    if (known === undefined) termsOf.set(term.space, [term]);
    else known.push(term);
  }
  return tracesOf(history).memories.flatMap((memory) => {
    if (!memory.reads.some(({ operation }) => operation?.kind === 'get')) return [];
    const writes = memory.writes.map(({ operation }) => operation as Operation);
    return (termsOf.get(memory.space) ?? []).flatMap((term) => {
      const log = logs.get(term.node);
      if (log === undefined) return [];
      // Nobody read here while the term lasted: nothing to judge.
      if (!memory.reads.some(({ operation }) => isReadWithin(operation as Operation, term))) return [];
      const merged = log.merges.get(memory.space)?.get(memory.id) ?? [];
      const cuts = [...merged, ...writes.flatMap((write) => cutBy(write, term, merged))];
      const left = without({ fromMs: term.fromMs, untilMs: term.untilMs }, cuts);
      return left.map((span) => ({ node: term.node, memory, ownRequests: log.ownRequests, ...span }));
    });
  });
}

interface Merge extends Span {
  readonly requestId: string;
}

interface NodeLog {
  /** By space and id: when records that other nodes made were merged. */
  readonly merges: ReadonlyMap<SpaceKey, ReadonlyMap<string, readonly Merge[]>>;
  readonly ownRequests: ReadonlySet<string>;
}

/**
 * When records of others were merged: a log has no times, but each of its owner's own records was written between the invocation and the completion of its
 * operation.
 */
function readLog(node: NodeId, log: readonly LoggedRecord[], { operations, endedMs }: History): NodeLog {
  const own = new Map(log.filter(({ author }) => author.startsWith(node)).map((record) => [record.requestId, record]));
  const byRequest = new Map<string, Operation>();
  for (const operation of operations)
    if (operation.requestId && own.has(operation.requestId)) byRequest.set(operation.requestId, operation);
  const operationOf = (record: LoggedRecord): Operation | undefined =>
    own.get(record.requestId) === record ? byRequest.get(record.requestId) : undefined;
  const untilMs = new Float64Array(log.length);
  let nextEndMs = endedMs;
  for (let at = log.length - 1; at >= 0; at -= 1) {
    const operation = operationOf(log[at] as LoggedRecord);
    if (operation?.outcome === 'ok' && operation.node === node) nextEndMs = Math.min(nextEndMs, operation.completedMs);
    untilMs[at] = nextEndMs;
  }
  const merges = new Map<SpaceKey, Map<string, Merge[]>>();
  let fromMs = Number.NEGATIVE_INFINITY;
  log.forEach((record, at) => {
    if (record.author.startsWith(node)) {
      fromMs = Math.max(fromMs, operationOf(record)?.invokedMs ?? fromMs);
      return;
    }
    const merge = { requestId: record.requestId, fromMs, untilMs: untilMs[at] as number };
    const byId = merges.get(record.space) ?? new Map<string, Merge[]>();
    merges.set(record.space, byId);
    const known = byId.get(record.id);
    if (known === undefined) byId.set(record.id, [merge]);
    else known.push(merge);
  });
  return { merges, ownRequests: new Set(own.keys()) };
}

function isReadWithin({ kind, node, invokedMs, completedMs }: Operation, term: TermSpan): boolean {
  return kind === 'get' && node === term.node && invokedMs >= term.fromMs && completedMs <= term.untilMs;
}

/** What one operation takes out of the stretches of a term: deletes, and what was acknowledged elsewhere until it is merged. */
function cutBy(operation: Operation, { node }: TermSpan, merged: readonly Merge[]): Span[] {
  if (operation.outcome === 'fail') return [];
  const { kind, invokedMs, completedMs, requestId } = operation;
  const cuts: Span[] = kind === 'forget' ? [{ fromMs: invokedMs, untilMs: completedMs }] : [];
  if (operation.outcome === 'ok' && !isMadeAt(operation, node)) {
    const mergedMs = merged.find((merge) => merge.requestId === requestId)?.untilMs ?? Number.POSITIVE_INFINITY;
    if (mergedMs > completedMs) cuts.push({ fromMs: completedMs, untilMs: mergedMs });
  }
  return cuts;
}

/** Answered by the node that made the record; a retry may be answered by another one. */
function isMadeAt({ version, node: answeredBy }: Operation, node: NodeId): boolean {
  return answeredBy === node && version !== null && versionNode(version) === node;
}

/** What is left of a span. */
function without(span: Span, cuts: readonly Span[]): Span[] {
  const left: Span[] = [];
  let { fromMs } = span;
  for (const cut of cuts.toSorted((one, other) => one.fromMs - other.fromMs)) {
    if (cut.untilMs <= fromMs) continue;
    if (cut.fromMs >= span.untilMs) break;
    if (cut.fromMs > fromMs) left.push({ fromMs, untilMs: cut.fromMs });
    fromMs = cut.untilMs;
  }
  if (fromMs < span.untilMs) left.push({ fromMs, untilMs: span.untilMs });
  return left;
}

interface JudgedStretch {
  readonly reads: number;
  readonly readsAfterWrites: number;
  readonly breach: Breach | null;
}

interface TimedOperation {
  readonly operation: Operation;
  readonly value: string;
  readonly isRead: boolean;
  readonly invokedMs: number;
  readonly completedMs: number;
}

/** Stands for the value of a memory that is not there. Written values are never empty. */
const absent = '';

function judgeStretch({ fromMs, untilMs, node, memory, ownRequests }: Stretch): JudgedStretch {
  const timed: TimedOperation[] = [];
  for (const { operation } of memory.reads) {
    const { kind, invokedMs, completedMs, answeredAs, seen, node: answeredBy } = operation as Operation;
    if (kind !== 'get' || answeredBy !== node || invokedMs < fromMs || completedMs > untilMs) continue;
    if (answeredAs !== 'confirmed' && answeredAs !== 'provisional') continue;
    timed.push({ operation: operation as Operation, value: seen[0]?.value ?? absent, isRead: true, invokedMs, completedMs });
  }
  if (timed.length === 0) return { reads: 0, readsAfterWrites: 0, breach: null };
  const reads = [...timed];
  for (const { operation } of memory.writes) {
    const { outcome, kind, invokedMs, completedMs, value, requestId } = operation as Operation;
    if (outcome === 'fail' || kind === 'forget' || invokedMs > untilMs) continue;
    const isMadeHere = isMadeAt(operation as Operation, node);
    // An earlier try of what another node has answered may have been carried out here, and at any time.
    if (completedMs < fromMs && (isMadeHere || !ownRequests.has(requestId ?? ''))) continue;
    // One that began before may have taken effect, and been overwritten, before the stretch did.
    const mustTakeEffect = outcome === 'ok' && isMadeHere && invokedMs >= fromMs && completedMs <= untilMs;
    timed.push({
      operation: operation as Operation,
      value: value as string,
      isRead: false,
      invokedMs: invokedMs < fromMs ? Number.NEGATIVE_INFINITY : invokedMs,
      completedMs: mustTakeEffect ? completedMs : Number.POSITIVE_INFINITY,
    });
  }
  const ended = timed.filter(({ isRead, completedMs }) => !isRead && completedMs < Number.POSITIVE_INFINITY);
  const readsAfterWrites = reads.filter((read) => ended.some(({ completedMs }) => completedMs < read.invokedMs)).length;
  return { reads: reads.length, readsAfterWrites, breach: breachIn(timed, reads) };
}

function breachIn(timed: readonly TimedOperation[], reads: readonly TimedOperation[]): Breach | null {
  const written = new Set(timed.filter(({ isRead }) => !isRead).map(({ value }) => value));
  const fromBefore = new Map(reads.filter(({ value }) => !written.has(value)).map((read) => [read.value, read]));
  if (fromBefore.size > 1) {
    const operations = [...fromBefore.values()].map(({ operation }) => operation.index);
    return { reason: 'two values were read that had been there before it', operations };
  }
  const [before] = [...fromBefore.keys()];
  // Nobody may read it when all that was read was written within the stretch: then its name does not matter.
  const initial = before ?? '\u0000';
  const numbers = new Map([...new Set([initial, ...timed.map(({ value }) => value)])].map((value, at) => [value, at]));
  const fault = judgeByIntervals(registerOperations(inOrder(timed, numbers), numbers.get(initial) as number, numbers.size));
  return fault === null ? null : { reason: fault.reason, operations: fault.operations };
}

/** Moments as positions: of what happens at one time the invocations come first, since nothing says that one operation was over before the other. */
function inOrder(timed: readonly TimedOperation[], numbers: ReadonlyMap<string, number>): RegisterOperation[] {
  const moments = timed
    .flatMap(({ invokedMs, completedMs }, at) => [
      { ms: invokedMs, isEnd: false, at },
      { ms: completedMs, isEnd: true, at },
    ])
    .filter(({ ms }) => ms < Number.POSITIVE_INFINITY)
    .sort((left, right) => compareMs(left.ms, right.ms) || Number(left.isEnd) - Number(right.isEnd) || left.at - right.at);
  const made = timed.map(({ operation, value, isRead }) => ({
    kind: isRead ? (readKind as RegisterOperation['kind']) : writeKind,
    value: numbers.get(value) as number,
    invoked: 0,
    completed: Number.POSITIVE_INFINITY,
    index: operation.index,
  }));
  moments.forEach(({ isEnd, at }, moment) => {
    const operation = made[at] as (typeof made)[number];
    if (isEnd) operation.completed = moment;
    else operation.invoked = moment;
  });
  return made;
}

/** Infinities of one sign are equal: their difference would be no number. */
function compareMs(left: number, right: number): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * A history sorted by memory: who did what to one id, what each read saw, and in which order the records of the writes stand in each node's log.
 *
 * Never looks at what the system says about causality: the contexts that records carry are no evidence, the order of logs and the operations of
 * clients are.
 */
import { type Author, compareText, type NodeId, type SpaceKey } from '../core/identifiers.js';
import type { History, LoggedRecord, Operation } from './history.js';
import { isMissing, type KnownRecovery, recoveriesByNode, wasFound } from './known-recoveries.js';

/** One operation on a memory, or a record in a log that no operation of the history accounts for. */
export interface Step {
  /** Null for such a record. */
  readonly operation: Operation | null;
  /** What the same process did to the same memory before. */
  readonly previous: Step | null;
  /** Of an ok read: the writes behind the values it saw, in order; null for a value that nobody wrote under this id. */
  readonly sees: (Step | null)[];
  /** Of a write: where its records stand in the logs of the nodes that made them. A retry at another node makes a second record. */
  readonly made: Place[];
  /** Of a write: whether any log holds a record of it. */
  recorded: boolean;
  /** Of a write: completion of the first and invocation of the last ok read that saw it; Infinity and -Infinity without one. */
  seenFromMs: number;
  seenLastMs: number;
  /** Marks of the walks over the supersession graph (supersession.ts): the number of the last walk that came by. */
  includedBy: number;
  walkedBy: number;
}

export interface Place {
  readonly step: Step;
  /** Number of the node in `Traces.nodes`. */
  readonly node: number;
  /** Index in the memory's own list of that node's log: its maker may have held all that stands before it. */
  readonly position: number;
  /**
   * How much of what stands before it its maker certainly held. Less than `position` when its maker may have lost it in a crash: then it stands in that log
   * where it came back from a peer, or nowhere, and what stands before it may have come later. Less also by what others made and was durable only
   * after this one had been asked for: the maker may have put it together before that; and by what the maker's last restart before found damaged.
   */
  heldMin: number;
  readonly author: Author;
  readonly sequence: number;
}

export interface Memory {
  readonly space: SpaceKey;
  readonly id: string;
  /** In order of invocation, forgets among them. */
  readonly writes: Step[];
  readonly forgets: Step[];
  /** Ok reads, in order of invocation. */
  readonly reads: Step[];
  /** Answers of ok recalls, each as a read of this memory alone. */
  readonly recalled: Step[];
  /** By number of the node: whose records of this memory its log holds, in log order. */
  readonly logs: Step[][];
  /** The same by when each of them became durable there; 0 where nobody knows. */
  readonly durableMs: number[][];
  /** By number of the node: the places of the records that it made itself, in the order in which it made them. */
  readonly made: Place[][];
  /** For how long a request that is carried out once more is recognised by what took the place of its other record. */
  readonly retryWindowMs: number;
  /** Walks over its supersession graph so far: the number of the last one, whose marks are the valid ones. */
  walks: number;
}

export interface Traces {
  readonly memories: readonly Memory[];
  /** Numbers of the nodes; indexes of `Memory.logs`. */
  readonly nodes: ReadonlyMap<NodeId, number>;
  /** Values that two operations wrote: such a history cannot be judged. */
  readonly valuesWrittenTwice: readonly string[];
}

/** The node that made a version `sequence@author`: the first 32 digits of the author. */
export function versionNode(version: string): NodeId {
  const at = version.indexOf('@');
  return version.slice(at + 1, at + 33) as NodeId;
}

export function isWrite(operation: Pick<Operation, 'kind'>): boolean {
  return operation.kind === 'remember' || operation.kind === 'update' || operation.kind === 'forget';
}

const traced = new WeakMap<History, Traces>();

/** The traces of a history, made once: several checkers need them. Only the marks of walks in them ever change. */
export function tracesOf(history: History): Traces {
  let traces = traced.get(history);
  if (traces === undefined) {
    traces = traceHistory(history);
    traced.set(history, traces);
  }
  return traces;
}

/** Sorts a history by memory, in time linear in its operations and records (but for a sort when operations are not in order of invocation). */
export function traceHistory(history: History): Traces {
  return new Tracer(history).traces();
}

class Tracer {
  private readonly memories = new Map<SpaceKey, Map<string, Memory>>();
  private readonly nodes = new Map<NodeId, number>();
  private readonly byValue = new Map<string, Step>();
  private readonly byRequest = new Map<string, Step>();
  private readonly byVersion = new Map<SpaceKey, Map<string, Step[]>>();
  private readonly lastOfProcess = new Map<string, Map<Memory, Step>>();
  private readonly valuesWrittenTwice: string[] = [];
  private readonly recoveries: ReadonlyMap<NodeId, readonly KnownRecovery[]>;
  private readonly tracedRecords = new Map<LoggedRecord, TracedRecord>();
  private readonly copiedRecords: { readonly memory: Memory; readonly step: Step; readonly record: LoggedRecord }[] = [];

  constructor(private readonly history: History) {
    this.recoveries = recoveriesByNode(history);
  }

  traces(): Traces {
    for (const node of this.history.logs.keys()) this.nodes.set(node, this.nodes.size);
    for (const operation of inOrderOfInvocation(this.history.operations)) this.addOperation(operation);
    for (const spaces of this.memories.values()) {
      for (const memory of spaces.values()) {
        this.resolveReads(memory);
        this.resolveRecalled(memory);
      }
    }
    for (const [node, log] of this.history.logs) this.addLog(node, log);
    this.placeRecordsLostByTheirAuthors();
    const memories = [...this.memories.values()].flatMap((byId) => [...byId.values()]);
    for (const { made } of memories) for (const places of made) settleHeld(places);
    return { memories, nodes: this.nodes, valuesWrittenTwice: this.valuesWrittenTwice };
  }

  private addOperation(operation: Operation): void {
    if (operation.kind === 'recall' || operation.kind === 'final-recall') return this.addRecall(operation);
    const memory = this.memoryOf(operation.space, operation.id);
    const done = childOf(this.lastOfProcess, operation.process);
    const step = newStep(operation, done.get(memory) ?? null);
    done.set(memory, step);
    if (!isWrite(operation)) {
      if (operation.outcome === 'ok') memory.reads.push(step);
      return;
    }
    memory.writes.push(step);
    if (operation.kind === 'forget') memory.forgets.push(step);
    if (operation.value !== null) {
      if (this.byValue.has(operation.value)) this.valuesWrittenTwice.push(operation.value);
      this.byValue.set(operation.value, step);
    }
    if (operation.requestId) this.byRequest.set(operation.requestId, step);
    if (operation.version !== null) this.nameVersion(operation.space, operation.version, step);
  }

  /** Proves no absence, and no presence that others need: it is a read to those who ask how new it was. */
  private addRecall(operation: Operation): void {
    for (const { id, value, version, noNewerVersion } of operation.recalled ?? []) {
      const read: Operation = { ...operation, id, seen: [{ value, version }], noNewerVersion };
      this.memoryOf(operation.space, id).recalled.push(newStep(read, null));
    }
  }

  private resolveRecalled(memory: Memory): void {
    for (const { operation, sees } of memory.recalled) {
      const write = this.byValue.get(operation?.seen[0]?.value ?? '');
      sees.push(write?.operation?.id === memory.id && write.operation.space === memory.space ? write : null);
    }
  }

  private resolveReads(memory: Memory): void {
    for (const read of memory.reads) {
      const { invokedMs, completedMs, seen, space, id } = read.operation as Operation;
      for (const { value, version } of seen) {
        const write = this.byValue.get(value);
        if (write?.operation?.id !== id || write.operation.space !== space) {
          read.sees.push(null);
          continue;
        }
        read.sees.push(write);
        write.seenFromMs = Math.min(write.seenFromMs, completedMs);
        write.seenLastMs = Math.max(write.seenLastMs, invokedMs);
        if (write.operation.version !== version) this.nameVersion(space, version, write);
      }
    }
  }

  private addLog(node: NodeId, log: readonly LoggedRecord[]): void {
    const number = this.nodes.get(node) as number;
    const durableMs = this.history.logDurableMs?.get(node);
    const recoveries = this.recoveries.get(node) ?? [];
    // By memory, when each record of another author in this log so far became durable, with its place.
    const foreign = new Map<Memory, { readonly record: LoggedRecord; readonly durableMs: number; readonly position: number }[]>();
    for (const [at, record] of log.entries()) {
      if (record.kind === 'other') continue;
      const traced = this.tracedRecord(record);
      const { memory, askedMs } = traced;
      const isOwn = record.author.startsWith(node);
      const position = memory.logs[number]?.length ?? 0;
      const seen = foreign.get(memory);
      const last = isOwn ? recoveries.findLast(({ crashedMs }) => crashedMs < askedMs) : undefined;
      const notHeld = seen?.find((other) => other.durableMs > askedMs || isMissing(last, other));
      const placed = { node: isOwn ? node : null, number, heldMin: notHeld?.position ?? position, durableMs: durableMs?.[at] ?? 0 };
      this.addRecord(traced, placed);
      if (durableMs === undefined || isOwn) continue;
      const place = { record, durableMs: durableMs[at] as number, position };
      if (seen === undefined) foreign.set(memory, [place]);
      else seen.push(place);
    }
  }

  /** What all logs that hold the record say of it. */
  private tracedRecord(record: LoggedRecord): TracedRecord {
    const known = this.tracedRecords.get(record);
    if (known !== undefined) return known;
    const steps = this.writesBehind(record);
    const memory = this.memoryOf(record.space, record.id);
    const made = { record, memory, steps, askedMs: madeAfterMs(steps) };
    this.tracedRecords.set(record, made);
    return made;
  }

  /**
   * @param node the log's own, when it made the record
   * @param heldMin how much of what stands before it in the log was durable, or its author's own, when it was made
   */
  private addRecord(
    { record, memory, steps }: TracedRecord,
    {
      node,
      number,
      heldMin,
      durableMs,
    }: { readonly node: NodeId | null; readonly number: number; readonly heldMin: number; readonly durableMs: number },
  ): void {
    while (memory.logs.length <= number) {
      memory.logs.push([]);
      memory.durableMs.push([]);
    }
    for (const step of steps) {
      step.recorded = true;
      // Only its author's log says what a record's author held: a copy's log says in which order the records reached the copy.
      if (node === null) this.copiedRecords.push({ memory, step, record });
      else place(memory, { node: number, step, record, heldMin: this.mayHaveBeenLost(node, step, record) ? 0 : heldMin });
    }
    for (const step of steps) {
      memory.logs[number]?.push(step);
      memory.durableMs[number]?.push(durableMs);
    }
  }

  /**
   * Whether a record that stands in its author's own log may be one that was lost in a crash and came back: the first restart after it was asked for did not
   * find it. Where nobody knows when it was asked for, any restart.
   */
  private mayHaveBeenLost(node: NodeId, { operation }: Step, record: LoggedRecord): boolean {
    const recoveries = this.recoveries.get(node) ?? [];
    const first = recoveries.find(({ crashedMs }) => operation === null || crashedMs >= operation.invokedMs);
    if (first === undefined) return false;
    return operation === null || !wasFound(first, record);
  }

  /**
   * A primary that ships a record and crashes before its sync has made a record that its own log does not hold. What it held then is at most what its
   * log holds, so such a record counts as made at the end of it, like one that has come back from a peer.
   */
  private placeRecordsLostByTheirAuthors(): void {
    for (const { memory, step, record } of this.copiedRecords) {
      const node = this.nodes.get(record.author.slice(0, 32) as NodeId);
      if (node !== undefined) place(memory, { node, step, record, heldMin: 0 });
    }
  }

  /**
   * By what the client chose (its request, its unique value) before what the system chose (the dot): dots may be what is wrong. A tombstone may
   * stand for several forgets: one of what is already forgotten may be answered with the tombstone that is there.
   */
  private writesBehind(record: LoggedRecord): readonly Step[] {
    const isTombstone = record.kind === 'tombstone';
    const chosen = [this.byRequest.get(record.requestId), this.byValue.get(record.value ?? '')].find((step) => {
      const operation = step?.operation;
      return operation?.id === record.id && operation.space === record.space && (operation.kind === 'forget') === isTombstone;
    });
    if (chosen !== undefined && !isTombstone) return [chosen];
    const version = `${record.sequence}@${record.author}`;
    const named = this.byVersion.get(record.space)?.get(version) ?? [];
    if (chosen !== undefined) return [chosen, ...named.filter((step) => step !== chosen && step.operation?.kind === 'forget')];
    if (named.length > 0) return named;
    const unaccounted = newStep(null, null);
    this.nameVersion(record.space, version, unaccounted);
    return [unaccounted];
  }

  private nameVersion(space: SpaceKey, version: string, step: Step): void {
    const versions = childOf(this.byVersion, space);
    const steps = versions.get(version);
    if (steps === undefined) versions.set(version, [step]);
    else if (!steps.includes(step)) steps.push(step);
  }

  private memoryOf(space: SpaceKey, id: string): Memory {
    const byId = childOf(this.memories, space);
    const known = byId.get(id);
    if (known !== undefined) return known;
    const retryWindowMs = this.history.retryWindowMs ?? Number.POSITIVE_INFINITY;
    const found = { writes: [], forgets: [], reads: [], recalled: [], logs: [], durableMs: [], made: [] };
    const made: Memory = { space, id, ...found, retryWindowMs, walks: 0 };
    byId.set(id, made);
    return made;
  }
}

/** A record, which logs share, and what the history says of it. */
interface TracedRecord {
  readonly record: LoggedRecord;
  readonly memory: Memory;
  readonly steps: readonly Step[];
  readonly askedMs: number;
}

function newStep(operation: Operation | null, previous: Step | null): Step {
  return {
    operation,
    previous,
    sees: [],
    made: [],
    recorded: false,
    seenFromMs: Number.POSITIVE_INFINITY,
    seenLastMs: Number.NEGATIVE_INFINITY,
    includedBy: 0,
    walkedBy: 0,
  };
}

/** The moment after which a record was made: its write was asked for then, how often it was tried since. Where nobody knows, any. */
function madeAfterMs(steps: readonly Step[]): number {
  return Math.min(...steps.map(({ operation }) => operation?.invokedMs ?? Number.NEGATIVE_INFINITY));
}

interface Made {
  readonly node: number;
  readonly step: Step;
  readonly record: LoggedRecord;
  readonly heldMin: number;
}

/**
 * Notes that a step's record stands at the end of its maker's log as known so far; but before everything that the same node made later, should it
 * have been lost in a crash and come back from a peer.
 */
function place(memory: Memory, { node, step, record: { author, sequence }, heldMin }: Made): void {
  if (step.made.some((known) => known.sequence === sequence && known.author === author)) return;
  while (memory.made.length <= node) memory.made.push([]);
  const made = memory.made[node] as Place[];
  let at = made.length;
  while (at > 0 && isLater(made[at - 1] as Place, author, sequence)) at -= 1;
  const position = made[at]?.position ?? memory.logs[node]?.length ?? 0;
  const found = { step, node, position, heldMin: Math.min(heldMin, position), author, sequence };
  made.splice(at, 0, found);
  step.made.push(found);
}

/** Whoever made a record held, beside what it certainly held for that, all that it had held for an earlier one of its own. */
function settleHeld(made: readonly Place[]): void {
  for (let at = 1; at < made.length; at += 1) {
    const [earlier, later] = [made[at - 1] as Place, made[at] as Place];
    later.heldMin = Math.min(later.position, Math.max(later.heldMin, earlier.heldMin));
  }
}

/** Of two records that one node made: boots follow each other by their counters, which lead in what tells the authors apart. */
export function isLater(place: Place, author: Author, sequence: number): boolean {
  return place.author === author ? place.sequence > sequence : compareText(place.author, author) > 0;
}

function inOrderOfInvocation(operations: readonly Operation[]): readonly Operation[] {
  const isSorted = operations.every((operation, at) => at === 0 || (operations[at - 1] as Operation).invokedMs <= operation.invokedMs);
  return isSorted ? operations : operations.toSorted((left, right) => left.invokedMs - right.invokedMs || left.index - right.index);
}

function childOf<Key, ChildKey, Value>(parents: Map<Key, Map<ChildKey, Value>>, key: Key): Map<ChildKey, Value> {
  const known = parents.get(key);
  if (known !== undefined) return known;
  const made = new Map<ChildKey, Value>();
  parents.set(key, made);
  return made;
}

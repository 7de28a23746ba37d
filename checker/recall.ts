/**
 * Recall: what a top-k answer holds and leaves out, against an exact scan over what its copy certainly held.
 *
 * Of each answer: every memory once, with a value that was written under its id, and none of a write that certainly failed; scores that are those of the cue
 * and the value, best first, at most as many as were asked for; nothing whose place a write took that the same node had acknowledged before the recall.
 * Complete, unless the answer says why not: a memory of which the node had acknowledged a write, and which nobody had tried to forget, is readable there in one
 * version or another; if all that it may read score above the last one answered, it may not be missing.
 *
 * After convergence every copy is asked for everything: it must answer exactly what its keyed reads answer.
 */
import { Similarities } from './embedding-of.js';
import type { Checker, History, Operation, RecalledMemory } from './history.js';
import { isWrite, type Memory, tracesOf, versionNode } from './memory-traces.js';
import { judgedReads } from './newer-versions.js';

/** Rows are stored as unit vectors of 32-bit floats. */
const scoreErrorMax = 1e-5;
const evidenceMax = 10;

interface Breach {
  readonly what: string;
  readonly operations: readonly number[];
}

export const recall: Checker = (history) => {
  const answered = history.operations.filter(({ kind, outcome }) => isRecall(kind) && outcome === 'ok');
  if (answered.length === 0) return { verdict: 'not-applicable', reason: 'nothing was recalled' };
  const judge = new RecallJudge(history);
  const breaches = [...answered.flatMap((operation) => judge.breachesBy(operation)), ...judge.superseded()];
  const figures = {
    recalls: answered.length,
    recalled: answered.reduce((sum, { recalled = [] }) => sum + recalled.length, 0),
    partial: answered.filter(isPartial).length,
    // Memories that an answer had to hold; without any, completeness was not tested.
    owed: judge.owed,
    comparedWithReads: judge.comparedWithReads,
  };
  const [first] = breaches;
  if (first !== undefined) {
    const more = breaches.length === 1 ? '' : ` (and ${breaches.length - 1} more)`;
    const operations = [...new Set(breaches.slice(0, evidenceMax).flatMap((breach) => breach.operations))];
    return { verdict: 'violation', reason: `${first.what}${more}`, operations, ...figures };
  }
  return { verdict: 'ok', ...figures };
};

export function isRecall(kind: Operation['kind']): boolean {
  return kind === 'recall' || kind === 'final-recall';
}

function isPartial({ partial = [] }: Operation): boolean {
  return partial.length > 0;
}

class RecallJudge {
  readonly #history: History;
  readonly #writes = new Map<string, Operation>();
  readonly #memories = new Map<string, Memory[]>();
  readonly #finalReads = new Map<string, Operation[]>();
  readonly #damaged: ReadonlySet<string>;
  readonly #similarities = new Similarities();
  owed = 0;
  comparedWithReads = 0;

  constructor(history: History) {
    this.#history = history;
    for (const operation of history.operations) {
      if (operation.value !== null && isWrite(operation)) this.#writes.set(operation.value, operation);
      if (operation.kind === 'final-read' && operation.outcome === 'ok') push(this.#finalReads, placeOf(operation), operation);
    }
    for (const memory of tracesOf(history).memories) push(this.#memories, memory.space, memory);
    this.#damaged = new Set(
      history.recoveries.flatMap(({ node, damaged }) => damaged.map(({ space, version }) => `${node} ${space} ${version}`)),
    );
  }

  breachesBy(operation: Operation): Breach[] {
    const breaches = [...this.#wrongForm(operation), ...(operation.recalled ?? []).flatMap((each) => this.#wrongMemory(operation, each))];
    if (isPartial(operation)) return breaches;
    const missing = operation.kind === 'recall' ? this.#missing(operation) : this.#unlikeReads(operation);
    return [...breaches, ...missing];
  }

  /** Answers of a node that had acknowledged what takes the place of what it answers. */
  superseded(): Breach[] {
    return judgedReads(this.#history).flatMap(({ read, newerThere }) => {
      if (!isRecall(read.kind) || newerThere === null || this.#damaged.has(`${read.node} ${read.space} ${newerThere.version}`)) return [];
      const what = `recall ${read.index} answers ${read.seen[0]?.value}, though ${read.node} had acknowledged ${newerThere.value ?? 'a Forget'} in its place`;
      return [{ what, operations: [newerThere.index, read.index] }];
    });
  }

  #wrongForm({ index, recalled = [], limit = 0 }: Operation): Breach[] {
    const breaches: Breach[] = [];
    const wrong = (what: string): void => void breaches.push({ what: `recall ${index} ${what}`, operations: [index] });
    if (recalled.length > limit) wrong(`answers ${recalled.length} memories of ${limit} asked for`);
    if (new Set(recalled.map(({ id }) => id)).size < recalled.length) wrong('answers a memory twice');
    for (const [at, { score }] of recalled.entries())
      if (at > 0 && score > (recalled[at - 1] as RecalledMemory).score) wrong(`ranks score ${score} behind a lower one`);
    return breaches;
  }

  #wrongMemory({ index, space, id: cue, completedMs }: Operation, { id, value, score }: RecalledMemory): Breach[] {
    const write = this.#writes.get(value);
    if (write === undefined || write.id !== id || write.space !== space || write.invokedMs > completedMs)
      return [{ what: `recall ${index} answers ${JSON.stringify(value)} as ${id} of ${space}, which nobody wrote`, operations: [index] }];
    if (write.outcome === 'fail')
      return [{ what: `recall ${index} answers ${value}, the write of which had failed`, operations: [write.index, index] }];
    const expected = this.#similarities.of(cue, value);
    if (Math.abs(expected - score) <= scoreErrorMax) return [];
    return [{ what: `recall ${index} gives ${value} the score ${score}; it is ${expected}`, operations: [index] }];
  }

  /** Memories that its node held in some readable version, all of which score above what was answered last. */
  #missing(operation: Operation): Breach[] {
    const { index, space, id: cue, recalled = [], limit = 0, node } = operation;
    const answered = new Set(recalled.map(({ id }) => id));
    const last = recalled.length < limit ? Number.NEGATIVE_INFINITY : (recalled.at(-1)?.score ?? Number.POSITIVE_INFINITY);
    return (this.#memories.get(space) ?? []).flatMap((memory) => {
      const held = this.#heldBy(memory, operation);
      if (held === null) return [];
      const scores = readableValues(memory, operation).map((value) =>
        value === null ? Number.NEGATIVE_INFINITY : this.#similarities.of(cue, value),
      );
      if (Math.min(...scores) <= last + scoreErrorMax) return [];
      this.owed += 1;
      if (answered.has(memory.id)) return [];
      return [{ what: `recall ${index} leaves out ${memory.id} of ${space}, which ${node} holds`, operations: [held.index, index] }];
    });
  }

  /** A write that the node had acknowledged before the recall; null without one, and where a Forget may hide it. */
  #heldBy(memory: Memory, { node, space, invokedMs, completedMs }: Operation): Operation | null {
    if (node === null || memory.forgets.some(({ operation }) => (operation?.invokedMs ?? 0) <= completedMs)) return null;
    const held = memory.writes.find(({ operation: write }) => {
      if (write?.outcome !== 'ok' || write.version === null || write.node !== node || write.completedMs >= invokedMs) return false;
      return versionNode(write.version) === node && !this.#damaged.has(`${node} ${space} ${write.version}`);
    });
    return held?.operation ?? null;
  }

  #unlikeReads(operation: Operation): Breach[] {
    const { index, space, recalled = [], node } = operation;
    const found = new Map(recalled.map(({ id, value }) => [id, value]));
    return (this.#finalReads.get(placeOf(operation)) ?? []).flatMap((read) => {
      const value = read.seen[0]?.value ?? null;
      const expected = value !== null && this.#writes.get(value)?.embedded === true ? value : null;
      this.comparedWithReads += 1;
      if ((found.get(read.id) ?? null) === expected) return [];
      const what = `${node} recalls ${found.get(read.id) ?? 'nothing'} for ${read.id} of ${space} and reads ${value ?? 'nothing'}`;
      return [{ what, operations: [read.index, index] }];
    });
  }
}

/** What a copy may read of a memory at that time: the values of all writes that may have happened; null for one that no cue finds. */
function readableValues(memory: Memory, { completedMs }: Operation): (string | null)[] {
  return memory.writes.flatMap(({ operation: write }) => {
    if (write === null || write.outcome === 'fail' || write.invokedMs > completedMs || write.kind === 'forget') return [];
    return [write.embedded === true ? write.value : null];
  });
}

function placeOf({ node, space }: Operation): string {
  return `${node} ${space}`;
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

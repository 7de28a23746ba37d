/**
 * Session guarantees, after Terry et al. (Session guarantees for weakly consistent replicated data, 1994): read-your-writes, monotonic reads, monotonic
 * writes and writes-follow-reads. They are owed where an answer claims them: its request presented the token of an earlier answer to the same process,
 * and it says that the token was met.
 *
 * What a token stands for is rebuilt from the history: the operation whose answer gave it, what that answer saw, and if its own claim was true the same
 * of the token that it had presented. A read that claims a session must see all that was written or seen of its memory in it, or what takes its
 * place. A write that claims one must stand in the log of the node that made it behind all that was written or seen of its space, or what takes its place.
 */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { Checker, History, LoggedRecord, Operation } from './history.js';
import { goneWithDisk } from './lost-with-disks.js';
import { isWrite, type Memory, type Step, tracesOf, versionNode } from './memory-traces.js';
import { certainlyIncluding, Supersession } from './supersession.js';

const evidenceMax = 10;

type Guarantee = 'read-your-writes' | 'monotonic-reads' | 'monotonic-writes' | 'writes-follow-reads';

interface Breach {
  readonly guarantee: Guarantee;
  /** What the session had written or seen. */
  readonly past: Operation;
  readonly operation: Operation;
}

export const sessions: Checker = (history) => {
  const judge = new SessionJudge(history);
  const presented = history.operations.filter(({ outcome, sessionOf }) => outcome === 'ok' && sessionOf != null);
  const claims = presented.filter(({ sessionSatisfied }) => sessionSatisfied === true);
  const breaches = claims.flatMap((operation) => judge.breachesBy(operation));
  const count = (guarantee: Guarantee): number => breaches.filter((breach) => breach.guarantee === guarantee).length;
  const figures = {
    tokensPresented: presented.length,
    claims: claims.length,
    obligations: judge.obligations,
    breaches: {
      'read-your-writes': count('read-your-writes'),
      'monotonic-reads': count('monotonic-reads'),
      'monotonic-writes': count('monotonic-writes'),
      'writes-follow-reads': count('writes-follow-reads'),
    },
  };
  const [first] = breaches;
  if (first !== undefined) {
    const more = breaches.length === 1 ? '' : ` (and ${breaches.length - 1} more)`;
    return {
      verdict: 'violation',
      reason: `${first.guarantee}: ${first.operation.kind} ${first.operation.index} claims its session and lacks what ${first.past.index} left${more}`,
      operations: [...new Set(breaches.slice(0, evidenceMax).flatMap(({ past, operation }) => [past.index, operation.index]))],
      ...figures,
    };
  }
  if (presented.length === 0) return { verdict: 'not-applicable', reason: 'no session token was presented' };
  if (claims.length === 0) return { verdict: 'unknown', reason: 'no answer claimed the session that was presented', ...figures };
  return { verdict: 'ok', ...figures };
};

/** What a session has written or seen of one memory. */
interface Seen {
  readonly memory: Memory;
  readonly step: Step;
  /** By its own write, or by another's that it read. */
  readonly isOwn: boolean;
}

class SessionJudge {
  readonly #history: History;
  readonly #steps = new Map<number, { readonly memory: Memory; readonly step: Step }>();
  readonly #graphs = new Map<Memory, Supersession>();
  readonly #includingForget = new Map<Step, ReadonlySet<Step>>();
  readonly #positions = new Map<NodeId, ReadonlyMap<LoggedRecord['requestId'], number>>();
  readonly #damaged: ReadonlySet<string>;
  readonly #isGone: (write: Step) => boolean;
  obligations = 0;

  constructor(history: History) {
    this.#history = history;
    for (const memory of tracesOf(history).memories) {
      for (const step of [...memory.writes, ...memory.reads])
        if (step.operation !== null) this.#steps.set(step.operation.index, { memory, step });
    }
    this.#isGone = goneWithDisk(history.destroyedDisks);
    this.#damaged = new Set(history.recoveries.flatMap(({ damaged }) => damaged.map(({ space, version }) => `${space} ${version}`)));
  }

  breachesBy(operation: Operation): Breach[] {
    const past = this.#pastOf(operation.sessionOf as number);
    return isWrite(operation) ? this.#breachesByWrite(operation, past) : this.#breachesByRead(operation, past);
  }

  /** All that the token of that operation's answer stands for. */
  #pastOf(given: number): Seen[] {
    const past: Seen[] = [];
    const seen = new Set<Step>();
    for (let index: number | null = given; index !== null; ) {
      const found = this.#steps.get(index);
      const { operation } = found?.step ?? { operation: null };
      if (found === undefined || operation === null || operation.outcome !== 'ok') return past;
      const { memory, step } = found;
      const steps = isWrite(operation) ? (operation.version === null ? [] : [step]) : step.sees;
      for (const each of steps) {
        if (each === null || seen.has(each) || this.#isGone(each)) continue;
        seen.add(each);
        past.push({ memory, step: each, isOwn: isWrite(operation) });
      }
      index = operation.sessionSatisfied === true ? (operation.sessionOf ?? null) : null;
    }
    return past;
  }

  #breachesByRead(operation: Operation, past: readonly Seen[]): Breach[] {
    const found = this.#steps.get(operation.index);
    if (found === undefined) return [];
    const owed = past.filter(({ memory }) => memory === found.memory);
    this.obligations += owed.length;
    if (owed.length === 0 || (operation.unlisted ?? 0) > 0) return [];
    const forgets = this.#forgetsBefore(found.memory, operation.completedMs);
    const graph = this.#graphOf(found.memory);
    graph.include([...found.step.sees.filter((seen) => seen !== null), ...forgets]);
    return owed
      .filter(({ step }) => !graph.isIncluded(step) && !forgets.some((forget) => this.#mayBeat(forget, step, found.memory)))
      .map(({ step, isOwn }) => ({
        guarantee: isOwn ? 'read-your-writes' : 'monotonic-reads',
        past: step.operation as Operation,
        operation,
      }));
  }

  #breachesByWrite(operation: Operation, past: readonly Seen[]): Breach[] {
    const { version, node, requestId } = operation;
    if (version === null || node === null || !requestId || versionNode(version) !== node) return [];
    const log = this.#history.logs.get(node) ?? [];
    const end = this.#positionsOf(node).get(requestId);
    // A write that was carried out before another try presented its token was made without it.
    if (end === undefined || past.length === 0) return [];
    this.obligations += past.length;
    const here = this.#heldBefore(log, end, operation.space);
    return past
      .filter((seen) => !this.#isHeld(seen, here, operation))
      .map(({ step, isOwn }) => ({
        guarantee: isOwn ? 'monotonic-writes' : 'writes-follow-reads',
        past: step.operation as Operation,
        operation,
      }));
  }

  /** Values and requests of the space's records before a position of a log. */
  #heldBefore(log: readonly LoggedRecord[], end: number, space: SpaceKey): ReadonlySet<string> {
    const held = new Set<string>();
    for (let at = 0; at < end; at += 1) {
      const record = log[at] as LoggedRecord;
      if (record.space === space) held.add(record.requestId);
    }
    return held;
  }

  #isHeld({ memory, step }: Seen, held: ReadonlySet<string>, by: Operation): boolean {
    const past = step.operation as Operation;
    if (!past.requestId || held.has(past.requestId) || this.#isDamagedAnywhere(past)) return true;
    const isThere = ({ operation }: Step): boolean => operation?.requestId !== undefined && held.has(operation.requestId);
    const graph = this.#graphOf(memory);
    graph.include(memory.writes.filter(isThere));
    if (graph.isIncluded(step)) return true;
    return this.#forgetsBefore(memory, by.completedMs).some((forget) => isThere(forget) && this.#mayBeat(forget, step, memory));
  }

  #forgetsBefore(memory: Memory, ms: number): Step[] {
    return memory.forgets.filter(({ operation, recorded }) => {
      const { invokedMs, outcome, version } = operation as Operation;
      return invokedMs <= ms && (recorded || (outcome === 'ok' && version !== null));
    });
  }

  #mayBeat(forget: Step, step: Step, memory: Memory): boolean {
    let including = this.#includingForget.get(forget);
    if (including === undefined) {
      including = certainlyIncluding(memory, forget, (version) => this.#damaged.has(`${memory.space} ${version}`));
      this.#includingForget.set(forget, including);
    }
    return !including.has(step);
  }

  /** Its record is a hole of some copy: which may be settled when no copy has it any more. */
  #isDamagedAnywhere({ space, version }: Operation): boolean {
    return version !== null && this.#damaged.has(`${space} ${version}`);
  }

  #graphOf(memory: Memory): Supersession {
    const known = this.#graphs.get(memory) ?? new Supersession(memory);
    this.#graphs.set(memory, known);
    return known;
  }

  /** By request, where a node's own record of it stands first in the node's log. */
  #positionsOf(node: NodeId): ReadonlyMap<string, number> {
    const known = this.#positions.get(node);
    if (known !== undefined) return known;
    const positions = new Map<string, number>();
    (this.#history.logs.get(node) ?? []).forEach(({ author, requestId }, at) => {
      if (author.startsWith(node) && !positions.has(requestId)) positions.set(requestId, at);
    });
    this.#positions.set(node, positions);
    return positions;
  }
}

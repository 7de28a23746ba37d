/**
 * The observer: writes down what clients asked and were told, what nodes noted, and what was done to them, in the form that checkers judge.
 *
 * It stands outside the system: times are true time in milliseconds since the start of load, and nothing it writes down reaches a node.
 */
import type {
  CopyState,
  DestroyedDisk,
  FaultRecord,
  LoggedRecord,
  Operation,
  Recovery,
  SplitRecord,
  TermSpan,
} from '../checker/history.js';
import type { DomainEvent } from '../core/domain-events.js';
import type { NodeInspection } from '../core/engram-node.js';
import { dotKey, type NodeId, type SpaceKey } from '../core/identifiers.js';
import type { Reply } from '../core/wire/generated/engram/v1/service.js';
import { markOf } from '../scenarios/marks.js';
import { promisedDot, versionText } from './core-formats.js';
import type { MembershipRecorder } from './membership-recorder.js';

export type MutableOperation = { -readonly [Field in keyof Operation]: Operation[Field] };
type MutableSpan = { -readonly [Field in keyof TermSpan]: TermSpan[Field] };

interface Dot {
  readonly space: SpaceKey;
  readonly version: string;
}

interface Crash {
  readonly crashedMs: number;
  /** How many of the node's releases were before it. */
  readonly released: number;
}

/** What one node has promised and suffered, over all its boots. */
class NodeRecord {
  readonly released: Dot[] = [];
  readonly damaged: Dot[] = [];
  /** Let go of, since others held it. */
  readonly handedOver: Dot[] = [];
  /** When it let go of what it held of a space. */
  readonly letGo: { readonly space: SpaceKey; readonly atMs: number }[] = [];
  /** What lists the dots that compaction has dropped was damaged. */
  doubtful = false;
  crash: Crash | null = null;
  readonly spans = new Map<SpaceKey, MutableSpan>();
  /** By space, when this process began to ask for its term last. */
  readonly claimedMs = new Map<SpaceKey, number>();
  /** Its wall clock was seen to go back last. */
  jumpedBackMs = Number.NEGATIVE_INFINITY;
}

export class HistoryRecorder {
  readonly operations: MutableOperation[] = [];
  readonly terms: TermSpan[] = [];
  readonly recoveries: Recovery[] = [];
  readonly faults: FaultRecord[] = [];
  readonly splits: SplitRecord[] = [];
  readonly logs = new Map<NodeId, readonly LoggedRecord[]>();
  readonly logDurableMs = new Map<NodeId, readonly number[]>();
  readonly marks = new Map<string, number>();
  /** Exceptions out of the core: bugs by definition. */
  readonly failures: string[] = [];
  /** Nodes that stopped themselves, and why. */
  readonly halts: string[] = [];
  readonly destroyedDisks: DestroyedDisk[] = [];
  readonly membership: MembershipRecorder;
  readonly #nodes: NodeRecord[];
  readonly #ids: readonly NodeId[];
  readonly #names: readonly string[];
  readonly #nowMs: () => number;
  /** Asks the core of a node that has just recovered what it holds. */
  readonly #inspect: (node: number) => NodeInspection | null;
  /** The dots that can be read from a node's disk at this moment, as `space sequence@author`. */
  readonly #onDisk: (node: number) => ReadonlySet<string>;
  readonly #recovered: number[] = [];
  /** When the holder of a space's term crashed, until somebody takes the next term. */
  readonly #leaderless = new Map<SpaceKey, number>();

  constructor(options: {
    readonly ids: readonly NodeId[];
    readonly names: readonly string[];
    readonly nowMs: () => number;
    readonly inspect: (node: number) => NodeInspection | null;
    readonly onDisk: (node: number) => ReadonlySet<string>;
    readonly membership: MembershipRecorder;
  }) {
    this.membership = options.membership;
    this.#ids = options.ids;
    this.#names = options.names;
    this.#nodes = options.ids.map(() => new NodeRecord());
    this.#nowMs = options.nowMs;
    this.#inspect = options.inspect;
    this.#onDisk = options.onDisk;
  }

  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  /** Enters an operation: its index is the number of those before it. */
  invoked(operation: MutableOperation): MutableOperation {
    this.operations.push(operation);
    return operation;
  }

  /** A node sends to a peer: what it says that it has synced it owes from now on, whether or not the message arrives. */
  sent(node: number, message: Uint8Array): void {
    const promised = promisedDot(message);
    if (promised !== null) this.#nodes[node].released.push(promised);
  }

  /** A write was acknowledged by this node: it owes it from now on. */
  acknowledged(node: number, space: SpaceKey, version: string): void {
    this.#nodes[node].released.push({ space, version });
  }

  /** A node let an answer go: what it acknowledges counts even if the answer never arrives. */
  answered(node: number, reply: Reply, space: SpaceKey): void {
    if (reply.body?.$case !== 'written' || reply.body.value.superseded) return;
    const version = versionText(reply.body.value.version);
    if (version !== null) this.acknowledged(node, space, version);
  }

  noted(node: number, event: DomainEvent): void {
    const mark = markOf(event);
    if (mark !== null) this.mark(mark);
    this.membership.noted(node, event);
    if (event.kind === 'node.started') this.#recovered.push(node);
    else if (event.kind === 'term.claim-started') this.#nodes[node].claimedMs.set(event.space, this.#nowMs());
    else if (event.kind === 'term.taken') this.#termTaken(node, event.space, event.term);
    else if (event.kind === 'term.ended') this.#termEnded(node, event.space);
    else if (event.kind === 'space.handed-over') this.#handedOver(node, event.space);
    else if (event.kind === 'clock.jumped-back') this.#nodes[node].jumpedBackMs = this.#nowMs();
  }

  /** What it held of the space others have by its own account: from now on they owe it. */
  #handedOver(node: number, handed: SpaceKey): void {
    const { released, handedOver, letGo } = this.#nodes[node];
    letGo.push({ space: handed, atMs: this.#nowMs() });
    const kept = released.filter(({ space }) => space !== handed);
    for (const dot of released) if (dot.space === handed) handedOver.push(dot);
    released.length = 0;
    for (const dot of kept) released.push(dot);
  }

  /** After the handling of an event: inspections are made of settled states only. */
  settle(): void {
    for (let node = this.#recovered.pop(); node !== undefined; node = this.#recovered.pop()) this.#nodeRecovered(node);
  }

  get hasRecovered(): boolean {
    return this.#recovered.length > 0;
  }

  /** Its process has ended, alone or with the power of its machine. */
  crashed(node: number, by: 'kill' | 'crash' = 'crash'): void {
    this.membership.ended(node, by);
    const record = this.#nodes[node];
    for (const space of [...record.spans.keys()]) {
      this.#termEnded(node, space);
      this.#leaderless.set(space, this.#nowMs());
    }
    record.claimedMs.clear();
    record.crash = { crashedMs: this.#nowMs(), released: record.released.length };
  }

  damaged(node: number, dots: readonly string[]): void {
    this.#nodes[node].damaged.push(...dots.map(dotOf));
  }

  /** A checkpoint was damaged, and no record. */
  checkpointDamaged(node: number): void {
    this.#nodes[node].doubtful = true;
  }

  /** The disk of a node that is down is destroyed for good, and what it has ever `held`. What was shipped is owed by others; the rest is gone. */
  diskDestroyed(
    node: number,
    { held, isolated }: { readonly held: readonly string[]; readonly isolated: boolean },
    isShipped: (dot: string) => boolean,
  ): void {
    const gone = held.filter((dot) => !isShipped(dot)).map(dotOf);
    const compacted = this.#nodes[node].released.filter(({ space, version }) => !isShipped(`${space} ${version}`));
    const diedMs = this.#nodes[node].crash?.crashedMs ?? this.#nowMs();
    this.destroyedDisks.push({ node: this.#ids[node], diedMs, isolated, lost: [...gone, ...compacted] });
    if (gone.length > 0) this.mark('records lost with their only disk');
    this.#nodes[node] = new NodeRecord();
  }

  halted(node: number, reason: string): void {
    this.halts.push(`${this.#names[node]} at ${this.#nowMs()} ms: ${reason}`);
  }

  coreThrew(node: number, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.failures.push(`${this.#names[node]} at ${this.#nowMs()} ms: ${text}`);
  }

  #nodeRecovered(node: number): void {
    const record = this.#nodes[node];
    const { crash } = record;
    if (crash === null) return;
    const inspection = this.#inspect(node);
    if (inspection === null) return;
    record.crash = null;
    this.recoveries.push({
      node: this.#ids[node],
      crashedMs: crash.crashedMs,
      recoveredMs: this.#nowMs(),
      released: record.released.slice(0, crash.released),
      recovered: copyStates(inspection, this.#ids[node]),
      damaged: [...record.damaged, ...this.#unaccountable(node, record)],
      ...(record.handedOver.length > 0 ? { handedOver: [...record.handedOver] } : {}),
      ...(record.letGo.length > 0 ? { letGo: [...record.letGo] } : {}),
    });
  }

  /**
   * Where a log that no checkpoint lists is damaged, nobody can tell which of the dots that compaction has dropped were in it: all of them may become
   * holes. What is still on the disk may not.
   */
  #unaccountable(node: number, { released, damaged, doubtful }: NodeRecord): Dot[] {
    if (damaged.length === 0 && !doubtful) return [];
    const readable = this.#onDisk(node);
    return released.filter(({ space, version }) => !readable.has(`${space} ${version}`));
  }

  #termTaken(node: number, space: SpaceKey, term: TermSpan['term']): void {
    this.#termEnded(node, space);
    this.#markTerm(node, space, term);
    if (this.#nodes[node].jumpedBackMs >= (this.#leaderless.get(space) ?? Number.POSITIVE_INFINITY)) {
      this.mark('clock jumped back during failover');
    }
    this.#leaderless.delete(space);
    const span: MutableSpan = {
      space,
      node: this.#ids[node],
      confirmed: term.counter === 0,
      term,
      fromMs: this.#nowMs(),
      untilMs: Number.POSITIVE_INFINITY,
      claimedMs: this.#nodes[node].claimedMs.get(space),
    };
    this.#nodes[node].claimedMs.delete(space);
    this.#nodes[node].spans.set(space, span);
    this.terms.push(span);
  }

  #markTerm(node: number, space: SpaceKey, term: TermSpan['term']): void {
    const before = this.terms.findLast((span) => span.space === space);
    if (term.counter > 0) this.mark('provisional term taken over');
    else {
      this.mark('primary confirmed by lease');
      if (before?.confirmed === false) this.mark('provisional term superseded by a committed row');
      const confirmed = this.terms.findLast((span) => span.space === space && span.confirmed);
      if (confirmed !== undefined && confirmed.node !== this.#ids[node]) this.mark('primary promoted by a committed row');
    }
  }

  #termEnded(node: number, space: SpaceKey): void {
    const span = this.#nodes[node].spans.get(space);
    if (span === undefined) return;
    span.untilMs = this.#nowMs();
    this.#nodes[node].spans.delete(space);
  }
}

/** Whether two nodes held terms for one space at one time, and at the end at most one does for each. */
export function splitBrainHealed(terms: readonly TermSpan[]): boolean {
  const overlapped = terms.some((one, at) =>
    terms
      .slice(at + 1)
      .some((other) => other.space === one.space && other.node !== one.node && other.fromMs < one.untilMs && one.fromMs < other.untilMs),
  );
  const open = terms.filter(({ untilMs }) => untilMs === Number.POSITIVE_INFINITY).map(({ space }) => space);
  return overlapped && new Set(open).size === open.length;
}

/** Of `space sequence@author`. */
function dotOf(text: string): Dot {
  const middle = text.indexOf(' ');
  return { space: text.slice(0, middle) as SpaceKey, version: text.slice(middle + 1) };
}

/** Whether one space had that many terms. */
export function termsOfOneSpace(terms: readonly TermSpan[], min: number): boolean {
  const counts = new Map<SpaceKey, number>();
  for (const { space } of terms) counts.set(space, (counts.get(space) ?? 0) + 1);
  return [...counts.values()].some((count) => count >= min);
}

/** What a node says its copies hold, in the checkers' words. */
export function copyStates(inspection: NodeInspection, node: NodeId): CopyState[] {
  return inspection.spaces.map(({ space, versions, coverage }) => ({
    node,
    space,
    versions: versions.map(({ id, author, sequence, tombstone, maximal, live, contentHash }) => ({
      id,
      version: dotKey({ author, sequence }),
      tombstone,
      maximal,
      live,
      contentHash,
    })),
    // An author of whose records every one is damaged is covered nowhere, and not left out: else what is listed would count as held.
    coverage: { ...Object.fromEntries(versions.map(({ author }) => [author, []])), ...Object.fromEntries(coverage) },
  }));
}

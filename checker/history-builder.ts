/**
 * Small histories written by hand, for the tests of the checkers: one call per thing that happened, each 10 ms after the last. Nodes are named by a
 * hexadecimal letter. What is told is what happened: a write leaves its record in its node's log, and reaches another log only by `ship`.
 */
import { type Author, authorOf, dotKey, type NodeId, nodeId, type SpaceKey } from '../core/identifiers.js';
import type { CopyState, CopyVersion, History, LoggedRecord, Operation, Recovery, TermSpan } from './history.js';

export const stepMs = 10;
export const space = 'notes#1' as SpaceKey;

/** `node('a')` is the node id of 32 a's. */
export function node(letter: string): NodeId {
  return nodeId(letter.repeat(32));
}

export interface Told extends Partial<Operation> {
  /** Letter of the node that answers and, of a write, makes its record. */
  readonly at?: string;
  readonly boot?: number;
  /** False: the write left no record in its node's log. */
  readonly logged?: boolean;
}

/** What a copy holds of a memory beside live versions. */
export interface Holding {
  readonly tombstones?: readonly Operation[];
  /** Retained, but beaten by a delete. */
  readonly beaten?: readonly Operation[];
}

export class HistoryBuilder {
  nowMs = 0;
  private readonly operations: Operation[] = [];
  private readonly logs = new Map<NodeId, LoggedRecord[]>();
  private readonly records = new Map<Operation, LoggedRecord>();
  private readonly versions = new Map<string, string>();
  private readonly sequences = new Map<Author, number>();

  constructor(letters = 'abc') {
    for (const letter of letters) this.logs.set(node(letter), []);
  }

  remember(id: string, value: string, told: Told = {}): Operation {
    return this.write({ kind: 'remember', id, value, ...told });
  }

  forget(id: string, told: Told = {}): Operation {
    return this.write({ kind: 'forget', id, value: null, ...told });
  }

  /** A read that saw these values. Of a value nobody wrote, the version is invented. */
  get(id: string, values: readonly string[], told: Told = {}): Operation {
    const seen = values.map((value) => ({ value, version: this.versions.get(value) ?? `99@${'f'.repeat(56)}` }));
    return this.add({ kind: 'get', id, seen, ...told });
  }

  /** A final read of every node in `letters`, all seeing the same. */
  finalReads(id: string, values: readonly string[], letters = 'abc'): readonly Operation[] {
    return [...letters].map((letter) => this.get(id, values, { kind: 'final-read', at: letter, process: 'final', answeredAs: 'replica' }));
  }

  /** The write's record reaches other logs. */
  ship(write: Operation, letters: string): void {
    for (const letter of letters) this.logs.get(node(letter))?.push(this.recordOf(write));
  }

  /** A record as it is, whoever made it. */
  log(letter: string, record: LoggedRecord): void {
    this.logs.get(node(letter))?.push(record);
  }

  recordOf(write: Operation): LoggedRecord {
    return this.records.get(write) as LoggedRecord;
  }

  wait(ms: number): void {
    this.nowMs += ms;
  }

  /** A copy with these live versions; it covers all that its log holds. */
  copy(letter: string, live: readonly Operation[], { tombstones = [], beaten = [] }: Holding = {}): CopyState {
    const version = (write: Operation, flags: Pick<CopyVersion, 'tombstone' | 'live'>): CopyVersion => {
      const { contentHash } = this.recordOf(write);
      return { id: write.id, version: dotKey(this.recordOf(write)), maximal: true, contentHash, ...flags };
    };
    const coverage: Record<string, (readonly [number, number])[]> = {};
    for (const { author, sequence } of this.logs.get(node(letter)) ?? [])
      coverage[author] = [...(coverage[author] ?? []), [sequence, sequence]];
    const versions = [
      ...live.map((write) => version(write, { tombstone: false, live: true })),
      ...tombstones.map((write) => version(write, { tombstone: true, live: false })),
      ...beaten.map((write) => version(write, { tombstone: false, live: false })),
    ];
    return { node: node(letter), space, versions, coverage };
  }

  recovery(letter: string, told: Partial<Recovery> = {}): Recovery {
    return {
      node: node(letter),
      crashedMs: this.nowMs,
      recoveredMs: this.nowMs + stepMs,
      released: [],
      recovered: [],
      damaged: [],
      ...told,
    };
  }

  term(
    letter: string,
    span: { readonly fromMs: number; readonly untilMs: number; readonly confirmed?: boolean; readonly index?: number },
  ): TermSpan {
    const { fromMs, untilMs, confirmed = false, index = 0 } = span;
    return { space, node: node(letter), confirmed, term: { generation: 0, index, counter: confirmed ? 0 : 1 }, fromMs, untilMs };
  }

  build(told: Partial<History> = {}): History {
    return {
      operations: [...this.operations],
      logs: new Map([...this.logs].map(([name, records]) => [name, [...records]])),
      recoveries: [],
      terms: [],
      samples: [],
      faults: [],
      splits: [],
      healedMs: 0,
      endedMs: this.nowMs,
      insideFaultModel: true,
      acknowledgementsPerSideMin: 0,
      familiesDrawn: [],
      ...told,
    };
  }

  private write(told: Told): Operation {
    const author = authorOf(node(told.at ?? 'a'), { counter: told.boot ?? 1, random: '0'.repeat(16) });
    const sequence = (this.sequences.get(author) ?? 0) + 1;
    this.sequences.set(author, sequence);
    const isAnswered = (told.outcome ?? 'ok') === 'ok';
    const requestId = (this.operations.length + 1).toString(16).padStart(32, '0');
    const operation = this.add({ requestId, version: isAnswered ? dotKey({ author, sequence }) : null, ...told });
    const record: LoggedRecord = {
      space: operation.space,
      author,
      sequence,
      kind: operation.kind === 'forget' ? 'tombstone' : operation.kind === 'update' ? 'update' : 'episode',
      id: operation.id,
      contentHash: `hash of ${operation.value}`,
      context: {},
      requestId: operation.requestId as string,
      value: operation.value,
    };
    this.records.set(operation, record);
    if (operation.value !== null) this.versions.set(operation.value, dotKey({ author, sequence }));
    if (told.logged ?? told.outcome !== 'fail') this.logs.get(node(told.at ?? 'a'))?.push(record);
    return operation;
  }

  private add({ at = 'a', boot: _boot, logged: _logged, ...told }: Told): Operation {
    const isOpen = told.outcome === 'info';
    const operation: Operation = {
      index: this.operations.length,
      process: `at ${at}`,
      kind: 'get',
      space,
      id: 'x',
      value: null,
      ack: 'local',
      invokedMs: this.nowMs,
      completedMs: isOpen ? Number.POSITIVE_INFINITY : this.nowMs + stepMs / 2,
      outcome: 'ok',
      error: null,
      node: isOpen ? null : node(at),
      answeredAs: isOpen ? null : 'provisional',
      version: null,
      seen: [],
      withContext: false,
      ...told,
    };
    this.operations.push(operation);
    this.nowMs += stepMs;
    return operation;
  }
}

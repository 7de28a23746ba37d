/**
 * What the clients do, as plain data: who asks what of which memory, and when. A client does one thing at a time, so an operation starts at its
 * moment or when the client's previous one has ended.
 *
 * Ids are few, so that operations meet; values are unique, so that a read says which writes it saw.
 */
import type { Draws } from './random-streams.js';

export type PlannedKind = 'remember' | 'update' | 'forget' | 'get' | 'recall';
export type PlannedAck = 'local' | 'one' | 'quorum' | 'all';

export interface PlannedOperation {
  readonly atMs: number;
  readonly client: string;
  readonly kind: PlannedKind;
  /** Name of the memory space. */
  readonly space: string;
  /** Of a recall: what is asked for; the cue is made of it. */
  readonly id: string;
  /** Of a remember or update: the unique value, the beginning of the episode's text. */
  readonly value?: string;
  readonly confidence?: number;
  /** Bytes of padding behind the value. */
  readonly paddingBytes?: number;
  /** Of a remember or update: the episode has an embedding, made of its value. */
  readonly embedded?: true;
  /** Of a recall: how many memories are asked for. */
  readonly limit?: number;
  readonly ack: PlannedAck;
  /** The client sends the causal context of its latest answer about this id, if it has one. */
  readonly withContext?: boolean;
  /** The client asks to see at least what its latest answer from this space saw. */
  readonly withSession?: boolean;
}

export interface WorkloadShape {
  readonly durationMs: number;
  readonly clients: readonly string[];
  readonly spaces: readonly string[];
  readonly idsPerSpace: number;
  readonly operationsPerSecond: number;
  readonly acks: readonly (readonly [PlannedAck, number])[];
  readonly kinds: readonly (readonly [PlannedKind, number])[];
  readonly paddingBytesMax: number;
  /** Few distinct confidences make conflicts meet the later rules: time, then content. */
  readonly confidences: readonly number[];
  /** Operations that start at one moment: above 1, groups in the log hold many records and queues fill. */
  readonly burst: number;
}

/** Operations over the whole duration at random moments, in the order of time. */
export function drawWorkload(shape: WorkloadShape, draws: Draws): PlannedOperation[] {
  const count = Math.ceil((shape.durationMs / 1_000) * shape.operationsPerSecond);
  const moments = Array.from({ length: count }, () => draws.integer({ min: 0, max: Math.max(0, shape.durationMs - 1) })).sort(
    (a, b) => a - b,
  );
  // Those of a burst start with its first one.
  const starts = moments.map((_, index) => moments[index - (index % shape.burst)] as number);
  return starts.map((atMs, index) => {
    const kind = draws.weighted(shape.kinds);
    const space = draws.pick(shape.spaces);
    const id = `m${draws.integer({ min: 1, max: shape.idsPerSpace })}`;
    const client = draws.pick(shape.clients);
    const ack = draws.weighted(shape.acks);
    const withContext = draws.chance(0.4);
    const paddingBytes = draws.chance(0.2) ? draws.integer({ min: 0, max: shape.paddingBytesMax }) : 0;
    const confidence = draws.pick(shape.confidences);
    const withSession = draws.chance(0.25);
    if (kind === 'get') return { atMs, client, kind, space, id, ack: 'local', withSession };
    if (kind === 'forget') return { atMs, client, kind, space, id, ack, withContext, withSession };
    const value = `v${index + 1}`;
    return { atMs, client, kind, space, id, ack, withContext, withSession, value, confidence, paddingBytes };
  });
}

export interface RecallShape {
  readonly durationMs: number;
  readonly clients: readonly string[];
  readonly spaces: readonly string[];
  readonly recallsPerSecond: number;
}

const cues = 20;

/** The same operations with embeddings in most episodes, and recalls among them; the operations' own draws stay as they are. */
export function withRecalls(operations: readonly PlannedOperation[], shape: RecallShape, draws: Draws): PlannedOperation[] {
  const written = operations.map(
    (operation): PlannedOperation => (isEmbedded(operation, draws) ? { embedded: true, ...operation } : operation),
  );
  const count = Math.ceil((shape.durationMs / 1_000) * shape.recallsPerSecond);
  const recalls = Array.from({ length: count }, (): PlannedOperation => {
    const atMs = draws.integer({ min: 0, max: Math.max(0, shape.durationMs - 1) });
    const place = { client: draws.pick(shape.clients), space: draws.pick(shape.spaces), id: `q${draws.integer({ min: 1, max: cues })}` };
    return { atMs, ...place, kind: 'recall', limit: draws.pick([1, 3, 10, 100]), ack: 'local', withSession: draws.chance(0.25) };
  });
  return [...written, ...recalls].sort((left, right) => left.atMs - right.atMs);
}

function isEmbedded({ kind }: PlannedOperation, draws: Draws): boolean {
  return (kind === 'remember' || kind === 'update') && draws.chance(0.9);
}

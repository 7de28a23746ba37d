/**
 * For every read: whether a newer version had been acknowledged before it was asked for. Newer is what takes the place of what the read saw, as
 * operations and logs show it (supersession.ts), never as the system says.
 *
 * What is held outside the row, as a hint or by a node that lost its place while it was away, is behind no copy's back: it takes its place once a copy of the row has it.
 *
 * A read that saw nothing is judged only as long as nobody had tried to forget the memory: absence may then be the newest there is.
 */
import { type InRowSince, inRowSince } from './held-outside.js';
import type { History, Operation } from './history.js';
import { unlessLostWithDisk } from './lost-with-disks.js';
import { type Memory, type Step, tracesOf, versionNode } from './memory-traces.js';
import { Supersession } from './supersession.js';

/** A newer version, and since when it was: its acknowledgement, or when it came into the row if it was held outside of it. */
export interface Newer {
  readonly write: Operation;
  readonly sinceMs: number;
}

export interface JudgedRead {
  readonly read: Operation;
  /** The version that was the first to be newer; null when none was before the read was invoked. */
  readonly newer: Newer | null;
  /** How many newer versions there were. */
  readonly newerVersions: number;
  /** The first of them that was not acknowledged provisionally. */
  readonly newerConfirmed: Newer | null;
  /** The earliest of them that the node that answered had made and acknowledged itself. */
  readonly newerThere: Operation | null;
}

const judgedOf = new WeakMap<History, readonly JudgedRead[]>();

/** Every ok get of the history and every memory of an ok recall, by memory and in order of invocation; found out once. Final reads are the loss checker's. */
export function judgedReads(history: History): readonly JudgedRead[] {
  let judged = judgedOf.get(history);
  if (judged === undefined) {
    judged = judgeAll(history);
    judgedOf.set(history, judged);
  }
  return judged;
}

function judgeAll(history: History): JudgedRead[] {
  const isOwed = unlessLostWithDisk(history.destroyedDisks);
  const sinceInRow = inRowSince(history);
  return tracesOf(history).memories.flatMap((memory) => {
    const reads = [...memory.reads.filter(({ operation }) => operation?.kind === 'get'), ...memory.recalled];
    return reads.length === 0 ? [] : judgeReads(memory, reads, { isOwed, sinceInRow });
  });
}

function judgeReads(
  memory: Memory,
  reads: readonly Step[],
  { isOwed, sinceInRow }: { readonly isOwed: (write: Operation) => boolean; readonly sinceInRow: InRowSince },
): JudgedRead[] {
  const acknowledged = memory.writes
    // The answer to a hint says that it is one.
    .filter(({ operation }) => operation?.outcome === 'ok' && operation.version !== null && operation.hinted !== true && isOwed(operation))
    .sort((left, right) => (left.operation as Operation).completedMs - (right.operation as Operation).completedMs);
  const firstForgetMs = Math.min(...memory.forgets.map(({ operation }) => (operation as Operation).invokedMs));
  const newerOf = newerVersions(memory, reads, acknowledged);
  return reads.flatMap(({ operation, sees }) => {
    const read = operation as Operation;
    const [seen] = sees;
    if (seen === null) return [];
    // Carried out twice, by two primaries: what takes the place of the one record may stand beside the other.
    if (seen !== undefined && seen.made.length > 1) return [];
    if (seen === undefined && firstForgetMs <= read.completedMs) return [];
    const candidates = seen === undefined ? acknowledged : (newerOf.get(seen) ?? []);
    const newer = candidates.flatMap((candidate): Newer[] => {
      const write = candidate.operation as Operation;
      if (write.completedMs >= read.invokedMs) return [];
      const inRowMs = sinceInRow(memory, candidate, read);
      return inRowMs === null || inRowMs >= read.invokedMs ? [] : [{ write, sinceMs: Math.max(write.completedMs, inRowMs) }];
    });
    newer.sort((left, right) => left.sinceMs - right.sinceMs);
    return [
      {
        read,
        newer: newer[0] ?? null,
        newerVersions: newer.length,
        newerConfirmed: newer.find(({ write }) => write.answeredAs !== 'provisional') ?? null,
        newerThere: newer.find(({ write }) => isMadeBy(write, read.node))?.write ?? null,
      },
    ];
  });
}

function isMadeBy({ node, version }: Operation, by: Operation['node']): boolean {
  return node !== null && node === by && version !== null && versionNode(version) === node;
}

/** By version that a read saw first: the acknowledged writes that take its place, in order of acknowledgement. */
function newerVersions(memory: Memory, reads: readonly Step[], acknowledged: readonly Step[]): ReadonlyMap<Step, readonly Step[]> {
  const newerOf = new Map<Step, Step[]>();
  for (const { sees } of reads) if (sees[0] != null) newerOf.set(sees[0], []);
  if (newerOf.size === 0) return newerOf;
  const graph = new Supersession(memory, 'certain');
  for (const write of acknowledged) {
    graph.include([write]);
    for (const [seen, newer] of newerOf) if (seen !== write && graph.isIncluded(seen)) newer.push(write);
  }
  return newerOf;
}

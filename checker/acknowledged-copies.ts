/**
 * Acknowledgement levels: when a write is answered that asked for one, a quorum or all, its record is durable on that many disks; by when the disks had it, never by
 * what nodes say of each other.
 *
 * A write that another one overtook while it was under way is left out: a copy may have what took its place, and count for both.
 */
import type { History, LoggedRecord, Operation } from './history.js';
import { isWrite, tracesOf } from './memory-traces.js';

export interface TooFewCopies {
  readonly operation: Operation;
  readonly needed: number;
  readonly durable: number;
}

/** Durable copies that a level asks for, the primary's own among them. */
function copiesNeeded(ack: Operation['ack'], copies: number): number {
  switch (ack) {
    case 'local':
      return 1;
    case 'one':
      return Math.min(2, copies);
    case 'quorum':
      return Math.floor(copies / 2) + 1;
    case 'all':
      return copies;
  }
}

/** Acknowledged writes that fewer disks had than they asked for; `judged` of them could be told. None without times of durability and copies of the spaces. */
export function acknowledgedByTooFew(history: History): { readonly judged: number; readonly tooFew: readonly TooFewCopies[] } {
  const { copies, logDurableMs } = history;
  if (copies === undefined || logDurableMs === undefined) return { judged: 0, tooFew: [] };
  const durableOf = durableTimes(history, logDurableMs);
  let judged = 0;
  const tooFew: TooFewCopies[] = [];
  for (const memory of tracesOf(history).memories) {
    const writes = memory.writes.flatMap(({ operation }) => (operation === null ? [] : [operation]));
    for (const operation of writes) {
      const { outcome, version, space, completedMs } = operation;
      const ofSpace = copies.get(space);
      if (outcome !== 'ok' || version === null || ofSpace === undefined || isOvertaken(operation, writes)) continue;
      judged += 1;
      const needed = copiesNeeded(operation.ack, ofSpace);
      const durable = (durableOf.get(`${space} ${version}`) ?? []).filter((atMs) => atMs <= completedMs).length;
      if (durable < needed) tooFew.push({ operation, needed, durable });
    }
  }
  return { judged, tooFew };
}

/** By `space sequence@author`: when each disk had the record first. */
function durableTimes({ logs, operations }: History, logDurableMs: NonNullable<History['logDurableMs']>): ReadonlyMap<string, number[]> {
  const wanted = new Map<string, number[]>();
  for (const operation of operations)
    if (operation.version !== null && isWrite(operation)) wanted.set(`${operation.space} ${operation.version}`, []);
  // Logs share the records that are the same bytes: each is looked up once.
  const timesOf = new Map<LoggedRecord, number[] | undefined>();
  for (const [node, log] of logs) {
    const times = logDurableMs.get(node) ?? [];
    for (const [at, record] of log.entries()) {
      let found = timesOf.get(record);
      if (found === undefined && !timesOf.has(record)) {
        found = wanted.get(`${record.space} ${record.sequence}@${record.author}`);
        timesOf.set(record, found);
      }
      found?.push(times[at] ?? Number.POSITIVE_INFINITY);
    }
  }
  return wanted;
}

function isOvertaken(operation: Operation, writes: readonly Operation[]): boolean {
  return writes.some(
    (other) =>
      other !== operation && other.outcome !== 'fail' && other.invokedMs < operation.completedMs && other.completedMs > operation.invokedMs,
  );
}

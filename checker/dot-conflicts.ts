/**
 * Two contents for one dot. A dot names one write for ever: whoever finds it in a log, in a copy or in an answer finds the same.
 */
import type { SpaceKey } from '../core/identifiers.js';
import type { ConvergenceSample, CopyState, History, LoggedRecord, Operation } from './history.js';
import { isWrite } from './memory-traces.js';

export interface DotConflict {
  readonly reason: string;
  readonly operations: readonly number[];
}

/** What is known of the write that a dot names; null where no source said. */
interface Content {
  /** Where it was found, for people. */
  readonly source: string;
  readonly id: string;
  readonly tombstone: boolean;
  contentHash: string | null;
  value: string | null;
  record: LoggedRecord | null;
  operation: Operation | null;
}

/** Every dot for which two sources disagree, once each. */
export function dotConflicts(history: History): DotConflict[] {
  const register = new ContentRegister();
  for (const [node, log] of history.logs) for (const record of log) register.addRecord(record, `the log of ${node}`);
  for (const operation of history.operations) register.addOperation(operation);
  // A dot that changed its content differs from the logs at any time: the last sample of each phase is enough.
  const last = (phase: ConvergenceSample['phase']) => history.samples.findLast((sample) => sample.phase === phase)?.copies ?? [];
  const recovered = history.recoveries.flatMap((recovery) => recovery.recovered);
  for (const copy of [...last('majority-only'), ...last('all-healed'), ...recovered]) register.addCopy(copy);
  return [...register.conflicts.values()];
}

class ContentRegister {
  /** By space and dot. */
  readonly conflicts = new Map<string, DotConflict>();
  private readonly contents = new Map<SpaceKey, Map<string, Content>>();

  addRecord(record: LoggedRecord, source: string): void {
    const { space, id, kind, contentHash } = record;
    const version = `${record.sequence}@${record.author}`;
    const found = { source, id, tombstone: kind === 'tombstone', contentHash, value: record.value ?? null, record, operation: null };
    const known = this.meet(space, version, found);
    if (known === null || known.record === null || sameRecord(known.record, record)) return;
    this.report(space, version, [known, found]);
  }

  addOperation(operation: Operation): void {
    const { space, id, kind, value, version } = operation;
    const shared = { id, contentHash: null, record: null };
    if (isWrite(operation) && operation.outcome === 'ok' && version !== null) {
      this.meet(space, version, {
        ...shared,
        source: `the answer to operation ${operation.index}`,
        tombstone: kind === 'forget',
        value,
        operation,
      });
    }
    for (const seen of operation.seen) {
      const source = `the answer to operation ${operation.index}`;
      this.meet(space, seen.version, { ...shared, source, tombstone: false, value: seen.value, operation });
    }
  }

  addCopy({ space, node, versions }: CopyState): void {
    for (const { id, version, tombstone, contentHash } of versions) {
      const known = this.contents.get(space)?.get(version);
      if (known?.id === id && known.tombstone === tombstone && known.contentHash === contentHash) continue;
      this.meet(space, version, { source: `the copy on ${node}`, id, tombstone, contentHash, value: null, record: null, operation: null });
    }
  }

  /** Compares with what is known, and learns from it. Answers what was known before. */
  private meet(space: SpaceKey, version: string, found: Content): Content | null {
    const versions = this.contents.get(space) ?? new Map<string, Content>();
    this.contents.set(space, versions);
    const known = versions.get(version);
    if (known === undefined) {
      versions.set(version, found);
      return null;
    }
    const isSame = known.id === found.id && known.tombstone === found.tombstone;
    if (!isSame || differ(known.contentHash, found.contentHash) || differ(known.value, found.value))
      this.report(space, version, [known, found]);
    known.contentHash ??= found.contentHash;
    known.value ??= found.value;
    known.operation ??= found.operation;
    return known;
  }

  private report(space: SpaceKey, version: string, [known, found]: readonly [Content, Content]): void {
    const key = `${space} ${version}`;
    if (this.conflicts.has(key)) return;
    const operations = [known.operation, found.operation].flatMap((operation) => (operation === null ? [] : [operation.index]));
    const reason = `two contents for the dot ${version} of ${space}: in ${known.source} and in ${found.source}`;
    this.conflicts.set(key, { reason, operations });
  }
}

function differ(left: string | null, right: string | null): boolean {
  return left !== null && right !== null && left !== right;
}

function sameRecord(left: LoggedRecord, right: LoggedRecord): boolean {
  return left.kind === right.kind && left.requestId === right.requestId && sameContext(left.context, right.context);
}

function sameContext(left: LoggedRecord['context'], right: LoggedRecord['context']): boolean {
  if (left === right) return true;
  const authors = Object.keys(left);
  return authors.length === Object.keys(right).length && authors.every((author) => left[author] === right[author]);
}

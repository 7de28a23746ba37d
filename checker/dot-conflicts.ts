/**
 * Two contents for one dot. A dot names one write for ever: whoever finds it in a log, in a copy or in an answer finds the same.
 */
import type { SpaceKey } from '../core/identifiers.js';
import type { ConvergenceSample, CopyState, History, LoggedRecord, Operation } from './history.js';
import { isWrite } from './memory-traces.js';
import { type SpaceDot, spaceDot } from './sequence-ranges.js';

export interface DotConflict {
  readonly reason: string;
  readonly operations: readonly number[];
}

/** What is known of the write that a dot names; null where no source said. */
interface Content {
  /** Whose log or copy it was found in; null for an answer to an operation. */
  readonly node: string | null;
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
  for (const [node, log] of history.logs) for (const record of log) register.addRecord(record, node);
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
  private readonly contents = new Map<SpaceKey, Map<string, Map<number, Content>>>();

  addRecord(record: LoggedRecord, node: string): void {
    const known = this.known(record);
    if (known?.record && sameRecord(known.record, record)) return;
    const { id, kind, contentHash, value = null } = record;
    const found = { node, id, tombstone: kind === 'tombstone', contentHash, value, record, operation: null };
    this.meet(record, found);
    if (known !== undefined) this.report(record, known, found);
  }

  addOperation(operation: Operation): void {
    const { space, id, kind, value, version } = operation;
    if (isWrite(operation) && operation.outcome === 'ok' && version !== null) {
      const tombstone = kind === 'forget';
      this.meet(spaceDot(space, version), { node: null, id, tombstone, contentHash: null, value, record: null, operation });
    }
    for (const seen of operation.seen) {
      const found = { node: null, id, tombstone: false, contentHash: null, value: seen.value, record: null, operation };
      this.meet(spaceDot(space, seen.version), found);
    }
  }

  addCopy({ space, node, versions }: CopyState): void {
    for (const { id, version, tombstone, contentHash } of versions) {
      this.meet(spaceDot(space, version), { node, id, tombstone, contentHash, value: null, record: null, operation: null });
    }
  }

  private known({ space, author, sequence }: SpaceDot): Content | undefined {
    return this.contents.get(space)?.get(author)?.get(sequence);
  }

  /** Compares with what is known, and learns from it. */
  private meet(dot: SpaceDot, found: Content): void {
    const known = this.known(dot);
    if (known === undefined) {
      const authors = this.contents.get(dot.space) ?? new Map<string, Map<number, Content>>();
      const sequences = authors.get(dot.author) ?? new Map<number, Content>();
      this.contents.set(dot.space, authors.set(dot.author, sequences.set(dot.sequence, found)));
      return;
    }
    const isSame = known.id === found.id && known.tombstone === found.tombstone;
    if (!isSame || differ(known.contentHash, found.contentHash) || differ(known.value, found.value)) this.report(dot, known, found);
    known.contentHash ??= found.contentHash;
    known.value ??= found.value;
    known.operation ??= found.operation;
  }

  private report({ space, author, sequence }: SpaceDot, known: Content, found: Content): void {
    const dot = `${sequence}@${author} of ${space}`;
    if (this.conflicts.has(dot)) return;
    const operations = [known.operation, found.operation].flatMap((operation) => (operation === null ? [] : [operation.index]));
    this.conflicts.set(dot, { reason: `two contents for the dot ${dot}: in ${sourceOf(known)} and in ${sourceOf(found)}`, operations });
  }
}

/** Where a content was found, for people. */
function sourceOf({ node, record, operation }: Content): string {
  if (node === null) return `the answer to operation ${operation?.index}`;
  return record === null ? `the copy on ${node}` : `the log of ${node}`;
}

function differ(left: string | null, right: string | null): boolean {
  return left !== null && right !== null && left !== right;
}

function sameRecord(left: LoggedRecord, right: LoggedRecord): boolean {
  if (left === right) return true;
  const isSame =
    left.id === right.id &&
    left.kind === right.kind &&
    left.contentHash === right.contentHash &&
    !differ(left.value ?? null, right.value ?? null);
  return isSame && left.requestId === right.requestId && sameContext(left.context, right.context);
}

function sameContext(left: LoggedRecord['context'], right: LoggedRecord['context']): boolean {
  if (left === right) return true;
  const authors = Object.keys(left);
  return authors.length === Object.keys(right).length && authors.every((author) => left[author] === right[author]);
}

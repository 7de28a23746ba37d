/**
 * Copies that hold the same answer the same: the same readable version, and the same alternates in the same order. Which version is read is a function of
 * the set of records, so two copies with equal digests and different answers have chosen by something else, the order of arrival for instance.
 */
import type { Operation } from './history.js';

export interface DifferentAnswers {
  readonly reason: string;
  readonly operations: readonly number[];
}

/** The first memory of which two copies gave different final answers, null when there is none. Answers that listed only a part are not compared. */
export function differentAnswers(operations: readonly Operation[]): DifferentAnswers | null {
  const first = new Map<string, Operation>();
  for (const read of operations) {
    if (read.kind !== 'final-read' || read.outcome !== 'ok' || (read.unlisted ?? 0) > 0) continue;
    const memory = `${read.space} ${read.id}`;
    const other = first.get(memory);
    if (other === undefined) first.set(memory, read);
    else if (!sameAnswer(other, read)) {
      const reason = `copies that hold the same answer differently for ${JSON.stringify(read.id)} of ${read.space}: ${other.node} ${said(other)}, ${read.node} ${said(read)}`;
      return { reason, operations: [other.index, read.index] };
    }
  }
  return null;
}

function sameAnswer(left: Operation, right: Operation): boolean {
  return left.seen.length === right.seen.length && left.seen.every(({ version }, at) => version === right.seen[at]?.version);
}

function said({ seen }: Operation): string {
  return seen.length === 0 ? 'nothing' : seen.map(({ value, version }) => `${value} (${version})`).join(', then ');
}

/**
 * Of concurrent versions the one with the greatest confidence is read, and the others are its alternates: judged by what the clients had said themselves. Copies
 * that all choose alike, and all wrongly, are seen by this alone. Later rules, time and content, decide only between equal confidences and are not judged.
 */
import type { History } from './history.js';
import { type Step, tracesOf } from './memory-traces.js';

export interface WrongChoice {
  readonly reason: string;
  readonly operations: readonly number[];
}

/** The first read whose readable version has an alternate of greater confidence, null when there is none. */
export function wrongChoice(history: History): WrongChoice | null {
  for (const { reads, id, space } of tracesOf(history).memories) {
    for (const { operation: read, sees } of reads) {
      const [chosen, ...alternates] = sees;
      const confidence = chosen?.operation?.confidence;
      if (read === null || confidence === undefined) continue;
      const better = alternates.find((alternate) => mayBePreferred(alternate) && (alternate?.operation?.confidence ?? 0) > confidence);
      if (better?.operation == null) continue;
      const reason =
        `${read.node} reads ${chosen?.operation?.value} of confidence ${confidence} as ${JSON.stringify(id)} of ${space}, ` +
        `though it lists ${better.operation.value} of ${better.operation.confidence}`;
      return { reason, operations: [better.operation.index, read.index] };
    }
  }
  return null;
}

/** A write that two primaries carried out may stand behind all others: something took the place of one of its records, and the other came back. */
function mayBePreferred(step: Step | null): boolean {
  return step !== null && step.made.length < 2;
}

/**
 * Linearizability of a register whose written values are all different, by value intervals: exact, and linear once events are in order.
 *
 * After Gibbons and Korach (Testing shared memories, 1997). A *cluster* is a write with the reads that saw its value; f is the earliest completion in
 * it, s the latest invocation. With f < s the value was certainly current from f to s: a *forward* interval. Otherwise all its operations have the moments
 * from s to f in common, and one of these is enough: a *backward* interval. The history is linearizable exactly if
 * - no read saw a value that nobody wrote, or completed before its write began;
 * - no two forward intervals overlap;
 * - no backward interval lies inside a forward one.
 *
 * The initial value is that of a write before all events. An open write that nobody saw is dropped: it need not have happened.
 */
import { minimalEvidence, namesWithSources } from './minimal-evidence.js';
import { type LinearizabilityFault, type RegisterOperations, readKind, writeKind } from './register-operations.js';

/** Nobody's: stands for the write of the initial value, which no history lists. */
const beforeAll = -1;
const nobody = -2;

/** Whether every value is written once at most, the initial one not at all, and nothing compares: what value intervals can judge. */
export function hasUniqueValues({ count, kinds, values, initial, valueCount }: RegisterOperations): boolean {
  const written = new Uint8Array(valueCount);
  written[initial] = 1;
  for (let at = 0; at < count; at += 1) {
    if (kinds[at] === readKind) continue;
    const value = values[at] as number;
    if (kinds[at] !== writeKind || written[value] === 1) return false;
    written[value] = 1;
  }
  return true;
}

/** Per value: its write, and the two ends of its interval with the operations that set them. */
interface Clusters {
  readonly writes: Int32Array;
  /** Earliest completion, and whose. */
  readonly first: Float64Array;
  readonly firstBy: Int32Array;
  /** Latest invocation, and whose. */
  readonly last: Float64Array;
  readonly lastBy: Int32Array;
}

/** Judges a history with unique values (`hasUniqueValues`); null when it is linearizable. */
export function judgeByIntervals(history: RegisterOperations): LinearizabilityFault | null {
  const clusters = clustersOf(history);
  return gatherReads(history, clusters) ?? sweep(history, clusters);
}

function clustersOf({ count, kinds, values, invoked, completed, initial, valueCount }: RegisterOperations): Clusters {
  const clusters: Clusters = {
    writes: new Int32Array(valueCount).fill(nobody),
    first: new Float64Array(valueCount).fill(Number.POSITIVE_INFINITY),
    firstBy: new Int32Array(valueCount).fill(beforeAll),
    last: new Float64Array(valueCount).fill(Number.NEGATIVE_INFINITY),
    lastBy: new Int32Array(valueCount).fill(beforeAll),
  };
  clusters.writes[initial] = beforeAll;
  clusters.first[initial] = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at += 1) {
    if (kinds[at] !== writeKind) continue;
    const value = values[at] as number;
    clusters.writes[value] = at;
    clusters.first[value] = completed[at] as number;
    clusters.firstBy[value] = at;
    clusters.last[value] = invoked[at] as number;
    clusters.lastBy[value] = at;
  }
  return clusters;
}

/** Adds each read to the cluster of what it saw; a fault when there is none, or only a later one. */
function gatherReads(history: RegisterOperations, clusters: Clusters): LinearizabilityFault | null {
  const { count, kinds, values, invoked, completed } = history;
  const { writes, first, firstBy, last, lastBy } = clusters;
  for (let at = 0; at < count; at += 1) {
    if (kinds[at] !== readKind) continue;
    const value = values[at] as number;
    const write = writes[value] as number;
    if (write === nobody) return faultOf('a read saw a value that nobody wrote', [at], history);
    if ((completed[at] as number) < (first[value] as number)) {
      first[value] = completed[at] as number;
      firstBy[value] = at;
    }
    if ((invoked[at] as number) > (last[value] as number)) {
      last[value] = invoked[at] as number;
      lastBy[value] = at;
    }
    if (write >= 0 && (completed[at] as number) < (invoked[write] as number)) {
      return faultOf('a read saw a value before its write began', [at, write], history);
    }
  }
  return null;
}

/** Walks over all moments once, in order: forward intervals begin, backward ones are met. */
function sweep(history: RegisterOperations, { writes, first, firstBy, last, lastBy }: Clusters): LinearizabilityFault | null {
  const { valueCount } = history;
  const startOf = cellsOfEvents(history);
  for (let value = 0; value < valueCount; value += 1) {
    const start = Math.min(first[value] as number, last[value] as number);
    // Nothing of it happened, or an open write that nobody saw; the initial value's own interval begins before all cells.
    if ((first[value] as number) === Number.POSITIVE_INFINITY || start === Number.NEGATIVE_INFINITY) continue;
    startOf[start] = value;
  }
  // The initial value was current at the beginning, and until its last read was invoked.
  let current = history.initial;
  let currentEnd = last[current] as number;
  const between = (value: number, reason: string): LinearizabilityFault => {
    const isListed = (at: number): boolean => at !== beforeAll;
    const suspects = [...new Set([firstBy[current], lastBy[current], firstBy[value], lastBy[value]] as number[])].filter(isListed);
    const bystanders = ([writes[current], writes[value]] as number[]).filter((at) => isListed(at) && !suspects.includes(at));
    // Six operations at most: the search ends at once.
    return faultOf(reason, minimalEvidence(history, { suspects, bystanders }, Number.POSITIVE_INFINITY).operations, history);
  };
  for (const value of startOf) {
    if (value === nobody || value === history.initial) continue;
    const [f, s] = [first[value] as number, last[value] as number];
    if (f < s) {
      if (f < currentEnd) return between(value, 'two values were certainly current at the same time');
      [current, currentEnd] = [value, s];
    } else if (f < currentEnd) {
      return between(value, 'a value was written and overwritten while another was certainly current');
    }
  }
  return null;
}

/** A cell per moment up to the latest invocation: intervals never begin later. */
function cellsOfEvents({ count, invoked }: RegisterOperations): Int32Array {
  let latest = 0;
  for (let at = 0; at < count; at += 1) latest = Math.max(latest, invoked[at] as number);
  return new Int32Array(latest + 1).fill(nobody);
}

function faultOf(reason: string, operations: readonly number[], history: RegisterOperations): LinearizabilityFault {
  return { reason, operations: namesWithSources(history, operations), minimal: true };
}

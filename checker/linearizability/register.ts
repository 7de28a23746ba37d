/** Linearizability of one register: by value intervals where the values are unique, by configurations otherwise. */
import { searchConfigurations } from './configurations.js';
import { minimalEvidence, namesWithSources, suspicionUntil } from './minimal-evidence.js';
import { type LinearizabilityFault, type RegisterOperations, readKind, writeKind } from './register-operations.js';
import { hasUniqueValues, judgeByIntervals } from './value-intervals.js';

export type RegisterJudgement =
  | { readonly kind: 'linearizable'; readonly method: 'intervals' | 'configurations'; readonly steps: number }
  | {
      readonly kind: 'not-linearizable';
      readonly method: 'intervals' | 'configurations';
      readonly steps: number;
      readonly fault: LinearizabilityFault;
    }
  | { readonly kind: 'out-of-budget'; readonly method: 'configurations'; readonly steps: number };

export interface SearchBudget {
  /** Steps of the search over configurations. */
  readonly stepsMax: number;
  /** Steps of making the evidence small. */
  readonly evidenceStepsMax: number;
}

export function judgeRegister(history: RegisterOperations, budget: SearchBudget): RegisterJudgement {
  if (hasUniqueValues(history)) {
    const fault = judgeByIntervals(history);
    if (fault === null) return { kind: 'linearizable', method: 'intervals', steps: 0 };
    return { kind: 'not-linearizable', method: 'intervals', steps: 0, fault };
  }
  const impossible = seenFromNowhere(history);
  if (impossible !== null) return { kind: 'not-linearizable', method: 'configurations', steps: 0, fault: impossible };
  const found = searchConfigurations(history, budget.stepsMax);
  if (found.kind !== 'not-linearizable') return { ...found, method: 'configurations' };
  const { operations, minimal } = minimalEvidence(history, suspicionUntil(history, found.operation), budget.evidenceStepsMax);
  const fault = {
    reason: 'no order of the operations explains all their answers',
    operations: namesWithSources(history, operations),
    minimal,
  };
  return { kind: 'not-linearizable', method: 'configurations', steps: found.steps, fault };
}

/** Told apart because it needs no search: a value that was seen and that no operation had left behind by then. */
function seenFromNowhere(history: RegisterOperations): LinearizabilityFault | null {
  const { count, kinds, values, newValues, invoked, completed, indexes, initial, valueCount } = history;
  const leftFrom = new Float64Array(valueCount).fill(Number.POSITIVE_INFINITY);
  leftFrom[initial] = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at += 1) {
    if (kinds[at] === readKind) continue;
    const value = (kinds[at] === writeKind ? values[at] : newValues[at]) as number;
    leftFrom[value] = Math.min(leftFrom[value] as number, invoked[at] as number);
  }
  for (let at = 0; at < count; at += 1) {
    if (kinds[at] === writeKind || completed[at] === Number.POSITIVE_INFINITY) continue;
    if ((leftFrom[values[at] as number] as number) < (completed[at] as number)) continue;
    return { reason: 'a value was seen that nobody had written by then', operations: [indexes[at] as number], minimal: true };
  }
  return null;
}

/**
 * A least set of operations whose answers cannot all be true. All others are set free, one group after the other: a read without its answer says
 * nothing, a write or compare-and-set may have taken effect while it was under way or not at all. What is left when nothing more can be set free
 * convicts alone; the writes behind what it saw are named with it.
 *
 * Delta debugging (Zeller and Hildebrandt, 2002) by halves, within a budget.
 */
import { searchConfigurations } from './configurations.js';
import {
  type RegisterKind,
  type RegisterOperation,
  type RegisterOperations,
  readKind,
  registerOperations,
  writeKind,
} from './register-operations.js';

export interface Evidence {
  /** Positions in the arrays, ascending: the least set. */
  readonly operations: readonly number[];
  /** False when the budget ended the search. */
  readonly minimal: boolean;
}

export interface Suspicion {
  /** Operations that cannot all be true, by position. */
  readonly suspects: readonly number[];
  /** All others that could matter: what they did may explain what the suspects saw. */
  readonly bystanders: readonly number[];
}

/** Everything that had a part until the operation at whose completion the violation showed. */
export function suspicionUntil(history: RegisterOperations, operation: number): Suspicion {
  const end = history.completed[operation] as number;
  const suspects: number[] = [];
  const bystanders: number[] = [];
  for (let at = 0; at < history.count; at += 1) {
    if ((history.invoked[at] as number) > end) continue;
    // What had not completed by then has not been asked to be true.
    if ((history.completed[at] as number) <= end) suspects.push(at);
    else bystanders.push(at);
  }
  return { suspects, bystanders };
}

/** Narrows suspects down to those that convict each other. */
export function minimalEvidence(history: RegisterOperations, { suspects, bystanders }: Suspicion, stepsMax: number): Evidence {
  const involved = [...suspects, ...bystanders];
  const bound = new Set(suspects);
  let steps = 0;
  const stillImpossible = (candidate: ReadonlySet<number>): boolean => {
    const result = searchConfigurations(withOthersFree(history, involved, candidate), stepsMax - steps);
    steps += result.steps;
    return result.kind === 'not-linearizable';
  };
  const setFree = (candidatesOf: () => readonly number[]): void => {
    for (let size = Math.ceil(candidatesOf().length / 2); size > 0 && steps < stepsMax; size = Math.ceil(size / 2)) {
      let freed = false;
      const candidates = candidatesOf();
      for (let from = 0; from < candidates.length && steps < stepsMax; from += size) {
        const group = candidates.slice(from, from + size);
        const without = new Set(bound);
        for (const operation of group) without.delete(operation);
        if (!stillImpossible(without)) continue;
        for (const operation of group) bound.delete(operation);
        freed = true;
      }
      if (size === 1 && !freed) return;
    }
  };
  // Reads first: that a write had ended says more than that somebody saw it.
  setFree(() => [...bound].filter((at) => history.kinds[at] === readKind));
  setFree(() => [...bound]);
  return { operations: [...bound].sort((left, right) => left - right), minimal: steps < stepsMax };
}

function withOthersFree(history: RegisterOperations, involved: readonly number[], bound: ReadonlySet<number>): RegisterOperations {
  const kept: RegisterOperation[] = [];
  for (const at of involved) {
    const isBound = bound.has(at);
    const kind = history.kinds[at] as RegisterKind;
    if (kind === readKind && !isBound) continue;
    kept.push({
      kind,
      value: history.values[at] as number,
      newValue: history.newValues[at] as number,
      invoked: history.invoked[at] as number,
      completed: history.completed[at] as number,
      index: at,
      isOptional: !isBound,
    });
  }
  return registerOperations(kept, history.initial, history.valueCount);
}

/** The names of these operations, and of the latest write behind what each of them saw. Ascending. */
export function namesWithSources(history: RegisterOperations, operations: readonly number[]): number[] {
  const { count, kinds, values, newValues, invoked, completed, indexes } = history;
  const named = new Set(operations);
  for (const operation of operations) {
    if (kinds[operation] === writeKind) continue;
    let source = -1;
    for (let at = 0; at < count; at += 1) {
      if (kinds[at] === readKind || at === operation) continue;
      const left = kinds[at] === writeKind ? values[at] : newValues[at];
      if (left !== values[operation] || (invoked[at] as number) > (completed[operation] as number)) continue;
      if (source < 0 || (invoked[at] as number) > (invoked[source] as number)) source = at;
    }
    if (source >= 0) named.add(source);
  }
  return [...named].map((at) => indexes[at] as number).sort((left, right) => left - right);
}

/**
 * Operations on one register in the form that the judges of linearizability work on: parallel arrays, values as small numbers, moments as positions in
 * the total order of all events. A million operations fit without an object each.
 *
 * Only what constrains the answer is in it: a failed operation had no effect, a read without an answer says nothing. An operation that is open, because
 * its end is unknown, completes at Infinity: it may take effect at any moment after its invocation, or never.
 */
import type { Operation } from '../history.js';

export const readKind = 0;
export const writeKind = 1;
/** Compare and set. It succeeded, or is open: one that failed is not here. */
export const casKind = 2;

export type RegisterKind = typeof readKind | typeof writeKind | typeof casKind;

export interface RegisterOperations {
  readonly count: number;
  readonly kinds: Uint8Array;
  /** Of a read: what it saw. Of a write: what it wrote. Of a compare-and-set: what it found. Values count up from 0. */
  readonly values: Int32Array;
  /** Of a compare-and-set: what it left behind; else -1. */
  readonly newValues: Int32Array;
  /** Positions in the order of events, whole numbers, no two alike. A register's operations need not use all of them. */
  readonly invoked: Float64Array;
  /** Later than `invoked`; Infinity while open. */
  readonly completed: Float64Array;
  /** 1 for an operation that may or may not take effect, but only before it completes: what the search for evidence makes of those that it sets free. */
  readonly optional: Uint8Array;
  /** How the history names each operation: evidence is told in these. */
  readonly indexes: Float64Array;
  /** The register's value before all of them. */
  readonly initial: number;
  /** All values are below this. */
  readonly valueCount: number;
}

/** Why a history is not linearizable. */
export interface LinearizabilityFault {
  readonly reason: string;
  /** A least set of operations whose answers cannot all be true, with the writes that they saw; by `indexes`, ascending. */
  readonly operations: readonly Operation['index'][];
  /** False when the search for a smaller set was given up. */
  readonly minimal: boolean;
}

export interface RegisterOperation {
  readonly kind: RegisterKind;
  readonly value: number;
  readonly newValue?: number;
  readonly invoked: number;
  readonly completed: number;
  readonly index: number;
  readonly isOptional?: boolean;
}

/** The arrays of some operations. */
export function registerOperations(operations: readonly RegisterOperation[], initial: number, valueCount: number): RegisterOperations {
  const count = operations.length;
  const made = {
    count,
    kinds: new Uint8Array(count),
    values: new Int32Array(count),
    newValues: new Int32Array(count).fill(-1),
    invoked: new Float64Array(count),
    completed: new Float64Array(count),
    optional: new Uint8Array(count),
    indexes: new Float64Array(count),
    initial,
    valueCount,
  };
  for (let at = 0; at < count; at += 1) {
    const { kind, value, newValue, invoked, completed, index, isOptional } = operations[at] as RegisterOperation;
    made.kinds[at] = kind;
    made.values[at] = value;
    if (newValue !== undefined) made.newValues[at] = newValue;
    made.invoked[at] = invoked;
    made.completed[at] = completed;
    made.indexes[at] = index;
    if (isOptional === true) made.optional[at] = 1;
  }
  return made;
}

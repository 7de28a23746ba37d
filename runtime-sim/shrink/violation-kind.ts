/**
 * What kind of failure a run showed. A shorter plan counts only if it fails in the same way as the whole one: a plan without its heal fails too, of
 * something else.
 *
 * The same way means the same checker, and at least one kind of finding in common. Names, numbers and moments are no part of a kind.
 */
import type { Verdict } from '../../checker/history.js';
import { spaceName } from '../../core/identifiers.js';
import type { RunResult } from '../run-seed.js';

export interface Violation {
  /** Whose finding the run's verdict rests on. */
  readonly checker: string;
  readonly kinds: readonly string[];
}

/** A memory of the plan. */
export interface NamedMemory {
  readonly space: string;
  readonly id: string;
}

/** What a run that failed says about where to look. */
export interface Evidence {
  /** The memories of the operations that the verdict names, in its order. */
  readonly named: readonly NamedMemory[];
}

type Judged = Pick<RunResult, 'verdict' | 'verdicts' | 'reason'>;

/** Null for a run that broke no promise. */
export function violationOf({ verdict, verdicts, reason }: Judged): Violation | null {
  if (verdict !== 'violation' || reason === null) return null;
  const checker = reason.slice(0, reason.indexOf(':'));
  const found = verdicts[checker];
  return found?.verdict === 'violation' ? { checker, kinds: kindsOf(checker, found) } : null;
}

export function isSameViolation(one: Violation, other: Violation | null): boolean {
  return other !== null && other.checker === one.checker && other.kinds.some((kind) => one.kinds.includes(kind));
}

export function namedMemories({ verdicts, history }: Pick<RunResult, 'verdicts' | 'history'>, { checker }: Violation): NamedMemory[] {
  const { operations = [] } = verdicts[checker] as { operations?: readonly number[] };
  const memories = operations.map((index): [string, NamedMemory] => {
    const { space, id } = history.operations[index];
    return [`${space}/${id}`, { space: spaceName(space), id }];
  });
  return [...new Map(memories).values()];
}

function kindsOf(checker: string, found: Extract<Verdict, { verdict: 'violation' }>): string[] {
  // A copy that lacks a write and two copies that differ are one illness seen at two moments.
  if (found.notConverged === true) return ['not converged'];
  const [firstLine] = found.reason.split('\n');
  const clauses = firstLine.replace(/ \(and \d+ more\)$/, '').split(/, (?=\d+ )/);
  return clauses.flatMap((clause) => (checker === 'loss' && clause.endsWith(' lost') ? kindsOfLoss(found) : [withoutParticulars(clause)]));
}

/** The loss checker counts under one word writes that are gone, writes gone after they were read, and deletes undone. */
function kindsOfLoss(found: Readonly<Record<string, unknown>>): string[] {
  const figure = (name: string): number => (typeof found[name] === 'number' ? found[name] : 0);
  const kinds = [
    ...(figure('lostWrites') > figure('forgetsUndone') ? ['acknowledged write lost'] : []),
    ...(figure('forgetsUndone') > 0 ? ['forget undone'] : []),
    ...(figure('lostAfterBeingRead') > 0 ? ['lost after being read'] : []),
  ];
  return kinds.length === 0 ? ['lost'] : kinds;
}

function withoutParticulars(clause: string): string {
  return clause
    .replaceAll(/[a-z0-9_-]+#\d+/g, 'SPACE')
    .replaceAll(/\b\d+@[0-9a-f]+/g, 'DOT')
    .replaceAll(/\b[0-9a-f]{32,}\b/g, 'NODE')
    .replaceAll(/-?\d+(\.\d+)?/g, '#');
}

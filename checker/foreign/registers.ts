/**
 * The models `register`, `cas-register` and `mutex` of somebody else's history: every key's operations in the arrays that the judges of linearizability
 * work on. A mutex is a register that acquire sets from free to held, and release back.
 */
import {
  casKind,
  type RegisterKind,
  type RegisterOperation,
  type RegisterOperations,
  readKind,
  registerOperations,
  writeKind,
} from '../linearizability/register-operations.js';
import { briefly, canonicalText, type Datum, depthMax, MalformedHistory } from './datum.js';
import type { ForeignOperation } from './pairing.js';

export type RegisterModel = 'register' | 'cas-register' | 'mutex';

export interface KeyHistory {
  /** Undefined when the history has no keys. */
  readonly key: Datum | undefined;
  readonly operations: RegisterOperations;
  /** Answers that say something about the value: without one nothing was observed. */
  readonly observations: number;
  /** Indexes of failed operations whose value somebody saw all the same: one for each such value. */
  readonly failedButVisible: readonly number[];
}

const free = 0;
const held = 1;

/** Sorts operations by key. Throws MalformedHistory on a value that does not fit its operation. */
export function keyHistories(operations: readonly ForeignOperation[], model: RegisterModel, initial: Datum): KeyHistory[] {
  const byKey = new Map<string, KeyBuilder>();
  for (const operation of operations) {
    const name = operation.key === undefined ? '' : textOf(operation.key, operation.line);
    let builder = byKey.get(name);
    if (builder === undefined) {
      builder = new KeyBuilder(operation.key, model, initial);
      byKey.set(name, builder);
    }
    builder.add(operation);
  }
  return [...byKey.values()].map((builder) => builder.build());
}

class KeyBuilder {
  readonly #key: Datum | undefined;
  readonly #initial: number;
  readonly #isMutex: boolean;
  readonly #operations: RegisterOperation[] = [];
  readonly #failed: { readonly value: number; readonly index: number }[] = [];
  /** Numbers of values; the simple ones are looked up as they are. */
  readonly #numbers = new Map<unknown, number>();
  readonly #texts = new Map<string, number>();
  #values = 0;
  #observations = 0;

  constructor(key: Datum | undefined, model: RegisterModel, initial: Datum) {
    this.#key = key;
    this.#isMutex = model === 'mutex';
    this.#initial = this.#isMutex ? (initial === true ? held : free) : this.#number(initial, 0);
    if (this.#isMutex) this.#values = 2;
  }

  add(operation: ForeignOperation): void {
    const { f, outcome, line, asked, index, invoked, completed } = operation;
    const place = { invoked, completed, index };
    if (this.#isMutex) {
      this.#change({ kind: casKind, value: f === 'acquire' ? free : held, newValue: f === 'acquire' ? held : free, ...place }, outcome);
      return;
    }
    if (f === 'read') {
      // A read that failed or never ended says nothing; what its invocation carries is nobody's answer.
      if (outcome !== 'ok') return;
      this.#observations += 1;
      this.#operations.push({ kind: readKind, value: this.#number(operation.answered ?? null, operation.completedOn), ...place });
      return;
    }
    this.#checkAnswer(operation);
    if (f === 'write') {
      if (asked === undefined) throw new MalformedHistory(line, 'a write needs the value that it writes');
      this.#change({ kind: writeKind, value: this.#number(asked, line), ...place }, outcome);
      return;
    }
    if (!Array.isArray(asked) || asked.length !== 2) {
      throw new MalformedHistory(line, `a cas needs its value as [old, new], not ${briefly(asked)}`);
    }
    const [old, next] = asked as [Datum, Datum];
    this.#change({ kind: casKind, value: this.#number(old, line), newValue: this.#number(next, line), ...place }, outcome);
  }

  #change(operation: RegisterOperation, outcome: ForeignOperation['outcome']): void {
    if (outcome === 'fail') {
      this.#failed.push({ value: operation.kind === writeKind ? operation.value : (operation.newValue as number), index: operation.index });
      return;
    }
    if (operation.kind === casKind && outcome === 'ok') this.#observations += 1;
    this.#operations.push(operation);
  }

  /** The answer to a write repeats its value or says nothing. */
  #checkAnswer({ f, asked, answered, outcome, completedOn, line }: ForeignOperation): void {
    if (outcome !== 'ok' || answered === undefined || answered === null || asked === undefined) return;
    if (canonicalText(answered) === canonicalText(asked)) return;
    throw new MalformedHistory(
      completedOn,
      `the ${f} of line ${line} was asked with ${briefly(asked)} and answered with ${briefly(answered)}`,
    );
  }

  #number(value: Datum, line: number): number {
    const isSimple = typeof value === 'string' || (typeof value === 'number' && value !== 0);
    const known = isSimple ? this.#numbers.get(value) : undefined;
    if (known !== undefined) return known;
    const text = isSimple ? null : textOf(value, line);
    const number = (text === null ? undefined : this.#texts.get(text)) ?? this.#values;
    if (number === this.#values) this.#values += 1;
    if (text === null) this.#numbers.set(value, number);
    else this.#texts.set(text, number);
    return number;
  }

  build(): KeyHistory {
    const placed = inPlacesOfTheirOwn(this.#operations);
    const written = new Set(placed.filter(({ kind }) => kind !== readKind).map((operation) => leftBehind(operation)));
    written.add(this.#initial);
    const seen = new Set(placed.filter(isObservation).map(({ value }) => value));
    const visible = new Map<number, number>();
    for (const { value, index } of this.#failed) if (!this.#isMutex && seen.has(value) && !written.has(value)) visible.set(value, index);
    return {
      key: this.#key,
      operations: registerOperations(placed, this.#initial, this.#values),
      observations: this.#observations,
      failedButVisible: [...visible.values()],
    };
  }
}

function leftBehind({ kind, value, newValue }: RegisterOperation): number {
  return kind === casKind ? (newValue as number) : value;
}

function isObservation({ kind, completed }: { readonly kind: RegisterKind; readonly completed: number }): boolean {
  return kind !== writeKind && completed !== Number.POSITIVE_INFINITY;
}

/** Moments counted anew within the key: a history of many keys must not cost each of them the events of all. */
function inPlacesOfTheirOwn(operations: readonly RegisterOperation[]): RegisterOperation[] {
  const moments = new Float64Array(operations.length * 2);
  let count = 0;
  for (const { invoked, completed } of operations) {
    moments[count++] = invoked;
    if (completed !== Number.POSITIVE_INFINITY) moments[count++] = completed;
  }
  const sorted = moments.subarray(0, count).sort();
  if (sorted.every((moment, at) => moment === at)) return operations as RegisterOperation[];
  const places = new Map<number, number>();
  sorted.forEach((moment, at) => {
    places.set(moment, at);
  });
  return operations.map((operation) => ({
    ...operation,
    invoked: places.get(operation.invoked) as number,
    completed: places.get(operation.completed) ?? Number.POSITIVE_INFINITY,
  }));
}

function textOf(datum: Datum, line: number): string {
  const text = canonicalText(datum);
  if (text === null) throw new MalformedHistory(line, `a value nests deeper than ${depthMax}`);
  return text;
}

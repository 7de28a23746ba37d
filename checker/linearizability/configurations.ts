/**
 * Linearizability of a register with compare-and-set, or with values that repeat: a search over configurations, within a budget.
 *
 * After Wing and Gong (Testing and verifying concurrent objects, 1993) and Lowe (Testing for linearizability, 2017), just in time as in Knossos
 * (Kingsbury): events are taken in order, and only when an operation completes must it have taken effect, in every configuration that is kept. None
 * left: not linearizable. What keeps the number of configurations small, all of it without loss:
 *
 * - A read takes effect the moment its value is there: it changes nothing.
 * - An open operation, which need not take effect at all, does so only where the very next step needs what it leaves behind; one whose value nobody
 *   ever needs is dropped. Open operations of the same effect are a class: only their number counts.
 * - Of pending operations with the same effect the one that completes first goes first.
 * - The same holds for a write that will complete: it takes effect early only for the sake of one that waits for its value. That it took effect just
 *   before another write, or while its value was there anyway, and left no trace, is noticed when it completes.
 * - A configuration is dropped when another has the same value and the same writes behind it, used no more open operations and owes no more answers.
 */
import {
  type Configuration,
  ConfigurationSet,
  excluding,
  including,
  nothing,
  type OperationSet,
  usedOf,
  usingOneMore,
} from './configuration.js';
import { casKind, type RegisterOperations, readKind, writeKind } from './register-operations.js';

export type SearchResult =
  | { readonly kind: 'linearizable'; readonly steps: number }
  /** The operation, by position in the arrays, up to whose completion no order explains all answers. */
  | { readonly kind: 'not-linearizable'; readonly operation: number; readonly steps: number }
  | { readonly kind: 'out-of-budget'; readonly operation: number; readonly steps: number };

/** Open operations of one effect. */
interface OpenClass {
  readonly from: number;
  readonly to: number;
  readonly isWrite: boolean;
  /** Invoked so far. */
  available: number;
}

/** The operation that must have taken effect by now. */
interface Completing {
  readonly operation: number;
  readonly now: number;
}

/** Judges a history. A step is about the work of one event, or of one look at a configuration while little else is pending. */
export function searchConfigurations(history: RegisterOperations, stepsMax: number): SearchResult {
  return new Search(history, stepsMax).run();
}

class Search {
  readonly #history: RegisterOperations;
  readonly #stepsMax: number;
  #steps = 0;
  #configurations: Configuration[];
  /** Operations that were invoked and will complete: reads, and the others in the order of their completion. */
  readonly #reads: number[] = [];
  readonly #changes: number[] = [];
  readonly #classes: OpenClass[] = [];
  /** By what they leave behind: open comparisons. */
  readonly #comparisonsTo = new Map<number, OpenClass[]>();
  /** Of an open operation that may be needed: its class; -1 of others. */
  readonly #classOf: Int32Array;

  constructor(history: RegisterOperations, stepsMax: number) {
    this.#history = history;
    this.#stepsMax = stepsMax;
    this.#configurations = [{ value: history.initial, done: nothing, excused: nothing, used: nothing, writtenAt: -1 }];
    this.#classOf = this.#classify(needOf(history));
  }

  #classify(isNeeded: (open: number) => boolean): Int32Array {
    const { count, kinds, values, newValues, completed } = this.#history;
    const classOf = new Int32Array(count).fill(-1);
    const byEffect = new Map<string, number>();
    for (let at = 0; at < count; at += 1) {
      if (completed[at] !== Number.POSITIVE_INFINITY || !isNeeded(at)) continue;
      const isWrite = kinds[at] === writeKind;
      const effect = isWrite ? `${values[at]}` : `${values[at]} ${newValues[at]}`;
      const known = byEffect.get(effect);
      if (known === undefined) {
        byEffect.set(effect, this.#classes.length);
        const to = (isWrite ? values[at] : newValues[at]) as number;
        const made = { from: values[at] as number, to, isWrite, available: 0 };
        this.#classes.push(made);
        if (!isWrite) this.#comparisonsTo.set(to, [...(this.#comparisonsTo.get(to) ?? []), made]);
      }
      classOf[at] = known ?? this.#classes.length - 1;
    }
    return classOf;
  }

  run(): SearchResult {
    const { kinds, completed } = this.#history;
    for (const event of eventsInOrder(this.#history)) {
      this.#steps += 1;
      const operation = event >> 1;
      if ((event & 1) === 0) {
        if (completed[operation] === Number.POSITIVE_INFINITY) this.#opened(operation);
        else if (kinds[operation] === readKind) this.#readInvoked(operation);
        else this.#changeInvoked(operation);
        continue;
      }
      const next = this.#completed(operation);
      if (next === null) return { kind: 'out-of-budget', operation, steps: this.#steps };
      if (next.all.length === 0) return { kind: 'not-linearizable', operation, steps: this.#steps };
      this.#configurations = next.undominated();
    }
    return { kind: 'linearizable', steps: this.#steps };
  }

  #opened(operation: number): void {
    const operationClass = this.#classes[this.#classOf[operation] as number];
    if (operationClass !== undefined) operationClass.available += 1;
  }

  #readInvoked(operation: number): void {
    this.#reads.push(operation);
    this.#excuseWhereValueIsThere(operation);
  }

  #excuseWhereValueIsThere(operation: number): void {
    const value = this.#history.values[operation];
    this.#steps += this.#configurations.length >> 4;
    this.#configurations = this.#configurations.map((each) =>
      each.value === value ? { ...each, excused: including(each.excused, operation) } : each,
    );
  }

  #changeInvoked(operation: number): void {
    const { kinds, completed } = this.#history;
    if (kinds[operation] === writeKind) this.#excuseWhereValueIsThere(operation);
    const later = this.#changes.findIndex((other) => (completed[other] as number) > (completed[operation] as number));
    if (later < 0) this.#changes.push(operation);
    else this.#changes.splice(later, 0, operation);
  }

  /** All configurations in which the operation has taken effect, or need not have; null when the budget is spent. */
  #completed(operation: number): ConfigurationSet | null {
    const { kinds, optional, invoked, completed } = this.#history;
    const isRead = kinds[operation] === readKind;
    const isWrite = kinds[operation] === writeKind;
    const now = completed[operation] as number;
    const reached = new ConfigurationSet();
    const seen = new ConfigurationSet();
    const pending: Configuration[] = [];
    const reach = (configuration: Configuration): void => {
      const { done, excused } = configuration;
      reached.add({ ...configuration, done: excluding(done, operation), excused: excluding(excused, operation) });
    };
    const meet = (configuration: Configuration): void => {
      const { done, excused, writtenAt } = configuration;
      if ((isRead ? excused : done).includes(operation)) return reach(configuration);
      const leftNoTrace = isWrite && (excused.includes(operation) || writtenAt > (invoked[operation] as number));
      if (leftNoTrace || optional[operation] === 1) reach(configuration);
      if (seen.add(configuration)) pending.push(configuration);
    };
    for (const configuration of this.#configurations) meet(configuration);
    for (let configuration = pending.pop(); configuration !== undefined; configuration = pending.pop()) {
      this.#steps += 1 + ((this.#changes.length + this.#reads.length + this.#classes.length) >> 3);
      if (this.#steps > this.#stepsMax) return null;
      this.#eachStep(configuration, { operation, now }, meet);
    }
    const waiting = isRead ? this.#reads : this.#changes;
    waiting.splice(waiting.indexOf(operation), 1);
    return reached;
  }

  /** Every configuration that is one effect further, on the way to that of the operation which is about to complete. */
  #eachStep(configuration: Configuration, completing: Completing, meet: (next: Configuration) => void): void {
    const { kinds, values, newValues } = this.#history;
    const { value, done } = configuration;
    let wanted: ReadonlySet<number> | null = null;
    for (let at = 0; at < this.#changes.length; at += 1) {
      const operation = this.#changes[at] as number;
      if (done.includes(operation)) continue;
      const isWrite = kinds[operation] === writeKind;
      const to = (isWrite ? values[operation] : newValues[operation]) as number;
      if (!isWrite && values[operation] !== value) continue;
      if (this.#twinGoesFirst(operation, at, done)) continue;
      if (isWrite && operation !== completing.operation) {
        wanted ??= this.#wantedIn(configuration);
        if (!wanted.has(to) || isIdle(configuration, to, completing)) continue;
      }
      const writtenAt = isWrite ? completing.now : configuration.writtenAt;
      const excused = excluding(configuration.excused, operation);
      meet(this.#withExcused({ ...configuration, value: to, done: including(done, operation), excused, writtenAt }));
    }
    for (let at = 0; at < this.#classes.length; at += 1) {
      const { from, to, isWrite, available } = this.#classes[at] as OpenClass;
      if (available === 0 || (!isWrite && from !== value) || usedOf(configuration.used, at) >= available) continue;
      wanted ??= this.#wantedIn(configuration);
      if (!wanted.has(to) || (isWrite ? isIdle(configuration, to, completing) : to === value)) continue;
      const writtenAt = isWrite ? completing.now : configuration.writtenAt;
      meet(this.#withExcused({ ...configuration, value: to, used: usingOneMore(configuration.used, at), writtenAt }));
    }
  }

  /** Whether another pending operation of the same effect completes before this one; but one that must take effect waits for none that need not. */
  #twinGoesFirst(operation: number, position: number, done: OperationSet): boolean {
    const { kinds, values, newValues, optional } = this.#history;
    for (let at = 0; at < position; at += 1) {
      const other = this.#changes[at] as number;
      if (optional[other] === 1 && optional[operation] === 0) continue;
      if (values[other] !== values[operation] || newValues[other] !== newValues[operation] || kinds[other] !== kinds[operation]) continue;
      if (!done.includes(other)) return true;
    }
    return false;
  }

  /** Excuses the reads and writes whose value is there now. */
  #withExcused(configuration: Configuration): Configuration {
    const { kinds, values } = this.#history;
    let { excused } = configuration;
    for (const operation of this.#reads) {
      if (values[operation] === configuration.value && !excused.includes(operation)) excused = including(excused, operation);
    }
    for (const operation of this.#changes) {
      if (kinds[operation] !== writeKind || values[operation] !== configuration.value) continue;
      if (!excused.includes(operation) && !configuration.done.includes(operation)) excused = including(excused, operation);
    }
    return excused === configuration.excused ? configuration : { ...configuration, excused };
  }

  /** The values that an operation which is waiting needs, or an open one that could then be of use. */
  #wantedIn({ done, excused }: Configuration): ReadonlySet<number> {
    const { kinds, values } = this.#history;
    const wanted = new Set<number>();
    for (const operation of this.#reads) if (!excused.includes(operation)) wanted.add(values[operation] as number);
    for (const operation of this.#changes) {
      if (kinds[operation] === casKind && !done.includes(operation)) wanted.add(values[operation] as number);
    }
    // A Set is walked to its end, and that moves as values are added.
    for (const value of wanted) {
      for (const { from, available } of this.#comparisonsTo.get(value) ?? []) if (available > 0) wanted.add(from);
    }
    return wanted;
  }
}

/** Whether a write would change nothing: the value is there, and what it could have overwritten without a trace already was. */
function isIdle({ value, writtenAt }: Configuration, to: number, { now }: Completing): boolean {
  return to === value && writtenAt === now;
}

/** Which open operations leave something behind that an operation needs which completes, or an open one that is needed itself. */
function needOf({ count, kinds, values, newValues, invoked, completed, valueCount }: RegisterOperations): (open: number) => boolean {
  const neededUntil = new Float64Array(valueCount).fill(-1);
  const openComparisons = new Map<number, number[]>();
  for (let at = 0; at < count; at += 1) {
    if (kinds[at] === writeKind) continue;
    if (completed[at] !== Number.POSITIVE_INFINITY) {
      neededUntil[values[at] as number] = Math.max(neededUntil[values[at] as number] as number, completed[at] as number);
      continue;
    }
    const same = openComparisons.get(newValues[at] as number);
    if (same === undefined) openComparisons.set(newValues[at] as number, [at]);
    else same.push(at);
  }
  // An open comparison needs its value as long as what it leaves behind is needed. Longest needs first: each value is then reached once.
  const sources = [...openComparisons.keys()].sort((left, right) => (neededUntil[right] as number) - (neededUntil[left] as number));
  const pending: number[] = [];
  for (const source of sources) {
    const until = neededUntil[source] as number;
    pending.push(source);
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      for (const at of openComparisons.get(value) ?? []) {
        const from = values[at] as number;
        if (until <= (invoked[at] as number) || until <= (neededUntil[from] as number)) continue;
        neededUntil[from] = until;
        pending.push(from);
      }
    }
  }
  const leavesBehind = (at: number): number => (kinds[at] === writeKind ? values[at] : newValues[at]) as number;
  return (at) => (neededUntil[leavesBehind(at)] as number) > (invoked[at] as number);
}

/** Invocations as twice the operation, completions as that and one; in order. */
function eventsInOrder({ count, invoked, completed }: RegisterOperations): Int32Array {
  let latest = 0;
  for (let at = 0; at < count; at += 1) {
    const end = completed[at] as number;
    latest = Math.max(latest, end === Number.POSITIVE_INFINITY ? (invoked[at] as number) : end);
  }
  const cells = new Int32Array(latest + 1).fill(-1);
  for (let at = 0; at < count; at += 1) {
    cells[invoked[at] as number] = at * 2;
    if (completed[at] !== Number.POSITIVE_INFINITY) cells[completed[at] as number] = at * 2 + 1;
  }
  return cells.filter((event) => event >= 0);
}

/**
 * A configuration of a register: its value, and which operations have already taken effect among those whose answers are still to come. Sets of them are
 * small nearly always; a set is compared one by one until it grows.
 */

/** Numbers of operations, ascending. Immutable. */
export type OperationSet = readonly number[];

export interface Configuration {
  readonly value: number;
  /** Writes and compare-and-sets that have taken effect and have not completed yet. */
  readonly done: OperationSet;
  /** Reads that have been legal and have not completed yet; and writes that could have taken effect without a trace, since their value was there. */
  readonly excused: OperationSet;
  /** How many of each class of open operations have taken effect: class, count, class, count …; classes ascend. */
  readonly used: OperationSet;
  /** The moment at which a write last took effect; -1 before any. A write that was under way then may have taken effect just before, and left no trace. */
  readonly writtenAt: number;
}

export const nothing: OperationSet = [];
/** Up to so many configurations are compared one by one. */
const comparedMax = 8;

export function including(set: OperationSet, operation: number): OperationSet {
  const at = set.findIndex((other) => other > operation);
  return at < 0 ? [...set, operation] : [...set.slice(0, at), operation, ...set.slice(at)];
}

export function excluding(set: OperationSet, operation: number): OperationSet {
  if (set.length === 1) return set[0] === operation ? nothing : set;
  return set.filter((other) => other !== operation);
}

export function usedOf(used: OperationSet, operationClass: number): number {
  for (let at = 0; at < used.length; at += 2) if (used[at] === operationClass) return used[at + 1] as number;
  return 0;
}

export function usingOneMore(used: OperationSet, operationClass: number): OperationSet {
  for (let at = 0; at < used.length; at += 2) {
    const other = used[at] as number;
    if (other === operationClass) return [...used.slice(0, at + 1), (used[at + 1] as number) + 1, ...used.slice(at + 2)];
    if (other > operationClass) return [...used.slice(0, at), operationClass, 1, ...used.slice(at)];
  }
  return [...used, operationClass, 1];
}

/** Configurations, each once: of those that differ only in when a write last took effect the latest, which can do whatever the others can. */
export class ConfigurationSet {
  readonly all: Configuration[] = [];
  /** By hash: the position of the latest with that hash. The others of it follow by `#earlier`. */
  #latest: Map<number, number> | null = null;
  readonly #earlier: number[] = [];

  /** False when it was there, or one as good. */
  add(configuration: Configuration): boolean {
    const at = this.#find(configuration);
    if (at < 0) {
      this.#append(configuration);
      return true;
    }
    if ((this.all[at] as Configuration).writtenAt >= configuration.writtenAt) return false;
    this.all[at] = configuration;
    return true;
  }

  #append(configuration: Configuration): void {
    if (this.#latest !== null) this.#enter(configuration, this.all.length);
    this.all.push(configuration);
    if (this.#latest !== null || this.all.length < comparedMax) return;
    this.#latest = new Map();
    this.all.forEach((each, at) => {
      this.#enter(each, at);
    });
  }

  #enter(configuration: Configuration, at: number): void {
    const hash = hashOf(configuration);
    this.#earlier[at] = this.#latest?.get(hash) ?? -1;
    this.#latest?.set(hash, at);
  }

  #find(configuration: Configuration): number {
    if (this.#latest === null) return this.all.findIndex((other) => isEqual(other, configuration));
    let at = this.#latest.get(hashOf(configuration)) ?? -1;
    while (at >= 0 && !isEqual(this.all[at] as Configuration, configuration)) at = this.#earlier[at] as number;
    return at;
  }

  /** Leaves out whatever is dominated by another one. */
  undominated(): Configuration[] {
    if (this.all.length <= 1) return this.all;
    const groups = new Map<number, Configuration[]>();
    for (const configuration of this.all) {
      const hash = hashInto(configuration.value, configuration.done);
      const group = groups.get(hash);
      if (group === undefined) groups.set(hash, [configuration]);
      else group.push(configuration);
    }
    const kept: Configuration[] = [];
    for (const group of groups.values()) kept.push(...(group.length <= comparedInGroupMax ? maximal(group) : group));
    return kept;
  }
}

/** Beyond this, finding out who dominates whom costs more than it saves. */
const comparedInGroupMax = 256;

function maximal(group: readonly Configuration[]): readonly Configuration[] {
  if (group.length === 1) return group;
  return group.filter((each) => !group.some((other) => other !== each && dominates(other, each)));
}

/**
 * Whether whatever the second can still lead to, the first can as well: it has the same value and the same writes behind it, has used up no more
 * open operations, owes no more answers, and its last write is no earlier.
 */
function dominates(one: Configuration, other: Configuration): boolean {
  if (one.writtenAt < other.writtenAt || one.value !== other.value || !sameSet(one.done, other.done)) return false;
  for (let at = 0; at < one.used.length; at += 2) {
    if ((one.used[at + 1] as number) > usedOf(other.used, one.used[at] as number)) return false;
  }
  return one.excused.length >= other.excused.length && other.excused.every((operation) => one.excused.includes(operation));
}

function isEqual(one: Configuration, other: Configuration): boolean {
  return one.value === other.value && sameSet(one.done, other.done) && sameSet(one.excused, other.excused) && sameSet(one.used, other.used);
}

function sameSet(one: OperationSet, other: OperationSet): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

function hashOf({ value, done, excused, used }: Configuration): number {
  return hashInto(hashInto(hashInto(value, done), excused), used);
}

/** Multiplicative hashing, after Knuth; the length keeps one set from running into the next. */
function hashInto(start: number, set: OperationSet): number {
  let hash = Math.imul(start ^ set.length, 0x9e3779b1);
  for (let at = 0; at < set.length; at += 1) hash = Math.imul(hash ^ (set[at] as number), 0x9e3779b1) ^ (hash >>> 15);
  return hash;
}

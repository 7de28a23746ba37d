/** Both judges of registers against a third that tries every order, on small histories; and on histories that are known to be hard. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { searchConfigurations } from './configurations.js';
import { minimalEvidence, suspicionUntil } from './minimal-evidence.js';
import { judgeRegister } from './register.js';
import {
  casKind,
  type RegisterOperation,
  type RegisterOperations,
  readKind,
  registerOperations,
  writeKind,
} from './register-operations.js';
import { hasUniqueValues, judgeByIntervals } from './value-intervals.js';

const laws = suite('linearizability of registers');
const budget = { stepsMax: 1_000_000, evidenceStepsMax: 100_000 };
const open = Number.POSITIVE_INFINITY;

/** Every order that real time allows, one operation after the other. */
function hasAnyOrder(operations: readonly RegisterOperation[], value: number): boolean {
  if (operations.every(({ completed }) => completed === open)) return true;
  const earliestEnd = Math.min(...operations.map(({ completed }) => completed));
  return operations.some((operation) => {
    if (operation.invoked > earliestEnd) return false;
    if (operation.kind !== writeKind && operation.value !== value) return false;
    const rest = operations.filter((other) => other !== operation);
    const after = operation.kind === readKind ? value : operation.kind === writeKind ? operation.value : (operation.newValue as number);
    return hasAnyOrder(rest, after);
  });
}

/** Tries each open operation both as one that happened and as one that did not. */
function isLinearizable(operations: readonly RegisterOperation[]): boolean {
  const optional = operations.filter(({ completed, kind }) => completed === open && kind !== readKind);
  const certain = operations.filter(({ completed }) => completed !== open);
  for (let chosen = 0; chosen < 2 ** optional.length; chosen += 1) {
    const taken = optional.filter((_, at) => (chosen >> at) % 2 === 1);
    if (hasAnyOrder([...certain, ...taken], 0)) return true;
  }
  return false;
}

interface Shape {
  readonly kinds: readonly (typeof readKind | typeof writeKind | typeof casKind)[];
  readonly values: number;
  readonly unique: boolean;
}

/** Processes that each do one thing at a time; the draws say what and how the events of all interleave. */
function historyOf(shape: Shape): fc.Arbitrary<RegisterOperation[]> {
  const step = fc.record({
    process: fc.nat(4),
    kind: fc.constantFrom(...shape.kinds),
    value: fc.nat(shape.values - 1),
    newValue: fc.nat(shape.values - 1),
    isOpen: fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0),
  });
  return fc.array(step, { minLength: 2, maxLength: 18 }).map((steps) => {
    const running = new Map<number, RegisterOperation & { completed: number }>();
    const operations: (RegisterOperation & { completed: number })[] = [];
    let written = 0;
    steps.forEach(({ process, kind, value, newValue, isOpen }, moment) => {
      const current = running.get(process);
      if (current !== undefined && !isOpen) current.completed = moment;
      if (current !== undefined) {
        running.delete(process);
        return;
      }
      if (operations.length >= 8) return;
      if (kind === writeKind) written += 1;
      const made = {
        kind,
        value: shape.unique && kind === writeKind ? written : value,
        ...(kind === casKind ? { newValue } : {}),
        invoked: moment,
        completed: open,
        index: operations.length,
      };
      operations.push(made);
      running.set(process, made);
    });
    return operations.filter(({ kind, completed }) => kind !== readKind || completed !== open);
  });
}

const arrays = (operations: readonly RegisterOperation[]): RegisterOperations => registerOperations(operations, 0, 16);

function agreesWithEveryOrder(shape: Shape, judge: (history: RegisterOperations) => boolean): { yes: number; no: number } {
  const seen = { yes: 0, no: 0 };
  fc.assert(
    fc.property(historyOf(shape), (operations) => {
      const expected = isLinearizable(operations);
      seen[expected ? 'yes' : 'no'] += 1;
      assert.is(judge(arrays(operations)), expected);
    }),
    { numRuns: 8_000, seed: 4 },
  );
  return seen;
}

laws('value intervals say what every order says', () => {
  const shape: Shape = { kinds: [readKind, readKind, writeKind], values: 4, unique: true };
  const { yes, no } = agreesWithEveryOrder(shape, (history) => {
    assert.ok(hasUniqueValues(history));
    return judgeByIntervals(history) === null;
  });
  assert.ok(yes > 300 && no > 300, `${yes} and ${no}`);
});

laws('configurations say what every order says', () => {
  for (const shape of [
    { kinds: [readKind, writeKind], values: 3, unique: false },
    { kinds: [readKind, readKind, writeKind], values: 4, unique: true },
    { kinds: [readKind, writeKind, casKind], values: 3, unique: false },
    { kinds: [casKind], values: 2, unique: false },
    { kinds: [writeKind, casKind, casKind], values: 3, unique: false },
  ] as const) {
    const { yes, no } = agreesWithEveryOrder(shape, (history) => searchConfigurations(history, budget.stepsMax).kind === 'linearizable');
    assert.ok(yes > 200 && no > 200, `${yes} and ${no}`);
  }
});

/** With the others free: reads gone, the rest taking effect in their time or not at all. */
function canBeTrue(operations: readonly RegisterOperation[], bound: ReadonlySet<number>): boolean {
  const certain = operations.filter(({ index }) => bound.has(index));
  const optional = operations.filter(({ kind, index }) => kind !== readKind && !bound.has(index));
  return Array.from({ length: 2 ** optional.length }, (_, chosen) => optional.filter((_, at) => (chosen >> at) % 2 === 1)).some((taken) =>
    hasAnyOrder([...certain, ...taken], 0),
  );
}

laws('evidence convicts alone, and nothing in it is idle', () => {
  for (const shape of [
    { kinds: [readKind, readKind, writeKind], values: 4, unique: true },
    { kinds: [readKind, writeKind, casKind], values: 3, unique: false },
  ] as const) {
    let convicted = 0;
    fc.assert(
      fc.property(historyOf(shape), (operations) => {
        const judged = judgeRegister(arrays(operations), budget);
        if (judged.kind !== 'not-linearizable') return;
        convicted += 1;
        assert.ok(judged.fault.minimal);
        assert.not(canBeTrue(operations, new Set(judged.fault.operations)), 'together they cannot be true');
        const found = searchConfigurations(arrays(operations), budget.stepsMax);
        if (found.kind !== 'not-linearizable') return;
        const suspicion = suspicionUntil(arrays(operations), found.operation);
        const at = minimalEvidence(arrays(operations), suspicion, budget.evidenceStepsMax).operations;
        const named = at.map((position) => (operations[position] as RegisterOperation).index);
        assert.not(canBeTrue(operations, new Set(named)), 'the least set cannot be true');
        for (const one of named) {
          assert.ok(canBeTrue(operations, new Set(named.filter((other) => other !== one))), `without ${one} they can`);
        }
      }),
      { numRuns: 1_500, seed: 5 },
    );
    assert.ok(convicted > 150, `${convicted}`);
  }
});

type Told = readonly [kind: RegisterOperation['kind'], value: number, invoked: number, completed: number, newValue?: number];

function told(...operations: readonly Told[]): RegisterOperations {
  return arrays(
    operations.map(([kind, value, invoked, completed, newValue], index) => ({
      kind,
      value,
      invoked,
      completed,
      index,
      ...(newValue === undefined ? {} : { newValue }),
    })),
  );
}

laws('a stale read is told with the write that it missed', () => {
  const judged = judgeRegister(told([writeKind, 1, 0, 1], [writeKind, 2, 2, 3], [readKind, 2, 4, 5], [readKind, 1, 6, 7]), budget);
  assert.is(judged.kind, 'not-linearizable');
  if (judged.kind === 'not-linearizable') assert.equal(judged.fault.operations, [0, 1, 3]);
});

laws('a value from nowhere, or from the future, is told alone', () => {
  const nowhere = judgeRegister(told([writeKind, 1, 0, 1], [readKind, 9, 2, 3]), budget);
  const future = judgeRegister(told([readKind, 1, 0, 1], [writeKind, 1, 2, 3]), budget);
  const repeated = judgeRegister(told([readKind, 1, 0, 1], [writeKind, 1, 2, 3], [writeKind, 1, 4, 5]), budget);
  assert.equal(nowhere.kind === 'not-linearizable' && nowhere.fault.operations, [1]);
  assert.equal(future.kind === 'not-linearizable' && future.fault.operations, [0, 1]);
  assert.equal(repeated.kind === 'not-linearizable' && repeated.fault.operations, [0]);
});

laws('an open write may take effect late, once, or never', () => {
  const late: Told[] = [
    [writeKind, 1, 0, open],
    [writeKind, 2, 1, 2],
    [readKind, 2, 3, 4],
    [readKind, 1, 5, 6],
  ];
  assert.is(judgeRegister(told(...late), budget).kind, 'linearizable');
  assert.is(judgeRegister(told(...late, [readKind, 2, 7, 8]), budget).kind, 'not-linearizable');
  assert.is(judgeRegister(told([writeKind, 1, 0, open], [readKind, 0, 1, 2], [writeKind, 0, 3, 4]), budget).kind, 'linearizable');
});

laws('an open write may bury another and bring back what was there', () => {
  const buried: Told[] = [
    [casKind, 0, 0, 3, 2],
    [writeKind, 0, 1, open],
    [writeKind, 1, 2, 4],
    [casKind, 2, 5, 6, 0],
  ];
  assert.is(searchConfigurations(told(...buried), budget.stepsMax).kind, 'linearizable');
});

laws('many open operations cost nothing unless they are needed', () => {
  const operations: Told[] = [];
  let moment = 0;
  for (let at = 0; at < 60; at += 1) operations.push([casKind, at % 4, moment++, open, (at + 1) % 4]);
  for (let at = 0; at < 100; at += 1) {
    operations.push([writeKind, at % 5, moment, moment + 1], [readKind, at % 5, moment + 2, moment + 3]);
    moment += 4;
  }
  const result = searchConfigurations(told(...operations), budget.stepsMax);
  assert.is(result.kind, 'linearizable');
  assert.ok(result.steps < 2_000, `${result.steps} steps`);
});

laws('a crowd of which each waits for another ends within the budget or says so', () => {
  const crowd = 20;
  const operations: Told[] = [[writeKind, 0, 0, open]];
  for (let at = 0; at < crowd; at += 1) {
    operations.push([writeKind, at % 16, 2 * at + 1, 4 * crowd + at], [readKind, at % 16, 2 * at + 2, 3 * crowd + at]);
  }
  const result = searchConfigurations(told(...operations), 2_000);
  assert.is(result.kind, 'out-of-budget');
  assert.ok(result.steps < 2_100);
  assert.is(judgeRegister(told(...operations), { ...budget, stepsMax: 2_000 }).kind, 'out-of-budget');
});

laws('evidence says when it gave up making itself smaller', () => {
  const operations: Told[] = [];
  for (let at = 0; at < 100; at += 1) operations.push([writeKind, at % 3, 4 * at, 4 * at + 1], [readKind, at % 3, 4 * at + 2, 4 * at + 3]);
  operations.push([readKind, 1, 400, 401]);
  const history = told(...operations);
  const found = searchConfigurations(history, budget.stepsMax);
  assert.is(found.kind, 'not-linearizable');
  if (found.kind !== 'not-linearizable') return;
  const suspicion = suspicionUntil(history, found.operation);
  assert.not(minimalEvidence(history, suspicion, 10).minimal);
  const evidence = minimalEvidence(history, suspicion, budget.evidenceStepsMax);
  assert.ok(evidence.minimal);
  assert.equal(evidence.operations, [198, 200], 'the last write, and the read that did not see it');
});

laws.run();

/**
 * Judges histories from elsewhere: what `engram-sim check` does with the events of a file. Keys are judged separately; a history in which nothing was
 * observed is unknown, never ok.
 */
import type { Verdict } from '../history.js';
import { judgeRegister, type RegisterJudgement } from '../linearizability/register.js';
import { briefly, canonicalText, type Datum, DatumSet, MalformedHistory } from './datum.js';
import type { ForeignEvent } from './events.js';
import { type ForeignOperation, pairEvents } from './pairing.js';
import { type KeyHistory, keyHistories, type RegisterModel } from './registers.js';
import { judgeSet, type SetFinding, type SetJudgement } from './sets.js';

export type ForeignModel = RegisterModel | 'set';

/** The operations of each model. */
export const operationsOfModel: Readonly<Record<ForeignModel, readonly string[]>> = {
  register: ['read', 'write'],
  'cas-register': ['read', 'write', 'cas'],
  mutex: ['acquire', 'release'],
  set: ['read', 'add'],
};

export const foreignModels = Object.keys(operationsOfModel) as readonly ForeignModel[];

/** Steps of the search over configurations for a whole file: a fixed part, and some for each operation. It ends within seconds. */
const searchStepsBase = 1_000_000;
const searchStepsPerOperation = 16;
const evidenceSteps = 200_000;
const evidenceMax = 10;

/** Why this initial value does not suit the model; null when it does. */
export function initialFault(model: ForeignModel, initial: Datum): string | null {
  if (model === 'mutex' && initial !== null && typeof initial !== 'boolean')
    return 'a mutex is free (null or false) or held (true) at first';
  if (model === 'set' && initial !== null && !Array.isArray(initial)) return 'a set holds a list of elements at first, or null for none';
  return null;
}

/** Judges the events of one history. Throws MalformedHistory when they cannot have happened, or are none of the model. */
export function judgeForeignHistory(events: readonly ForeignEvent[], model: ForeignModel, initial: Datum): Verdict {
  const known = operationsOfModel[model];
  for (const { f, line } of events) {
    if (!known.includes(f))
      throw new MalformedHistory(line, `${JSON.stringify(f)} is no operation of the model ${model} (${known.join(', ')})`);
  }
  const operations = withKeysApart(pairEvents(events));
  return model === 'set' ? judgeSets(operations, initial) : judgeRegisters(operations, model, initial);
}

/**
 * Jepsen writes a keyed operation's value as [key value]. Taken for that when no event has a key of its own, every value has two parts, and the
 * invocations of reads, acquires and releases, which carry no value, all read [key nil].
 */
function withKeysApart(operations: readonly ForeignOperation[]): readonly ForeignOperation[] {
  const isPair = (value: Datum | undefined): value is readonly [Datum, Datum] => Array.isArray(value) && value.length === 2;
  const isEmpty = ({ f }: ForeignOperation): boolean => f === 'read' || f === 'acquire' || f === 'release';
  const arePairs = operations.every(
    (operation) =>
      operation.key === undefined &&
      isPair(operation.asked) &&
      (operation.answered === undefined || operation.answered === null || isPair(operation.answered)) &&
      (!isEmpty(operation) || operation.asked[1] === null),
  );
  if (!arePairs || !operations.some(isEmpty)) return operations;
  return operations.map((operation) => {
    const [key, asked] = operation.asked as unknown as [Datum, Datum];
    const answered = isPair(operation.answered) ? operation.answered[1] : operation.answered;
    return { ...operation, key, asked, answered };
  });
}

function judgeRegisters(operations: readonly ForeignOperation[], model: RegisterModel, initial: Datum): Verdict {
  const histories = keyHistories(operations, model, initial);
  let stepsLeft = searchStepsBase + searchStepsPerOperation * operations.length;
  const judged = histories.map((history) => {
    const judgement = judgeRegister(history.operations, { stepsMax: stepsLeft, evidenceStepsMax: evidenceSteps });
    stepsLeft = Math.max(0, stepsLeft - judgement.steps);
    return { history, judgement };
  });
  const figures = {
    model,
    operationCount: operations.length,
    keys: histories.length,
    methods: countBy(judged.map(({ judgement }) => judgement.method)),
  };
  const broken = judged.flatMap(({ history, judgement }) => (judgement.kind === 'not-linearizable' ? [{ history, judgement }] : []));
  if (broken.length > 0) return violationOf(broken, figures);
  const undecided = judged.filter(({ judgement }) => judgement.kind === 'out-of-budget');
  if (undecided.length > 0) {
    const where = keyText(undecided[0]?.history.key);
    const reason = `the search was given up${where}: too many operations overlap to find or rule out an order within its budget`;
    return { verdict: 'unknown', reason, undecidedKeys: undecided.length, ...figures };
  }
  if (operations.length === 0) return { verdict: 'unknown', reason: 'the history has no operations', ...figures };
  if (histories.every(({ observations }) => observations === 0)) {
    return { verdict: 'unknown', reason: 'nothing was observed: no read or compare-and-set succeeded', ...figures };
  }
  return { verdict: 'ok', ...figures };
}

interface Broken {
  readonly history: KeyHistory;
  readonly judgement: Extract<RegisterJudgement, { readonly kind: 'not-linearizable' }>;
}

/** One key's evidence is told: the first's, so that a reader has one thing to understand. */
function violationOf(broken: readonly Broken[], figures: Readonly<Record<string, unknown>>): Verdict {
  const { history, judgement } = broken[0] as Broken;
  const { fault } = judgement;
  const failed = history.failedButVisible;
  const reason = failed.length > 0 ? `${fault.reason}; a failed operation's value was seen` : fault.reason;
  const more = broken.length === 1 ? '' : ` (and ${broken.length - 1} more keys)`;
  return {
    verdict: 'violation',
    reason: `not linearizable${keyText(history.key)}: ${reason}${more}`,
    operations: [...new Set([...fault.operations, ...failed.slice(0, evidenceMax)])].sort((left, right) => left - right),
    minimal: fault.minimal,
    ...(history.key === undefined ? {} : { key: briefly(history.key) }),
    ...figures,
    keysBroken: broken.length,
  };
}

function judgeSets(operations: readonly ForeignOperation[], initial: Datum): Verdict {
  const byKey = new Map<string, ForeignOperation[]>();
  for (const operation of operations) {
    const name = operation.key === undefined ? '' : (canonicalText(operation.key) ?? '');
    const same = byKey.get(name);
    if (same === undefined) byKey.set(name, [operation]);
    else same.push(operation);
  }
  const atFirst = initial instanceof DatumSet ? initial.items : ((initial ?? []) as readonly Datum[]);
  const judged = [...byKey.values()].map((each) => judgeSet(each, atFirst));
  const findings = judged.flatMap((each) => each.findings);
  const sum = (figure: Exclude<keyof SetJudgement, 'findings'>): number => judged.reduce((total, each) => total + each[figure], 0);
  const figures = {
    model: 'set',
    operationCount: operations.length,
    keys: byKey.size,
    elements: sum('elements'),
    reads: sum('reads'),
    stale: sum('stale'),
    neverRead: sum('neverRead'),
    ...countsOf(findings),
  };
  if (findings.length > 0) return setViolation(findings, figures);
  if (operations.length === 0) return { verdict: 'unknown', reason: 'the history has no operations', ...figures };
  if (sum('reads') === 0) return { verdict: 'unknown', reason: 'nothing was observed: no read succeeded', ...figures };
  if (sum('judged') === 0 && sum('neverRead') > 0) {
    return { verdict: 'unknown', reason: 'no read was invoked after an element was known', ...figures };
  }
  return { verdict: 'ok', ...figures };
}

function countsOf(findings: readonly SetFinding[]): Readonly<Record<string, number>> {
  const count = (what: SetFinding['what']): number => findings.filter((finding) => finding.what === what).length;
  return { lost: count('lost'), phantom: count('phantom'), duplicated: count('duplicated'), failedButVisible: count('failed but visible') };
}

/** Each kind is told by its first case. */
function setViolation(findings: readonly SetFinding[], figures: Readonly<Record<string, unknown>>): Verdict {
  const kinds = [...new Set(findings.map(({ what }) => what))];
  const reasons = kinds.map((what) => {
    const cases = findings.filter((finding) => finding.what === what);
    const more = cases.length === 1 ? '' : ` and ${cases.length - 1} more`;
    return `${what}: ${briefly(cases[0]?.element)}${more}`;
  });
  const firsts = kinds.flatMap((what) => findings.find((finding) => finding.what === what)?.operations ?? []);
  return {
    verdict: 'violation',
    reason: reasons.join('; '),
    operations: [...new Set(firsts)].sort((left, right) => left - right),
    ...figures,
  };
}

function keyText(key: Datum | undefined): string {
  return key === undefined ? '' : ` on key ${briefly(key)}`;
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

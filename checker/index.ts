/** All checkers by name, and the judgement of a run by those that its scenario requires. */
import { confidence } from './confidence.js';
import { controlLog } from './control-log.js';
import { convergence } from './convergence.js';
import { durability } from './durability.js';
import { exercised } from './exercised.js';
import type { Checker, History, Verdict } from './history.js';
import { linearizability } from './linearizability.js';
import { loss } from './loss.js';
import { membership } from './membership.js';
import { placement } from './placement.js';
import { recall } from './recall.js';
import { sessions } from './sessions.js';
import { splitBrain } from './split-brain.js';
import { staleness } from './staleness.js';

export const checkers = {
  loss,
  convergence,
  'split-brain': splitBrain,
  durability,
  linearizability,
  sessions,
  recall,
  staleness,
  confidence,
  placement,
  'control-log': controlLog,
  membership,
  exercised,
} satisfies Readonly<Record<string, Checker>>;

export type CheckerName = keyof typeof checkers;

export const checkerNames = Object.keys(checkers) as readonly CheckerName[];

export interface Judgement {
  readonly verdicts: Readonly<Record<CheckerName, Verdict>>;
  /** The worst of the required ones; `unknown` when none of them applied. */
  readonly verdict: 'ok' | 'violation' | 'unknown';
  /** Null when ok. */
  readonly reason: string | null;
}

/** Judges a history by the required checkers; the others say `not-applicable`. A lost write is worse news than slow convergence and is told first. */
export function judge(history: History, required: readonly CheckerName[]): Judgement {
  const judged = checkerNames.map((name): [CheckerName, Verdict] => [
    name,
    required.includes(name) ? checkers[name](history) : { verdict: 'not-applicable', reason: 'not required by the scenario' },
  ]);
  const verdicts = Object.fromEntries(judged) as Record<CheckerName, Verdict>;
  const worst = judged.toSorted(([, left], [, right]) => badness(right) - badness(left))[0] as [CheckerName, Verdict];
  const [name, verdict] = worst;
  if (verdict.verdict === 'violation' || verdict.verdict === 'unknown') {
    return { verdicts, verdict: verdict.verdict, reason: `${name}: ${verdict.reason}` };
  }
  if (verdict.verdict === 'ok') return { verdicts, verdict: 'ok', reason: null };
  return { verdicts, verdict: 'unknown', reason: 'no required checker had anything to judge' };
}

function badness(verdict: Verdict): number {
  if (verdict.verdict === 'violation') return verdict.notConverged === true ? 3 : 4;
  if (verdict.verdict === 'unknown') return 2;
  return verdict.verdict === 'ok' ? 1 : 0;
}

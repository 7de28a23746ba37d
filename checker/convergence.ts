/**
 * Convergence: with load and faults over, all live copies of a space come to hold the same, with every acknowledged write in it, within a minute, and
 * stay so. Judged at the samples: the first from which on every later one agrees.
 *
 * While only a majority is healed the same is asked of the copies there: a cluster in which a node can send and not hear must not need that node to
 * settle. Only what is durable on one of them is asked of the others, and a memory of which one of them lists a version that none of them covers is
 * not compared: its record was damaged there, and the intact copy is beyond the cut.
 *
 * What copies that agree answer must be the same from each, and of concurrent versions the one of greatest confidence first.
 *
 * A write that another one took the place of may be gone from all copies, with all knowledge of it: a checkpoint that rots takes back that it was compacted.
 */
import type { SpaceKey } from '../core/identifiers.js';
import { wrongChoice } from './chosen-versions.js';
import { CopyDigests } from './copy-digest.js';
import type { Checker, ConvergenceSample, CopyState, History, Operation } from './history.js';
import { unlessLostWithDisk } from './lost-with-disks.js';
import { isWrite, type Memory, type Step, tracesOf } from './memory-traces.js';
import { differentAnswers } from './same-answers.js';
import { covers, type DotRanges, dotRanges, notCovered, type SpaceDot, sequencesIn, spaceDot } from './sequence-ranges.js';
import { Supersession } from './supersession.js';

/** SPEC section 3, Convergence: counted from the confirmed end of the last fault. */
export const convergenceMsMax = 60_000;
const evidenceMax = 10;

export const convergence: Checker = (history) => {
  if (!history.insideFaultModel) return { verdict: 'not-applicable', reason: 'outside the fault model only safety is judged' };
  const healed = history.samples.filter(({ phase, atMs }) => phase === 'all-healed' && atMs >= history.healedMs);
  const majority = history.samples.filter(({ phase }) => phase === 'majority-only');
  if (healed.length === 0) return { verdict: 'unknown', reason: 'no copy was sampled after the heal', convergenceMs: null };

  const written = dotsAcknowledgedUntil(history.healedMs, history);
  const findFault = faultFinder(written, overtaken(history));
  const inTheEnd = judgePhase({ samples: healed, fromMs: history.healedMs, findFault });
  const figures = { convergenceMs: inTheEnd.convergedMs, samples: healed.length, acknowledgedWrites: written.length };
  if (majority.length === 0) return verdictOf(inTheEnd, { ...figures, majorityConvergenceMs: null }, history);

  const fromMs = history.majorityHealedMs ?? (majority[0] as ConvergenceSample).atMs;
  const amongMajority = judgePhase({ samples: majority, fromMs, findFault });
  const worse = rank(amongMajority) > rank(inTheEnd) ? amongMajority : inTheEnd;
  return verdictOf(worse, { ...figures, majorityConvergenceMs: amongMajority.convergedMs, majoritySamples: majority.length }, history);
};

interface Phase {
  readonly samples: readonly ConvergenceSample[];
  readonly fromMs: number;
  readonly findFault: FaultFinder;
}

interface Judgement {
  readonly phase: ConvergenceSample['phase'];
  /** Null when the last sample disagrees. */
  readonly convergedMs: number | null;
  /** From the heal to the last sample. */
  readonly watchedMs: number;
  readonly fault: Fault | null;
}

interface Fault {
  readonly reason: string;
  /** Acknowledged writes that a copy does not contain. */
  readonly missing: readonly SpaceDot[];
  /** No copy contains them: no waiting would have brought them. */
  readonly isFinal?: boolean;
}

type FaultFinder = (sample: ConvergenceSample) => Fault | null;

function judgePhase({ samples, fromMs, findFault }: Phase): Judgement {
  const last = samples.at(-1) as ConvergenceSample;
  const lastFault = findFault(last);
  const watched = { phase: last.phase, watchedMs: last.atMs - fromMs, fault: lastFault };
  if (lastFault !== null) return { ...watched, convergedMs: null };
  let first = samples.length - 1;
  while (first > 0 && findFault(samples[first - 1] as ConvergenceSample) === null) first -= 1;
  return { ...watched, convergedMs: Math.max(0, (samples[first] as ConvergenceSample).atMs - fromMs) };
}

function rank({ convergedMs, watchedMs, fault }: Judgement): number {
  if (convergedMs !== null) return convergedMs > convergenceMsMax ? 2 : 0;
  return watchedMs >= convergenceMsMax || fault?.isFinal === true ? 2 : 1;
}

function verdictOf(judgement: Judgement, figures: Record<string, unknown>, history: History): ReturnType<Checker> {
  const { phase, convergedMs, watchedMs, fault } = judgement;
  const where = phase === 'majority-only' ? 'with only a majority healed, ' : '';
  if (rank(judgement) === 0) {
    const different = differentAnswers(history.operations) ?? wrongChoice(history);
    return different === null ? { verdict: 'ok', ...figures } : { verdict: 'violation', ...different, ...figures };
  }
  if (convergedMs !== null) {
    const reason = `${where}converged ${convergedMs} ms after the heal, allowed are ${convergenceMsMax} ms`;
    return { verdict: 'violation', notConverged: true, reason, ...figures };
  }
  const { reason, missing } = fault as Fault;
  if (rank(judgement) === 1) {
    return { verdict: 'unknown', reason: `${where}not converged when watching ended after ${watchedMs} ms: ${reason}`, ...figures };
  }
  const operations = missing.length === 0 ? {} : { operations: operationsOf(missing, history.operations).slice(0, evidenceMax) };
  return { verdict: 'violation', notConverged: true, reason: `${where}not converged: ${reason}`, ...operations, ...figures };
}

/**
 * What keeps a sample from being converged, null when nothing does: for a run that takes samples until nothing does, with the same eyes as the
 * checker, but for what no copy has: whether it should be there is judged in the end. Of writes acknowledged after `untilMs` nothing is asked.
 */
export function unsettled(
  history: Pick<History, 'operations' | 'destroyedDisks'>,
  untilMs: number,
): (sample: ConvergenceSample) => string | null {
  const findFault = faultFinder(dotsAcknowledgedUntil(untilMs, history), () => true);
  return (sample) => findFault(sample)?.reason ?? null;
}

/** `mayBeNowhere`: of a write that is missing from all copies in the end. */
function faultFinder(written: readonly SpaceDot[], mayBeNowhere: (dot: SpaceDot) => boolean): FaultFinder {
  const required = dotRanges(written);
  const digests = new CopyDigests();
  // Copies that did not change since an earlier sample may share its objects, and are then judged once.
  const judged = new Map<CopyState['coverage'], { readonly versions: CopyState['versions']; readonly missing: readonly SpaceDot[] }>();
  const missingFrom = (copy: CopyState): readonly SpaceDot[] => {
    const known = judged.get(copy.coverage);
    if (known?.versions === copy.versions) return known.missing;
    const missing = notContained(required, copy);
    judged.set(copy.coverage, { versions: copy.versions, missing });
    return missing;
  };
  const findOther = (copies: readonly CopyState[]): CopyState | undefined =>
    copies.find((copy) => digests.of(copy) !== digests.of(copies[0] as CopyState));

  return ({ copies, phase, silent = [] }) => {
    const [mute] = silent;
    if (mute !== undefined) return { reason: `the copy of ${mute.space} on ${mute.node} has nothing to show`, missing: [] };
    if (copies.length === 0) return { reason: 'no copy was alive', missing: [] };
    const isMajority = phase === 'majority-only';
    const groups = groupedBySpace(copies);
    for (const [space, group] of groups) {
      const other = findOther(group) && findOther(isMajority ? withoutDamaged(group) : group);
      if (other !== undefined) return { reason: `the copies of ${space} on ${group[0]?.node} and ${other.node} differ`, missing: [] };
    }
    for (const group of groups.values()) {
      const nowhere = missingEverywhere(group.map(missingFrom));
      for (const copy of group) {
        const missing = missingFrom(copy).filter((dot) => !nowhere.has(textOf(dot)) || !(isMajority || mayBeNowhere(dot)));
        if (missing.length === 0) continue;
        const reason = `${missing.length} acknowledged writes are missing from ${copy.space} on ${copy.node}`;
        return { reason, missing, isFinal: missing.some((dot) => nowhere.has(textOf(dot))) };
      }
    }
    const orphan = isMajority ? undefined : [...required.keys()].find((space) => !groups.has(space));
    return orphan === undefined ? null : { reason: `no copy of ${orphan} was alive`, missing: [] };
  };
}

/** Whether a write took the place of this one, as operations and logs show it. */
function overtaken(history: History): (dot: SpaceDot) => boolean {
  const wanted = new Map<string, { readonly memory: Memory; readonly step: Step }>();
  return (dot) => {
    if (wanted.size === 0)
      for (const memory of tracesOf(history).memories)
        for (const step of memory.writes)
          if (step.operation?.version != null) wanted.set(`${memory.space} ${step.operation.version}`, { memory, step });
    const { memory, step } = wanted.get(textOf(dot)) ?? {};
    if (memory === undefined || step === undefined) return false;
    const graph = new Supersession(memory);
    graph.include(memory.writes.filter((other) => other !== step && other.recorded));
    return graph.isIncluded(step);
  };
}

function groupedBySpace(copies: readonly CopyState[]): ReadonlyMap<SpaceKey, readonly CopyState[]> {
  const groups = new Map<SpaceKey, CopyState[]>();
  for (const copy of copies) {
    const group = groups.get(copy.space);
    if (group === undefined) groups.set(copy.space, [copy]);
    else group.push(copy);
  }
  return groups;
}

/** These copies of one space without the memories of which one lists a version that none covers. */
function withoutDamaged(copies: readonly CopyState[]): readonly CopyState[] {
  const damaged = new Set<string>();
  for (const { id, version } of copies.flatMap(({ versions }) => versions)) {
    const { author, sequence } = spaceDot(copies[0]?.space as SpaceKey, version);
    const isCovered = copies.some(({ coverage }) => covers(coverage[author] ?? [], sequence));
    if (!isCovered) damaged.add(id);
  }
  return copies.map((copy) => ({ ...copy, versions: copy.versions.filter(({ id }) => !damaged.has(id)) }));
}

function missingEverywhere(missing: readonly (readonly SpaceDot[])[]): ReadonlySet<string> {
  const [first = new Set<string>(), ...others] = missing.map((dots) => new Set(dots.map(textOf)));
  return new Set([...first].filter((dot) => others.every((dots) => dots.has(dot))));
}

/** Listed is not contained: the record of a listed version may be damaged. Only of an author whose coverage a copy does not give, listing counts. */
function notContained(required: DotRanges, copy: CopyState): readonly SpaceDot[] {
  const missing: SpaceDot[] = [];
  let listed: ReadonlySet<string> | null = null;
  for (const [author, needed] of required.get(copy.space) ?? []) {
    const covered = copy.coverage[author];
    if (covered === undefined) listed ??= new Set(copy.versions.map(({ version }) => version));
    for (const sequence of sequencesIn(notCovered(needed, covered ?? []))) {
      if (covered === undefined && listed?.has(`${sequence}@${author}`)) continue;
      missing.push({ space: copy.space, author, sequence });
    }
  }
  return missing;
}

/**
 * Load has stopped by the heal: what is written later, to see who serves, is in no earlier sample and no subject here. Neither is what one copy alone had
 * acknowledged and took with it.
 */
function dotsAcknowledgedUntil(
  untilMs: number,
  { operations, destroyedDisks }: Pick<History, 'operations' | 'destroyedDisks'>,
): SpaceDot[] {
  const isPromised = unlessLostWithDisk(destroyedDisks);
  return operations.filter((operation) => operation.completedMs <= untilMs && isPromised(operation)).flatMap(acknowledgedDots);
}

function acknowledgedDots(operation: Operation): SpaceDot[] {
  if (operation.outcome !== 'ok' || operation.version === null || !isWrite(operation)) return [];
  return [spaceDot(operation.space, operation.version)];
}

function operationsOf(dots: readonly SpaceDot[], operations: readonly Operation[]): number[] {
  const wanted = new Set(dots.map(textOf));
  return operations.filter(({ space, version }) => version !== null && wanted.has(`${space} ${version}`)).map(({ index }) => index);
}

function textOf({ space, author, sequence }: SpaceDot): string {
  return `${space} ${sequence}@${author}`;
}

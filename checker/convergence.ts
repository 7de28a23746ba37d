/**
 * Convergence: with load and faults over, all live copies of a space come to hold the same, with every acknowledged write in it, within a minute, and
 * stay so. Judged at the samples: the first from which on every later one agrees.
 *
 * While only a majority is healed the same is asked of the copies there, for the writes that were durable on one of them when the phase began: a
 * cluster in which a node can send and not hear must not need that node to settle.
 */
import type { SpaceKey } from '../core/identifiers.js';
import { CopyDigests } from './copy-digest.js';
import type { Checker, ConvergenceSample, CopyState, History, Operation } from './history.js';
import { isWrite } from './memory-traces.js';
import { type DotRanges, dotRanges, notCovered, type SpaceDot, spaceDot } from './sequence-ranges.js';

/** SPEC section 3, Convergence: counted from the confirmed end of the last fault. */
export const convergenceMsMax = 60_000;
const evidenceMax = 10;

export const convergence: Checker = (history) => {
  if (!history.insideFaultModel) return { verdict: 'not-applicable', reason: 'outside the fault model only safety is judged' };
  const healed = history.samples.filter(({ phase, atMs }) => phase === 'all-healed' && atMs >= history.healedMs);
  const majority = history.samples.filter(({ phase }) => phase === 'majority-only');
  if (healed.length === 0) return { verdict: 'unknown', reason: 'no copy was sampled after the heal', convergenceMs: null };

  // Load has stopped by the heal: what is written later, to see who serves, is in no earlier sample and no subject here.
  const written = history.operations.filter(({ completedMs }) => completedMs <= history.healedMs).flatMap(acknowledgedDots);
  const inTheEnd = judgePhase({ samples: healed, fromMs: history.healedMs, required: dotRanges(written), everySpace: true });
  const figures = { convergenceMs: inTheEnd.convergedMs, samples: healed.length, acknowledgedWrites: written.length };
  if (majority.length === 0) return verdictOf(inTheEnd, { ...figures, majorityConvergenceMs: null }, history);

  const started = majority[0] as ConvergenceSample;
  const fromMs = history.majorityHealedMs ?? started.atMs;
  const amongMajority = judgePhase({ samples: majority, fromMs, required: durableAmong(started.copies, written), everySpace: false });
  const worse = rank(amongMajority) > rank(inTheEnd) ? amongMajority : inTheEnd;
  return verdictOf(worse, { ...figures, majorityConvergenceMs: amongMajority.convergedMs, majoritySamples: majority.length }, history);
};

interface Phase {
  readonly samples: readonly ConvergenceSample[];
  readonly fromMs: number;
  /** What every copy must contain. */
  readonly required: DotRanges;
  /** Whether a required space without a live copy counts against the sample. */
  readonly everySpace: boolean;
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
  readonly missing: readonly SpaceDot[];
}

function judgePhase(phase: Phase): Judgement {
  const { samples, fromMs } = phase;
  const findFault = faultFinder(phase);
  const last = samples.at(-1) as ConvergenceSample;
  const lastFault = findFault(last);
  const watched = { phase: last.phase, watchedMs: last.atMs - fromMs, fault: lastFault };
  if (lastFault !== null) return { ...watched, convergedMs: null };
  let first = samples.length - 1;
  while (first > 0 && findFault(samples[first - 1] as ConvergenceSample) === null) first -= 1;
  return { ...watched, convergedMs: Math.max(0, (samples[first] as ConvergenceSample).atMs - fromMs) };
}

function rank({ convergedMs, watchedMs }: Judgement): number {
  if (convergedMs !== null) return convergedMs > convergenceMsMax ? 2 : 0;
  return watchedMs >= convergenceMsMax ? 2 : 1;
}

function verdictOf(judgement: Judgement, figures: Record<string, unknown>, history: History): ReturnType<Checker> {
  const { phase, convergedMs, watchedMs, fault } = judgement;
  const where = phase === 'majority-only' ? 'with only a majority healed, ' : '';
  if (rank(judgement) === 0) return { verdict: 'ok', ...figures };
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

/** Says what keeps a sample from being converged, null when nothing does. */
function faultFinder({ required, everySpace }: Phase): (sample: ConvergenceSample) => Fault | null {
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
  return ({ copies, silent = [] }) => {
    const [mute] = silent;
    if (mute !== undefined) return { reason: `the copy of ${mute.space} on ${mute.node} has nothing to show`, missing: [] };
    const firstOf = new Map<SpaceKey, CopyState>();
    for (const copy of copies) {
      const first = firstOf.get(copy.space);
      if (first === undefined) firstOf.set(copy.space, copy);
      else if (digests.of(first) !== digests.of(copy)) {
        return { reason: `the copies of ${copy.space} on ${first.node} and ${copy.node} differ`, missing: [] };
      }
    }
    if (copies.length === 0) return { reason: 'no copy was alive', missing: [] };
    for (const copy of copies) {
      const missing = missingFrom(copy);
      if (missing.length > 0)
        return { reason: `${missing.length} acknowledged writes are missing from ${copy.space} on ${copy.node}`, missing };
    }
    const orphan = everySpace ? [...required.keys()].find((space) => !firstOf.has(space)) : undefined;
    return orphan === undefined ? null : { reason: `no copy of ${orphan} was alive`, missing: [] };
  };
}

function notContained(required: DotRanges, copy: CopyState): readonly SpaceDot[] {
  const missing: SpaceDot[] = [];
  for (const [author, needed] of required.get(copy.space) ?? []) {
    const sequences = notCovered(needed, copy.coverage[author] ?? []);
    for (const sequence of sequences) missing.push({ space: copy.space, author, sequence });
  }
  if (missing.length === 0) return missing;
  const present = new Set(copy.versions.map(({ version }) => version));
  return missing.filter(({ author, sequence }) => !present.has(`${sequence}@${author}`));
}

function durableAmong(copies: readonly CopyState[], written: readonly SpaceDot[]): DotRanges {
  const ranges = dotRanges(written);
  const missing = new Map<SpaceKey, Set<string>[]>();
  for (const copy of copies) {
    const dots = new Set(notContained(ranges, copy).map(({ author, sequence }) => `${sequence}@${author}`));
    missing.set(copy.space, [...(missing.get(copy.space) ?? []), dots]);
  }
  const isDurable = ({ space, author, sequence }: SpaceDot): boolean =>
    missing.get(space)?.some((dots) => !dots.has(`${sequence}@${author}`)) ?? false;
  return dotRanges(written.filter(isDurable));
}

function acknowledgedDots(operation: Operation): SpaceDot[] {
  if (operation.outcome !== 'ok' || operation.version === null || !isWrite(operation)) return [];
  return [spaceDot(operation.space, operation.version)];
}

function operationsOf(dots: readonly SpaceDot[], operations: readonly Operation[]): number[] {
  const wanted = new Set(dots.map(({ space, author, sequence }) => `${space} ${sequence}@${author}`));
  return operations.filter(({ space, version }) => version !== null && wanted.has(`${space} ${version}`)).map(({ index }) => index);
}

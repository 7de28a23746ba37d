/**
 * Exercised: whether the run was worth judging. A fault that changed nothing, a kind of operation that never succeeded and a side of a split that
 * acknowledged nothing prove nothing: such a run is unknown, however clean it looks.
 */
import type { Checker, FaultRecord, History, Operation } from './history.js';

const writeKinds: readonly Operation['kind'][] = ['remember', 'update', 'forget'];
/** A kind that was tried more rarely may well have met nothing but trouble, as in a run of a few seconds. */
const triesMin = 20;
const readKinds: readonly Operation['kind'][] = ['get', 'final-read', 'recall'];

export const exercised: Checker = (history) => {
  const reasons = [...idleFamilies(history), ...fruitlessKinds(history), ...silentSides(history)];
  const figures = {
    faultsInEffect: countBy(history.faults.filter(({ tookEffect }) => tookEffect).map(({ family }) => family)),
    okByKind: countBy(history.operations.filter(({ outcome }) => outcome === 'ok').map(({ kind }) => kind)),
    splits: history.splits.map(({ fromMs, untilMs, sides }) => ({
      lastedMs: untilMs - fromMs,
      acknowledged: sides.map((side) => side.acknowledged),
    })),
  };
  return reasons.length === 0 ? { verdict: 'ok', ...figures } : { verdict: 'unknown', reason: reasons.join('; '), ...figures };
};

/**
 * Families that were not drawn do not count, nor those of which every fault was withheld: one that struck nothing by itself is enough to ask why. A fault that finds nothing is tried again
 * later; had it not been withheld at one of its tries it would have struck then.
 */
function idleFamilies({ faults, familiesDrawn }: History): string[] {
  const isIdle = (name: string): boolean => {
    const tries = faults.filter(({ family }) => family === name);
    if (tries.some(({ tookEffect }) => tookEffect)) return false;
    const withheld = new Set(tries.filter((fault) => fault.withheld === true).map(planned));
    return withheld.size === 0 || tries.some((fault) => !withheld.has(planned(fault)));
  };
  return familiesDrawn.filter(isIdle).map((family) => `no fault of the family ${family} took effect`);
}

/** The same for all tries of one fault. */
const planned = ({ fault, atMs }: FaultRecord): string => `${atMs} ${fault}`;

/** Kinds that the workload did not use do not count, but some write and some read must have succeeded. */
function fruitlessKinds({ operations }: History): string[] {
  const succeeded = new Set(operations.filter(({ outcome }) => outcome === 'ok').map(({ kind }) => kind));
  const tries = countBy(operations.map(({ kind }) => kind));
  const fruitless = Object.keys(tries).filter((kind) => (tries[kind] ?? 0) >= triesMin && !succeeded.has(kind as Operation['kind']));
  const reasons = fruitless.map((kind) => `no ${kind} succeeded`);
  if (!writeKinds.some((kind) => succeeded.has(kind))) reasons.push('no write succeeded');
  if (!readKinds.some((kind) => succeeded.has(kind))) reasons.push('no read succeeded');
  return reasons;
}

function silentSides({ splits, acknowledgementsPerSideMin: min }: History): string[] {
  if (min > 0 && splits.length === 0) return ['no split took place'];
  return splits.flatMap(({ fromMs, sides }) =>
    sides
      .map((side) => ({ ...side, asked: Math.floor(min * (side.servedShare ?? 1)) }))
      .filter(({ acknowledged, asked, readsOnly }) => acknowledged < asked && readsOnly !== true)
      .map(
        ({ nodes, acknowledged, asked }) =>
          `in the split at ${fromMs} ms the side of ${nodes.join(', ')} acknowledged ${acknowledged} of ${asked} writes`,
      ),
  );
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

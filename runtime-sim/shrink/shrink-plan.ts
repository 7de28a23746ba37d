/**
 * Shrinking: from a plan that fails to a small one that fails in the same way.
 *
 * Big cuts come first, because every try costs a run and small plans run fast: the operations on the memories that the verdict names, then halves,
 * quarters … of operations and faults (delta-debugging.ts), then whatever has become idle, then a quieter world, then time in which nothing happens.
 * All of it again until nothing more can go. A try changes the plan and never the seed, so what stays keeps its chances.
 */
import type { Fault } from '../../scenarios/fault-plan.js';
import type { RunPlan } from '../../scenarios/run-plan.js';
import type { PlannedOperation } from '../../scenarios/workload.js';
import { leaveOut } from './delta-debugging.js';
import { faultGroups } from './fault-groups.js';
import {
  changesOf,
  configuredOptions,
  isPlayable,
  withChanges,
  withOptions,
  withoutIdleClients,
  withoutIdleNodes,
  withParticipants,
  withSpaces,
} from './plan-cuts.js';
import { plainer, quiet, quietenings, specialities } from './quieter-plans.js';
import { beginningOf, endingEarly, pausesOf, withPauses } from './time-line.js';
import type { Found } from './trial-pool.js';
import type { Evidence, NamedMemory } from './violation-kind.js';

export interface Shrinking {
  readonly plan: RunPlan;
  /** Of the run of the whole plan. */
  readonly evidence: Evidence;
  /** Which of these plans is the first that fails in the same way; null for none, and for all once tries are over. */
  readonly firstFailing: (plans: readonly RunPlan[]) => Promise<Found | null>;
  /** True once no more tries will be made. */
  readonly over: () => boolean;
  /** Called with every smaller plan that still fails. */
  readonly reduced: (plan: RunPlan, doing: string) => void;
}

/** Beginnings of the plan that are tried, the cheapest first. */
const beginnings: readonly number[] = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4];
/** Parts of the time that are left out with all that happens in them. */
const slices = 8;
/** Operations and faults are left out in coarse parts both, before either is looked at one by one. */
const finestShares: readonly number[] = [1 / 8, 1 / 32];
/** Lengths of pauses that are tried, in milliseconds. */
const shortPausesMs: readonly number[] = [1, 10, 100, 1_000, 3_000, 10_000];
/** Pauses are tried one by one only up to so many. */
const pausesMax = 60;

export async function shrinkPlan(shrinking: Shrinking): Promise<RunPlan> {
  const shrinker = new PlanShrinker(shrinking);
  await shrinker.keepBeginning();
  await shrinker.quieten();
  for (const finestShare of finestShares) await shrinker.leaveOutEvents(finestShare);
  for (let before = ''; before !== shrinker.text && !shrinking.over(); ) {
    before = shrinker.text;
    await shrinker.leaveOutEvents(0);
    await shrinker.quietenEverything();
    await shrinker.leaveOutTime();
  }
  return shrinker.plan;
}

/** Only what was asked of the memories that the verdict names: one of them, all of them, their spaces. */
function suspectsOf(plan: RunPlan, { named }: Evidence): RunPlan[] {
  const only = (keep: (operation: PlannedOperation) => boolean): RunPlan => ({ ...plan, operations: plan.operations.filter(keep) });
  const isOf = (memory: NamedMemory, { space, id }: PlannedOperation): boolean => memory.space === space && memory.id === id;
  return [
    ...named.slice(0, 3).map((memory) => only((operation) => isOf(memory, operation))),
    only((operation) => named.some((memory) => isOf(memory, operation))),
    ...[...new Set(named.map(({ space }) => space))].map((space) => only((operation) => operation.space === space)),
  ];
}

class PlanShrinker {
  readonly #shrinking: Shrinking;
  #evidence: Evidence;
  plan: RunPlan;
  /** Of the plan, to see whether it has changed. */
  text: string;

  constructor(shrinking: Shrinking) {
    this.#shrinking = shrinking;
    this.plan = shrinking.plan;
    this.#evidence = shrinking.evidence;
    this.text = JSON.stringify(shrinking.plan);
  }

  /** Goes on with the first of these that fails; false when none does. What is no change is no candidate. */
  async first(doing: string, candidates: readonly RunPlan[]): Promise<boolean> {
    const changed = candidates.filter((candidate) => isPlayable(candidate) && JSON.stringify(candidate) !== this.text);
    if (changed.length === 0) return false;
    const found = await this.#tryAll(changed);
    if (found === null) return false;
    this.#become(changed[found], doing);
    return true;
  }

  async #tryAll(plans: readonly RunPlan[]): Promise<number | null> {
    const found = await this.#shrinking.firstFailing(plans);
    if (found === null) return null;
    this.#evidence = found.evidence;
    return found.index;
  }

  /** A short run costs little, and a bug that shows early needs none of what comes later. */
  async keepBeginning(): Promise<void> {
    const { plan } = this;
    await this.first(
      'what comes later',
      beginnings.map((share) => beginningOf(plan, share)),
    );
  }

  async keepSuspects(): Promise<void> {
    await this.first('what the verdict does not name', suspectsOf(this.plan, this.#evidence));
  }

  /** Operations and faults of a stretch of time together. */
  async leaveOutSlices(): Promise<void> {
    const { plan } = this;
    const sliceOf = (atMs: number): number => Math.floor((atMs / plan.durationMs) * slices);
    const groups = faultGroups(plan.faults);
    const items = Array.from({ length: slices }, (_, slice) => slice);
    await this.#leaveOut('stretches of time', items, (left) => ({
      ...plan,
      operations: plan.operations.filter(({ atMs }) => left.includes(sliceOf(atMs))),
      faults: inOrder(
        plan,
        groups.filter(([first]) => left.includes(sliceOf(first.atMs))),
      ),
    }));
  }

  async leaveOutEvents(finestShare: number): Promise<void> {
    await this.keepSuspects();
    if (finestShare > 0) await this.leaveOutSlices();
    await this.leaveOutFaults(finestShare);
    await this.leaveOutOperations(finestShare);
    await this.leaveOutIdle();
  }

  async leaveOutFaults(finestShare: number): Promise<void> {
    const whole = this.plan;
    await this.#leaveOut('changes of the cluster', changesOf(whole), (changes) => withChanges(whole, changes));
    const { plan } = this;
    await this.#leaveOut('faults', faultGroups(plan.faults), (groups) => ({ ...plan, faults: inOrder(plan, groups) }), finestShare);
    if (finestShare > 0) return;
    const paired = this.plan;
    await this.#leaveOut('faults', paired.faults, (faults) => ({ ...paired, faults }));
  }

  /** By kind, by memory, then by time. */
  async leaveOutOperations(finestShare: number): Promise<void> {
    await this.#leaveOutBy('kinds of operations', ({ kind }) => kind, finestShare);
    await this.#leaveOutBy('memories', ({ space, id }) => `${space}/${id}`, finestShare);
    const { plan } = this;
    await this.#leaveOut('operations', plan.operations, (operations) => ({ ...plan, operations }), finestShare);
    await this.first('time', [endingEarly(this.plan)]);
  }

  /** Nodes, clients and spaces with which nothing is done: all at once, then one by one, and names in cuts that make no difference. */
  async leaveOutIdle(): Promise<void> {
    const active = withoutIdleClients(this.plan);
    await this.first('what is idle', [withoutIdleNodes(active), active]);
    const spaces = this.plan;
    await this.#leaveOut(
      'spaces',
      spaces.rows.map(({ space }) => space),
      (left) => withSpaces(spaces, new Set(left)),
    );
    const nodes = this.plan;
    await this.#leaveOut('nodes', nodes.nodes, (left) =>
      withParticipants(nodes, { nodes: new Set(left), clients: new Set(nodes.clients) }),
    );
    for (let at = 0; at < this.plan.faults.length; at += 1) await this.#leaveOutNames(at);
  }

  /** A quiet world at once: such a run is quick. */
  async quieten(): Promise<void> {
    await this.first('a quieter world', [quiet(this.plan)]);
  }

  /** The world in which it happens: back to what is plain, as far as it still fails. */
  async quietenEverything(): Promise<void> {
    await this.quieten();
    for (const quieterThan of quietenings) {
      while (await this.first('a quieter world', quieterThan(this.plan)));
    }
    const { plan } = this;
    await this.#leaveOut('options', configuredOptions(plan), (options) => withOptions(plan, options));
    const clocked = this.plan;
    await this.#leaveOut('clocks', clocked.clocks, (clocks) => ({ ...clocked, clocks }));
    for (const { has, plain } of specialities) {
      const special = this.plan;
      await this.#leaveOut('what makes operations special', special.operations.filter(has), (left) => {
        const stay = new Set(left);
        return { ...special, operations: special.operations.map((one) => (has(one) && !stay.has(one) ? plain(one) : one)) };
      });
    }
    for (const [at, fault] of this.plan.faults.entries()) {
      const plain = plainer(fault);
      if (plain !== null) await this.first('plain faults', [{ ...this.plan, faults: this.plan.faults.with(at, plain) }]);
    }
  }

  /** Less time: the end of the load where the last thing happens, and shorter pauses, all at once and then each by itself. */
  async leaveOutTime(): Promise<void> {
    await this.first('time', [endingEarly(this.plan)]);
    const { plan } = this;
    const capped = (capMs: number): RunPlan =>
      withPauses(
        plan,
        pausesOf(plan).map((pauseMs) => Math.min(pauseMs, capMs)),
      );
    await this.first('time', shortPausesMs.map(capped));
    const count = pausesOf(this.plan).length;
    if (count > pausesMax) return;
    for (let at = 0; at < count; at += 1) await this.#shortenPause(at);
  }

  async #shortenPause(at: number): Promise<void> {
    const pauses = pausesOf(this.plan);
    const pauseMs = pauses[at];
    if (pauseMs === undefined) return;
    const shorter = shortPausesMs.filter((candidateMs) => candidateMs < pauseMs);
    await this.first(
      'time',
      shorter.map((candidateMs) => withPauses(this.plan, pauses.with(at, candidateMs))),
    );
  }

  /** Operations that have something in common go together. */
  async #leaveOutBy(doing: string, common: (operation: PlannedOperation) => string, finestShare: number): Promise<void> {
    const { plan } = this;
    await this.#leaveOut(
      doing,
      [...new Set(plan.operations.map(common))],
      (left) => {
        const stay = new Set(left);
        return { ...plan, operations: plan.operations.filter((operation) => stay.has(common(operation))) };
      },
      finestShare,
    );
  }

  async #leaveOutNames(at: number): Promise<void> {
    for (const end of ['from', 'to'] as const) {
      const fault = this.plan.faults[at];
      // Leaving out the last name leaves out the fault.
      if (fault === undefined || !('from' in fault)) return;
      const whole = this.plan;
      await this.#leaveOut('names in faults', fault[end], (names) => ({
        ...whole,
        faults: names.length === 0 ? whole.faults.toSpliced(at, 1) : whole.faults.with(at, { ...fault, [end]: names }),
      }));
    }
  }

  /** Leaves out of a list what can go; `build` makes the plan with what is left. */
  async #leaveOut<Item>(doing: string, items: readonly Item[], build: (left: readonly Item[]) => RunPlan, finestShare = 0): Promise<void> {
    await leaveOut({
      items,
      finestShare,
      reduced: (left) => this.#become(build(left), doing),
      firstFailing: async (candidates) => {
        const plans = candidates.map(build);
        const possible = plans.flatMap((plan, at) => (isPlayable(plan) ? [at] : []));
        const found = possible.length === 0 ? null : await this.#tryAll(possible.map((at) => plans[at]));
        return found === null ? null : possible[found];
      },
    });
  }

  #become(plan: RunPlan, doing: string): void {
    this.plan = plan;
    this.text = JSON.stringify(plan);
    this.#shrinking.reduced(plan, doing);
  }
}

/** The faults of these groups, in the order of the plan. */
function inOrder({ faults }: RunPlan, groups: readonly (readonly Fault[])[]): Fault[] {
  const left = new Set(groups.flat());
  return faults.filter((fault) => left.has(fault));
}

/** What all runs of a campaign came to, run by run: counts, marks, distributions, and one byte per run for the matrix. Its size is that of the campaign's options. */
import { marks as markList } from '../../scenarios/marks.js';
import { type CampaignOptions, placeOf, seedCount } from './campaign-options.js';
import { FailoverTally } from './failover-tally.js';
import { Histogram } from './histogram.js';
import type { CalibrationBin, CalibrationData, RunRecord } from './run-record.js';

/** One character per run in the report's matrix, by verdict: `.` ok, `V` violation, `N` not converged, `U` unknown, `D` not deterministic, `-` not run. */
export const cellOf = { none: '-', ok: '.', violation: 'V', 'not-converged': 'N', unknown: 'U', diverged: 'D' } as const;
/** Failures told one by one; of the rest each has its line in `runs.jsonl`. */
const failuresToldMax = 500;

export interface ScenarioTally {
  runs: number;
  ok: number;
  violations: number;
  notConverged: number;
  unknown: number;
  notDeterministic: number;
  events: number;
  wallMs: number;
  simulatedMs: number;
  operations: number;
  acknowledgedWrites: number;
  lostWrites: number;
  readonly marks: Map<string, number>;
  /** checker → verdict → runs */
  readonly verdicts: Map<string, Map<string, number>>;
  readonly distributions: Map<string, Histogram>;
  readonly calibrations: Map<string, CalibrationBin[]>;
  readonly failovers: FailoverTally;
  /** Character codes of `cellOf`, in the order of the seeds. */
  readonly cells: Uint8Array;
}

export class Tally {
  readonly scenarios: ReadonlyMap<string, ScenarioTally>;
  /** Over all scenarios. */
  readonly failovers = new FailoverTally();
  readonly failures: RunRecord[] = [];
  readonly seedFiles: string[] = [];
  /** Runs that failed in one way or another. */
  failed = 0;
  readonly #options: CampaignOptions;

  constructor(options: CampaignOptions) {
    this.#options = options;
    const seeds = seedCount(options.seeds);
    this.scenarios = new Map(options.scenarios.map((name) => [name, emptyTally(seeds)]));
  }

  /** Whether this run is part of the campaign and not counted yet. */
  lacks(scenario: string, seed: number): boolean {
    const tally = this.scenarios.get(scenario);
    const place = placeOf(this.#options.seeds, seed);
    return tally !== undefined && place !== null && tally.cells[place] === code(cellOf.none);
  }

  /** Counts a run that `lacks` says is missing. */
  add(record: RunRecord): void {
    const tally = this.scenarios.get(record.scenario) as ScenarioTally;
    const diverged = record.divergence !== null;
    tally.cells[placeOf(this.#options.seeds, record.seed) as number] = code(
      diverged && record.verdict !== 'violation' ? cellOf.diverged : cellOf[record.verdict],
    );
    tally.runs += 1;
    if (record.verdict === 'ok') tally.ok += 1;
    else if (record.verdict === 'violation') tally.violations += 1;
    else if (record.verdict === 'not-converged') tally.notConverged += 1;
    else tally.unknown += 1;
    if (diverged) tally.notDeterministic += 1;
    tally.events += record.events;
    tally.wallMs += record.wallMs;
    tally.simulatedMs += record.simulatedMs;
    tally.operations += record.operations.invoked;
    tally.acknowledgedWrites += record.acknowledgedWrites;
    tally.lostWrites += record.lostWrites;
    for (const name of record.marks) tally.marks.set(name, (tally.marks.get(name) ?? 0) + 1);
    for (const [checker, verdict] of Object.entries(record.verdicts)) countVerdict(tally, checker, verdict);
    for (const [name, data] of Object.entries(record.distributions)) entryOf(tally.distributions, name, () => new Histogram()).merge(data);
    for (const [name, data] of Object.entries(record.calibrations))
      addCalibration(
        entryOf(tally.calibrations, name, () => []),
        data,
      );
    tally.failovers.add(record.failovers, record);
    this.failovers.add(record.failovers, record);
    if (record.verdict === 'ok' && !diverged) return;
    this.failed += 1;
    if (this.failures.length < failuresToldMax) this.failures.push(record);
    if (record.seedFile !== null) this.seedFiles.push(record.seedFile);
  }

  total(figure: NumericFigure): number {
    return [...this.scenarios.values()].reduce((sum, tally) => sum + tally[figure], 0);
  }

  /** Marks that these runs must have reached and did not. A planted bug proves nothing about marks. */
  get marksMissed(): string[] {
    if (this.#options.plant !== null) return [];
    return markList
      .filter((mark) => !mark.pending && (!mark.needsControlLog || this.#options.controlLog))
      .filter((mark) => mark.seedsNeeded <= this.#seedsDone(mark.scenarios) && this.runsWithMark(mark.name) === 0)
      .map(({ name }) => name);
  }

  runsWithMark(name: string): number {
    return [...this.scenarios.values()].reduce((sum, { marks }) => sum + (marks.get(name) ?? 0), 0);
  }

  /** Seeds that every one of these scenarios has behind it, of those in the campaign; 0 when none is. */
  #seedsDone(scenarios: readonly string[]): number {
    const done = scenarios.flatMap((name) => this.scenarios.get(name)?.runs ?? []);
    return done.length === 0 ? 0 : Math.min(...done);
  }
}

type NumericFigure = { [Name in keyof ScenarioTally]: ScenarioTally[Name] extends number ? Name : never }[keyof ScenarioTally];

function code(character: string): number {
  return character.charCodeAt(0);
}

function emptyTally(seeds: number): ScenarioTally {
  return {
    ...{ runs: 0, ok: 0, violations: 0, notConverged: 0, unknown: 0, notDeterministic: 0, events: 0, wallMs: 0, simulatedMs: 0 },
    ...{ operations: 0, acknowledgedWrites: 0, lostWrites: 0 },
    marks: new Map(),
    verdicts: new Map(),
    distributions: new Map(),
    calibrations: new Map(),
    failovers: new FailoverTally(),
    cells: new Uint8Array(seeds).fill(code(cellOf.none)),
  };
}

function countVerdict({ verdicts }: ScenarioTally, checker: string, verdict: string): void {
  const counts = entryOf(verdicts, checker, () => new Map<string, number>());
  counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
}

/** To millionths, so that the sums are the same in whatever order runs end. */
function addCalibration(sums: CalibrationBin[], { bins }: CalibrationData): void {
  for (const [at, bin] of bins.entries()) {
    const sum = sums[at] ?? [0, 0, 0, 0];
    const add = (part: 0 | 1 | 2 | 3): number => millionths(sum[part] + millionths(bin[part]));
    sums[at] = [add(0), add(1), add(2), add(3)];
  }
}

function millionths(value: number): number {
  return Math.round(value * 1_000_000) / 1_000_000;
}

function entryOf<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

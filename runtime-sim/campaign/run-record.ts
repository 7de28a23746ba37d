/**
 * What a campaign keeps of a run: a line of JSON of a few hundred bytes. Runs are reduced to this in the worker that made them, so that the memory of a
 * campaign does not grow with its seeds.
 */
import { UsageError } from '../exit-codes.js';
import { type FailoversOfRun, isFailoverData } from './failover-tally.js';
import { type HistogramData, isHistogramData } from './histogram.js';

export type RunVerdict = 'ok' | 'violation' | 'not-converged' | 'unknown';
const runVerdicts: readonly string[] = ['ok', 'violation', 'not-converged', 'unknown'] satisfies RunVerdict[];

export interface RunRecord {
  readonly scenario: string;
  readonly seed: number;
  readonly verdict: RunVerdict;
  /** The checker's reason; null when ok. */
  readonly reason: string | null;
  /** Where the second run of the seed departed from the first, in words; null when it did not, or was not made. */
  readonly divergence: string | null;
  readonly traceHash: string;
  readonly events: number;
  readonly wallMs: number;
  readonly simulatedMs: number;
  readonly operations: { readonly invoked: number; readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly acknowledgedWrites: number;
  readonly lostWrites: number;
  /** Milliseconds from the heal; null if never. */
  readonly convergenceMs: number | null;
  readonly marks: readonly string[];
  /** What each checker said. */
  readonly verdicts: Readonly<Record<string, string>>;
  readonly distributions: Readonly<Record<string, HistogramData>>;
  readonly calibrations: Readonly<Record<string, CalibrationData>>;
  /** By kind of fault; empty where no control log was kept. */
  readonly failovers: FailoversOfRun;
  readonly replay: string;
  /** Path as it was written; null when ok, or when it could not be written. */
  readonly seedFile: string | null;
}

/** Of claimed probabilities: how many claims, the sum of what they claimed, how many came true, the sum of their squared errors. */
export type CalibrationBin = [claims: number, claimed: number, true: number, squaredErrors: number];

/** Claimed probabilities against what happened, in bins of equal width. */
export interface CalibrationData {
  readonly bins: readonly Readonly<CalibrationBin>[];
}

/** Reads a line of `runs.jsonl`. Throws UsageError that names the place and what is wrong. */
export function readRecord(line: string, place: string): RunRecord {
  const broken = (what: string): UsageError =>
    new UsageError(`${place}: ${what}`, 'the results were changed by hand or by a disk: run the campaign anew');
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw broken('not JSON');
  }
  if (typeof value !== 'object' || value === null) throw broken('not a JSON object');
  const record = value as Record<string, unknown>;
  const wrong = Object.entries(shape).find(([name, fits]) => !fits(record[name]));
  if (wrong !== undefined) throw broken(`${wrong[0]} is ${JSON.stringify(record[wrong[0]])}`);
  return value as RunRecord;
}

const isCount = (value: unknown): boolean => typeof value === 'number' && value >= 0;
const isText = (value: unknown): boolean => typeof value === 'string';
const isNullOr = (fits: (value: unknown) => boolean) => (value: unknown) => value === null || fits(value);
const isRecordOf = (fits: (value: unknown) => boolean) => (value: unknown) =>
  typeof value === 'object' && value !== null && Object.values(value).every(fits);

const shape: Readonly<Record<keyof RunRecord, (value: unknown) => boolean>> = {
  scenario: isText,
  seed: Number.isSafeInteger,
  verdict: (value) => runVerdicts.includes(value as string),
  reason: isNullOr(isText),
  divergence: isNullOr(isText),
  traceHash: isText,
  events: isCount,
  wallMs: isCount,
  simulatedMs: isCount,
  operations: isRecordOf(isCount),
  acknowledgedWrites: isCount,
  lostWrites: isCount,
  convergenceMs: isNullOr(isCount),
  marks: (value) => Array.isArray(value) && value.every(isText),
  verdicts: isRecordOf(isText),
  distributions: isRecordOf(isHistogramData),
  calibrations: isRecordOf((value) => Array.isArray((value as CalibrationData | null)?.bins)),
  failovers: isRecordOf(isFailoverData),
  replay: isText,
  seedFile: isNullOr(isText),
};

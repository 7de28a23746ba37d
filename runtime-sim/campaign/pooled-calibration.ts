/**
 * Probabilities that a campaign's runs claimed, pooled: the reads of one run see the same faults and say little about shares of a twentieth, those of a hundred runs do.
 * Brier score and its skill against the base rate (Murphy, 1973); expected calibration error over bins of equal width.
 */
import type { CalibrationBin } from './run-record.js';

export interface PooledCalibration {
  readonly name: string;
  readonly claims: number;
  /** The share that came true. */
  readonly baseRate: number;
  readonly brier: number;
  /** 1 − brier / that of the base rate: above 0 the claims are worth more than knowing the base rate. Null when all or nothing came true. */
  readonly skill: number | null;
  readonly calibrationError: number;
  readonly bins: readonly Readonly<CalibrationBin>[];
}

/** One for each title, in order of the titles. */
export function pooledCalibrations(
  scenarios: Iterable<Readonly<Record<string, readonly Readonly<CalibrationBin>[]>>>,
): PooledCalibration[] {
  const pooled = new Map<string, CalibrationBin[]>();
  for (const calibrations of scenarios) {
    for (const [name, bins] of Object.entries(calibrations)) {
      const sums = pooled.get(name) ?? [];
      pooled.set(name, sums);
      for (const [at, bin] of bins.entries()) {
        const sum = sums[at] ?? [0, 0, 0, 0];
        sums[at] = [sum[0] + bin[0], sum[1] + bin[1], sum[2] + bin[2], sum[3] + bin[3]];
      }
    }
  }
  return [...pooled].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, bins]) => scored(name, bins));
}

function scored(name: string, bins: readonly CalibrationBin[]): PooledCalibration {
  const total = (part: 0 | 1 | 2 | 3): number => bins.reduce((sum, bin) => sum + bin[part], 0);
  const claims = total(0);
  const baseRate = total(2) / claims;
  const brier = total(3) / claims;
  const ofBaseRate = baseRate * (1 - baseRate);
  const distance = bins.reduce((sum, [, claimed, happened]) => sum + Math.abs(claimed - happened), 0);
  return {
    ...{ name, claims, bins },
    ...{ baseRate: rounded(baseRate), brier: rounded(brier), calibrationError: rounded(distance / claims) },
    skill: ofBaseRate === 0 ? null : rounded(1 - brier / ofBaseRate),
  };
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

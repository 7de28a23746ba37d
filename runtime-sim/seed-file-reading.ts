/**
 * Reading seed files. One that was cut short, changed by hand or written by another version is refused with what is wrong and where: a run that is not the
 * one that failed would prove nothing.
 */
import { z } from 'zod';
import { UsageError } from './exit-codes.js';
import { builtScenario } from './option-values.js';
import { planProblem } from './plan-check.js';
import { textHash } from './pure-functions.js';
import { parsedSeedFile, type SeedFile } from './seed-file.js';

const shape = z.strictObject({
  format: z.number(),
  seed: z.int().min(0),
  scenario: z.string(),
  options: z.strictObject({ nodes: z.int().positive(), durationMs: z.number().min(0), plant: z.string().nullable() }),
  commit: z.string(),
  plan: z.unknown(),
  traceHash: z.string().regex(/^[0-9a-f]{16}$/),
  verdicts: z.record(z.string(), z.object({ verdict: z.enum(['ok', 'violation', 'unknown', 'not-applicable']) })),
  broke: z.string().min(1).optional(),
});

/** Reads a seed file. Throws UsageError that names what is wrong with it by the path of the field. */
export function readSeedFile(path: string): SeedFile {
  const { checksum, ...file } = parsedSeedFile(path);
  const checked = shape.safeParse(file);
  if (!checked.success) {
    const [{ path: field, message }] = checked.error.issues;
    throw edited(path, `${field.join('.')}: ${message}`);
  }
  builtScenario(checked.data.scenario);
  const problem = planProblem(file.plan);
  if (problem !== null) throw edited(path, problem);
  if (checksum !== textHash(JSON.stringify(file))) throw edited(path, 'its checksum does not match');
  return file as unknown as SeedFile;
}

function edited(path: string, problem: string): UsageError {
  return new UsageError(`${path} is not as it was written: ${problem}`, 'get an unedited copy, or run the seed anew');
}

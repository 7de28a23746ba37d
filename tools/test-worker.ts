/**
 * Runs the test files that tools/run-tests.ts hands it, one after the other, and reports what each contributed.
 *
 * It collects the suites itself instead of letting uvu run them: uvu exits 0 for a file that forgot `.run()`, and for one whose `before` threw.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What one test file contributed. */
export interface FileReport {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What uvu says of the failing tests, with their names; empty when none failed. */
  readonly failures: string;
}

type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;
const shared = globalThis as unknown as { UVU_DEFER: number; UVU_QUEUE: Suite[][]; UVU_INDEX: number };
shared.UVU_DEFER = 1;

async function runFile(file: string): Promise<FileReport> {
  shared.UVU_QUEUE = [[]];
  shared.UVU_INDEX = 0;
  await import(pathToFileURL(resolve(file)).href);
  let [passed, failed, skipped] = [0, 0, 0];
  let failures = '';
  for (const suite of shared.UVU_QUEUE[0] ?? []) {
    const [errors, ran, skips, total] = await suite();
    passed += ran;
    failed += total - ran;
    skipped += skips;
    if (typeof errors === 'string') failures += `${errors}\n`;
    else if (ran < total) failures += '  a hook of the suite threw, or ended it early\n';
  }
  if (passed + failed === 0) return { file, passed, failed: 1, skipped, failures: '  no test ran: did the file forget .run()?\n' };
  return { file, passed, failed, skipped, failures };
}

process.on('message', async (file: string) => {
  try {
    process.send?.(await runFile(file));
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.send?.({ file, passed: 0, failed: 1, skipped: 0, failures: `  ${text}\n` });
  }
});
process.on('disconnect', () => process.exit(0));

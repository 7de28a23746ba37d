/**
 * The unit tests: every *.test.ts beside the sources, shared out to worker processes, with line coverage by c8.
 *
 *     npm test                       all of them
 *     npm test -- core/clock storage those whose path contains one of the words
 *
 * Fails when a test fails, when a file contributes no test, and when no file matches. Ends with the line `N passed, N failed`.
 *
 * Tests of the real runtime wait on a real clock and on processes of their own, which a machine that stalls can upset: a file of theirs that fails is run once
 * more, alone, after all others. Passed then, it is named `unsteady` beside its first failure, which stays printed: a bug of the test or of the product to mend.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isTest, root, sides, sourceFiles } from './source-files.js';
import type { FileReport } from './test-worker.js';

/** Starting a process through tsx costs 0.4 s: a few long-lived workers, one per core of the smallest machine that we support. */
const workers = 2;
/** A file that takes longer hangs: the slowest honest one needs a few seconds. */
const fileTimeoutMs = 180_000;
const coverage = join(root, 'coverage/tmp');
const runtimeReal = 'runtime-real/';

function startWorker(): ChildProcess {
  const env = { ...process.env, NODE_V8_COVERAGE: coverage };
  return fork(join(root, 'tools/test-worker.ts'), { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
}

/** Runs one file; a worker that dies or hangs fails the file it was running. */
function runIn(worker: ChildProcess, file: string): Promise<FileReport> {
  return new Promise((resolve) => {
    let printed = '';
    const finish = (report: FileReport): void => {
      clearTimeout(timer);
      worker.removeAllListeners('message').removeAllListeners('exit');
      worker.stdout?.removeAllListeners('data');
      resolve(report.failed > 0 ? { ...report, failures: `${report.failures}${printed}` } : report);
    };
    const broken = (why: string): void => finish({ file, passed: 0, failed: 1, skipped: 0, failures: `  ${why}\n` });
    const timer = setTimeout(() => {
      worker.kill('SIGKILL');
      broken(`did not end within ${fileTimeoutMs / 1_000} s`);
    }, fileTimeoutMs);
    worker.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    worker.on('message', (report) => finish(report as FileReport));
    worker.on('exit', (code, signal) => broken(`ended the test process (exit ${code ?? signal})`));
    worker.send(file);
  });
}

function print(report: FileReport, tookMs: number): void {
  const verdict = report.failed > 0 ? 'FAIL' : 'ok  ';
  process.stdout.write(`${verdict} ${report.file} (${report.passed + report.failed} tests, ${Math.round(tookMs)} ms)\n`);
  if (report.failed > 0) process.stdout.write(`${report.failures}\n`);
}

async function runAll(files: readonly string[], lanes: number): Promise<FileReport[]> {
  const queue = [...files];
  const reports: FileReport[] = [];
  const lane = async (): Promise<void> => {
    let worker = startWorker();
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (worker.exitCode !== null || worker.signalCode !== null || worker.killed) worker = startWorker();
      const startedAt = performance.now();
      const report = await runIn(worker, file);
      print(report, performance.now() - startedAt);
      reports.push(report);
    }
    if (worker.exitCode !== null || worker.signalCode !== null) return;
    await new Promise((resolve) => {
      worker.once('exit', resolve);
      worker.disconnect();
    });
  };
  await Promise.all(Array.from({ length: Math.min(lanes, files.length) }, lane));
  return reports;
}

const words = process.argv.slice(2).map((word) => word.replace(/^\.\//, ''));
const every = sides.flatMap((side) => sourceFiles(side)).filter(isTest);
const chosen = every.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
rmSync(coverage, { recursive: true, force: true });
const first = await runAll(chosen, workers);
const again = first.filter(({ file, failed }) => failed > 0 && file.startsWith(runtimeReal)).map(({ file }) => file);
const second = await runAll(again, 1);
const reports = [...first.filter(({ file }) => !again.includes(file)), ...second];
const unsteady = second.filter(({ failed }) => failed === 0);

const passed = reports.reduce((sum, report) => sum + report.passed, 0);
const failed = reports.reduce((sum, report) => sum + report.failed, 0) + (chosen.length === 0 ? 1 : 0);
const skipped = reports.reduce((sum, report) => sum + report.skipped, 0);
if (chosen.length === 0) process.stdout.write(`no test file matches ${words.join(' ') || 'any *.test.ts'}\n`);
else
  spawnSync(process.execPath, [join(root, 'node_modules/c8/bin/c8.js'), 'report', '--temp-directory', coverage], {
    cwd: root,
    stdio: 'inherit',
  });
for (const { file } of unsteady) process.stdout.write(`unsteady: ${file} (failed above, passed when run again alone)\n`);
for (const report of reports) if (report.failed > 0) process.stdout.write(`failed: ${report.file}\n`);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed > 0 ? 1 : 0;

/** Trace files: what was written is read back, and what is no trace file is refused with the place and the reason. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarioOf } from '../../scenarios/catalogue.js';
import type { Scenario } from '../../scenarios/scenario.js';
import { UsageError } from '../exit-codes.js';
import { runSeed } from '../run-seed.js';
import { RecordedRun } from './recorded-run.js';
import { traceFormat } from './trace-events.js';
import { readTraceFile, TraceFile } from './trace-file.js';

const traceFiles = suite<{ folder: string }>('trace files');

traceFiles.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'engram-trace-'));
});

traceFiles.after(({ folder }) => rmSync(folder, { recursive: true }));

function refused(read: () => unknown, pattern: RegExp): void {
  try {
    read();
  } catch (error) {
    assert.instance(error, UsageError);
    assert.match((error as UsageError).message, pattern);
    return;
  }
  assert.unreachable('it was read');
}

traceFiles('hold exactly what a recorder in memory sees', ({ folder }) => {
  const path = join(folder, 'run.jsonl');
  const options = { scenario: scenarioOf('clean-split') as Scenario, seed: 2, durationMs: 3_000 };
  const file = new TraceFile(path);
  runSeed({ ...options, sink: file });
  assert.is(file.close(), null);
  const memory = new RecordedRun();
  runSeed({ ...options, sink: memory });
  const read = readTraceFile(path);
  assert.equal(read.header, memory.about);
  assert.equal(JSON.stringify(read.events), JSON.stringify(memory.events));
  assert.is(read.header.trace, traceFormat);
});

traceFiles('that are none are refused with what is wrong', ({ folder }) => {
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const header = JSON.stringify({ trace: traceFormat });
  refused(() => readTraceFile(join(folder, 'none')), /cannot be read: ENOENT/);
  refused(() => readTraceFile(written('empty', '')), /line 1 of .* is no JSON object/);
  refused(() => readTraceFile(written('other', '{"seed":1}\n')), /is no trace file/);
  refused(() => readTraceFile(written('older', '{"trace":1}\n')), /has trace format 1, this version reads/);
  refused(() => readTraceFile(written('cut', `${header}\n{"i":1}\n{"i":2`)), /line 3 of .* is no JSON object/);
  refused(() => readTraceFile(written('gap', `${header}\n{"i":1}\n{"i":3}\n`)), /line 3 of .* is event 3, expected 2/);
});

traceFiles('that cannot be written any more say so, and the run goes on', () => {
  const file = new TraceFile('/dev/full');
  runSeed({ scenario: scenarioOf('clean-split') as Scenario, seed: 2, durationMs: 1_000, sink: file });
  assert.match(file.close() ?? '', /ENOSPC/);
});

traceFiles.run();

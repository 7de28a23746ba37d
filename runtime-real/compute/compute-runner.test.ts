/** Scans give the same bits wherever they run, and every job is answered once. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ComputeJob, type ComputeResult, compute } from '../../core/compute.js';
import { applyEntry } from '../../core/control/apply-entry.js';
import { emptyControlState } from '../../core/control/control-state.js';
import { type ControlEntry, defaultClusterSettings, type MemberDescription } from '../../core/control/entries.js';
import { nodeId } from '../../core/identifiers.js';
import { createPureFunctions } from '../pure-functions.js';
import { createComputeRunner } from './compute-runner.js';

const pure = await createPureFunctions();
const rowsPerChunk = 1_024;
const dimensions = 256;

function jobOf(rows: number, shared: boolean): ComputeJob {
  const buffer = (bytes: number): ArrayBuffer | SharedArrayBuffer => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  const chunks = Array.from({ length: Math.ceil(rows / rowsPerChunk) }, (_, chunk) => {
    const vectors = new Float32Array(buffer(rowsPerChunk * dimensions * 4));
    for (let at = 0; at < vectors.length; at += 1) vectors[at] = (((at + chunk) * 2_654_435_761) % 1_000) / 16_000 - 1 / 32;
    return {
      vectors,
      searchable: new Uint8Array(buffer(rowsPerChunk)).fill(1),
      occurredAtMs: new Float64Array(buffer(rowsPerChunk * 8)),
      contextBits: new Uint32Array(buffer(rowsPerChunk * 4)),
    };
  });
  const cue = Float32Array.from({ length: dimensions }, (_, at) => (at % 7) / 64);
  const times = { occurredFromMs: Number.NEGATIVE_INFINITY, occurredUntilMs: Number.POSITIVE_INFINITY };
  return { kind: 'scan', dimensions, rowsPerChunk, chunks, rows, cue, ...times, contextBits: 0, limit: 10 };
}

/** Four nodes, one of which has just joined; all spaces are on the others. */
function planOf(spaces: number): ComputeJob {
  const members = [1, 2, 3, 4].map(
    (n): MemberDescription => ({ id: nodeId(`${n}${n}`.repeat(16)), name: `n${n}`, zone: '', rack: '', address: '' }),
  );
  const entries: ControlEntry[] = [
    { kind: 'cluster-made', clusterId: 'ab'.repeat(16), founders: members, settings: defaultClusterSettings },
    ...Array.from({ length: spaces }, (_, n): ControlEntry => {
      const copies = members.slice(0, 3).map(({ id }) => id);
      return { kind: 'space-created', name: `space-${n}`, generation: 0, copies };
    }),
  ];
  const state = entries.reduce((before, entry) => applyEntry(before, entry, before.applied + 1).state, emptyControlState);
  return { kind: 'planning', state, absent: [], bytes: new Map() };
}

/** Runs the jobs and resolves with their results by ticket. */
async function resultsOf(jobs: readonly ComputeJob[], workerSource?: URL): Promise<ComputeResult[]> {
  const results: ComputeResult[] = [];
  let answered = 0;
  let all: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    all = resolve;
  });
  const runner = createComputeRunner(
    (ticket, result) => {
      assert.is(results[ticket], undefined);
      results[ticket] = result;
      answered += 1;
      if (answered === jobs.length) all();
    },
    pure,
    workerSource,
  );
  // The worker does not keep the process alive: that is the business of whoever waits.
  const alive = setInterval(() => {}, 1_000);
  jobs.forEach((job, ticket) => {
    runner.run(job, ticket);
  });
  await finished;
  clearInterval(alive);
  await runner.close();
  return results;
}

const runner = suite('scan runner');

runner('small, large and unshared jobs answer as the kernel does', async () => {
  const jobs = [jobOf(10, true), jobOf(9_000, true), jobOf(9_000, false), jobOf(5_000, true)];
  const results = await resultsOf(jobs);
  for (const [at, job] of jobs.entries()) assert.equal(results[at], compute(job, pure));
});

runner('plans of few and of many spaces are those of the kernel', async () => {
  const jobs = [planOf(8), planOf(300)];
  const results = await resultsOf(jobs);
  for (const [at, job] of jobs.entries()) assert.equal(results[at], compute(job, pure));
  assert.ok(results.every((result) => result?.kind === 'planning' && result.steps.length > 0));
});

runner('where no worker can be started, this thread does the work', async () => {
  const job = jobOf(9_000, true);
  const [result] = await resultsOf([job], new URL('file:///no/such/worker.js'));
  assert.equal(result, compute(job, pure));
});

runner.run();

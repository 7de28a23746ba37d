import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { normaliseInto, type ScanJob, scan, type VectorChunk } from './scan-kernel.js';

const scanKernel = suite('scan kernel');

interface Row {
  readonly vector: readonly number[];
  readonly searchable: number;
  readonly occurredAtMs: number;
  readonly contextBits: number;
}

// Whole numbers make scores exact and ties frequent.
const whole = fc.integer({ min: -2, max: 2 });
const bitsArbitrary = fc.constantFrom(0, 1, 0x8000_0000, 0x8000_0001, 0xffff_ffff);
const jobArbitrary = fc
  .record({ dimensions: fc.integer({ min: 1, max: 9 }), rowsPerChunk: fc.integer({ min: 1, max: 7 }) })
  .chain(({ dimensions, rowsPerChunk }) => {
    const vector = fc.array(whole, { minLength: dimensions, maxLength: dimensions });
    const row = fc.record({
      vector,
      searchable: fc.constantFrom(1, 1, 1, 0),
      occurredAtMs: fc.integer({ min: -3, max: 3 }),
      contextBits: bitsArbitrary,
    });
    return fc.record({
      dimensions: fc.constant(dimensions),
      rowsPerChunk: fc.constant(rowsPerChunk),
      rows: fc.array(row, { maxLength: 40 }),
      cue: fc.option(vector),
      occurredFromMs: fc.constantFrom(Number.NEGATIVE_INFINITY, -1, 0),
      occurredUntilMs: fc.constantFrom(Number.POSITIVE_INFINITY, 3, 2),
      contextBits: bitsArbitrary,
      limit: fc.nat(12),
    });
  });

function chunksOf(rows: readonly Row[], { dimensions, rowsPerChunk }: { dimensions: number; rowsPerChunk: number }): VectorChunk[] {
  const chunks = Array.from({ length: Math.ceil(rows.length / rowsPerChunk) }, () => ({
    vectors: new Float32Array(rowsPerChunk * dimensions),
    searchable: new Uint8Array(rowsPerChunk).fill(1),
    occurredAtMs: new Float64Array(rowsPerChunk),
    contextBits: new Uint32Array(rowsPerChunk).fill(0xffff_ffff),
  }));
  rows.forEach((row, index) => {
    const chunk = chunks[Math.floor(index / rowsPerChunk)];
    const at = index % rowsPerChunk;
    chunk.vectors.set(row.vector, at * dimensions);
    chunk.searchable[at] = row.searchable;
    chunk.occurredAtMs[at] = row.occurredAtMs;
    chunk.contextBits[at] = row.contextBits;
  });
  return chunks;
}

function bitsContained(bits: number, wanted: number): boolean {
  return (BigInt(bits) & BigInt(wanted)) === BigInt(wanted);
}

scanKernel('finds what sorting everything would find', () => {
  fc.assert(
    fc.property(jobArbitrary, ({ rows, cue, ...rest }) => {
      const job: ScanJob = {
        ...rest,
        kind: 'scan',
        chunks: chunksOf(rows, rest),
        rows: rows.length,
        cue: cue === null ? null : Float32Array.from(cue),
      };
      const passing = rows
        .map((row, index) => ({ ...row, index }))
        .filter(
          ({ searchable, occurredAtMs }) => searchable === 1 && occurredAtMs >= job.occurredFromMs && occurredAtMs < job.occurredUntilMs,
        )
        .filter(({ contextBits }) => bitsContained(contextBits, job.contextBits))
        .map((row) => ({
          row: row.index,
          score: cue === null ? row.occurredAtMs : row.vector.reduce((sum, x, at) => sum + x * cue[at], 0),
        }))
        .sort((a, b) => b.score - a.score || a.row - b.row);
      const found = scan(job);
      assert.is(found.matched, passing.length);
      assert.equal(
        [...found.rows].map((row, at) => ({ row, score: found.scores[at] + 0 })),
        passing.slice(0, job.limit).map(({ row, score }) => ({ row, score: score + 0 })),
      );
    }),
  );
});

scanKernel('the same vectors cut into other chunks give the same bits', () => {
  const values = fc.array(fc.float({ noNaN: true, min: -1, max: 1 }), { minLength: 40, maxLength: 200 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 9 }), (floats, rowsPerChunk) => {
      const dimensions = 10;
      const rows = Array.from({ length: Math.floor(floats.length / dimensions) }, (_, row) => ({
        vector: floats.slice(row * dimensions, (row + 1) * dimensions),
        searchable: 1,
        occurredAtMs: 0,
        contextBits: 0,
      }));
      const filters = { kind: 'scan', dimensions, occurredFromMs: 0, occurredUntilMs: 1, contextBits: 0, limit: 20 } as const;
      const cue = Float32Array.from(floats.slice(0, dimensions));
      const inOne = { dimensions, rowsPerChunk: 64 };
      const inMany = { dimensions, rowsPerChunk };
      const whole = scan({ ...filters, ...inOne, cue, rows: rows.length, chunks: chunksOf(rows, inOne) });
      assert.equal(scan({ ...filters, ...inMany, cue, rows: rows.length, chunks: chunksOf(rows, inMany) }), whole);
    }),
  );
});

scanKernel('rows beyond those in use are not looked at', () => {
  const chunks = chunksOf([{ vector: [1], searchable: 1, occurredAtMs: 1, contextBits: 0 }], { dimensions: 1, rowsPerChunk: 4 });
  const job = { kind: 'scan', dimensions: 1, rowsPerChunk: 4, chunks, cue: null, occurredFromMs: 0, occurredUntilMs: 9 } as const;
  assert.is(scan({ ...job, rows: 1, contextBits: 0, limit: 4 }).matched, 1);
  assert.is(scan({ ...job, rows: 0, contextBits: 0, limit: 4 }).matched, 0);
});

scanKernel('vectors become as long as one, in their direction', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 }), (source) => {
      const target = new Float32Array(source.length + 2).fill(7);
      const zero = source.every((value) => value === 0);
      assert.is(normaliseInto(Float32Array.from(source), target, 1), !zero);
      assert.is(target[0], 7);
      assert.is(target[source.length + 1], 7);
      if (zero) return;
      const unit = target.subarray(1, source.length + 1);
      const length = Math.sqrt(unit.reduce((sum, value) => sum + value * value, 0));
      assert.ok(Math.abs(length - 1) < 1e-6, `length ${length}`);
      assert.ok(source.every((value, at) => unit[at] * value >= 0));
    }),
  );
});

scanKernel.run();

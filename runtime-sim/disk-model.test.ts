/** The fault model of a disk: synced bytes stay, everything else may be old, new, zeros, garbage or torn, sector by sector. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Draws } from '../scenarios/random-streams.js';
import { type CrashProfile, DiskFile, sectorBytes } from './disk-file.js';
import { DiskModel, type DiskRequest, type DiskRequestKind } from './disk-model.js';

const disk = suite('disk');
const rates = { writeUs: [5, 40], syncUs: [80, 600], readUs: [20, 150], slow: 0 } as const;

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

function request(
  kind: DiskRequestKind,
  file: string,
  parts: Uint8Array[] = [],
  offset = 0,
  length = parts.reduce((sum, part) => sum + part.length, 0),
): DiskRequest {
  return { kind, file, offset, length, parts, ticket: 1 };
}

/** Performs requests one after another, each to its end. */
function perform(model: DiskModel, ...requests: DiskRequest[]): void {
  for (const one of requests) {
    const atUs = model.submit(one, 0);
    assert.is.not(model.complete(one, atUs).kind, 'failed');
  }
}

disk('synced bytes survive every crash', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.record({ length: fc.integer({ min: 1, max: 2_000 }), sync: fc.boolean() }), { maxLength: 12 }),
      (seed, writes) => {
        const model = new DiskModel({ seed, node: 'n1', rates });
        perform(model, request('reserve', 'log', [], 0, 64_000));
        let [end, synced] = [0, 0];
        writes.forEach(({ length, sync }, index) => {
          perform(model, request('write', 'log', [filled(length, index + 1)], end));
          end += length;
          if (!sync) return;
          perform(model, request('sync', 'log'));
          synced = end;
        });
        const before = model.file('log')?.read(0, synced);
        model.crash(0);
        assert.equal(model.file('log')?.read(0, synced), before);
        assert.is(model.file('log')?.size, 64_000);
      },
    ),
  );
});

disk('a sector that a write shares with synced bytes keeps those', () => {
  for (const fate of ['old', 'new', 'zero', 'garbage', 'torn'] as const) {
    const file = new DiskFile('log');
    file.write(0, [filled(100, 7)]);
    file.sync();
    file.write(100, [filled(900, 8)]);
    const profile: CrashProfile = [[fate, 1]];
    file.crash(profile, new Draws(1, fate));
    assert.equal(file.read(0, 100), filled(100, 7), fate);
    const rest = file.read(100, 900);
    if (fate === 'new') assert.equal(rest, filled(900, 8));
    if (fate === 'old' || fate === 'zero') assert.equal(rest, filled(900, 0));
    if (fate === 'torn') assert.ok(rest.includes(0) && rest.every((byte) => byte === 0 || byte === 8));
  }
});

disk('sectors meet their fates one by one: later ones may survive where earlier ones did not', () => {
  const profile: CrashProfile = [
    ['new', 1],
    ['old', 1],
  ];
  const patterns = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const file = new DiskFile('log');
    file.write(0, [filled(4 * sectorBytes, 9)]);
    file.crash(profile, new Draws(seed, 'test'));
    patterns.add([0, 1, 2, 3].map((sector) => file.read(sector * sectorBytes, 1)[0]).join(''));
  }
  assert.ok(patterns.has('0099') || patterns.has('0909') || patterns.has('0999'), [...patterns].join(' '));
});

disk('what survived whole, with all before it, counts as durable; what follows a torn write does not', () => {
  const file = new DiskFile('log');
  file.write(0, [filled(100, 1)]);
  file.write(sectorBytes, [filled(100, 2)]);
  assert.is(file.crash([['new', 1]], new Draws(1, 'all')).survivors.length, 2);
  file.write(0, [filled(100, 3)]);
  file.write(sectorBytes, [filled(100, 4)]);
  assert.is(file.crash([['old', 1]], new Draws(1, 'none')).survivors.length, 0);
  assert.equal(file.read(0, 100), filled(100, 1));
});

disk('a replacement in flight at a crash happened whole or not at all', () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed += 1) {
    const model = new DiskModel({ seed, node: 'n1', rates });
    perform(model, request('replace', 'boot', [filled(30, 1)]));
    model.submit(request('replace', 'boot', [filled(30, 2)]), 0);
    model.crash(0);
    const bytes = model.file('boot')?.read(0, 100) as Uint8Array;
    assert.is(bytes.length, 30);
    assert.ok(bytes.every((byte) => byte === bytes[0]));
    seen.add(bytes[0]);
  }
  assert.equal([...seen].sort(), [1, 2]);
});

disk('operations on one file end in the order of the calls', () => {
  const model = new DiskModel({ seed: 3, node: 'n1', rates: { ...rates, slow: 0.3 } });
  let last = 0;
  for (let index = 0; index < 100; index += 1) {
    const endUs = model.submit(request(index % 3 === 0 ? 'sync' : 'write', 'log', [filled(10, 1)]), index);
    assert.ok(endUs > last);
    last = endUs;
  }
});

disk('a full medium refuses without damage, and takes again when it has room', () => {
  const model = new DiskModel({ seed: 1, node: 'n1', rates });
  model.capacityBytes = 1_000;
  perform(model, request('reserve', 'log', [], 0, 800));
  const more = request('reserve', 'next', [], 0, 300);
  const result = model.complete(more, model.submit(more, 0));
  assert.is(result.kind === 'failed' && result.code, 'ENOSPC');
  assert.is(model.file('next'), null);
  perform(model, request('remove', 'log'), request('reserve', 'next', [], 0, 300));
});

disk('after a failed sync no later sync makes the bytes durable', () => {
  const model = new DiskModel({ seed: 1, node: 'n1', rates });
  perform(model, request('reserve', 'log', [], 0, 4_096), request('write', 'log', [filled(600, 5)]));
  model.failUntil('sync', 1_000_000);
  const sync = request('sync', 'log');
  const result = model.complete(sync, model.submit(sync, 0));
  assert.is(result.kind === 'failed' && result.code, 'EIO');
  model.mend();
  perform(model, request('sync', 'log'));
  assert.is(model.durableWrites.length, 0);
});

disk('synced bytes that are written over are at stake until the next sync; those before the write are not', () => {
  for (const [fate, expected] of [
    ['old', 5],
    ['new', 6],
    ['zero', 0],
  ] as const) {
    const file = new DiskFile('log');
    file.write(0, [filled(700, 5)]);
    file.sync();
    file.write(100, [filled(600, 6)]);
    file.crash([[fate, 1]], new Draws(1, 'crash'));
    assert.equal(file.read(0, 100), filled(100, 5), fate);
    assert.equal(file.read(100, 600), filled(600, expected), fate);
  }
});

disk('a killed process leaves what it had written, and of what was under way a first part', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const model = new DiskModel({ seed, node: 'n1', rates });
    perform(model, request('reserve', 'log', [], 0, 4_096), request('write', 'log', [filled(600, 5)]));
    model.submit(request('write', 'log', [filled(600, 6)], 600), 0);
    model.submit(request('write', 'log', [filled(600, 7)], 1_200), 0);
    assert.is(model.kill(0), true);
    const [first, second] = [model.file('log')?.read(600, 600), model.file('log')?.read(1_200, 600)];
    assert.equal(model.file('log')?.read(0, 600), filled(600, 5));
    assert.ok(first?.every((byte) => byte === 6) || (first?.every((byte) => byte === 0) && second?.every((byte) => byte === 0)));
    assert.is(model.durableWrites.length, 0);
  }
});

disk('bad sectors refuse reads that touch them, until their time is over', () => {
  const model = new DiskModel({ seed: 1, node: 'n1', rates });
  perform(model, request('reserve', 'log', [], 0, 4_096), request('write', 'log', [filled(2_000, 5)]));
  model.file('log')?.refuse(512, 512, 1_000);
  model.badSectors = true;
  const read = (offset: number, length: number, atUs: number): string => {
    const one = request('read', 'log', [], offset, length);
    model.submit(one, 0);
    return model.complete(one, atUs).kind;
  };
  assert.equal([read(0, 512, 10), read(500, 20, 10), read(1_000, 100, 10), read(1_024, 100, 10)], ['read', 'failed', 'failed', 'read']);
  assert.is(read(500, 20, 1_000), 'read');
});

disk('a lost write leaves what was there before, and the record keeps what was written', () => {
  const file = new DiskFile('log');
  file.write(0, [filled(2_000, 6)]);
  file.sync();
  file.overwrite(600, new Uint8Array(300));
  assert.equal(file.read(600, 300), new Uint8Array(300));
  assert.equal(file.pristine().subarray(0, 2_000), filled(2_000, 6));
});

disk('rot sticks to the bytes, and the bytes before it are kept for the record', () => {
  const file = new DiskFile('log');
  file.write(0, [filled(2_000, 6)]);
  file.sync();
  file.rot(700, 20, new Draws(1, 'rot'));
  assert.not.equal(file.read(700, 20), filled(20, 6));
  assert.equal(file.read(700, 20), file.read(700, 20));
  assert.equal(file.pristine().subarray(0, 2_000), filled(2_000, 6));
});

disk('reading past the end gives fewer bytes, a missing file ENOENT', () => {
  const model = new DiskModel({ seed: 1, node: 'n1', rates });
  perform(model, request('reserve', 'log', [], 0, 100));
  const read = request('read', 'log', [], 90, 50);
  const result = model.complete(read, model.submit(read, 0));
  assert.is(result.kind === 'read' && result.bytes.length, 10);
  const missing = request('read', 'nothing', [], 0, 10);
  const failure = model.complete(missing, model.submit(missing, 0));
  assert.is(failure.kind === 'failed' && failure.code, 'ENOENT');
});

disk.run();

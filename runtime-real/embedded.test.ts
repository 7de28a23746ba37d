/** Embedded mode against bad luck: a sync that does not end, a full disk, a killed process, a damaged log, a cache far too small. */
import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importAndKill } from './cli/demo/crash.js';
import { readPassages } from './cli/demo/passages.js';
import { openEngram } from './client/open.js';
import { type FileCalls, systemFileCalls } from './disk/file-calls.js';
import { EngramError } from './index.js';
import { errorOf } from './test-support/error-of.js';
import { inDirectory } from './test-support/in-directory.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const oneMiB = 2 ** 20;
const small = { segmentBytes: oneMiB };

const embedded = suite('embedded');

embedded('no reply leaves before fdatasync has completed', () =>
  inDirectory(async (dataDir) => {
    let hold = false;
    const held: (() => void)[] = [];
    const fileCalls: FileCalls = {
      ...systemFileCalls,
      syncData: async (descriptor) => {
        if (hold) await new Promise<void>((resolve) => held.push(resolve));
        return systemFileCalls.syncData(descriptor);
      },
    };
    const engram = await openEngram({ dataDir }, { fileCalls });
    const space = engram.space();
    await space.remember({ id: 'before', text: 'before' });
    hold = true;
    const answered: string[] = [];
    const writes = [
      space.remember({ id: 'one', text: 'one' }).then(() => answered.push('remember')),
      space.rememberBatch([{ id: 'two', text: 'two' }]).then(() => answered.push('batch')),
      space.update({ id: 'before', text: 'after' }).then(() => answered.push('update')),
    ];
    await pause(150);
    assert.equal(answered, []);
    assert.ok(held.length > 0, 'a sync is in flight');
    // What is not synced is not visible either: a crash must not un-read it.
    assert.is((await space.get('before'))?.text, 'before');
    assert.is(await space.get('one'), null);
    hold = false;
    for (const release of held) release();
    await Promise.all(writes);
    assert.is(answered.length, 3);
    assert.is((await space.get('before'))?.text, 'after');
    await engram.close();
  }),
);

embedded('a failed sync stops the store: waiting writes are unknown, and nothing is acknowledged any more', () =>
  inDirectory(async (dataDir) => {
    let fail = false;
    const fileCalls: FileCalls = {
      ...systemFileCalls,
      syncData: (descriptor) =>
        fail
          ? Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
          : systemFileCalls.syncData(descriptor),
    };
    const engram = await openEngram({ dataDir }, { fileCalls });
    await engram.space().remember({ id: 'a', text: 'one' });
    fail = true;
    const error = await errorOf(engram.space().remember({ id: 'b', text: 'two' }));
    assert.is(error.outcome, 'unknown');
    assert.instance(await errorOf(engram.space().get('a')), EngramError);
    await engram.close();
    const again = await openEngram({ dataDir });
    assert.is((await again.space().get('a'))?.text, 'one');
    await again.close();
  }),
);

embedded('one process per directory: the second is told who has it', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const error = await errorOf(openEngram({ dataDir }));
    assert.is(error.code, 'DATA_DIRECTORY_LOCKED');
    assert.match(error.message, dataDir);
    assert.match(error.message, String(process.pid));
    await engram.close();
    await (await openEngram({ dataDir })).close();
  }),
);

embedded('after close everything is refused, and closing again is no error', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const last = engram.space().remember({ id: 'a', text: 'one' });
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([engram.close(), engram.close()]);
    assert.is((await last).id, 'a');
    assert.is((await errorOf(engram.space().get('a'))).code, 'CLOSED');
  }),
);

embedded('imports and recalls with a cache of 1 % of the data', () =>
  inDirectory(async (dataDir) => {
    const { all } = readPassages();
    const bytes = all.reduce((sum, { episode, vector }) => sum + episode.text.length + vector.byteLength, 0);
    const options = { dataDir, cacheBytesMax: Math.floor(bytes / 100), storage: small };
    const first = await openEngram(options);
    await first.space().rememberBatch(all.map(({ episode, vector }) => ({ ...episode, embedding: vector })));
    await first.close();
    const engram = await openEngram(options);
    for (const { episode } of all) assert.is((await engram.space().get(episode.id))?.text, episode.text);
    for (const { episode, vector } of all.filter((_, at) => at % 20 === 0)) {
      const { memories } = await engram.space().recall({ embedding: vector, limit: 5 });
      const best = memories.find(({ score }) => score > 0.9999);
      assert.ok(best !== undefined && memories.some(({ id }) => id === episode.id) && memories.length === 5);
    }
    await engram.close();
  }),
);

embedded('a process killed with SIGKILL in the middle of an import loses nothing that it acknowledged', () =>
  inDirectory(async (dataDir) => {
    const { all } = readPassages();
    const episodes = all.map(({ episode }) => episode);
    const texts = new Map(all.map(({ episode }) => [episode.id, episode.text]));
    for (const killAfter of [30, 200, 410]) {
      const { acknowledged } = await importAndKill({ dataDir, space: `killed-${killAfter}`, episodes, killAfter });
      assert.ok(acknowledged.length >= killAfter && acknowledged.length < episodes.length);
      const engram = await openEngram({ dataDir });
      for (const id of acknowledged) assert.is((await engram.space(`killed-${killAfter}`).get(id))?.text, texts.get(id));
      await engram.close();
    }
  }),
);

embedded('a large scan runs on a worker thread and answers the same', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const dimensions = 256;
    const vector = (seed: number): Float32Array =>
      Float32Array.from({ length: dimensions }, (_, at) => Math.sin(seed * 7.3 + at * (1 + (seed % 13))));
    await engram.space().rememberBatch(Array.from({ length: 6_000 }, (_, at) => ({ id: `w${at}`, embedding: vector(at) })));
    const { memories, coverage } = await engram.space().recall({ embedding: vector(4_321), limit: 3 });
    assert.is(coverage.searched, 6_000);
    assert.ok((memories[0]?.score ?? 0) > 0.999_9);
    assert.is(memories[0]?.id, 'w4321');
    await engram.close();
  }),
);

embedded('an open store that nobody uses does not keep the process alive', () =>
  inDirectory(async (dataDir) => {
    const index = new URL('./index.ts', import.meta.url).href;
    const script = `
      const { openEngram } = await import(${JSON.stringify(index)});
      const engram = await openEngram({ dataDir: process.argv[1] });
      await engram.space().remember({ text: 'one' });
      console.log('done');
    `;
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, dataDir];
    assert.is(execFileSync(process.execPath, words, { encoding: 'utf8', timeout: 10_000 }).trim(), 'done');
  }),
);

embedded.run();

/** The host between an application and its node: closing under load, aborting, listeners that fail, options that make no sense. */
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lockDirectory } from './disk/directory-lock.js';
import { EngramError, type OpenOptions, openEngram } from './index.js';
import { inDirectory } from './test-support/in-directory.js';

/** Without wishes for colours: what is printed is compared. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, ...environment } = process.env;
  return { ...environment, NO_COLOR: '1' };
}

const host = suite('node host');

host('close ends while the application keeps writing; what was taken is answered, what came later is CLOSED', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const space = engram.space();
    const codes: string[] = [];
    const written: string[] = [];
    let goOn = true;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let at = 0; goOn; at += 1) {
        await space.remember({ id: `w${writer}-${at}`, text: 'again', embed: false }).then(
          ({ id }) => written.push(id),
          (error) => {
            codes.push(error.code);
            goOn = false;
          },
        );
      }
    });
    while (written.length < 20) await new Promise((resolve) => setTimeout(resolve, 1));
    await engram.close();
    goOn = false;
    await Promise.all(writers);
    assert.ok(codes.length > 0 && codes.every((code) => code === 'CLOSED'), codes.join(' '));
    const again = await openEngram({ dataDir });
    for (const id of written) assert.is((await again.space().get(id))?.text, 'again', id);
    await again.close();
  }),
);

host('one signal for many calls has one listener, and none once they are answered', () =>
  inDirectory(async (dataDir) => {
    const engram = await openEngram({ dataDir });
    const space = engram.space();
    const stop = new AbortController();
    const { signal } = stop;
    const writes = Array.from({ length: 50 }, (_, at) => space.remember({ id: `a${at}`, text: 'x', embed: false }, { signal }));
    await new Promise((resolve) => queueMicrotask(() => resolve(null)));
    assert.ok(getEventListeners(signal, 'abort').length <= 1);
    await Promise.all(writes);
    assert.is(getEventListeners(signal, 'abort').length, 0);
    const aborted = Array.from({ length: 20 }, (_, at) => space.remember({ id: `b${at}`, text: 'x', embed: false }, { signal }));
    setTimeout(() => stop.abort(new Error('enough')), 0);
    for (const settled of await Promise.allSettled(aborted)) {
      if (settled.status === 'rejected') assert.is(settled.reason.message, 'enough');
    }
    const late = await space.get('a1', { signal }).catch((error) => error);
    assert.is(late.message, 'enough');
    assert.is(getEventListeners(signal, 'abort').length, 0);
    await engram.close();
  }),
);

host('a listener that throws or rejects is reported once and stops nothing', () =>
  inDirectory(async (dataDir) => {
    const script = `
      import { openEngram } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      let heard = 0;
      const onEvent = (event) => { heard += 1; if (heard % 2 === 0) throw new Error('broken listener'); return Promise.reject(new Error('broken listener')); };
      const engram = await openEngram({ dataDir: ${JSON.stringify(dataDir)}, onEvent });
      await engram.space().remember({ id: 'a', text: 'one' });
      await engram.close();
      console.log('heard', heard > 0);`;
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', `${script}`];
    const printed = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', process.execPath, ...words], {
      encoding: 'utf8',
      timeout: 30_000,
      env: plainEnvironment(),
    });
    assert.match(printed, 'heard true');
    assert.is(printed.split('broken listener').length - 1, 1, printed);
  }),
);

host('options that make no sense are refused with what is allowed, and nothing is made', () =>
  inDirectory(async (parent) => {
    const dataDir = join(parent, 'data');
    const bad: readonly [object, string][] = [
      [{ storage: { segmentBytes: 4_095 } }, 'storage.segmentBytes'],
      [{ storage: { segmentBytes: 2 ** 31 } }, 'storage.segmentBytes'],
      [{ storage: { segmentBytes: '1 MiB' } }, 'storage.segmentBytes'],
      [{ storage: { segmentBytes: undefined } }, 'storage.segmentBytes'],
      [{ storage: { segmentSize: 5 } }, 'storage.segmentSize'],
      [{ storage: { toString: 5 } }, 'storage.toString'],
      [{ storage: { compactLiveShareMax: 1 } }, 'storage.compactLiveShareMax'],
      [{ storage: { fullRetryMs: Number.NaN } }, 'storage.fullRetryMs'],
      [{ storage: null }, 'storage'],
      [{ memory: { textBytesMax: 0 } }, 'memory.textBytesMax'],
      [{ cacheBytesMax: -1 }, 'cacheBytesMax'],
      [{ cacheBytesMax: '64m' }, 'cacheBytesMax'],
      [{ cacheBytes: 1 }, 'cacheBytes'],
      [{ onEvent: 'log' }, 'onEvent'],
      [{ embedder: 'mine' }, 'embedder'],
      [{ dataDir: 5 }, 'dataDir'],
    ];
    for (const [options, field] of bad) {
      const error = await openEngram({ dataDir, ...options } as OpenOptions).catch((reason) => reason);
      assert.instance(error, EngramError, field);
      assert.is(error.code, 'INVALID_ARGUMENT', error.message);
      assert.is(error.field, field);
    }
    assert.not.ok(existsSync(dataDir));
    const engram = await openEngram({ dataDir, cacheBytesMax: 0, storage: { segmentBytes: 65_536 } });
    await engram.space().remember({ id: 'a', text: 'one' });
    assert.is((await engram.space().get('a'))?.text, 'one');
    await engram.close();
  }),
);

host('a directory is made with its parents; where none can be made the error comes at once', () =>
  inDirectory(async (parent) => {
    const deep = join(parent, 'a', 'b', 'c');
    (await lockDirectory(deep)).release();
    assert.ok(existsSync(deep));
    if (!existsSync('/proc/self')) return;
    const error = await lockDirectory('/proc/engram/a/b').catch((reason) => reason);
    assert.is(error.code, 'DATA_DIRECTORY_UNUSABLE');
  }),
);

host.run();

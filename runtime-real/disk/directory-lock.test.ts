/** The lock of a data directory: one holder, also when many race, and free again after kill -9. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EngramError } from '../../core/errors.js';
import { inDirectory } from '../test-support/in-directory.js';
import { lockDirectory } from './directory-lock.js';

const holder = `
  import { lockDirectory } from ${JSON.stringify(new URL('./directory-lock.ts', import.meta.url).href)};
  try {
    await lockDirectory(process.argv[1]);
    console.log('held');
    setInterval(() => {}, 1e9);
  } catch (error) {
    console.log(error.code);
  }
`;

function contend(directory: string): { child: ChildProcess; said: Promise<string> } {
  const loader = import.meta.resolve('tsx');
  const child = spawn(process.execPath, ['--import', loader, '--input-type=module', '-e', holder, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = new Promise<string>((resolve) => child.stdout?.once('data', (chunk) => resolve(String(chunk).trim())));
  return { child, said };
}

const kill = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(null);
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });

async function refusal(directory: string): Promise<EngramError> {
  try {
    (await lockDirectory(directory)).release();
  } catch (error) {
    assert.instance(error, EngramError);
    return error as EngramError;
  }
  throw new Error('the directory was not locked');
}

const lock = suite('directory lock');

lock('a second holder is refused with directory and pid, and let in after release', () =>
  inDirectory(async (directory) => {
    const first = await lockDirectory(directory);
    const error = await refusal(directory);
    assert.is(error.code, 'DATA_DIRECTORY_LOCKED');
    assert.match(error.message, directory);
    assert.match(error.message, String(process.pid));
    first.release();
    (await lockDirectory(directory)).release();
    assert.equal(readdirSync(join(directory, 'lock')), []);
  }),
);

lock('another process is refused while the holder lives, and let in at once after kill -9', () =>
  inDirectory(async (directory) => {
    const { child, said } = contend(directory);
    assert.is(await said, 'held');
    const error = await refusal(directory);
    assert.match(error.message, `process ${child.pid}`);
    await kill(child);
    (await lockDirectory(directory)).release();
  }),
);

lock('of processes that race exactly one holds it', () =>
  inDirectory(async (directory) => {
    // A dead claim lies there, so that all of them also race to sweep it away.
    const dead = contend(directory);
    await dead.said;
    await kill(dead.child);
    const contenders = Array.from({ length: 5 }, () => contend(directory));
    const said = await Promise.all(contenders.map((contender) => contender.said));
    assert.is(said.filter((word) => word === 'held').length, 1, said.join(' '));
    assert.is(said.filter((word) => word === 'DATA_DIRECTORY_LOCKED').length, 4);
    await Promise.all(contenders.map(({ child }) => kill(child)));
  }),
);

lock('a claim of another container counts while it is touched, and no longer when it is silent', () =>
  inDirectory(async (directory) => {
    (await lockDirectory(directory)).release();
    const foreign = join(directory, 'lock', 'claim-1-foreign');
    writeFileSync(foreign, JSON.stringify({ pid: 1, startedAt: '7', realm: 'another' }));
    const touch = setInterval(() => utimesSync(foreign, new Date(), new Date()), 100);
    assert.match((await refusal(directory)).message, 'another container');
    clearInterval(touch);
    (await lockDirectory(directory)).release();
  }),
);

lock('a path that cannot be a directory is refused with what to do', () =>
  inDirectory(async (directory) => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    assert.is((await refusal(file)).code, 'DATA_DIRECTORY_UNUSABLE');
  }),
);

lock.run();

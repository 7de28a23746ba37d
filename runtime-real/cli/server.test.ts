/** The command line with --server: the same commands, asked of a node. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeProcess, startNode } from '../node-processes.js';

const program = fileURLToPath(new URL('../engram.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'engram-cli-server-'));
let node: NodeProcess;

/** Not synchronously: the node's log must be read meanwhile. */
async function engram(words: readonly string[], input = '', environment = {}): Promise<{ code: number | null; out: string; err: string }> {
  const env = { ...process.env, NO_COLOR: '1', ENGRAM_SERVER: node.address, ...environment };
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, ...words], { env, cwd: folder });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

const cli = suite('engram command line with a server');
cli.before(async () => {
  node = await startNode();
});
cli.after(async () => {
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

cli('remember, recall, get, import, forget and status ask the node, and make no data directory', async () => {
  const remembered = await engram(['remember', 'Lena prefers green tea', '--id', 'tea', '--confidence', '0.8']);
  assert.is(remembered.code, 0, remembered.err);
  assert.match((await engram(['recall', 'what tea does Lena like'])).out, /80\.0 %/);
  const lines = Array.from({ length: 1_000 }, (_, at) => JSON.stringify({ id: `i${at}`, text: `event ${at}` }));
  const imported = await engram(['import', '-', '--space', 'imported', '--acknowledged'], lines.join('\n'));
  assert.is(imported.code, 0, imported.err);
  assert.is(imported.out.split('\n').filter((line) => /^i\d+$/.test(line)).length, 1_000);
  assert.is(JSON.parse((await engram(['get', 'i999', '--space', 'imported', '--json'])).out).text, 'event 999');
  assert.is((await engram(['forget', 'tea'])).code, 0);
  const missing = await engram(['get', 'tea']);
  assert.is(missing.code, 1);
  assert.match(missing.err, 'NOT_FOUND');
  const status = JSON.parse((await engram(['status', '--json'])).out);
  assert.is(status.server, node.address);
  assert.is(status.nodeName, 'n1');
  assert.is(status.nodeId, node.nodeId);
  assert.is(status.spaces.find(({ name }: { name: string }) => name === 'imported').memories, 1_000);
  assert.match((await engram(['status'])).out, new RegExp(`server +${node.address}`));
  assert.not.ok(existsSync(join(folder, 'engram-data')));
});

cli('every answer says who gave it and with what standing, in a line for people and whole with --json', async () => {
  const space = ['--space', 'answered'];
  const line = /\nanswered by n1, (?:confirmed|provisional) primary\n/;
  assert.match((await engram(['remember', 'green', '--id', 'tea', '--ack', 'all', ...space])).out, line);
  assert.match((await engram(['get', 'tea', ...space])).out, line);
  for (const words of [
    ['recall', 'green'],
    ['forget', 'tea', '--ack', 'quorum'],
  ]) {
    const ran = await engram([...words, ...space, '--json']);
    const { answeredBy } = JSON.parse(ran.out);
    assert.is(answeredBy?.nodeId, node.nodeId, ran.out);
    assert.is(answeredBy.role, 'primary');
    assert.is(answeredBy.sessionSatisfied, true);
    assert.type(answeredBy.confirmed, 'boolean');
  }
  const beyond = JSON.parse((await engram(['remember', 'black', '--ack', 'one', ...space, '--json'])).out);
  assert.is(beyond.error.code, 'ACK_OUT_OF_REACH');
});

cli('the first of several servers that answers is enough; a data directory on the command line stands above ENGRAM_SERVER', async () => {
  const ran = await engram(['status', '--json', '--server', `127.0.0.1:1,${node.address}`]);
  assert.is(ran.code, 0, ran.err);
  const local = await engram(['remember', 'here', '--data-dir', join(folder, 'here')]);
  assert.is(local.code, 0, local.err);
  assert.ok(existsSync(join(folder, 'here')));
});

cli.run();

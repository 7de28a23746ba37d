/** The demo as people meet it: what it shows is so, and nothing of it is left, however it ends. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lockDirectory } from '../../disk/directory-lock.js';
import { runCommand, startCommand } from '../../test-support/command-line.js';

const demos = suite('engram demo');
let temporary = '';
demos.before.each(() => {
  temporary = mkdtempSync(join(tmpdir(), 'demo-test-'));
});
demos.after.each(() => rmSync(temporary, { recursive: true, force: true }));

/** What of ours is left in the directory for temporary files: the loader keeps a cache there. */
function left(): string[] {
  return readdirSync(temporary)
    .filter((name) => name.startsWith('engram'))
    .sort();
}

/** The nodes' processes, from the table that the demo shows. */
function nodesIn(said: string): number[] {
  return [...said.matchAll(/n\d +│ 127\.0\.0\.1:\d+ +│ +(\d+)/g)].map(([, pid]) => Number(pid));
}

async function ended(pids: readonly number[]): Promise<void> {
  for (const pid of pids) while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
}

/** A process that has ended and that nobody has asked about is not running any more. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

demos('the demo of embedded mode shows answers, kills a process, and finds every acknowledged passage', () => {
  const [demo] = runCommand(['demo', '--nodes', '1', '--json'], { env: { TMPDIR: temporary } }).lines();
  assert.ok(demo.ok);
  assert.is(demo.imported['passages-minilm'].written, 777);
  assert.is(demo.imported['passages-words'].written, 778);
  assert.ok(demo.answers.length >= 4);
  assert.match(demo.answers.at(-1).memories[0].title, 'RichTextEditor');
  assert.ok(demo.crash.acknowledged >= 200 && demo.crash.acknowledged < 778);
  assert.is(demo.crash.present, demo.crash.acknowledged);
  assert.ok(demo.crash.otherSpacesIntact);
});

demos('the demo of a cluster: a primary dies, writes go on at another, and every copy ends with every acknowledged passage', () => {
  const ran = runCommand(['demo', '--json'], { env: { TMPDIR: temporary } });
  assert.is(ran.code, 0, ran.err);
  const [demo] = ran.lines();
  assert.ok(demo.ok);
  assert.is(demo.nodes, 3);
  assert.is(demo.imported.passages.written + demo.failover.acknowledged, 778);
  assert.is(demo.imported['passages-minilm'].written, 777);
  assert.ok(demo.answers.length >= 4);
  assert.match(demo.answers.at(-1).memories[0].title, 'RichTextEditor');
  assert.is.not(demo.failover.newPrimary, demo.failover.killed);
  assert.is(demo.failover.failedWrites, 0);
  assert.ok(demo.failover.recalls.answered > 0);
  for (const copies of Object.values(demo.restart.copies) as { digest: string }[][])
    assert.is(new Set(copies.map(({ digest }) => digest)).size, 1);
  assert.is(demo.restart.checked, 778 + 777);
  assert.is(demo.restart.lost, 0);
  const { from, to, seenDead, seenBack } = demo.restart.moved;
  assert.ok(seenDead && seenBack && from !== to, JSON.stringify(demo.restart.moved));
  assert.equal(left(), []);
});

for (const moment of ['Engram', 'all three serve']) {
  demos(`interrupted after it said "${moment}" it leaves neither processes nor files`, async () => {
    const demo = startCommand(['demo'], { TMPDIR: temporary });
    await demo.says(moment);
    demo.process.kill('SIGINT');
    assert.is(await demo.ended, 130);
    assert.equal(left(), []);
    const nodes = nodesIn(demo.said());
    assert.is(nodes.length, moment === 'Engram' ? 0 : 3);
    await ended(nodes);
  });
}

demos('what one left that was killed with SIGKILL is removed by the next; what is in use, or cannot be told, is not', async () => {
  const killed = startCommand(['demo'], { TMPDIR: temporary });
  await killed.says('all three serve');
  killed.process.kill('SIGKILL');
  assert.is(await killed.ended, 'SIGKILL');
  assert.is(left().length, 1);
  await ended(nodesIn(killed.said()));
  const { release } = await lockDirectory(join(temporary, 'engram-demo-in-use'));
  mkdirSync(join(temporary, 'engram-demo-without-a-lock'));
  const ran = runCommand(['demo', '--nodes', '1', '--json'], { env: { TMPDIR: temporary } });
  assert.is(ran.code, 0, ran.err);
  assert.equal(left(), ['engram-demo-in-use', 'engram-demo-without-a-lock']);
  release();
});

demos.run();

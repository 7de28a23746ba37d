/** Real nodes whose control logs are all damaged on disk: an operator recovers one of them, the others come back to it, and no memory is lost. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import { connectEngram } from '../index.js';
import { freeMembers, type NodeProcess, startNode } from '../node-processes.js';
import { runCommand } from '../test-support/command-line.js';

const damaged = suite('recovery of a cluster whose control logs are damaged');
/** Written into every entry that makes this space, and nowhere else so near behind the name of the control log. */
const lostSpace = 'its-row-is-lost';
const nameToNameMax = 80;

/** Flips a byte of each record of the control log that names the space. Returns how many there were. */
function rotEntries(dataDir: string): number {
  let found = 0;
  for (const file of readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((name) => /(^|\/)wal-[^/]*$/.test(name))) {
    const bytes = readFileSync(join(dataDir, file));
    for (let at = bytes.indexOf(lostSpace); at >= 0; at = bytes.indexOf(lostSpace, at + 1)) {
      const before = bytes.lastIndexOf('.control', at);
      if (before < 0 || at - before > nameToNameMax) continue;
      bytes[at] ^= 0x55;
      found += 1;
    }
    writeFileSync(join(dataDir, file), bytes);
  }
  return found;
}

const control = (node: NodeProcess) =>
  askNode(node.address, { method: clusterService.getControl, request: { withoutRows: false }, deadlineMs: 5_000 });

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

damaged('one recovers, says what it has begun with, and all three decide together again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'engram-damaged-'));
  const members = await freeMembers(3);
  const start = (name: string) => startNode({ name, members, dataDir: join(folder, name), until: 'node.serving' });
  const names = ['n1', 'n2', 'n3'];
  let nodes: NodeProcess[] = [];
  try {
    nodes = await Promise.all(names.map(start));
    const before = await connectEngram({ servers: nodes.map(({ address }) => address) });
    await before.space('default').remember({ id: 'kept', text: 'from before', embed: false }, { ack: 'all' });
    await before.space(lostSpace).remember({ id: 'kept too', text: 'its row goes', embed: false }, { ack: 'all' });
    await before.close();
    await until(async () => (await Promise.all(nodes.map(control))).every(({ spaces }) => spaces === 2));
    await Promise.all(nodes.map((node) => node.stop()));
    for (const name of names) assert.ok(rotEntries(join(folder, name)) > 0, `${name} has the entry on its disk`);
    nodes = await Promise.all(names.map(start));
    await Promise.all(nodes.map((node) => node.logged('control.log-damaged')));
    const [n1, n2] = nodes as [NodeProcess, NodeProcess, NodeProcess];
    const unsure = runCommand(['--json', '--server', n2.address, 'cluster', 'recover']);
    assert.equal([unsure.code, unsure.lines()[0].error.field], [1, 'accept_risk']);
    const ran = runCommand(['--server', n2.address, 'cluster', 'recover', '--accept-risk']);
    assert.is(ran.code, 0, ran.out + ran.err);
    assert.match(ran.out, /generation 2 of the control log has begun/);
    assert.match(ran.out, /the control log of this node was damaged/);
    assert.match(ran.out, /the log had reached \d+ at least: what was committed from \d+ on is not known/);
    await n2.logged('control.recovered');
    await until(async () =>
      (await Promise.all(nodes.map(control))).every(
        (report) => report.generation === 2 && !report.damaged && report.members.filter(({ voter }) => voter).length === 3,
      ),
    );
    const again = runCommand(['--json', '--server', n1.address, 'cluster', 'recover', '--accept-risk']);
    assert.match(again.lines()[0].error.message, /there is nothing to recover/);
    const after = await connectEngram({ servers: nodes.map(({ address }) => address) });
    assert.is((await after.space('default').get('kept'))?.text, 'from before');
    // The space is made again when it is written to, under the name and generation that its records have.
    await after.space(lostSpace).remember({ id: 'new', text: 'since', embed: false }, { ack: 'all' });
    assert.is((await after.space(lostSpace).get('kept too'))?.text, 'its row goes');
    await after.close();
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
});

damaged('a member that comes back after it was given up follows the new generation', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'engram-given-up-'));
  const members = await freeMembers(3);
  const start = (name: string) => startNode({ name, members, dataDir: join(folder, name), until: 'node.serving' });
  const nodes: NodeProcess[] = [];
  try {
    nodes.push(...(await Promise.all(['n1', 'n2', 'n3'].map(start))));
    const [n1, n2, n3] = nodes as [NodeProcess, NodeProcess, NodeProcess];
    for (const node of [n1, n2]) node.kill('SIGKILL');
    await Promise.all([n1.exited, n2.exited]);
    const question = { method: clusterService.recover, request: { acceptRisk: true }, deadlineMs: 5_000 };
    await until(async () => (await askNode(n3.address, question)).failure === undefined);
    const back = await start('n2');
    nodes.push(back);
    await until(
      async () => (await control(back)).generation === 2 && (await control(back)).members.filter(({ voter }) => voter).length === 2,
    );
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
});

damaged.run();

/**
 * Real nodes on disks that are slow or break: three nodes in this process, one of which has a disk whose syncs a test holds back, and a process of its own
 * for what ends a process. No reply leaves before its sync, a held sync holds up nobody else, and a failed one ends the node.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { settingsOf } from './config/settings.js';
import { fromFlag, type GivenValues } from './config/sources.js';
import { type FileCalls, systemFileCalls } from './disk/file-calls.js';
import { connectEngram, type Engram, EngramError, type Space } from './index.js';
import { RunningNode } from './node/running-node.js';
import { freeMembers } from './node-processes.js';
import { assertNothingLost } from './test-support/equal-copies.js';
import { outcomeOf, RawClient, rememberBody, request } from './test-support/raw-client.js';

const slow = suite('slow disk');

/** Lets syncs through, or holds them until it does again. */
class SyncGate {
  held = 0;
  #open = true;
  #release: () => void = () => {};
  #released: Promise<void> = Promise.resolve();
  #arrived: () => void = () => {};

  readonly fileCalls: FileCalls = {
    ...systemFileCalls,
    syncData: async (descriptor) => {
      if (!this.#open) {
        this.held += 1;
        this.#arrived();
        await this.#released;
      }
      return systemFileCalls.syncData(descriptor);
    },
  };

  /** Resolves as soon as a sync is being held. */
  close(): Promise<void> {
    this.#open = false;
    this.held = 0;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    return new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }

  open(): void {
    this.#open = true;
    this.#release();
  }
}

interface SlowCluster {
  readonly addresses: readonly string[];
  readonly engram: Engram;
  /** Of n1's disk. */
  readonly gate: SyncGate;
  /** Its primary is n1, or another, as asked. */
  spaceWithPrimary(isSlow: boolean): Promise<Space>;
}

async function withSlowCluster(test: (cluster: SlowCluster) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'engram-slow-'));
  const members = await freeMembers(3);
  const gate = new SyncGate();
  const serving: Promise<void>[] = [];
  const nodes = await Promise.all(
    ['n1', 'n2', 'n3'].map((name) => {
      let served: () => void = () => {};
      serving.push(
        new Promise((resolve) => {
          served = resolve;
        }),
      );
      const tell = ({ kind }: { kind: string }): void => {
        if (kind === 'node.serving') served();
      };
      const settings = settingsFor({ name, dataDir: join(directory, name), members });
      return RunningNode.start({ settings, tell, fileCalls: name === 'n1' ? gate.fileCalls : undefined });
    }),
  );
  try {
    await Promise.all(serving);
    const addresses = nodes.map(({ address }) => address);
    const engram = await connectEngram({ servers: addresses, deadlineMs: 20_000 });
    try {
      const spaceWithPrimary = async (isSlow: boolean): Promise<Space> => {
        for (let at = 0; ; at += 1) {
          const space = engram.space(`space-${at}`);
          const { answeredBy } = await space.remember({ id: 'first', text: 'first', embed: false });
          if ((answeredBy.nodeName === 'n1') === isSlow) return space;
        }
      };
      await test({ addresses, engram, gate, spaceWithPrimary });
    } finally {
      gate.open();
      await engram.close();
    }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves once a write was acknowledged by all copies: until they reach each other one is refused, and certainly not written. */
async function reachedAll(space: Space): Promise<void> {
  for (;;) {
    const error = await space.remember({ id: 'reached', text: 'by all', embed: false }, { ack: 'all' }).then(
      () => null,
      (refused) => refused,
    );
    if (error === null) return;
    if (!(error instanceof EngramError) || error.code !== 'ACK_OUT_OF_REACH') throw error;
  }
}

function settingsFor({
  name,
  dataDir,
  members,
}: {
  name: string;
  dataDir: string;
  members: readonly string[];
}): ReturnType<typeof settingsOf> {
  const given: GivenValues = new Map();
  const flags = { 'cluster.mode': 'cluster', 'node.name': name, 'node.data_dir': dataDir, 'cluster.members': members };
  for (const [key, value] of Object.entries(flags)) fromFlag(`--${key}`, key, value, given);
  return settingsOf(given);
}

slow('a primary whose disk does not come back: no reply before the sync, but reads, health and other nodes answer', () =>
  withSlowCluster(async ({ addresses, engram, gate, spaceWithPrimary }) => {
    const space = await spaceWithPrimary(true);
    const elsewhere = await spaceWithPrimary(false);
    const [n1] = addresses as [string];
    const alone = await connectEngram({ servers: [n1], learnMembers: false });
    const raw = new RawClient(n1);
    try {
      const isHeld = gate.close();
      let replied = false;
      const write = space.remember({ id: 'held', text: 'held', embed: false }).then(() => {
        replied = true;
      });
      await isHeld;
      // A primary that cannot write for long is replaced: what is asked here is asked before that.
      write.catch(() => {});
      for (let round = 0; round < 5; round += 1) {
        assert.is((await alone.space(space.name).get('first'))?.text, 'first');
        assert.is(await alone.space(space.name).get('held'), null, 'nobody can read what is not synced');
        assert.ok((await raw.clusterHealth()).members.every(({ reachable }) => reachable));
        await elsewhere.remember({ id: `e${round}`, text: 'elsewhere', embed: false }, { ack: 'one' });
      }
      assert.ok(gate.held > 0);
      assert.not(replied, 'a reply that rests on a record waits for its sync');
      // Somebody whose patience ends learns that the outcome is unknown, not that it failed.
      const impatient = await raw.unary(request(rememberBody('impatient'), { space: space.name, deadlineMs: 100 }));
      assert.is(outcomeOf(impatient), 'DEADLINE_EXCEEDED');
      gate.open();
      await write;
      assert.is((await engram.space(space.name).get('held'))?.text, 'held');
      await assertNothingLost(
        addresses.map((address) => ({ address })),
        space.name,
        new Map([['held', 'held']]),
      );
    } finally {
      raw.close();
      await alone.close();
    }
  }),
);

slow('a replica whose disk does not come back: whoever waits for it waits, everybody else goes on, and it catches up', () =>
  withSlowCluster(async ({ addresses, gate, spaceWithPrimary }) => {
    const space = await spaceWithPrimary(false);
    await reachedAll(space);
    const isHeld = gate.close();
    let replied = false;
    const onAll = space.remember({ id: 'on-all', text: 'on all', embed: false }, { ack: 'all' }).then(() => {
      replied = true;
    });
    onAll.catch(() => {});
    await isHeld;
    const acknowledged = new Map([['on-all', 'on all']]);
    for (let at = 0; at < 50; at += 1) {
      await space.remember({ id: `m${at}`, text: `text ${at}`, embed: false }, { ack: 'one' });
      acknowledged.set(`m${at}`, `text ${at}`);
    }
    assert.not(replied, 'three synced copies were asked for, and there are two');
    gate.open();
    await onAll;
    await assertNothingLost(
      addresses.map((address) => ({ address })),
      space.name,
      acknowledged,
    );
  }),
);

slow('a sync that fails while the node runs ends the process with 1, and what waited for it was never acknowledged', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'engram-broken-'));
  // The program itself, on files whose syncs fail as soon as it is told so.
  const script = `
    import { runNodeProgram } from ${JSON.stringify(new URL('./node/node-program.ts', import.meta.url).href)};
    import { systemFileCalls } from ${JSON.stringify(new URL('./disk/file-calls.ts', import.meta.url).href)};
    let broken = false;
    process.on('SIGUSR2', () => { broken = true; console.log('broken'); });
    const syncData = (descriptor) => broken
      ? Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
      : systemFileCalls.syncData(descriptor);
    process.exit(await runNodeProgram(['--data-dir', ${JSON.stringify(dataDir)}, '--listen', '127.0.0.1:0'], { ...systemFileCalls, syncData }));`;
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]);
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  try {
    const address = await new Promise<string>((resolve) =>
      child.stderr.on('data', () => {
        const [, found] = /"listen":"([^"]+)"/.exec(log) ?? [];
        if (found !== undefined && log.includes('node.serving')) resolve(found);
      }),
    );
    const engram = await connectEngram({ servers: [address], deadlineMs: 2_000 });
    await engram.space().remember({ id: 'before', text: 'before', embed: false });
    const broken = new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGUSR2');
    await broken;
    const error = await engram
      .space()
      .remember({ id: 'after', text: 'after', embed: false })
      .catch((reason) => reason);
    assert.is(error.outcome, 'unknown', `${error.code}: ${error.message}`);
    await engram.close();
    assert.is(await exit, 1);
    assert.match(log, '"node.halted"');
  } finally {
    child.kill('SIGKILL');
    await exit;
    rmSync(dataDir, { recursive: true, force: true });
  }
});

slow.run();

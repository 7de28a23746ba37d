/**
 * Five real nodes take in the sample passages while whoever is primary is killed with SIGKILL, ten times over, and started again: each time the control log confirms
 * another primary, which acknowledges; in the end every copy holds every passage that was acknowledged, and all copies are equal.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readPassages } from './cli/demo/passages.js';
import { connectEngram, type Engram, type EpisodeInput, type Space } from './index.js';
import { freeMembers, type NodeProcess, startNode } from './node-processes.js';
import { equalCopies } from './test-support/equal-copies.js';

const killedPrimaries = suite('killed primaries');
const kills = 10;
const spaceName = 'passages';
const callsAtOnce = 4;

/** A cluster of five whose members can be killed and started again over the same directories. */
class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'engram-killed-'));
  readonly nodes = new Map<string, NodeProcess>();
  #members: string[] = [];

  async start(): Promise<void> {
    this.#members = await freeMembers(5);
    await Promise.all(this.#members.map((member) => this.restart(member.split('=')[0] as string)));
  }

  async restart(name: string): Promise<void> {
    this.nodes.set(name, await startNode({ name, members: this.#members, dataDir: join(this.folder, name) }));
  }

  async kill(name: string): Promise<void> {
    const node = this.nodes.get(name) as NodeProcess;
    node.kill('SIGKILL');
    assert.is(await node.exited, 'SIGKILL');
  }

  async end(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Remembers all of them, a few at once; `acknowledged` hears of each and by whom it was answered. */
async function remember(space: Space, episodes: readonly EpisodeInput[], acknowledged: (id: string, by: string) => void): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < episodes.length) {
      const episode = episodes[next] as EpisodeInput;
      next += 1;
      const { id, answeredBy } = await space.remember(episode);
      acknowledged(id, answeredBy.nodeName);
    }
  };
  await Promise.all(Array.from({ length: callsAtOnce }, worker));
}

/** Writes one memory again and again until a primary that the control log has confirmed acknowledges it; says who that is. */
async function confirmedPrimary(space: Space): Promise<string> {
  for (let round = 0; ; round += 1) {
    const { answeredBy } = await space.remember({ id: 'probe', text: `probe ${round}`, embed: false });
    if (answeredBy.confirmed) return answeredBy.nodeName;
  }
}

killedPrimaries('ten kills lose no acknowledged passage, and all copies end equal', async () => {
  const fleet = new Fleet();
  const clients: Engram[] = [];
  try {
    await fleet.start();
    const addresses = [...fleet.nodes.values()].map(({ address }) => address);
    const engram = await connectEngram({ servers: addresses, deadlineMs: 60_000 });
    clients.push(engram);
    const { all, embedder } = readPassages();
    const episodes = all.map(({ episode, vector }) => ({ ...episode, embedding: vector, embedder }));
    const each = Math.ceil(episodes.length / kills);
    const acknowledged: string[] = [];
    for (let round = 0; round < kills; round += 1) {
      let killed: Promise<string> | null = null;
      const share = episodes.slice(round * each, (round + 1) * each);
      await remember(engram.space(spaceName), share, (id, by) => {
        acknowledged.push(id);
        // In the middle of the share: the rest of it is taken by whoever comes next.
        if (acknowledged.length >= round * each + each / 3) killed ??= fleet.kill(by).then(() => by);
      });
      assert.ok(killed !== null, 'a primary was killed while it was written to');
      const gone: string = await killed;
      assert.is.not(await confirmedPrimary(engram.space(spaceName)), gone);
      await fleet.restart(gone);
    }
    assert.is(acknowledged.length, episodes.length);

    const alone = await Promise.all(
      [...fleet.nodes.values()].map(({ address }) => connectEngram({ servers: [address], learnMembers: false })),
    );
    clients.push(...alone);
    const copies = await equalCopies(alone, { space: spaceName, copies: 3 });
    for (const { memories, alternates } of copies) assert.equal([memories, alternates], [episodes.length + 1, 0]);
    const holders: Engram[] = [];
    for (const client of alone) if ((await client.status()).spaces.some(({ name }) => name === spaceName)) holders.push(client);
    for (const holder of holders) {
      for (const { id, text } of episodes) assert.is((await holder.space(spaceName).get(id))?.text, text);
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await fleet.end();
  }
});

killedPrimaries.run();

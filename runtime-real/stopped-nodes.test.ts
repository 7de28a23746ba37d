/**
 * A node that stands still for ten seconds under writes and then goes on, as under a paused virtual machine: first as primary, then as replica. Nothing
 * that was acknowledged meanwhile is lost, writes go on, and in the end all copies are equal.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectEngram, type Space } from './index.js';
import { type NodeProcess, startCluster } from './node-processes.js';
import { assertNothingLost } from './test-support/equal-copies.js';

const stopped = suite('stopped nodes');
const stillMs = 10_000;
/** Between two writes of one writer: the machine has other work as well. */
const pauseMs = 5;
const writersAtOnce = 2;

/** Writes without end; each acknowledged text is noted, with who acknowledged it. */
class Writers {
  readonly acknowledged = new Map<string, string>();
  readonly by = new Map<string, number>();
  readonly #space: Space;
  readonly #all: readonly Promise<void>[];
  #goOn = true;

  constructor(space: Space) {
    this.#space = space;
    this.#all = Array.from({ length: writersAtOnce }, (_, writer) => this.#write(writer));
  }

  async end(): Promise<void> {
    this.#goOn = false;
    await Promise.all(this.#all);
  }

  async #write(writer: number): Promise<void> {
    for (let at = 0; this.#goOn; at += 1) {
      const [id, text] = [`w${writer}-${at}`, `text ${at} of ${writer}`];
      // At the lowest level: also the tail that a primary has not shipped yet is there when it goes on.
      const { answeredBy } = await this.#space.remember({ id, text, embed: false });
      this.acknowledged.set(id, text);
      this.by.set(answeredBy.nodeId, (this.by.get(answeredBy.nodeId) ?? 0) + 1);
      await wait(pauseMs);
    }
  }
}

async function withOneStopped(role: 'primary' | 'replica', judge: (victim: NodeProcess, writers: Writers) => void): Promise<void> {
  const nodes = await startCluster(3);
  try {
    const engram = await connectEngram({ servers: nodes.map(({ address }) => address), deadlineMs: 30_000 });
    try {
      const space = engram.space('stopped');
      const { answeredBy } = await space.remember({ id: 'first', text: 'first', embed: false });
      const victim = nodes.find(({ nodeId }) => (nodeId === answeredBy.nodeId) === (role === 'primary')) as NodeProcess;
      const writers = new Writers(space);
      await wait(500);
      victim.kill('SIGSTOP');
      await wait(stillMs);
      victim.kill('SIGCONT');
      await wait(500);
      await writers.end();
      judge(victim, writers);
      await assertNothingLost(nodes, 'stopped', writers.acknowledged);
    } finally {
      await engram.close();
    }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

stopped('a primary that stands still for ten seconds: another takes the writes, and the tail of the first is merged', () =>
  withOneStopped('primary', (victim, { by }) => {
    assert.ok(by.has(victim.nodeId), 'it took writes');
    const others = [...by].filter(([nodeId]) => nodeId !== victim.nodeId);
    assert.ok(
      others.some(([, writes]) => writes > 20),
      `writes went on elsewhere: ${JSON.stringify([...by])}`,
    );
  }),
);

stopped('a replica that stands still for ten seconds costs no write, and catches up', () =>
  withOneStopped('replica', (victim, { by }) => {
    assert.not(by.has(victim.nodeId));
    assert.is(by.size, 1, 'the primary stayed primary');
    assert.ok([...by.values()][0] > 100, 'writes went on');
  }),
);

stopped.run();

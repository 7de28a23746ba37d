/** What an application may rely on, whatever it talks to: the deployments are a parameter, the tests are the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  connectEngram,
  type Engram,
  EngramError,
  type EpisodeInput,
  ngramEmbedder,
  openEngram,
  type Space,
} from '../runtime-real/index.js';
import { type NodeProcess, startCluster, startNode } from '../runtime-real/node-processes.js';
import { SimulatedCluster } from './clients/simulated-cluster.js';

interface Deployment {
  readonly name: string;
  open(): Promise<{ engram: Engram; end(): Promise<void> }>;
}

const deployments: readonly Deployment[] = [
  {
    name: 'embedded',
    open: async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'engram-api-'));
      const engram = await openEngram({ dataDir });
      const end = async (): Promise<void> => {
        await engram.close();
        rmSync(dataDir, { recursive: true, force: true });
      };
      return { engram, end };
    },
  },
  { name: 'one node', open: async () => connected([await startNode()]) },
  { name: 'a cluster of three', open: async () => connected(await startCluster(3)) },
  {
    name: 'a simulated cluster of three',
    open: async () => {
      const { servers, world } = await SimulatedCluster.start({ seed: 1, nodes: 3 });
      const engram = await connectEngram({ servers }, world);
      return { engram, end: () => engram.close() };
    },
  },
];

async function connected(nodes: readonly NodeProcess[]): ReturnType<Deployment['open']> {
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    const engram = await connectEngram({ servers: nodes.map(({ address }) => address) });
    const end = async (): Promise<void> => {
      await engram.close();
      await stop();
    };
    return { engram, end };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function errorOf(promise: Promise<unknown>): Promise<EngramError> {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  assert.instance(error, EngramError);
  return error;
}

/** What the tests of one deployment share. */
interface Bench {
  readonly api: ReturnType<typeof suite>;
  readonly engram: () => Engram;
  /** Each test has a space of its own. */
  readonly fresh: () => Space;
}

function apiTests(deployment: Deployment): void {
  const api = suite(`API on ${deployment.name}`);
  let opened: Awaited<ReturnType<Deployment['open']>>;
  let spaces = 0;
  const fresh = (): Space => {
    spaces += 1;
    return opened.engram.space(`space-${spaces}`);
  };
  api.before(async () => {
    opened = await deployment.open();
  });
  api.after(() => opened.end());
  const bench = { api, fresh, engram: () => opened.engram };
  singleMemories(bench);
  recalls(bench);
  batches(bench);
  manyAtOnce(bench);
  badInput(bench);
  api.run();
}

function singleMemories({ api, fresh }: Bench): void {
  api('what was remembered is got back whole', async () => {
    const space = fresh();
    const episode = {
      id: 'tea',
      text: 'Lena prefers tea — always ☕',
      confidence: 0.8,
      occurredAt: new Date('2026-05-01T12:00:00Z'),
      who: 'lena',
      where: 'kitchen',
      tags: ['taste', 'drink'],
    };
    const written = await space.remember(episode);
    assert.is(written.id, 'tea');
    assert.not.ok(written.duplicate);
    const memory = await space.get('tea');
    assert.is(memory?.text, episode.text);
    assert.is(memory?.confidence.stored, 0.8);
    assert.is(memory?.confidence.adjusted, 0.8);
    assert.is(memory?.occurredAtMs, episode.occurredAt.getTime());
    assert.is(memory?.who, 'lena');
    assert.is(memory?.where, 'kitchen');
    assert.equal(memory?.tags, ['taste', 'drink']);
    assert.is(memory?.embedder, ngramEmbedder().name);
    assert.is(memory?.embedding?.length, 256);
    assert.is(memory?.version, written.version);
    assert.equal(memory?.alternates, []);
  });

  api('the same content again is the same write, other content an update', async () => {
    const space = fresh();
    const first = await space.remember({ id: 'a', text: 'one' });
    const again = await space.remember({ id: 'a', text: 'one' });
    assert.ok(again.duplicate);
    assert.is(again.version, first.version);
    const changed = await space.remember({ id: 'a', text: 'two' });
    assert.not.ok(changed.duplicate);
    assert.is((await space.get('a'))?.text, 'two');
  });

  api('an id is derived from the content when none is given', async () => {
    const space = fresh();
    const first = await space.remember({ text: 'one' });
    assert.is((await space.remember({ text: 'one' })).id, first.id);
    assert.is.not((await space.remember({ text: 'one', who: 'ana' })).id, first.id);
  });

  api('an update needs a memory, and the version that it expects', async () => {
    const space = fresh();
    assert.is((await errorOf(space.update({ id: 'a', text: 'one' }))).code, 'NOT_FOUND');
    const { version } = await space.remember({ id: 'a', text: 'one' });
    await space.update({ id: 'a', text: 'two' }, { expectedVersion: version });
    const conflict = await errorOf(space.update({ id: 'a', text: 'three' }, { expectedVersion: version }));
    assert.is(conflict.code, 'CONFLICT');
    assert.is(conflict.outcome, 'failed');
    assert.is((await space.get('a'))?.text, 'two');
  });

  api('what was forgotten is neither got nor recalled, and can be remembered again', async () => {
    const space = fresh();
    await space.remember({ id: 'a', text: 'the red bicycle' });
    await space.forget('a');
    assert.is(await space.get('a'), null);
    assert.equal((await space.recall({ text: 'red bicycle' })).memories, []);
    await space.remember({ id: 'a', text: 'the red bicycle' });
    assert.is((await space.get('a'))?.text, 'the red bicycle');
  });
}

function recalls({ api, fresh }: Bench): void {
  api('recalls by text, best first, at most the limit', async () => {
    const space = fresh();
    const texts = [
      'The build broke after the compiler upgrade',
      'Lena prefers green tea',
      'The compiler was pinned to its old version',
      'Rain on Sunday',
    ];
    for (const [at, text] of texts.entries()) await space.remember({ id: `t${at}`, text });
    const { memories, coverage } = await space.recall({ text: 'what does Lena drink, green tea?', limit: 2 });
    assert.is(memories.length, 2);
    assert.is(memories[0]?.id, 't1');
    assert.ok((memories[0]?.score ?? 0) > (memories[1]?.score ?? 0));
    assert.is(coverage.searched, 4);
    assert.is(coverage.answered, coverage.targets);
  });

  api('recalls by embedding', async () => {
    const space = fresh();
    for (const [at, embedding] of [
      [1, 0, 0],
      [0, 1, 0],
      [0.9, 0.1, 0],
    ].entries())
      await space.remember({ id: `v${at}`, text: `${at}`, embedding });
    const { memories } = await space.recall({ embedding: [1, 0.05, 0], limit: 2 });
    assert.equal(memories.map(({ id }) => id).sort(), ['v0', 'v2']);
    assert.ok(Math.abs((memories[0]?.score ?? 0) - 1) < 0.01);
  });

  api('filters by time, who, where, tags and confidence; without a question the newest come first', async () => {
    const space = fresh();
    const day = 86_400_000;
    for (let at = 0; at < 10; at += 1) {
      const tags = at % 3 === 0 ? ['third', 'all'] : ['all'];
      await space.remember({
        id: `e${at}`,
        text: `event ${at}`,
        occurredAt: at * day,
        who: at % 2 === 0 ? 'ana' : 'bo',
        where: 'x',
        tags,
        confidence: at / 10,
      });
    }
    const ids = async (cue: Parameters<Space['recall']>[0]): Promise<string[]> => (await space.recall(cue)).memories.map(({ id }) => id);
    assert.equal(await ids({ limit: 3 }), ['e9', 'e8', 'e7']);
    assert.equal(await ids({ occurredFrom: 3 * day, occurredUntil: 5 * day }), ['e4', 'e3']);
    assert.equal(await ids({ who: 'ana', tags: ['third', 'all'] }), ['e6', 'e0']);
    assert.equal(await ids({ confidenceMin: 0.8 }), ['e9', 'e8']);
    assert.equal(await ids({ where: 'y' }), []);
    assert.equal(await ids({ text: 'event', who: 'ana', limit: 1, occurredUntil: day }), ['e0']);
  });

  api('spaces know nothing of each other', async () => {
    const [one, other] = [fresh(), fresh()];
    await one.remember({ id: 'a', text: 'one' });
    assert.is(await other.get('a'), null);
    assert.equal((await other.recall({ text: 'one' })).memories, []);
  });
}

function batches({ api, fresh }: Bench): void {
  api('a batch of any length is taken in; who was refused is named and the rest goes on', async () => {
    const space = fresh();
    const refused: [number, string, string][] = [];
    const acknowledged = new Set<number>();
    async function* source(): AsyncGenerator<EpisodeInput> {
      for (let at = 0; at < 3_000; at += 1) yield { id: `b${at}`, text: `batch ${at}`, embed: false, confidence: at === 1_234 ? 7 : 1 };
      yield { id: '', text: 'no id', embed: false };
      yield { id: 'wrong', text: 'embedding', embedding: [Number.NaN] };
    }
    const summary = await space.rememberBatch(source(), {
      onAcknowledged: (some) => {
        for (const { index } of some) acknowledged.add(index);
      },
      onRefused: ({ index, error }) => refused.push([index, error.code, error.field ?? '']),
    });
    assert.equal(summary, { written: 2_999, duplicates: 0, refused: 3 });
    assert.equal(
      refused.map(([index]) => index).sort((a, b) => a - b),
      [1_234, 3_000, 3_001],
    );
    assert.ok(
      refused.every(([, code]) => code === 'INVALID_ARGUMENT'),
      JSON.stringify(refused),
    );
    assert.is(acknowledged.size, 2_999);
    assert.is((await space.get('b2999'))?.text, 'batch 2999');
    assert.equal(await space.rememberBatch([{ id: 'b1', text: 'batch 1', embed: false }]), { written: 0, duplicates: 1, refused: 0 });
  });

  api('a source that fails ends the batch with its error', async () => {
    const space = fresh();
    function* source(): Generator<EpisodeInput> {
      yield { id: 'a', text: 'one' };
      throw new Error('the source broke');
    }
    const error = await space.rememberBatch(source()).catch((reason) => reason);
    assert.is(error.message, 'the source broke');
  });
}

function manyAtOnce({ api, fresh, engram }: Bench): void {
  api('many calls at once are all answered, each seeing what came before it', async () => {
    const space = fresh();
    await Promise.all(Array.from({ length: 500 }, (_, at) => space.remember({ id: `m${at % 50}`, text: `version ${at}`, embed: false })));
    const found = await Promise.all(Array.from({ length: 50 }, (_, at) => space.get(`m${at}`)));
    assert.ok(found.every((memory) => memory !== null));
    assert.is((await space.recall({ limit: 1000 })).memories.length, 50);
  });

  api('status counts what is there', async () => {
    const space = fresh();
    // Whichever node is asked then holds it.
    await space.remember({ id: 'a', text: 'one' }, { ack: 'all' });
    await space.remember({ id: 'b', text: 'two' }, { ack: 'all' });
    await space.forget('b', { ack: 'all' });
    const status = await engram().status();
    const mine = status.spaces.find(({ name }) => name === space.name);
    assert.is(mine?.memories, 1);
    assert.is(mine?.tombstones, 1);
    assert.is(mine?.dimensions, 256);
    assert.is(mine?.embedder, ngramEmbedder().name);
    assert.ok(status.writable);
  });

  api('vectors of different embedders are never compared: the error names both', async () => {
    const space = fresh();
    await space.remember({ text: 'one', embedding: [1, 2], embedder: 'their-model' });
    const error = await errorOf(space.recall({ embedding: [1, 2], embedder: 'our-model' }));
    assert.is(error.code, 'EMBEDDER_MISMATCH');
    assert.match(error.message, 'their-model');
    assert.match(error.message, 'our-model');
  });
}

function badInput({ api, fresh, engram }: Bench): void {
  const good = { id: 'a', text: 'one', embedding: [1, 2, 3] };
  const bad: readonly [string, EpisodeInput, string, string][] = [
    ['an empty id', { ...good, id: '' }, 'INVALID_ARGUMENT', 'episode.id'],
    ['an overlong id', { ...good, id: 'ä'.repeat(129) }, 'INVALID_ARGUMENT', 'episode.id'],
    ['an id that is a number', { ...good, id: 7 as unknown as string }, 'INVALID_ARGUMENT', 'episode.id'],
    ['a NaN in an embedding', { ...good, embedding: [1, Number.NaN, 3] }, 'INVALID_ARGUMENT', 'episode.embedding[1]'],
    [
      'an infinite number in an embedding',
      { ...good, embedding: [1, 2, Number.POSITIVE_INFINITY] },
      'INVALID_ARGUMENT',
      'episode.embedding[2]',
    ],
    ['a number beyond 32-bit floats', { ...good, embedding: [1, 2, 1e39] }, 'INVALID_ARGUMENT', 'episode.embedding[2]'],
    ['an embedding of another length', { ...good, embedding: [1, 2] }, 'DIMENSION_MISMATCH', 'episode.embedding'],
    ['a confidence above 1', { ...good, confidence: 1.01 }, 'INVALID_ARGUMENT', 'episode.confidence'],
    ['a confidence below 0', { ...good, confidence: -0.01 }, 'INVALID_ARGUMENT', 'episode.confidence'],
    ['a confidence that is none', { ...good, confidence: Number.NaN }, 'INVALID_ARGUMENT', 'episode.confidence'],
    ['an oversized text', { ...good, text: 'x'.repeat(2 ** 20 + 1) }, 'INVALID_ARGUMENT', 'episode.text'],
    ['an invalid date', { ...good, occurredAt: new Date('never') }, 'INVALID_ARGUMENT', 'episode.occurredAt'],
    ['a tag that is a number', { ...good, tags: [1] as unknown as string[] }, 'INVALID_ARGUMENT', 'episode.tags'],
  ];
  for (const [what, episode, code, field] of bad) {
    api(`refuses ${what}, says where and what to do, and changes nothing`, async () => {
      const space = fresh();
      await space.remember(good);
      const error = await errorOf(space.remember(episode));
      assert.is(error.code, code, error.message);
      assert.is(error.field, field);
      assert.ok(error.hint.length > 10);
      assert.equal((await space.get('a'))?.embedding, Float32Array.of(1, 2, 3));
    });
  }

  for (const name of ['ab', 'x'.repeat(65), 'Upper', 'with space', 'ümlaut']) {
    api(`refuses the space name ${JSON.stringify(name.slice(0, 12))}`, async () => {
      assert.is((await errorOf(engram().space(name).remember({ text: 'one' }))).code, 'INVALID_ARGUMENT');
    });
  }

  for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
    api(`refuses a limit of ${limit}`, async () => {
      const space = fresh();
      await space.remember({ text: 'one' });
      const error = await errorOf(space.recall({ limit }));
      assert.is(error.code, 'INVALID_ARGUMENT');
      assert.match(error.field ?? '', 'limit');
    });
  }

  api('a text of exactly 1 MiB is taken', async () => {
    const space = fresh();
    await space.remember({ id: 'big', text: 'x'.repeat(2 ** 20) });
    assert.is((await space.get('big'))?.text.length, 2 ** 20);
  });
}

for (const deployment of deployments) apiTests(deployment);

/** Whatever an application passes by mistake is its error, with the field's name; the store goes on as if it had not been asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Engram, EngramError, openEngram, type Space } from './index.js';

const dataDir = mkdtempSync(join(tmpdir(), 'engram-arguments-'));
let engram: Engram;
const arguments_ = suite('bad arguments');
arguments_.before(async () => {
  engram = await openEngram({ dataDir });
});
arguments_.after(async () => {
  await engram.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The methods as a caller without a compiler sees them. */
type Untyped = Record<keyof Omit<Space, 'name'>, (...words: unknown[]) => Promise<unknown>>;
const untyped = (): Untyped => engram.space('arguments') as unknown as Untyped;
const half = 'a\ud800';

async function refusal(call: () => unknown): Promise<EngramError> {
  const error = await (async () => call())().then(
    (value) => assert.unreachable(`resolved with ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.instance(error, EngramError, String(error));
  assert.is(error.code, 'INVALID_ARGUMENT', error.message);
  assert.ok(error.field !== undefined && error.field !== '', `names a field: ${error.message}`);
  return error;
}

async function stillWorks(): Promise<void> {
  const space = engram.space('works');
  await space.remember({ id: 'good', text: 'a good write', embed: false });
  assert.is((await space.get('good'))?.text, 'a good write');
}

const wrong: readonly unknown[] = [undefined, null, 4, 5n, true, Symbol('s'), () => {}, [], [null]];
for (const method of ['remember', 'rememberBatch', 'update', 'get', 'forget', 'recall'] as const) {
  arguments_(`${method} refuses what is no first argument of it, and the store goes on`, async () => {
    for (const value of [...wrong, {}, 'text', new Map()]) {
      // These are good arguments: text for an id, an object for a cue, an empty list of episodes.
      if (typeof value === 'string' && (method === 'get' || method === 'forget')) continue;
      if (typeof value === 'object' && method === 'recall' && value !== null && !Array.isArray(value)) continue;
      if (method === 'rememberBatch' && (Array.isArray(value) || value instanceof Map)) continue;
      await refusal(() => untyped()[method](value));
    }
    await stillWorks();
  });

  arguments_(`${method} refuses wrong options`, async () => {
    const first = { remember: { text: 'x' }, rememberBatch: [], update: { id: 'x', text: 'x' }, get: 'x', forget: 'x', recall: {} }[method];
    const options: unknown[] = [null, 4, 'x', [], { deadlineMs: 0 }, { deadlineMs: 1.5 }, { deadlineMs: 'soon' }, { deadlineMs: null }];
    for (const value of [...options, { signal: {} }, { signal: null }]) await refusal(() => untyped()[method](first, value));
    await stillWorks();
  });
}

arguments_('space and status refuse what they cannot use', async () => {
  const calls = engram as unknown as { space(name: unknown): Space; status(options: unknown): Promise<unknown> };
  for (const name of [null, 4, {}]) await refusal(() => calls.space(name));
  for (const options of [null, 4, { deadlineMs: -1 }]) await refusal(() => calls.status(options));
  await stillWorks();
});

arguments_('half a surrogate pair is refused wherever text goes: no id replaces another', async () => {
  const space = untyped();
  const one = { id: 'x', text: 'x' };
  for (const name of ['id', 'text', 'who', 'where', 'embedder']) {
    assert.is((await refusal(() => space.remember({ ...one, [name]: half }))).field, `episode.${name}`);
    assert.is((await refusal(() => space.update({ ...one, [name]: half }))).field, `episode.${name}`);
    if (name !== 'id') assert.is((await refusal(() => space.recall({ [name]: half }))).field, `cue.${name}`);
  }
  assert.is((await refusal(() => space.remember({ ...one, tags: ['a', half] }))).field, 'episode.tags[1]');
  assert.is((await refusal(() => space.recall({ tags: [half] }))).field, 'cue.tags[0]');
  for (const method of ['get', 'forget'] as const) assert.is((await refusal(() => space[method](half))).field, 'id');
  const refused: (string | undefined)[] = [];
  await engram.space('batch').rememberBatch([{ ...one, id: half }, one], { onRefused: ({ error }) => refused.push(error.field) });
  assert.equal(refused, ['episode.id']);
  await engram.space('batch').remember({ id: 'pair \u{1f375}', text: '\u{1f375}' });
});

arguments_('wrong parts of episodes, cues and options are named', async () => {
  const space = untyped();
  const one = { id: 'x', text: 'x' };
  const field = async (call: () => unknown): Promise<string> => (await refusal(call)).field as string;
  for (const embedding of [[], null, 'x', {}, new Uint8Array(3), new BigInt64Array(3), new DataView(new ArrayBuffer(8))]) {
    assert.is(await field(() => space.remember({ ...one, embedding })), 'episode.embedding');
    assert.is(await field(() => space.recall({ embedding })), 'cue.embedding');
  }
  assert.is(await field(() => space.remember({ id: 'x' })), 'episode.text');
  assert.is(await field(() => space.remember({ id: 'x', text: '' })), 'episode.text');
  assert.is(await field(() => space.remember({ ...one, embed: 'no' })), 'episode.embed');
  assert.is(await field(() => space.remember({ ...one, occurredAt: 5n })), 'episode.occurredAt');
  assert.is(await field(() => space.update({ text: 'x' })), 'episode.id');
  for (const value of [5, null, {}]) {
    for (const name of ['text', 'who', 'where', 'tags', 'confidenceMin', 'limit', 'embedder']) {
      if (typeof value === 'number' && name === 'limit') continue;
      assert.is(await field(() => space.recall({ [name]: value })), `cue.${name}`);
    }
  }
  for (const confidenceMin of [-0.1, 1.1, Number.NaN]) assert.is(await field(() => space.recall({ confidenceMin })), 'cue.confidenceMin');
  assert.is(await field(() => space.recall({ tags: 'one' })), 'cue.tags');
  for (const ack of ['most', '', null, 1, 'toString']) {
    const error = await refusal(() => space.remember(one, { ack }));
    assert.is(error.field, 'ack');
    for (const level of ['local', 'one', 'quorum', 'all']) assert.match(error.message, level);
    await refusal(() => space.rememberBatch([], { ack }));
  }
  for (const expectedVersion of ['', null, 5, 'not a token'])
    for (const call of [() => space.update(one, { expectedVersion }), () => space.forget('x', { expectedVersion })])
      assert.is(await field(call), 'expectedVersion');
  assert.is(await field(() => space.forget('x', { context: 4 })), 'context');
  for (const name of ['episodesMax', 'inFlightMax'])
    for (const value of [0, -1, 1.5, '4', null]) assert.is(await field(() => space.rememberBatch([one], { [name]: value })), name);
  assert.is(await field(() => space.rememberBatch([one], { onRefused: 4 })), 'onRefused');
  await stillWorks();
});

arguments_('a write repeated under its request id happens once', async () => {
  const space = engram.space('repeated');
  const requestId = '00112233445566778899aabbccddeeff';
  const first = await space.remember({ id: 'a', text: 'one', embed: false }, { requestId });
  const again = await space.remember({ id: 'a', text: 'one', embed: false }, { requestId: Buffer.from(requestId, 'hex') });
  assert.is(again.version, first.version);
  for (const bad of ['', 'xyz', '0'.repeat(32), new Uint8Array(15), 4, null])
    assert.is((await refusal(() => space.remember({ text: 'x' }, { requestId: bad as string }))).field, 'requestId');
});

arguments_.run();

/** The built-in embedder: vectors that an answer can rest on, the same on every machine, and found by the words of a question. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EngramError } from '../../core/errors.js';
import { readPassages } from '../cli/demo/passages.js';
import { ngramEmbedder } from './embedder.js';
import { openAiEmbedder } from './http-embedder.js';

const embedder = ngramEmbedder();
const vectorOf = (text: string): Float32Array => (embedder.embed([text]) as Float32Array[])[0] as Float32Array;
const cosine = (left: Float32Array, right: Float32Array): number => left.reduce((sum, value, at) => sum + value * right[at], 0);

const embedding = suite('embedder');

embedding('vectors have unit length and finite numbers, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      const vector = vectorOf(text);
      const length = Math.sqrt(cosine(vector, vector));
      return vector.length === 256 && vector.every(Number.isFinite) && (text === '' || Math.abs(length - 1) < 1e-5);
    }),
  );
});

embedding('a text embeds the same whatever was embedded before it', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 200 }), (text, before) => {
      const alone = vectorOf(text);
      embedder.embed([before]);
      assert.equal(vectorOf(text), alone);
    }),
  );
});

embedding('vectors are those of version 1: a change needs another name', () => {
  const vector = vectorOf('Lena prefers green tea');
  const digest = vector.reduce((sum, value, at) => sum + Math.round(value * 1e4) * (at + 1), 0);
  assert.is(embedder.name, 'engram-ngram-256-v1');
  assert.is(digest, -1204979);
});

embedding('a text without words finds its like', () => {
  assert.ok(cosine(vectorOf('…!?'), vectorOf('…!?')) > 0.999);
  assert.ok(cosine(vectorOf('to be or not to be'), vectorOf('to be or not to be')) > 0.999);
});

embedding('case, punctuation and order hardly matter; word parts do', () => {
  assert.ok(cosine(vectorOf('the RED bicycle!'), vectorOf('bicycle, red')) > 0.9);
  assert.ok(cosine(vectorOf('deployment of applications'), vectorOf('deploying an application')) > 0.4);
  assert.ok(cosine(vectorOf('deployment of applications'), vectorOf('green tea')) < 0.2);
});

embedding('the words of a title find its passage among 778: first for half of them, among the first ten for three in four', () => {
  const { all } = readPassages();
  const vectors = embedder.embed(all.map(({ episode }) => episode.text)) as Float32Array[];
  const asked = all.filter(({ title }) => !/Chunk \d+$/.test(title)).filter((_, at) => at % 5 === 0);
  let [first, firstTen] = [0, 0];
  for (const { title } of asked) {
    const cue = vectorOf(title);
    const best = vectors.map((vector, at) => ({ at, score: cosine(cue, vector) })).sort((left, right) => right.score - left.score);
    const rank = best.findIndex(({ at }) => all[at]?.title === title);
    if (rank === 0) first += 1;
    if (rank < 10) firstTen += 1;
  }
  assert.ok(first >= 0.5 * asked.length, `${first} of ${asked.length} were first`);
  assert.ok(firstTen >= 0.75 * asked.length, `${firstTen} of ${asked.length} were among the first ten`);
});

async function withServer(
  answer: (body: { input: string[]; model: string }) => { status: number; body: string },
  test: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { status, body: text } = answer({ ...JSON.parse(body), authorization: request.headers.authorization });
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/embeddings`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

embedding('an OpenAI-compatible endpoint is asked in portions, and its vectors brought in order and to unit length', () => {
  const portions: number[] = [];
  return withServer(
    ({ input }) => {
      portions.push(input.length);
      const data = input.map((text, index) => ({ index, embedding: [Number(text), 0] })).reverse();
      return { status: 200, body: JSON.stringify({ data }) };
    },
    async (url) => {
      const remote = openAiEmbedder({ url, model: 'tiny', apiKey: 'secret', dimensions: 2, textsMax: 2 });
      const vectors = await remote.embed(['1', '-2', '3']);
      assert.equal(portions, [2, 1]);
      assert.equal(
        vectors.map((vector) => Array.from(vector)),
        [
          [1, 0],
          [-1, 0],
          [1, 0],
        ],
      );
      assert.is(remote.name, 'tiny-2');
    },
  );
});

embedding('an endpoint that fails or answers something else is an error that names it', () =>
  withServer(
    ({ input }) =>
      input[0] === 'busy' ? { status: 503, body: 'try later' } : { status: 200, body: JSON.stringify({ data: [{ embedding: [1] }] }) },
    async (url) => {
      const remote = openAiEmbedder({ url, model: 'tiny', dimensions: 2 });
      for (const [text, words] of [
        ['busy', '503'],
        ['short', '1 numbers, 2 were expected'],
      ] as const) {
        const error = await Promise.resolve(remote.embed([text])).catch((reason) => reason);
        assert.instance(error, EngramError);
        assert.match(error.message, words);
        assert.match(error.message, url);
      }
    },
  ),
);

embedding.run();

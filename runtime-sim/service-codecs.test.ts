/** The messages of simulated clients by hand are those of the generated codec, byte for byte and field for field. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Episode, Reply, Request } from '../core/wire/generated/engram/v1/service.js';
import { decodeReply, decodeRequest, readIdAndText } from './service-decoding.js';
import { encodeEpisode, encodeReply, encodeRequest } from './service-encoding.js';

const bytes = fc.uint8Array({ maxLength: 300 });
const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 40 }));
const whole = fc.oneof(fc.nat(200), fc.maxSafeNat());
const small = fc.nat();
const float = fc.float({ noNaN: true }).map((value) => value + 0);
const double = fc.double({ noNaN: true }).map((value) => value + 0);
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(value, { nil: undefined });

const blank = { embedding: [], confidence: undefined, occurredAtMs: undefined, who: '', where: '', tags: [], embedder: '' };

const requestHeader = fc.record({ space: text, requestId: bytes, sessionToken: bytes, ack: fc.nat(4), deadlineMs: small });
const requestBody: fc.Arbitrary<Request['body']> = fc.oneof(
  fc.record({ $case: fc.constant('remember' as const), value: fc.record({ episode: bytes, context: bytes }) }),
  fc.record({ $case: fc.constant('update' as const), value: fc.record({ episode: bytes, context: bytes, expectedVersion: bytes }) }),
  fc.record({ $case: fc.constant('get' as const), value: fc.record({ id: text }) }),
  fc.record({ $case: fc.constant('forget' as const), value: fc.record({ id: text, context: bytes, expectedVersion: bytes }) }),
  fc.record({ $case: fc.constant('status' as const), value: fc.constant({}) }),
  fc.record({ $case: fc.constant('rememberBatch' as const), value: fc.record({ episodes: fc.array(bytes) }) }),
  fc.record({
    $case: fc.constant('recall' as const),
    value: fc.record({
      embedding: fc.array(float),
      embedder: text,
      limit: small,
      occurredFromMs: maybe(whole),
      occurredUntilMs: maybe(whole),
      who: text,
      where: text,
      tags: fc.array(text),
      confidenceMin: double,
    }),
  }),
);

const memory = fc.record({
  episode: bytes,
  version: bytes,
  confidence: maybe(fc.record({ stored: double, noNewerVersion: double, inTopK: double, adjusted: double, reasons: fc.array(text) })),
  score: double,
  writtenAtMs: whole,
});
const replyHeader = fc.record({
  nodeId: text,
  nodeName: text,
  role: fc.nat(2),
  epoch: maybe(fc.record({ generation: small, index: whole, provisionalCounter: small })),
  confirmed: fc.boolean(),
  lagRecords: whole,
  lagMs: maybe(whole),
  sessionToken: bytes,
  sessionSatisfied: fc.boolean(),
  hinted: fc.boolean(),
});
const written = fc.record({ version: bytes, context: bytes, duplicate: fc.boolean(), superseded: fc.boolean() });
const failure = fc.record({ code: text, message: text, field: text, hint: text, outcomeUnknown: fc.boolean(), redirectNodeId: text });
const coverage = fc.record({ targets: small, answered: small, searched: whole, total: whole, reasons: fc.array(text) });
const replyBody: fc.Arbitrary<Reply['body']> = fc.oneof(
  fc.record({ $case: fc.constant('written' as const), value: written }),
  fc.record({ $case: fc.constant('failure' as const), value: failure }),
  fc.record({
    $case: fc.constant('got' as const),
    value: fc.record({ memory: maybe(memory), alternates: fc.array(memory), alternatesTotal: small, context: bytes }),
  }),
  fc.record({
    $case: fc.constant('recalled' as const),
    value: fc.record({ memories: fc.array(memory), coverage: maybe(coverage) }),
  }),
  fc.record({
    $case: fc.constant('writtenBatch' as const),
    value: fc.record({
      outcomes: fc.array(fc.record({ outcome: maybe(fc.record({ $case: fc.constant('written' as const), value: written })) })),
    }),
  }),
);

test('requests are written and read as the generated codec does', () => {
  fc.assert(
    fc.property(maybe(requestHeader), maybe(requestBody), (header, body) => {
      const request = { header, body };
      const expected = Request.encode(request).finish();
      assert.equal(new Uint8Array(encodeRequest(request)), expected);
      assert.equal(fields(decodeRequest(expected)), fields(Request.decode(expected)));
    }),
  );
});

test('replies are written and read as the generated codec does', () => {
  fc.assert(
    fc.property(maybe(replyHeader), maybe(replyBody), (header, body) => {
      const reply = { header, body };
      const expected = Reply.encode(reply).finish();
      assert.equal(new Uint8Array(encodeReply(reply)), expected);
      assert.equal(fields(decodeReply(expected)), fields(Reply.decode(expected)));
    }),
  );
});

test('episodes are written as the generated codec does, and their ids and texts read', () => {
  const episode = fc.record({
    id: text,
    text: fc.oneof(text, fc.string({ minLength: 16_000, maxLength: 40_000 })),
    embedding: fc.array(float),
    confidence: maybe(double),
    occurredAtMs: maybe(whole),
    who: text,
    where: text,
    tags: fc.array(text),
    embedder: text,
  });
  fc.assert(
    fc.property(episode, (content) => {
      const expected = Episode.encode(content).finish();
      assert.equal(new Uint8Array(encodeEpisode(content)), expected);
      assert.equal(readIdAndText(expected), { id: content.id, text: content.text });
    }),
  );
});

test('what was written is left alone by what is written later', () => {
  const messages = Array.from({ length: 200 }, (_, at) => encodeEpisode({ ...blank, id: `m${at}`, text: 'x'.repeat(at * 40) }));
  for (const [at, message] of messages.entries()) assert.equal(readIdAndText(message), { id: `m${at}`, text: 'x'.repeat(at * 40) });
});

/** What a message says: an update and a remember without an expected version are read alike, and views are bytes. */
function fields(message: Request | Reply): unknown {
  return JSON.parse(
    JSON.stringify(message, (name, value) =>
      value instanceof Uint8Array ? (name === 'expectedVersion' && value.length === 0 ? undefined : [...value]) : value,
    ),
  );
}

test.run();

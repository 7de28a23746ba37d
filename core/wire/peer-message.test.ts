import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Author, spaceKey } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { type Envelope, PeerCodec, type PeerMessage } from './peer-message.js';

const messages = suite('peer messages');
const pure = testPureFunctions();
const codec = new PeerCodec('cluster', pure);

const author = fc.uint8Array({ minLength: 28, maxLength: 28 }).map((raw) => Buffer.from(raw).toString('hex') as Author);
const space = fc.constantFrom('default', 'people-2').map((name) => spaceKey({ name, generation: 0 }));
const sequence = fc.nat(2 ** 40);
const bytes = fc.uint8Array({ maxLength: 64 });
const term = fc.option(fc.record({ generation: fc.nat(9), index: sequence, counter: fc.nat(99) }));

const fetchName = fc.record({ asker: author, number: fc.nat() });

const message: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('ping' as const),
    number: sequence,
    heard: fc.option(fc.record({ asker: author, number: sequence, heldMs: sequence })),
    all: fc.boolean(),
    base: sequence,
    spaces: fc.array(fc.record({ space, term, isOutside: fc.boolean(), coverage: bytes, lost: bytes }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('run' as const), space, author, answers: fc.option(fetchName), records: bytes }),
  fc.record({ kind: fc.constant('acknowledge' as const), space, author, end: sequence }),
  fc.record({ kind: fc.constant('fetch' as const), number: fc.nat(), space, credit: fc.nat(), cursor: fc.nat(), coverage: bytes }),
  fc.record({ kind: fc.constant('fetched' as const), answers: fetchName, space, runs: fc.nat() }),
  fc.record({
    kind: fc.constant('snapshot' as const),
    answers: fetchName,
    space,
    cursor: fc.nat(),
    next: fc.nat(),
    horizon: fc.array(fc.tuple(author, sequence), { maxLength: 4 }).map((entries) => new Map(entries)),
    holes: bytes,
    records: bytes,
  }),
);

const ping: PeerMessage = { kind: 'ping', number: 1, heard: null, all: true, base: 0, spaces: [] };

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, each) => (each instanceof Map ? [...each] : each instanceof Uint8Array ? [...each] : each)));
}

messages('come out as they went in', () => {
  fc.assert(
    fc.property(author, message, (from, sent) => {
      const got = codec.decode(codec.encode(from, sent));
      assert.type(got, 'object');
      assert.equal(plain((got as Envelope).message), plain(sent));
      assert.is((got as Envelope).from, from);
    }),
  );
});

messages('one flipped bit, or a cut, is found', () => {
  fc.assert(
    fc.property(author, message, fc.nat(), fc.nat(7), (from, sent, at, bit) => {
      const encoded = codec.encode(from, sent);
      const flipped = encoded.slice();
      flipped[at % flipped.length] ^= 1 << bit;
      assert.type(codec.decode(flipped), 'string');
      assert.type(codec.decode(encoded.subarray(0, at % encoded.length)), 'string');
    }),
  );
});

messages('bytes with a right checksum and anything inside never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.nat(8), (body, kind) => {
      const forged = codec.encode('00'.repeat(28) as Author, ping);
      const bytes = new Uint8Array(46 + body.length);
      bytes.set(forged.subarray(0, 46));
      bytes.set(body, 46);
      bytes[9] = kind;
      new DataView(bytes.buffer).setUint32(4, pure.crc32(bytes.subarray(8)), true);
      codec.decode(bytes);
    }),
    { numRuns: 1_000 },
  );
});

messages('of another cluster are refused', () => {
  const foreign = new PeerCodec('other', pure).encode('00'.repeat(28) as Author, ping);
  assert.is(codec.decode(foreign), 'another cluster');
});

messages.run();

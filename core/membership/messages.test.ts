/** Whatever comes, reading it never throws; what was written is read again. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, nodeId } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';
import type { Claim } from './claim.js';
import { ClaimReader, ClaimWriter, decodeMetadata, encodeMetadata, writeEntry } from './claim-bytes.js';
import { writeAuthorField, writeNode } from './fields.js';
import { linkDirection, type MessageHandler, messageKinds, readMessages, writeLinks } from './messages.js';
import { testDescription } from './test-support/lone-services.js';
import { testAddress } from './test-support/test-network.js';

const messages = suite('messages');

const pure = testPureFunctions();
const [reader, writer] = [new ClaimReader(pure), new ClaimWriter(pure)];
const author = authorOf(nodeId('ab'.repeat(16)), { counter: 7, random: '0123456789abcdef' });
const [one, other] = [nodeId('01'.repeat(16)), nodeId('02'.repeat(16))];

/** Writes down what it is given. */
function listener(): MessageHandler & { readonly heard: unknown[][] } {
  const heard: unknown[][] = [];
  const hear =
    (what: string) =>
    (...fields: unknown[]): void => {
      heard.push([what, ...fields]);
    };
  const names = ['ping', 'ack', 'pingRequest', 'relayedPing', 'relayedAck', 'nack', 'digest', 'links', 'claim'] as const;
  return { heard, ...(Object.fromEntries(names.map((name) => [name, hear(name)])) as unknown as MessageHandler) };
}

const claims: readonly Claim[] = [
  { author, refutation: 3, state: 'alive', accusers: [], description: testDescription('somewhere.example:7946', 2) },
  { author, refutation: 3, state: 'alive', accusers: [], description: null },
  { author, refutation: 4, state: 'suspect', accusers: [one, other], description: null },
  { author, refutation: 4, state: 'dead', accusers: [one], description: null },
  { author, refutation: 4, state: 'left', accusers: [], description: null },
];

function everyMessage(): Uint8Array {
  const all = new ByteWriter(2_048);
  writeNode(all.u8(messageKinds.ping).u32(5), one);
  all.u8(messageKinds.ack).u32(6);
  writer.address(writeNode(all.u8(messageKinds.pingRequest).u32(7), one), testAddress('[::1]:7946')).u48(2 ** 40);
  writeAuthorField(writeNode(all.u8(messageKinds.relayedPing).u32(8), one), author).u48(9);
  all.u8(messageKinds.relayedAck).u32(10).u8(2);
  all.u8(messageKinds.nack).u32(11);
  all
    .u8(messageKinds.digest)
    .u8(2)
    .raw(pure.utf8Encode('ab'))
    .u8(3)
    .raw(Uint8Array.of(1, 2, 3));
  writeLinks(all, author, 12, [{ peer: other, direction: linkDirection.inbound }]);
  for (const claim of claims) all.raw(writer.encode(claim));
  return all.finish();
}

messages('are read as they were written', () => {
  const handler = listener();
  assert.ok(readMessages(new ByteReader(everyMessage()), reader, handler));
  assert.equal(handler.heard, [
    ['ping', 5, one],
    ['ack', 6],
    ['pingRequest', 7, one, '[::1]:7946', 2 ** 40],
    ['relayedPing', 8, one, author, 9],
    ['relayedAck', 10, 2],
    ['nack', 11],
    ['digest', pure.utf8Encode('ab'), Uint8Array.of(1, 2, 3)],
    ['links', author, 12, [{ peer: other, direction: linkDirection.inbound }]],
    ...claims.map((claim) => ['claim', claim]),
  ]);
});

messages('that are cut off, changed or made up are malformed or read as something else, and never throw', () => {
  const bytes = everyMessage();
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), (length) => {
      readMessages(new ByteReader(bytes.subarray(0, length)), reader, listener());
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
      const changed = bytes.slice();
      for (const [at, value] of changes) changed[at] = value;
      readMessages(new ByteReader(changed), reader, listener());
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      readMessages(new ByteReader(noise), reader, listener());
      reader.entry(new ByteReader(noise));
      decodeMetadata(noise, pure);
    }),
    { numRuns: 500 },
  );
});

messages('of a table carry every member, whatever its state', () => {
  for (const claim of claims) {
    const table = new ByteWriter();
    const description = testDescription('n:1', 1);
    writeEntry(table, writer, claim, description);
    const read = reader.entry(new ByteReader(table.finish()));
    assert.equal(read, { ...claim, accusers: claim.state === 'dead' ? claim.accusers : [], description });
  }
});

messages('carry metadata in any script', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  fc.assert(
    fc.property(
      fc.record({
        name: text,
        zone: text,
        rack: text,
        roles: fc.array(text, { maxLength: 8 }),
        version: text,
        grpcAddress: text,
        loadPercent: fc.nat(255),
      }),
      (metadata) => assert.equal(decodeMetadata(encodeMetadata(metadata, pure), pure), { ...metadata }),
    ),
  );
});

messages.run();

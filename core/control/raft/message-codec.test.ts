import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../../identifiers.js';
import { decodeRaftMessage, encodeRaftMessage, raftFormatVersion } from './message-codec.js';
import type { Configuration, Entry, RaftMessage } from './vocabulary.js';

const messages = suite('messages between control logs');

const [first, second] = [1, 2].map((n) => nodeId(n.toString(16).padStart(32, '0')));
const record = <Shape>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<Shape> =>
  fc.record(shape, { noNullPrototype: true }) as fc.Arbitrary<Shape>;
const number = fc.nat(2 ** 27).map((n) => n * 1_000_003);
const flag = fc.boolean();
const place = record({ index: number, term: number });
const bytes = fc.uint8Array({ maxLength: 40 });
const configuration: fc.Arbitrary<Configuration> = fc.constantFrom(
  { voters: [first], learners: [] },
  { voters: [first, second], learners: [] },
  { voters: [second], learners: [first] },
);
const content = fc.oneof(
  record({ kind: fc.constant('begin' as const) }),
  record({ kind: fc.constant('command' as const), bytes }),
  record({ kind: fc.constant('configuration' as const), configuration }),
);
const entry: fc.Arbitrary<Entry> = fc.tuple(place, content).map(([at, said]) => ({ ...at, ...said }));
const inTerm = { term: number, round: number };
const kindIs = <Kind extends string>(kind: Kind): fc.Arbitrary<Kind> => fc.constant(kind);
const anyMessage = fc.oneof(
  record({ kind: kindIs('ask-pre-vote'), term: number, last: place }),
  record({ kind: kindIs('pre-vote'), term: number, isGranted: flag }),
  record({ kind: kindIs('ask-vote'), term: number, last: place, handedOver: fc.option(record(inTerm)) }),
  record({ kind: kindIs('vote'), term: number, isGranted: flag }),
  record({ kind: kindIs('append'), ...inTerm, previous: place, entries: fc.array(entry, { maxLength: 4 }), committed: number }),
  record({ kind: kindIs('appended'), ...inTerm, match: number }),
  record({ kind: kindIs('refused'), ...inTerm, previousIndex: number, conflict: place }),
  record({ kind: kindIs('snapshot'), ...inTerm, last: place, configuration, offset: fc.nat(), bytes, isEnd: flag }),
  record({ kind: kindIs('snapshot-part'), ...inTerm, index: number, received: fc.nat() }),
  record({ kind: kindIs('take-over'), ...inTerm }),
) as fc.Arbitrary<RaftMessage>;

messages('law: a message comes out as it went in', () => {
  fc.assert(fc.property(anyMessage, (message) => assert.equal(decodeRaftMessage(encodeRaftMessage(message)), message)));
});

messages('law: what was cut short, goes on or was changed is refused or is another message, and nothing throws', () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, where, flip) => {
      const encoded = encodeRaftMessage(message);
      assert.is(decodeRaftMessage(encoded.subarray(0, where % encoded.length)), null);
      assert.is(decodeRaftMessage(Uint8Array.from([...encoded, 0])), null);
      const changed = encoded.slice();
      changed[where % changed.length] ^= flip;
      decodeRaftMessage(changed);
    }),
  );
});

messages('a message of a later version is refused', () => {
  const encoded = encodeRaftMessage({ kind: 'vote', term: 1, isGranted: true }).slice();
  encoded[0] = raftFormatVersion + 1;
  assert.is(decodeRaftMessage(encoded), null);
});

messages.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VersionVector } from '../clock/version-vector.js';
import { authorOf, nodeId, spaceKey } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { RecordView } from '../wire/record.js';
import { checkpointFormatVersion, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { DotPositions } from './dot-positions.js';
import { sealGroup } from './group.js';
import { decodeBoot, decodeIdentity, encodeBoot, encodeIdentity } from './node-files.js';
import { scanSegment } from './segment-scan.js';
import { ValueCache } from './value-cache.js';

const formats = suite('storage formats');
const pure = testPureFunctions();
const node = nodeId('ab'.repeat(16));
const author = authorOf(node, { counter: 3, random: '0123456789abcdef' });
const space = spaceKey({ name: 'default', generation: 0 });

function someCheckpoint() {
  const dots = new VersionVector();
  dots.add({ author, from: 1, to: 9 });
  dots.add({ author, from: 12, to: 12 });
  const segments = [
    { number: 4, sealed: true, endBytes: 4_096, dots: new Map([[space, dots]]) },
    { number: 5, sealed: false, endBytes: 40, dots: new Map() },
  ];
  return {
    number: 7,
    segments,
    horizons: new Map([[space, new Map([[author, 5]])]]),
    holes: new Map([[space, dots]]),
    dropped: new Map([[space, { segment: 3, offset: 4_096 }]]),
    ledger: Uint8Array.of(1, 2, 3),
    settled: new Map([[space, dots]]),
  };
}

formats('a checkpoint comes out as it went in', () => {
  const reading = decodeCheckpoint(encodeCheckpoint(someCheckpoint(), pure), pure);
  assert.is(reading.kind, 'whole');
  if (reading.kind !== 'whole') return;
  assert.is(reading.checkpoint.number, 7);
  assert.equal([...reading.checkpoint.horizons], [...someCheckpoint().horizons]);
  assert.equal(
    reading.checkpoint.segments.map(({ number, sealed, endBytes }) => ({ number, sealed, endBytes })),
    [
      { number: 4, sealed: true, endBytes: 4_096 },
      { number: 5, sealed: false, endBytes: 40 },
    ],
  );
  assert.ok(reading.checkpoint.holes.get(space)?.has({ author, sequence: 12 }));
  assert.ok(reading.checkpoint.segments[0].dots.get(space)?.has({ author, sequence: 12 }));
  assert.equal([...reading.checkpoint.dropped], [[space, { segment: 3, offset: 4_096 }]]);
  assert.equal([...reading.checkpoint.ledger], [1, 2, 3]);
  assert.ok(reading.checkpoint.settled.get(space)?.has({ author, sequence: 12 }));
  const bare = decodeCheckpoint(encodeCheckpoint({ ...someCheckpoint(), dropped: new Map() }, pure), pure);
  assert.ok(bare.kind === 'whole' && bare.checkpoint.dropped.size === 0 && bare.checkpoint.ledger.length === 3);
  const noLedger = decodeCheckpoint(encodeCheckpoint({ ...someCheckpoint(), ledger: new Uint8Array(0) }, pure), pure);
  assert.ok(noLedger.kind === 'whole' && noLedger.checkpoint.ledger.length === 0 && noLedger.checkpoint.settled.size === 1);
});

formats('a damaged checkpoint is damaged, a newer one is newer', () => {
  const bytes = encodeCheckpoint(someCheckpoint(), pure);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = bytes.slice();
      damaged[at] ^= flip;
      assert.is(decodeCheckpoint(damaged, pure).kind, 'damaged');
    }),
  );
  const newer = bytes.slice();
  new DataView(newer.buffer).setUint16(4, checkpointFormatVersion + 1, true);
  new DataView(newer.buffer).setUint32(newer.length - 4, pure.crc32(newer.subarray(0, newer.length - 4)), true);
  assert.equal(decodeCheckpoint(newer, pure), { kind: 'newer', version: checkpointFormatVersion + 1 });
});

formats('identity and boot are read back, or known to be damaged', () => {
  const identity = encodeIdentity(node, pure);
  assert.is(decodeIdentity(identity, pure), node);
  identity[9] ^= 1;
  assert.is(decodeIdentity(identity, pure), null);
  const boot = encodeBoot({ counter: 9, random: '00112233445566ff' }, pure);
  assert.equal(decodeBoot(boot, pure), { counter: 9, random: '00112233445566ff' });
  assert.is(decodeBoot(boot.subarray(0, 5), pure), null);
});

formats('a segment of garbage is walked to its end, trusted or not, and yields nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.nat(2_000), (bytes, trusted) => {
      const trustedEnd = Math.min(trusted, bytes.length);
      let records = 0;
      const scan = scanSegment({ number: 1, bytes, trustedEnd }, new RecordView(pure), pure, { record: () => (records += 1) });
      assert.is(records, 0);
      assert.is(
        scan.damage.reduce((sum, range) => sum + range.bytes, 0),
        trustedEnd,
      );
    }),
  );
});

formats('a torn group header claims no version, a whole one of a later format does', () => {
  const header = { recordBytes: 0, records: 0, watermark: { segment: 0, offset: 0 }, fold: 0 };
  const bytes = new Uint8Array(256);
  sealGroup(bytes.subarray(0, 64), { segment: 1, offset: 0 }, header, pure);
  const walk = () => scanSegment({ number: 1, bytes, trustedEnd: 0 }, new RecordView(pure), pure, {});
  assert.is(walk().newerVersion, null);
  assert.is(walk().endBytes, 40);
  bytes[36] = 156;
  assert.is(walk().newerVersion, null);
  new DataView(bytes.buffer).setUint32(4, pure.crc32(bytes.subarray(8, 40)), true);
  assert.is(walk().newerVersion, 156);
});

formats('positions are found above the horizon, near and far, and forgotten below it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 200_000, max: 200_050 }))),
      fc.nat(250),
      (sequences, horizon) => {
        const positions = new DotPositions();
        for (const sequence of sequences) positions.set(sequence, { segment: 1, offset: sequence * 8, length: 7 });
        positions.trim(horizon);
        for (const sequence of sequences) {
          assert.equal(positions.get(sequence), sequence <= horizon ? null : { segment: 1, offset: sequence * 8, length: 7 });
        }
        assert.is(positions.get(300_000), null);
      },
    ),
  );
});

formats('the cache never holds more than its bound, and keeps what was read last', () => {
  const cache = new ValueCache(100);
  for (let key = 0; key < 50; key += 1) {
    cache.set(key, new Uint8Array(30));
    assert.ok(cache.bytes <= 100);
    cache.get(0);
  }
  assert.ok(cache.get(0) !== undefined);
  assert.ok(cache.get(1) === undefined);
  cache.set(99, new Uint8Array(101));
  assert.ok(cache.get(99) === undefined);
});

formats.run();

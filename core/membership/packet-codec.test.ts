import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, nodeId } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { PacketCodec } from './packet-codec.js';
import { packetFaults } from './packet-faults.js';

const codec = suite('packet codec');

const pure = testPureFunctions();
const self = authorOf(nodeId('ab'.repeat(16)), { counter: 7, random: '0123456789abcdef' });
const [oldKey, newKey, foreignKey] = ['old', 'new', 'foreign'].map((text) => pure.utf8Encode(text));

function codecWith(keys: readonly Uint8Array[] = [], clusterId = 'test'): PacketCodec {
  return new PacketCodec({ self, clusterId, keys }, pure);
}

function packet(from: PacketCodec, body = 'hello'): Uint8Array {
  from.begin('packet').raw(pure.utf8Encode(body));
  return from.finish();
}

codec('opens what it sealed, with and without keys, and counts', () => {
  for (const keys of [[], [newKey]]) {
    const [sender, receiver] = [codecWith(keys), codecWith(keys)];
    for (const number of [1, 2, 3]) {
      const opened = receiver.open(packet(sender), 'packet', 1_400);
      assert.ok(typeof opened !== 'string', String(opened));
      assert.is(opened.number, number);
      assert.is(opened.from, self);
      assert.is(pure.utf8Decode(opened.body.raw(opened.body.remaining)), 'hello');
    }
  }
});

codec('says what is wrong with a packet', () => {
  const plain = codecWith();
  const bytes = packet(plain);
  const changed = (at: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
  assert.is(plain.open(bytes.subarray(0, 40), 'packet', 1_400), 'too short');
  assert.is(plain.open(bytes, 'packet', bytes.length - 1), 'too long');
  assert.is(plain.open(changed(0), 'packet', 1_400), 'not a packet');
  assert.is(plain.open(changed(4), 'packet', 1_400), 'format version');
  assert.is(plain.open(changed(52), 'packet', 1_400), 'checksum');
  assert.is(plain.open(bytes, 'answer', 1_400), 'malformed');
  assert.is(codecWith([], 'another').open(bytes, 'packet', 1_400), 'another cluster');
  assert.is(codecWith([newKey]).open(bytes, 'packet', 1_400), 'not authenticated');
  assert.is(plain.open(packet(codecWith([newKey])), 'packet', 1_400), 'unknown key');
  assert.is(codecWith([newKey]).open(packet(codecWith([foreignKey])), 'packet', 1_400), 'unknown key');
});

codec('changes a key in three steps without a moment at which a node is not understood', () => {
  const steps = [[oldKey], [oldKey, newKey], [newKey, oldKey], [newKey]].map((keys) => codecWith(keys));
  for (const [at, step] of steps.entries()) {
    for (const neighbour of [steps[at], steps[at + 1]]) {
      if (neighbour === undefined) continue;
      assert.not.type(step.open(packet(neighbour), 'packet', 1_400), 'string');
      assert.not.type(neighbour.open(packet(step), 'packet', 1_400), 'string');
    }
  }
  assert.is(steps[3].open(packet(steps[0]), 'packet', 1_400), 'unknown key');
});

codec('never throws, and takes no packet in which a bit was flipped', () => {
  for (const keys of [[], [newKey]]) {
    const [sender, receiver] = [codecWith(keys), codecWith(keys)];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.ok(packetFaults.includes(receiver.open(bytes, 'packet', 1_400) as never));
      }),
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.nat(), (body, bit) => {
        const bytes = packet(sender, body).slice();
        bytes[(bit >> 3) % bytes.length] ^= 1 << (bit & 7);
        assert.type(receiver.open(bytes, 'packet', 1_400), 'string');
      }),
    );
  }
});

codec.run();

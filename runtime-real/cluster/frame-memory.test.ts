/** Frames written by hand are those that the generated code writes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import { EncodedFrame } from './frame-memory.js';

const frames = suite('frame memory');

function messageOf(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + bytes) & 0xff);
}

frames('a frame has the bytes that the generated code writes, whatever the memory held before', () => {
  const frame = new EncodedFrame(64);
  for (const lengths of [[1], [300_000, 5], [], [127, 128, 16_383, 16_384, 0], [2_097_151, 2_097_152]]) {
    const messages = lengths.map(messageOf);
    frame.write(messages);
    assert.ok(frame.bytes.equals(PeerFrame.encode({ hello: undefined, messages }).finish()), `lengths ${lengths}`);
  }
});

frames('memory of a large frame is not kept', () => {
  const frame = new EncodedFrame(64);
  frame.write([messageOf(2 ** 19)]);
  assert.ok(frame.isKept);
  frame.write([messageOf(2 ** 20)]);
  assert.not(frame.isKept);
});

frames.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { groupHeaderBytes, readGroupHeader } from '../storage/group.js';
import { segmentNumber } from '../storage/segment.js';
import { OneNode } from '../test-support/one-node.js';

const misplaced = suite('misplaced records');

/** A whole record where another was: what a disk leaves that has carried out a write in the wrong place. */
function copyRecord(node: OneNode, from: string, to: string): void {
  for (const [file, bytes] of node.disk.written) {
    const segment = segmentNumber(file);
    if (segment === null) continue;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const places = [from, to].map((wanted) => groupOf(bytes, segment, text.indexOf(wanted), node));
    const [source, target] = places;
    if (source === null || target === null) continue;
    assert.is(source.length, target.length);
    bytes.copyWithin(target.at, source.at, source.at + source.length);
    return;
  }
  throw new Error('no segment holds both');
}

/** The records of the group around a position. Each test writes one record a group. */
function groupOf(bytes: Uint8Array, segment: number, position: number, node: OneNode): { at: number; length: number } | null {
  for (let offset = Math.max(0, position); offset >= 0; offset -= 1) {
    const header = readGroupHeader(bytes, { segment, offset }, node.pure);
    if (header !== null && header.recordBytes > 0) return { at: offset + groupHeaderBytes, length: header.recordBytes };
  }
  return null;
}

misplaced('a record of another space is not taken for the one asked for, though both are the first of their author', () => {
  const node = new OneNode({ storage: { cacheBytesMax: 0 } }).start();
  node.remember({ id: 'x', text: 'the text of one' }, { space: 'one' });
  node.remember({ id: 'y', text: 'the text of two' }, { space: 'two' });
  copyRecord(node, 'the text of two', 'the text of one');
  const reply = node.ask({ $case: 'get', value: { id: 'x' } }, { space: 'one' });
  assert.is(reply.body?.$case === 'failure' ? reply.body.value.code : reply.body?.$case, 'DATA_DAMAGED');
  assert.is(node.ask({ $case: 'get', value: { id: 'y' } }, { space: 'two' }).body?.$case, 'got');
});

misplaced.run();

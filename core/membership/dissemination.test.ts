import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteWriter } from '../wire/bytes.js';
import { Dissemination } from './dissemination.js';

const news = suite('dissemination');

const item = (value: number, length = 40): Uint8Array => new Uint8Array(length).fill(value);

/** The first byte of every item in a packet with so much room. */
function sent(from: Dissemination, room: number, members = 5): number[] {
  const writer = new ByteWriter(4_096);
  from.fill(writer, room, members);
  const bytes = writer.finish();
  assert.ok(bytes.length <= room);
  return Array.from({ length: bytes.length / 40 }, (_, at) => bytes[40 * at]);
}

news('are sent a bounded number of times, more often among more members', () => {
  for (const [members, times] of [
    [5, 4],
    [50, 8],
    [500, 12],
  ]) {
    const tested = new Dissemination({ retransmitMultiplier: 4, itemsMax: 100 });
    tested.put('a', item(1));
    let count = 0;
    while (sent(tested, 1_000, members).length > 0) count += 1;
    assert.is(count, times);
    assert.is(tested.size, 0);
  }
});

news('that were sent least often go first', () => {
  const tested = new Dissemination({ retransmitMultiplier: 4, itemsMax: 100 });
  tested.put('a', item(1));
  tested.put('b', item(2));
  assert.equal(sent(tested, 80), [1, 2]);
  tested.put('c', item(3));
  assert.equal(sent(tested, 40), [3]);
  assert.equal(sent(tested, 120), [1, 2, 3]);
});

news('of one subject take the place of earlier ones, and begin anew', () => {
  const tested = new Dissemination({ retransmitMultiplier: 4, itemsMax: 100 });
  tested.put('a', item(1));
  for (let count = 0; count < 3; count += 1) assert.equal(sent(tested, 1_000), [1]);
  tested.put('a', item(2));
  for (let count = 0; count < 4; count += 1) assert.equal(sent(tested, 1_000), [2]);
  assert.equal(sent(tested, 1_000), []);
});

news('that are too long for the rest of a packet let shorter ones pass and keep their place', () => {
  const tested = new Dissemination({ retransmitMultiplier: 1, itemsMax: 100 });
  tested.put('long', item(1, 80));
  tested.put('short', item(2));
  assert.equal(sent(tested, 40), [2]);
  assert.equal(sent(tested, 80), [1, 1]);
});

news('beyond the bound take the place of what was sent most often', () => {
  const tested = new Dissemination({ retransmitMultiplier: 4, itemsMax: 2 });
  tested.put('a', item(1));
  sent(tested, 1_000);
  tested.put('b', item(2));
  tested.put('c', item(3));
  assert.is(tested.dropped, 1);
  assert.equal(sent(tested, 1_000), [2, 3]);
});

news('each get out as often as they should, however many there are and however they change', () => {
  const tested = new Dissemination({ retransmitMultiplier: 4, itemsMax: 1_000 });
  const counts = new Map<number, number>();
  for (let value = 0; value < 250; value += 1) tested.put(`${value}`, item(value));
  for (let packets = 0; tested.size > 0; packets += 1) {
    assert.ok(packets < 1_000, 'it ends');
    for (const value of sent(tested, 400)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  assert.is(counts.size, 250);
  assert.ok([...counts.values()].every((count) => count === 4));
});

news.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../identifiers.js';
import { bundleOf, ControlOutbox, partsOf } from './bundle.js';

const bundles = suite('bundles of control messages');
const parts = [Uint8Array.of(1, 2, 3), Uint8Array.of(0x41), Uint8Array.of(7, 0x42)];

bundles('come apart as they were put together; a single message goes as it is', () => {
  assert.equal(partsOf(bundleOf(parts)), parts);
  assert.is(bundleOf([parts[0]]), parts[0]);
  assert.equal(partsOf(parts[0]), [parts[0]]);
});

bundles('that were cut short, go on, are of a later version or within each other are refused', () => {
  const bytes = bundleOf(parts.slice(0, 2));
  for (let length = 1; length < bytes.length; length += 1) assert.is(partsOf(bytes.subarray(0, length)), null);
  assert.is(partsOf(Uint8Array.from([...bytes, 0])), null);
  const later = bytes.slice();
  later[1] += 1;
  assert.is(partsOf(later), null);
  assert.is(partsOf(bundleOf([bytes, parts[0]])), null);
});

bundles('hold what is said to each node until the event has been handled', () => {
  const sent: [string, Uint8Array][] = [];
  const [one, other] = [nodeId('ab'.repeat(16)), nodeId('cd'.repeat(16))];
  const outbox = new ControlOutbox((to, message) => sent.push([to, message]));
  outbox.add(one, parts[0]);
  outbox.add(other, parts[1]);
  outbox.add(one, parts[2]);
  assert.is(sent.length, 0);
  outbox.flush();
  assert.equal(sent, [
    [one, bundleOf([parts[0], parts[2]])],
    [other, parts[1]],
  ]);
  outbox.flush();
  assert.is(sent.length, 2);
});

bundles.run();

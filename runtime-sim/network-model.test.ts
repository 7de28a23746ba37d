import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinkRates } from '../scenarios/fault-plan.js';
import { EventHeap } from './event-heap.js';
import { incarnationOf, NetworkModel, senderOf } from './network-model.js';

const network = suite('network');
const quiet: LinkRates = { delayUsMin: 100, jitterUs: 50, slow: 0, loss: 0, duplicate: 0, reorder: 0, reorderUs: 0, bytesPerUs: 100 };
const names = ['n1', 'n2', 'n3'];

function build(rates: Partial<LinkRates> = {}, seed = 1): { readonly heap: EventHeap; readonly model: NetworkModel } {
  const heap = new EventHeap();
  return { heap, model: new NetworkModel({ seed, heap, names, background: { ...quiet, ...rates } }) };
}

function arrivals(heap: EventHeap): number[] {
  const times: number[] = [];
  while (heap.pop()) times.push(heap.timeUs);
  return times;
}

network('a message arrives once, after its delay, with its bytes counted', () => {
  const { heap, model } = build();
  model.incarnations[1] = 7;
  model.transmit(1_000, 0, 1, 1, 'payload', 1_000);
  assert.ok(heap.pop());
  assert.ok(heap.timeUs >= 1_110 && heap.timeUs <= 1_160, `${heap.timeUs}`);
  assert.equal([heap.target, senderOf(heap.extra), incarnationOf(heap.extra), heap.payload], [1, 0, 7, 'payload']);
  assert.not(heap.pop());
});

network('a cut is directed, swallows what is under way, and counts what it swallowed', () => {
  const { heap, model } = build();
  model.cut([0], [1]);
  model.transmit(0, 0, 1, 1, null, 10);
  model.transmit(0, 1, 0, 1, null, 10);
  assert.is(arrivals(heap).length, 1);
  assert.not(model.arrives(0, 1));
  assert.ok(model.arrives(1, 0));
  assert.is(model.droppedOn([0], [1]), 2);
  assert.is(model.heal([0, 1], [0, 1]), 1);
  model.transmit(0, 0, 1, 1, null, 10);
  assert.is(arrivals(heap).length, 1);
});

network('loss and duplication happen about as often as their rates say', () => {
  const { heap, model } = build({ loss: 0.2, duplicate: 0.1 });
  for (let index = 0; index < 10_000; index += 1) model.transmit(index, 0, 1, 1, null, 1);
  const expected = 10_000 * 0.8 * 1.1;
  assert.ok(Math.abs(arrivals(heap).length - expected) < 250);
  assert.ok(model.mishaps > 2_000);
});

network('a link with a queue sends one message after the other, and drops what the queue has no room for', () => {
  const { heap, model } = build();
  const narrow = { ...quiet, delayUsMin: 0, jitterUs: 1, bytesPerUs: 0.1, queueBytes: 250 };
  model.setRates([0], [1], narrow);
  for (let index = 0; index < 4; index += 1) model.transmit(0, 0, 1, 1, null, 100);
  assert.equal(arrivals(heap), [1_000, 2_000]);
  assert.is(model.overflowed, 2);
  assert.is(model.impairedOn([0], [1]), 4);
  model.transmit(2_000, 0, 1, 1, null, 100);
  assert.equal(arrivals(heap), [3_000]);
  model.setRates([0], [1], null);
  for (let index = 0; index < 4; index += 1) model.transmit(0, 0, 1, 1, null, 100);
  assert.is(arrivals(heap).length, 4);
});

network('a clog holds back what is sent, delivers it afterwards, and lets the other direction alone', () => {
  const { heap, model } = build();
  model.clog([0], [1], 50_000);
  model.transmit(1_000, 0, 1, 1, null, 10);
  model.transmit(1_000, 1, 0, 1, null, 10);
  model.transmit(60_000, 0, 1, 1, null, 10);
  const [free, held, later] = arrivals(heap);
  assert.ok(free < 50_000 && held >= 50_000 && held < 60_000 && later >= 60_000);
  assert.is(model.clogged, 1);
  model.clog([0], [1], 90_000);
  model.calm();
  model.transmit(60_000, 0, 1, 1, null, 10);
  assert.ok(arrivals(heap)[0] < 90_000);
});

network('a fault taken away leaves all other draws as they were', () => {
  const times = (rates: Partial<LinkRates>): number[] => {
    const { heap, model } = build(rates);
    for (let index = 0; index < 200; index += 1) model.transmit(index * 1_000, 0, 1, 1, null, 1);
    return arrivals(heap);
  };
  const plain = times({});
  const lossy = times({ loss: 0.2 });
  assert.ok(lossy.length < plain.length);
  // The delay of each message that survives is drawn from a generator of its own: only how many were drawn before differs.
  assert.equal(times({ duplicate: 0, reorder: 0 }), plain);
  const other = build();
  for (let index = 0; index < 50; index += 1) other.model.transmit(index, 2, 1, 1, null, 1);
  arrivals(other.heap);
  for (let index = 0; index < 200; index += 1) other.model.transmit(index * 1_000, 0, 1, 1, null, 1);
  assert.equal(arrivals(other.heap), plain);
});

network('calming keeps delays and cuts', () => {
  const { heap, model } = build({ loss: 1 });
  model.cut([0], [2]);
  model.calm();
  model.transmit(0, 0, 1, 1, null, 1);
  model.transmit(0, 0, 2, 1, null, 1);
  assert.is(arrivals(heap).length, 1);
});

network.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Address } from '../core/membership/address.js';
import type { LinkRates } from '../scenarios/fault-plan.js';
import { Addresses } from './addresses.js';
import { EventHeap } from './event-heap.js';
import { type ExchangeStep, Exchanges, type ExchangingNode } from './exchanges.js';
import { NetworkModel } from './network-model.js';

const exchanges = suite('exchanges');
const question = new Uint8Array([1, 2, 3]);
const reply = new Uint8Array([4, 5]);
const timeoutUs = 2_000_000;
const quiet: LinkRates = { delayUsMin: 100, jitterUs: 50, slow: 0, loss: 0, duplicate: 0, reorder: 0, reorderUs: 0, bytesPerUs: 120 };

class Node implements ExchangingNode {
  alive = true;
  powered = true;
  incarnation = 1;
  readonly heard: { readonly handle: number; readonly bytes: Uint8Array }[] = [];
  readonly got: { readonly ticket: number; readonly bytes: Uint8Array | null }[] = [];

  asked(handle: number, bytes: Uint8Array): void {
    this.heard.push({ handle, bytes });
  }

  exchanged(ticket: number, bytes: Uint8Array | null): void {
    this.got.push({ ticket, bytes });
  }
}

class Stage {
  readonly heap = new EventHeap();
  readonly network: NetworkModel;
  readonly addresses = new Addresses({ nodes: ['n1', 'n2'] });
  readonly nodes = [new Node(), new Node()];
  readonly exchanges: Exchanges;

  constructor(rates: LinkRates = quiet) {
    const { heap, addresses, nodes } = this;
    this.network = new NetworkModel({ seed: 1, heap, names: ['n1', 'n2'], background: rates });
    this.exchanges = new Exchanges({ heap, network: this.network, addresses, timeoutUs, nodeAt: (place) => nodes[place] });
  }

  ask(to: Address = this.addresses.of(1)): void {
    this.exchanges.ask(0, 0, to, question, 7);
  }

  /** The moment of the last event. Whoever is asked answers at once if `answers`. */
  run(answers = true): number {
    const [asker, asked] = this.nodes;
    for (;;) {
      for (const { handle } of answers ? asked.heard.splice(0) : []) this.exchanges.answer(this.heap.timeUs, 1, handle, reply);
      if (asker.got.length > 0 || !this.heap.pop()) return this.heap.timeUs;
      this.exchanges.comesUp(this.heap.payload as ExchangeStep, this.heap.timeUs);
    }
  }
}

exchanges('a question is heard once and its answer comes back once', () => {
  const stage = new Stage();
  stage.ask();
  stage.heap.pop();
  stage.exchanges.comesUp(stage.heap.payload as ExchangeStep, stage.heap.timeUs);
  assert.equal(stage.nodes[1].heard, [{ handle: 1, bytes: question }]);
  assert.ok(stage.run() < 1_000);
  assert.equal(stage.nodes[0].got, [{ ticket: 7, bytes: reply }]);
  while (stage.heap.pop()) stage.exchanges.comesUp(stage.heap.payload as ExchangeStep, stage.heap.timeUs);
  assert.is(stage.nodes[0].got.length, 1);
});

exchanges('loss costs time and nothing else', () => {
  const stage = new Stage({ ...quiet, loss: 0.5 });
  for (let ticket = 0; ticket < 20; ticket += 1) stage.exchanges.ask(0, 0, stage.addresses.of(1), question, ticket);
  while (stage.heap.pop() && stage.heap.timeUs <= timeoutUs) {
    stage.exchanges.comesUp(stage.heap.payload as ExchangeStep, stage.heap.timeUs);
    for (const { handle } of stage.nodes[1].heard.splice(0)) stage.exchanges.answer(stage.heap.timeUs, 1, handle, reply);
  }
  const answered = stage.nodes[0].got.filter(({ bytes }) => bytes !== null).length;
  assert.is(stage.nodes[0].got.length, 20);
  assert.ok(answered >= 15, `${answered} of 20 were answered`);
});

exchanges('a cut is waited out, if it is short', () => {
  const stage = new Stage();
  stage.network.cut([0], [1]);
  stage.ask();
  while (stage.heap.pop() && stage.heap.timeUs < 250_000) stage.exchanges.comesUp(stage.heap.payload as ExchangeStep, stage.heap.timeUs);
  assert.is(stage.nodes[1].heard.length, 0);
  stage.network.heal([0], [1]);
  stage.exchanges.comesUp(stage.heap.payload as ExchangeStep, stage.heap.timeUs);
  stage.run();
  assert.equal(stage.nodes[0].got, [{ ticket: 7, bytes: reply }]);
});

exchanges('a link that works in one direction only carries no connection', () => {
  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ]) {
    const stage = new Stage();
    stage.network.cut([from], [to]);
    stage.ask();
    assert.is(stage.run(), timeoutUs);
    assert.is(stage.nodes[1].heard.length, 0);
    assert.equal(stage.nodes[0].got, [{ ticket: 7, bytes: null }]);
  }
});

exchanges('a machine without a process refuses at once, one without power and an address that nobody has say nothing', () => {
  const refusing = new Stage();
  refusing.nodes[1].alive = false;
  refusing.ask();
  assert.ok(refusing.run() < 1_000);
  assert.equal(refusing.nodes[0].got, [{ ticket: 7, bytes: null }]);

  const dark = new Stage();
  dark.nodes[1].alive = false;
  dark.nodes[1].powered = false;
  dark.ask();
  assert.is(dark.run(), timeoutUs);

  const moved = new Stage();
  const old = moved.addresses.of(1);
  moved.addresses.move(1);
  moved.ask(old);
  assert.is(moved.run(), timeoutUs);
  assert.is.not(moved.addresses.of(1), old);
  assert.is(moved.addresses.placeOf(moved.addresses.of(1)), 1);
});

exchanges('a process that is not the one that asked, or was asked, gets and gives nothing', () => {
  const asker = new Stage();
  asker.ask();
  asker.nodes[0].incarnation = 2;
  asker.run();
  assert.is(asker.nodes[0].got.length, 0);

  const asked = new Stage();
  asked.ask();
  asked.heap.pop();
  asked.exchanges.comesUp(asked.heap.payload as ExchangeStep, asked.heap.timeUs);
  asked.nodes[1].incarnation = 2;
  asked.exchanges.answer(asked.heap.timeUs, 1, 1, reply);
  assert.is(asked.run(false), timeoutUs);
  assert.equal(asked.nodes[0].got, [{ ticket: 7, bytes: null }]);
});

exchanges.run();
